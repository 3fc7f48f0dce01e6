"""The budget table, measured here and now: one file per row in `rows/`.

Starts the product as a person would and talks to it over its ports.
"""
