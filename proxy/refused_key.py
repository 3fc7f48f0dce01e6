"""What is said of a key that is not known, also after the keys were read once more. Pure."""

from typing import TYPE_CHECKING

from proxy.errors import Refusal

if TYPE_CHECKING:
    from proxy.keys import Keys

__all__ = ["refused_key"]


def refused_key(keys: "Keys") -> Refusal:
    """Return the refusal: the key is no good, or no key can be checked."""
    if keys.ready:
        return Refusal(
            401,
            "invalid_key",
            "This Spanmeter key is unknown, revoked or expired. A secret key begins with sm-sk-; make a new one on the "
            "project's Keys page.",
        )
    return Refusal(
        503,
        "keys_unavailable",
        f"No key can be checked: {keys.problem or 'the application database was never read'}. "
        "Check SPANMETER_DATABASE_URL.",
        retry_after=2,
    )
