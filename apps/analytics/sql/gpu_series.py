"""`gpu_samples` over time: what gauges said in each bucket, by how much counters grew in each; one row a series.

Buckets are given by their starts; a bucket without a sample is not in the arrays, so that a gap stays a gap.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from apps.analytics.query import TimeRange
from apps.analytics.sql.gpu import aspect, within
from apps.analytics.sql.where import Where
from apps.analytics.statement import Statement

__all__ = ["gauge_series_statement", "increase_series_statement"]

_TIME = "toUInt32(toUnixTimestamp(time))"


def gauge_series_statement(
    project_id: int, time_range: TimeRange, metrics: tuple[str, ...], starts: Sequence[datetime]
) -> Statement:
    """Metric, host, device, model, aspect, hw.model, hw.gpu.index, hw.parent; then arrays: bucket, mean, highest,
    sum, samples.
    """
    where = within(project_id, time_range)
    where.add(f"metric IN {where.bind(metrics)}")
    each = (
        f"SELECT metric, host, device, model, {aspect(where)} AS aspect, {_bucket(where, starts, _TIME)} AS bucket, "
        "any(labels['hw.model']) AS named, any(labels['hw.gpu.index']) AS number, any(labels['hw.parent']) AS parent, "
        "avg(value) AS mean, max(value) AS most, sum(value) AS total, toUInt32(count()) AS samples "
        f"FROM gpu_samples WHERE {where.sql} GROUP BY metric, host, device, model, aspect, bucket"
    )
    return Statement(
        "SELECT metric, host, device, model, aspect, any(named), any(number), any(parent), groupArray(bucket), "
        f"groupArray(mean), groupArray(most), groupArray(total), groupArray(samples) FROM ({each}) "
        "GROUP BY metric, host, device, model, aspect ORDER BY metric, host, device, model, aspect",
        where.values,
        "gpu.gauge_series",
    )


def increase_series_statement(
    project_id: int, time_range: TimeRange, metrics: tuple[str, ...], starts: Sequence[datetime], *, lead: timedelta
) -> Statement:
    """Metric, host, device, model, aspect, le; then arrays: bucket, growth, and the seconds over which it grew.

    A growth is counted where its later reading stands; readings from `lead` before the range are looked at, for the
    first growth in it. A counter that fell began again at zero.
    """
    where = within(project_id, TimeRange(time_range.start - lead, time_range.end))
    where.add(f"metric IN {where.bind(metrics)}")
    series = (
        f"SELECT metric, host, device, model, {aspect(where)} AS aspect, labels['le'] AS le, "
        "endsWith(any(instrument), '.delta') AS delta, "
        "arraySort(groupArray((toInt64(toUnixTimestamp64Milli(time)), value))) AS points "
        f"FROM gpu_samples WHERE {where.sql} "
        "GROUP BY metric, host, device, model, aspect, le, cityHash64(toString(labels))"
    )
    edge = where.bind(int(time_range.start.timestamp() * 1000))
    # Servers of one name side by side are one in the answer: their growth adds up, their time does not.
    each = (
        "SELECT metric, host, device, model, aspect, le, "
        f"{_bucket(where, starts, 'toUInt32(intDiv(pair.2.1, 1000))')} AS bucket, "
        "sum(if(delta OR pair.2.2 < pair.1.2, pair.2.2, pair.2.2 - pair.1.2)) AS grown, "
        "(max(pair.2.1) - min(pair.1.1)) / 1000 AS seconds "
        f"FROM ({series}) ARRAY JOIN arrayZip(arrayPopBack(points), arrayPopFront(points)) AS pair "
        f"WHERE pair.2.1 >= {edge} GROUP BY metric, host, device, model, aspect, le, bucket"
    )
    return Statement(
        "SELECT metric, host, device, model, aspect, le, groupArray(bucket), groupArray(grown), groupArray(seconds) "
        f"FROM ({each}) GROUP BY metric, host, device, model, aspect, le "
        "ORDER BY metric, host, device, model, aspect, le",
        where.values,
        "gpu.increase_series",
    )


def _bucket(where: Where, starts: Sequence[datetime], moment: str) -> str:
    edges = where.bind([int(start.timestamp()) for start in starts])
    return f"toUInt16(indexOf({edges}, roundDown({moment}, {edges})) - 1)"
