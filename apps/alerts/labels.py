"""A group of a rule by its labels. Pure."""

import hashlib
import json
from collections.abc import Mapping

__all__ = ["fingerprint_of", "labels_text"]


def fingerprint_of(rule_id: str, labels: Mapping[str, str]) -> str:
    """The same group of the same rule has the same one, always."""
    text = json.dumps([rule_id, sorted(labels.items())], ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def labels_text(labels: Mapping[str, str]) -> str:
    """user u-1, model gpt-4o."""
    return ", ".join(f"{name} {value or '(none)'}" for name, value in labels.items())
