"""CityHash128 of version 1.0.2: the checksum of ClickHouse's compressed frames. Pure."""

import struct

__all__ = ["cityhash128"]

_M = 2**64 - 1
_K0, _K1, _K2, _K3 = 0xC3A5C85C97CB3127, 0xB492B66FBE98F273, 0x9AE16A3B2F90404F, 0xC949D7C7509E6557
_MUL = 0x9DDFEA08EB382D69

_Pair = tuple[int, int]


def _u64(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 8], "little")


def _rotate(value: int, shift: int) -> int:
    return (value >> shift | value << (64 - shift)) & _M if shift else value


def _mix(value: int) -> int:
    return value ^ value >> 47


def _hash16(low: int, high: int) -> int:
    a = _mix((low ^ high) * _MUL & _M)
    return _mix((high ^ a) * _MUL & _M) * _MUL & _M


def _short(data: bytes) -> int:
    """Hash at most 16 bytes."""
    size = len(data)
    if size > 8:
        a, b = _u64(data, 0), _u64(data, size - 8)
        return _hash16(a, _rotate((b + size) & _M, size)) ^ b
    if size >= 4:
        first, last = struct.unpack_from("<I", data)[0], struct.unpack_from("<I", data, size - 4)[0]
        return _hash16((size + (first << 3)) & _M, last)
    if size:
        y = data[0] + (data[size >> 1] << 8)
        z = size + (data[-1] << 2)
        return _mix((y * _K2 ^ z * _K3) & _M) * _K2 & _M
    return _K2


def _weak(words: tuple[int, ...], a: int, b: int) -> _Pair:
    w, x, y, z = words
    a += w
    b = _rotate((b + a + z) & _M, 21)
    c = a
    a += x + y
    b += _rotate(a & _M, 44)
    return (a + z) & _M, (b + c) & _M


def _murmur(data: bytes, seed: _Pair) -> _Pair:
    a, b = seed
    size = len(data)
    left = size - 16
    if left <= 0:
        a = _mix(a * _K1 & _M) * _K1 & _M
        c = (b * _K1 + _short(data)) & _M
        d = _mix((a + (_u64(data, 0) if size >= 8 else c)) & _M)
    else:
        c = _hash16((_u64(data, size - 8) + _K1) & _M, a)
        d = _hash16((b + size) & _M, (c + _u64(data, size - 16)) & _M)
        a = (a + d) & _M
        at = 0
        while left > 0:
            a = (a ^ _mix(_u64(data, at) * _K1 & _M) * _K1 & _M) * _K1 & _M
            b ^= a
            c = (c ^ _mix(_u64(data, at + 8) * _K1 & _M) * _K1 & _M) * _K1 & _M
            d ^= c
            at += 16
            left -= 16
    a, b = _hash16(a, c), _hash16(d, b)
    return a ^ b, _hash16(b, a)


def _seeded(data: bytes, seed: _Pair) -> _Pair:
    size = len(data)
    if size < 128:
        return _murmur(data, seed)
    x, y = seed
    z = size * _K1 & _M
    v0 = (_rotate(y ^ _K1, 49) * _K1 + _u64(data, 0)) & _M
    v1 = (_rotate(v0, 42) * _K1 + _u64(data, 8)) & _M
    w0 = (_rotate((y + z) & _M, 35) * _K1 + x) & _M
    w1 = _rotate((x + _u64(data, 88)) & _M, 53) * _K1 & _M
    whole = size // 128 * 128
    for words in struct.iter_unpack("<8Q", memoryview(data)[:whole]):
        x = _rotate((x + y + v0 + words[2]) & _M, 37) * _K1 & _M
        y = _rotate((y + v1 + words[6]) & _M, 42) * _K1 & _M
        x ^= w1
        y ^= v0
        z = _rotate(z ^ w0, 33)
        v0, v1 = _weak(words[:4], v1 * _K1, x + w0)
        w0, w1 = _weak(words[4:], z + w1, y)
        z, x = x, z
    y = (y + _rotate(w0, 37) * _K0 + z) & _M
    x = (x + _rotate((v0 + z) & _M, 49) * _K0) & _M
    for tail in range(32, size - whole + 32, 32):
        at = size - tail
        y = (_rotate((y - x) & _M, 42) * _K0 + v1) & _M
        w0 = (w0 + _u64(data, at + 16)) & _M
        x = (_rotate(x, 49) * _K0 + w0) & _M
        w0 = (w0 + v0) & _M
        v0, v1 = _weak(struct.unpack_from("<4Q", data, at), v0, v1)
    x = _hash16(x, v0)
    y = _hash16(y, w0)
    return (_hash16((x + v1) & _M, w1) + y) & _M, _hash16((x + w1) & _M, (y + v1) & _M)


def cityhash128(data: bytes) -> bytes:
    """Return the hash as it stands before a frame: low word, high word, little-endian."""
    size = len(data)
    if size >= 16:
        low, high = _seeded(data[16:], (_u64(data, 0) ^ _K3, _u64(data, 8)))
    elif size >= 8:
        low, high = _murmur(b"", (_u64(data, 0) ^ size * _K0 & _M, _u64(data, size - 8) ^ _K1))
    else:
        low, high = _seeded(data, (_K0, _K1))
    return struct.pack("<2Q", low, high)
