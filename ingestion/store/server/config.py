"""The engine's configuration: as little memory, threads and idle work as an embedded ClickHouse can do with.

Pure: returns the text of the file. What each value saves is measured in docs/store.md.
"""

__all__ = ["engine_config"]

_MIB = 1024 * 1024


def engine_config(*, memory_bytes: int) -> str:
    """Return clickhouse-local's XML configuration for this bound of the whole process's memory."""
    cache = max(8 * _MIB, memory_bytes // 50)
    values = {
        "max_server_memory_usage": memory_bytes,
        "memory_worker_period_ms": 1000,  # 20 times a second by default: 0.3 % of a core, idle
        "mark_cache_size": cache,
        "primary_index_cache_size": cache,
        "index_mark_cache_size": cache // 2,
        "uncompressed_cache_size": 0,
        "index_uncompressed_cache_size": 0,
        "mmap_cache_size": 64,
        "compiled_expression_cache_size": 8 * _MIB,
        "background_pool_size": 2,
        "background_merges_mutations_concurrency_ratio": 1,
        "background_schedule_pool_size": 2,
        "background_common_pool_size": 2,
        "background_move_pool_size": 1,
        "background_fetches_pool_size": 1,
        "background_buffer_flush_schedule_pool_size": 1,
        "background_message_broker_schedule_pool_size": 1,
        "background_distributed_schedule_pool_size": 1,
        "max_thread_pool_size": 1000,
        "max_thread_pool_free_size": 8,
        "asynchronous_metrics_update_period_s": 60,
        "asynchronous_heavy_metrics_update_period_s": 3600,
    }
    lines = [f"  <{name}>{value}</{name}>" for name, value in values.items()]
    # The defaults assume a pool of 16 and would, in one of 2, take every merge for one too many.
    slots = ("execute_mutation", "lower_max_size_of_merge", "execute_optimize_entire_partition")
    names = [f"number_of_free_entries_in_pool_to_{slot}" for slot in slots]
    merges = [f"    <{name}>1</{name}>" for name in names]
    # A row is rewritten once per level of merging, and its text index made anew: half as many levels, half the work.
    merges.append("    <merge_selector_base>10</merge_selector_base>")
    return "\n".join(["<clickhouse>", *lines, "  <merge_tree>", *merges, "  </merge_tree>", "</clickhouse>", ""])
