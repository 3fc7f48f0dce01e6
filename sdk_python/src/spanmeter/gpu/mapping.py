"""A metrics page → points, by a table of names. Pure.

A server renames its metrics between versions: an entry lists every name it has had, and the first that a page holds
counts. A page with none of the names of a table is of an unknown version, or of another server: that is said, never
guessed.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from spanmeter.gpu.point import Histogram, Instrument, Point
from spanmeter.gpu.prometheus import Page, Sample
from spanmeter.gpu.source import SourceFailed

__all__ = ["Entry", "counter", "gauge", "histogram", "points"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One metric of ours and the names it has had at a server, newest first. `renamed`: their label → our attribute."""

    name: str
    unit: str
    instrument: Instrument
    theirs: tuple[str, ...]
    scale: float = 1.0
    attributes: Mapping[str, str] = field(default_factory=dict)
    renamed: Mapping[str, str] = field(default_factory=dict)


def gauge(name: str, unit: str, *theirs: str, scale: float = 1.0, labels: Mapping[str, str] | None = None) -> Entry:
    """A value of now. `labels`: their label → our attribute."""
    return Entry(name, unit, Instrument.GAUGE, theirs, scale, {}, labels or {})


def counter(
    name: str,
    unit: str,
    *theirs: str,
    scale: float = 1.0,
    attributes: Mapping[str, str] | None = None,
    labels: Mapping[str, str] | None = None,
) -> Entry:
    """A value that only grows. A counter's name may end in _total or not: both are looked for."""
    return Entry(name, unit, Instrument.COUNTER, theirs, scale, attributes or {}, labels or {})


def histogram(name: str, unit: str, *theirs: str, scale: float = 1.0) -> Entry:
    """A distribution: _bucket, _sum and _count."""
    return Entry(name, unit, Instrument.HISTOGRAM, theirs, scale)


def points(
    page: Page, table: Sequence[Entry], *, server: str, common: Mapping[str, str], model_label: str = ""
) -> list[Point]:
    """Return what the table knows of the page. Raises SourceFailed when that is nothing."""
    by_name: dict[str, list[Sample]] = defaultdict(list)
    for sample in page.samples:
        by_name[sample.name].append(sample)
    found = [point for entry in table for point in _of_entry(by_name, entry, common, model_label)]
    if not found:
        known = ", ".join(table[0].theirs)
        raise SourceFailed(
            f"the page holds {len(page.samples)} samples and none that {server} is known by (such as {known}): "
            f"another server, or a version whose names are not known yet"
        )
    return found


def _of_entry(
    by_name: Mapping[str, list[Sample]], entry: Entry, common: Mapping[str, str], model_label: str
) -> Iterable[Point]:
    for theirs in entry.theirs:
        if entry.instrument is Instrument.HISTOGRAM:
            if f"{theirs}_bucket" in by_name:
                return _histograms(by_name, theirs, entry, common, model_label)
            continue
        for name in (theirs, f"{theirs}_total") if entry.instrument is Instrument.COUNTER else (theirs,):
            if name in by_name:
                return _numbers(by_name[name], entry, common, model_label)
    return []


def _attributes(sample: Sample, entry: Entry, common: Mapping[str, str], model_label: str) -> dict[str, str]:
    attributes = {**common, **entry.attributes}
    if model_label and sample.labels.get(model_label):
        attributes["gen_ai.request.model"] = sample.labels[model_label]
    for label, ours in entry.renamed.items():
        if sample.labels.get(label):
            attributes[ours] = sample.labels[label]
    return attributes


def _numbers(samples: list[Sample], entry: Entry, common: Mapping[str, str], model_label: str) -> Iterable[Point]:
    """Series that differ only in labels we do not keep (an engine, a rank) are added up; shares are averaged."""
    grouped: dict[tuple[tuple[str, str], ...], list[float]] = defaultdict(list)
    for sample in samples:
        if math.isfinite(sample.value) and not (entry.instrument is Instrument.COUNTER and sample.value < 0):
            attributes = _attributes(sample, entry, common, model_label)
            grouped[tuple(sorted(attributes.items()))].append(sample.value * entry.scale)
    for key, values in grouped.items():
        adds_up = entry.instrument is Instrument.COUNTER or entry.unit != "1"
        value = sum(values) if adds_up else sum(values) / len(values)
        yield Point(name=entry.name, value=value, unit=entry.unit, instrument=entry.instrument, attributes=dict(key))


def _histograms(
    by_name: Mapping[str, list[Sample]], theirs: str, entry: Entry, common: Mapping[str, str], model_label: str
) -> Iterable[Point]:
    series: dict[tuple[tuple[str, str], ...], dict[float, float]] = defaultdict(lambda: defaultdict(float))
    for sample in by_name[f"{theirs}_bucket"]:
        try:
            bound = float(sample.labels.get("le", ""))
        except ValueError:
            continue
        key = tuple(sorted(_attributes(sample, entry, common, model_label).items()))
        series[key][bound] += sample.value
    sums: dict[tuple[tuple[str, str], ...], float] = defaultdict(float)
    for sample in by_name.get(f"{theirs}_sum", ()):
        sums[tuple(sorted(_attributes(sample, entry, common, model_label).items()))] += sample.value
    for key, buckets in series.items():
        made = _histogram(buckets, sums.get(key), entry.scale)
        if made is not None:
            yield Point(
                name=entry.name, value=made, unit=entry.unit, instrument=Instrument.HISTOGRAM, attributes=dict(key)
            )


def _histogram(buckets: Mapping[float, float], total: float | None, scale: float) -> Histogram | None:
    """Cumulative counts → counts of each bucket. None for a page that was cut inside: no +Inf."""
    bounds = sorted(buckets)
    if not bounds or bounds[-1] != math.inf:
        return None
    counts: list[int] = []
    before = 0.0
    for bound in bounds:
        if not math.isfinite(buckets[bound]) or buckets[bound] < before:
            return None
        counts.append(round(buckets[bound] - before))
        before = buckets[bound]
    sum_ = total * scale if total is not None and math.isfinite(total) else None
    return Histogram(sum(counts), sum_, tuple(bound * scale for bound in bounds[:-1]), tuple(counts))
