"""UUIDv7 (RFC 9562 §5.7): ids that sort by time. Pure but for the random source; the clock is passed in."""

import os

__all__ = ["span_id_of", "trace_id_of", "uuid7_bytes", "uuid_text"]


_BLOCK = 4096
_STEP = 10
# Random bytes are fetched from the kernel in blocks: a system call for every id would cost more than the rest of it.
_random = b""
_used = _BLOCK
_VERSION_AND_VARIANT = 0x7 << 76 | 0x2 << 62
_NOT_RANDOM = ~(0xF << 76 | 0x3 << 62)


def uuid7_bytes(*, now_ns: int) -> bytes:
    """Return 16 bytes: 48 bits of Unix milliseconds, version 7, 74 random bits. `now_ns`: Unix time in ns.

    Called from one thread at a time.
    """
    global _random, _used
    used = _used
    if used + _STEP > len(_random):
        _random = os.urandom(_BLOCK)
        used = 0
    _used = used + _STEP
    random = int.from_bytes(_random[used : used + _STEP], "big") & _NOT_RANDOM
    return (now_ns // 1_000_000 << 80 | _VERSION_AND_VARIANT | random).to_bytes(16, "big")


def _forget() -> None:
    """Let a forked child draw random bytes of its own."""
    global _random
    _random = b""


os.register_at_fork(after_in_child=_forget)


def uuid_text(raw: bytes) -> str:
    """Return the 36-character form of 16 bytes."""
    text = raw.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def trace_id_of(raw: bytes) -> str:
    """Return the W3C trace id (32 hex digits) of an exchange that belongs to no other trace."""
    return raw.hex()


def span_id_of(raw: bytes) -> str:
    """Return the W3C span id (16 hex digits): the random half of a UUIDv7."""
    return raw[8:].hex()
