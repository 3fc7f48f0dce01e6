"""What each reason for a drop means to the reader, and the way out. A test keeps the list complete."""

from dataclasses import dataclass

from ingestion.drops import DropReason

__all__ = ["REASONS", "Reason", "reason_of"]


@dataclass(frozen=True, slots=True)
class Reason:
    """`tone` is quiet when nothing was lost, warn when something was, error when the installation needs a hand."""

    title: str
    meaning: str
    way_out: str
    tone: str


REASONS: dict[str, Reason] = {
    DropReason.DUPLICATE: Reason(
        "Duplicate",
        "The same body had been accepted within the last 24 hours: an exporter sent it again after a time-out.",
        "Nothing to do: the first copy is stored, so the numbers are right.",
        "quiet",
    ),
    DropReason.MALFORMED_BODY: Reason(
        "Malformed body",
        "The body is not what its content type says.",
        "Compare Content-Type and Content-Encoding with what the exporter sends; the sample below shows how it begins.",
        "warn",
    ),
    DropReason.MALFORMED_SPAN: Reason(
        "Malformed span",
        "One span of a request cannot be read: it has no ids, or ids of the wrong length. Its neighbours are stored.",
        "Trace ids have 16 bytes and span ids 8. Update the exporter, or look at what builds spans by hand.",
        "warn",
    ),
    DropReason.MALFORMED_POINT: Reason(
        "Malformed point",
        "A number of a metrics request has no value, no credible time, or contradicts itself. Others are stored.",
        "The detail names the metric. Check the clock of the sending host, and what it measures.",
        "warn",
    ),
    DropReason.MALFORMED_SCORE: Reason(
        "Malformed score",
        "An evaluation result has no name, no value or no target, or one that cannot be. Its neighbours are stored.",
        "The detail names the field and its value; docs/scores.md says what each may be.",
        "warn",
    ),
    DropReason.CORRUPT_FRAME: Reason(
        "Corrupt frame",
        "A piece of the spool fails its checksum: the disk, or something that wrote into the spool folder.",
        "Check the disk. Whole frames before and after it are stored; the position says which segment it is.",
        "error",
    ),
    DropReason.UNSUPPORTED_SIGNAL: Reason(
        "Unsupported signal",
        "A signal that the gateway accepts so that exporters stay quiet, but that this version does not keep.",
        "Switch that signal off in the exporter to save the traffic, or leave it.",
        "quiet",
    ),
    DropReason.SPOOL_FULL: Reason(
        "Spool full",
        "The spool had reached its size bound, so calls went through unrecorded: the application was not disturbed.",
        "See why ingest lags. SPANMETER_SPOOL_BYTES raises the bound; SPANMETER_SPOOL_FULL=refuse refuses such calls.",
        "error",
    ),
    DropReason.DISK_FULL: Reason(
        "Disk full",
        "The disk refused the write, so calls went through unrecorded: the application was not disturbed.",
        "Free space on the disk that holds SPANMETER_HOME, or give it a larger one.",
        "error",
    ),
    DropReason.REFUSED_BY_STORE: Reason(
        "Refused by the store",
        "ClickHouse refuses this one record whatever is tried; the others of its batch are stored.",
        "The detail below quotes the store. The sample shows the record; report it if it looks like valid data.",
        "error",
    ),
    DropReason.UNKNOWN_PROJECT: Reason(
        "Unknown project",
        "The frame names no project: its key was removed between the request and its reading.",
        "Make a new key for the application that still sends.",
        "warn",
    ),
}


def reason_of(name: str) -> Reason:
    """A reason by its stored name; one from a newer version is shown by its name."""
    return REASONS.get(name) or Reason(name.replace("_", " "), "This version does not know this reason.", "", "warn")
