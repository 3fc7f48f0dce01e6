"""How long to wait before a dead process is started again. Pure."""

from dataclasses import dataclass

__all__ = ["Backoff"]


@dataclass(slots=True)
class Backoff:
    """Doubles from `first` to `most` while the process keeps dying young; `healthy` seconds of life start it over."""

    first: float = 0.2
    most: float = 5.0
    healthy: float = 3.0
    failures: int = 0

    def delay(self, lived: float) -> float:
        """Count a death after `lived` seconds and return how long to wait."""
        self.failures = 1 if lived >= self.healthy else self.failures + 1
        return float(min(self.most, self.first * 2 ** (self.failures - 1)))
