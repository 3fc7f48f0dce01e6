"""Finding the Spanmeter key in a request. Pure: whether the key is a good one is for keys.py to say.

Three forms: `Spanmeter-Auth: Bearer sm-sk-…`, `Helicone-Auth: Bearer sm-sk-…`, and `/k/<key>/…` in the path for
clients that cannot send headers. Doors that only Spanmeter answers (OTLP, Langfuse) also take the key where their
exporters put it: `Authorization: Bearer sm-sk-…` or Basic with the public key as user. `Authorization` towards a
provider is never looked at: it is the provider's.
"""

import binascii
from base64 import b64decode
from dataclasses import dataclass
from hashlib import sha256

from proxy.errors import Refusal

__all__ = ["Credential", "credential_of"]


@dataclass(frozen=True, slots=True)
class Credential:
    """The hash of the secret that was sent, and the public key if one was sent with it."""

    secret_hash: str
    public_key: str = ""


_MISSING = Refusal(
    401,
    "missing_key",
    "No Spanmeter key: send it as the header 'Spanmeter-Auth: Bearer sm-sk-…', or put it in the base URL as "
    "/k/sm-sk-…/ in front of the path. Make one on the project's Keys page.",
)
_MISSING_OTLP = Refusal(
    401,
    "missing_key",
    "No Spanmeter key: send it as 'Authorization: Bearer sm-sk-…', 'Spanmeter-Auth: Bearer sm-sk-…', or as Basic "
    "authentication with the public key as user and the secret key as password.",
)


def credential_of(headers: dict[bytes, bytes], *, path_key: str, own_door: bool) -> Credential | Refusal:
    """Return the key of a request; `headers` by lower-case name. `own_door`: Authorization is ours to read as well."""
    if path_key:
        return _hashed(path_key.encode())
    value = headers.get(b"spanmeter-auth") or headers.get(b"helicone-auth")
    if value is not None:
        return _hashed(_bearer(value))
    if not own_door:
        return _MISSING
    value = headers.get(b"authorization", b"")
    if value[:6].lower() == b"basic ":
        try:
            user, _, password = b64decode(value[6:].strip(), validate=True).partition(b":")
            return _hashed(password, public_key=user.decode())
        except (binascii.Error, UnicodeDecodeError):
            return Refusal(401, "invalid_key", "Authorization: Basic must be base64 of '<public key>:<secret key>'.")
    if value:
        return _hashed(_bearer(value))
    return _MISSING_OTLP


def _bearer(value: bytes) -> bytes:
    return value[7:].strip() if value[:7].lower() == b"bearer " else value.strip()


def _hashed(secret: bytes, *, public_key: str = "") -> Credential:
    return Credential(sha256(secret).hexdigest(), public_key)
