"""The spool: append-only segment files of framed envelopes, written by gateways and read by ingest and by the engine.

`segment` is the pure format, `layout` where things lie, `writer` and `tally` the write side. Must never know what
an envelope means.
"""
