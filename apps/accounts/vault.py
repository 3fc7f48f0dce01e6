"""Secrets at rest: encrypted with a key of their purpose, derived from the installation's own secret key."""

import base64
import json
from collections.abc import Mapping

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

__all__ = ["SecretsUnreadable", "Vault"]


class SecretsUnreadable(ValueError):  # noqa: N818
    """They were written with another secret key."""


class Vault:
    """Locks and opens. `purpose` names what the secrets are of, and never changes."""

    def __init__(self, secret_key: str, *, purpose: str) -> None:
        derive = HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=f"spanmeter {purpose}, version 1".encode())
        self._fernet = Fernet(base64.urlsafe_b64encode(derive.derive(secret_key.encode())))

    def lock(self, secrets: Mapping[str, str]) -> str:
        """Encrypt; nothing stays nothing."""
        return self._fernet.encrypt(json.dumps(dict(secrets)).encode()).decode() if secrets else ""

    def open(self, locked: str) -> dict[str, str]:
        """Decrypt, or raise SecretsUnreadable."""
        if not locked:
            return {}
        try:
            found: dict[str, str] = json.loads(self._fernet.decrypt(locked.encode()))
        except InvalidToken as error:
            raise SecretsUnreadable(
                "These secrets were kept with another SPANMETER_SECRET_KEY. Enter them again."
            ) from error
        return found
