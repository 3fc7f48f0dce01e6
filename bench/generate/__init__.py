"""Makes a large, varied store for the read rows: `python -m bench.generate --spans 10000000`."""
