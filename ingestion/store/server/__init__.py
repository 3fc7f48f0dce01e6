"""The embedded store: chDB, the ClickHouse engine as a library, behind ClickHouse's own native TCP protocol.

`wire`, `columns`, `packets`, `protocol`, `statements` and `options` are pure: bytes and text in, values out. `engine`
is the only module that touches chDB; `connection`, `watcher` and `listener` are the only ones that touch sockets.
"""
