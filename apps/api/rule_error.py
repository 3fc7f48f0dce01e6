"""How a value that somebody gave for a rule, a channel or a back-fill is refused. Pure: forms and views tell it."""

__all__ = ["RuleError"]


class RuleError(ValueError):
    """A value is wrong. `field` is its path; `hint` says what is accepted."""

    def __init__(self, field: str, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.field = field
        self.message = message
        self.hint = hint

    @property
    def explained(self) -> str:
        """What is wrong and what is accepted, for people."""
        return f"{self.message}. Accepted: {self.hint}." if self.hint else self.message
