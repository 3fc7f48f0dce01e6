"""From captured bytes to priced rows: envelope, spool, providers, conventions, prices, pipeline, store.

Knows nothing of the web application and nothing of the gateway that feeds it.
"""
