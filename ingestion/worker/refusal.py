"""Whose fault a failed insert is: the store's, which is tried again for ever, or a record's, which is given up.

Refusal is the closed list. What is not in it (no connection, no memory, no table, too many parts, a name that only a
newer schema has) says nothing about the records, and dropping them for it would be a loss.
"""

import struct

from ingestion.store.client import StoreError

__all__ = ["StoreRefusesEverything", "is_refusal", "short"]

# Names of ClickHouse's ErrorCodes.cpp for values that cannot be read, converted or stored.
_REFUSALS = {
    6,  # CANNOT_PARSE_TEXT
    26,  # CANNOT_PARSE_QUOTED_STRING
    27,  # CANNOT_PARSE_INPUT_ASSERTION_FAILED
    32,  # ATTEMPT_TO_READ_AFTER_EOF
    33,  # CANNOT_READ_ALL_DATA
    38,  # CANNOT_PARSE_DATE
    41,  # CANNOT_PARSE_DATETIME
    53,  # TYPE_MISMATCH
    69,  # ARGUMENT_OUT_OF_BOUND
    70,  # CANNOT_CONVERT_TYPE
    72,  # CANNOT_PARSE_NUMBER
    117,  # INCORRECT_DATA
    128,  # TOO_LARGE_ARRAY_SIZE
    131,  # TOO_LARGE_STRING_SIZE
    190,  # SIZES_OF_ARRAYS_DONT_MATCH
    321,  # VALUE_IS_OUT_OF_RANGE_OF_DATA_TYPE
    407,  # DECIMAL_OVERFLOW
    444,  # UNKNOWN_PROTOBUF_FORMAT
    629,  # CANNOT_PARSE_BOOL
}


class StoreRefusesEverything(RuntimeError):  # noqa: N818 - the name says what happened
    """Each record of a batch was refused by itself: then it is not the records."""


def is_refusal(error: Exception) -> bool:
    """Say whether an insert failed because of what was inserted."""
    code = getattr(error, "code", None)
    if isinstance(code, int) and code in _REFUSALS:
        return True
    # The client packs values itself: what does not fit a column's type fails before it is sent.
    packing = isinstance(error, (TypeError, ValueError, OverflowError, AttributeError, struct.error))
    return packing and not isinstance(error, StoreError)


def short(error: Exception) -> str:
    """Return the first line of what was said, for `drops.detail` and the status."""
    text = str(error).strip().splitlines()
    return f"{type(error).__name__}: {text[0] if text else ''}"[:500]
