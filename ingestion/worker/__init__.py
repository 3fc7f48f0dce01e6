"""The ingest process: from spool ranges to rows, exactly once.

`files` and `spool_range` touch the disk, `frames`, `plan` and `carry` are values, `batch` is the numbered procedure
that turns one range into rows, and `loop` calls it until told to stop. Knows nothing of the gateway but its spool.
"""
