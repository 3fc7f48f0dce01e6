"""Why a record is not in the store: the closed list.

Every accepted record is written, spooled, expired, or dropped for one of these reasons.
*Unsupported*: known, and not something we keep. *Malformed*: nobody could read it. docs/ledger.md explains each.
"""

from enum import StrEnum

__all__ = ["DropReason"]


class DropReason(StrEnum):
    """The value is what the `drops` table, the ledger API and the page show."""

    DUPLICATE = "duplicate"  # the same OTLP body was accepted within the last 24 hours: an exporter that resent
    MALFORMED_BODY = "malformed_body"  # the body is not what its content type says
    MALFORMED_SPAN = "malformed_span"  # one span of a request cannot be read (no ids, ids of wrong length)
    MALFORMED_POINT = "malformed_point"  # a number of a metrics request is missing, not finite or undated
    MALFORMED_SCORE = "malformed_score"  # an evaluation result without a name, a value or a target, or with wrong ones
    CORRUPT_FRAME = "corrupt_frame"  # checksum or framing of a spool frame is wrong
    UNSUPPORTED_SIGNAL = "unsupported_signal"  # a signal that is accepted at the door but not stored by this version
    SPOOL_FULL = "spool_full"  # LLM traffic passed through unrecorded: the spool's size bound was reached
    DISK_FULL = "disk_full"  # LLM traffic passed through unrecorded: the disk refused the write
    REFUSED_BY_STORE = "refused_by_store"  # ClickHouse refuses this one record whatever we try
    UNKNOWN_PROJECT = "unknown_project"  # the frame names no project
