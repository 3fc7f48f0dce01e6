"""What the spans of an installation have been seen to hold, so that a statement asks for nothing else.

A convention knows a hundred keys; what one application sends has a dozen. A statement made for that dozen is analysed
in a third of the time and reads in half of it. Every statement also tells what it met and was not made for: then one
is made that is, and the batch is read again. Numbers stand for traits: a known key on a span is its own number.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from ingestion.conventions import CONVENTIONS, PROPERTY_PREFIX, Field, key_numbers, sources
from ingestion.store.otlp.attributes import quoted

__all__ = ["ALSO_ON_RESOURCE", "EVERYTHING", "NOTHING", "Traits", "begins", "first", "name_of"]

# A service describes itself on its resource; these fields look there when the span is silent.
ALSO_ON_RESOURCE = (Field.ENVIRONMENT, Field.RELEASE, Field.SERVICE, Field.USER_ID, Field.SESSION_ID)
ON_RESOURCE = 10_000  # is added to the number of a key that stands on a resource
EVENTS, LINKS, PARAMETERS, PROPERTIES = 20_001, 20_002, 20_003, 20_004
_OTHERS = (EVENTS, LINKS, PARAMETERS, PROPERTIES)


def name_of(field: Field) -> str:
    """Return the column of the inner layer that holds a field's text."""
    return f"text_{field.value}"


def first(*values: str) -> str:
    """Return the SQL of the first value that is not empty; those that are known to be empty are left out."""
    left = [value for value in values if value != "''"]
    return "''" if not left else left[0] if len(left) == 1 else f"firstNonDefault({', '.join(left)})"


def begins(prefixes: Iterable[str]) -> str:
    """Return the SQL that says whether the key `k` begins with one of these."""
    return " OR ".join(f"startsWith(k, {quoted(prefix)})" for prefix in prefixes) or "0"


@dataclass(frozen=True, slots=True)
class Traits:
    """A set of traits, and what follows from it."""

    seen: frozenset[int]

    def on_span(self, field: Field) -> list[str]:
        """Return those keys of a field that spans have."""
        numbers = key_numbers()
        return [source.key for source in sources(field) if numbers[source.key] in self.seen]

    def on_resource(self, field: Field) -> list[str]:
        """Return those keys of a field that resources have."""
        numbers = key_numbers()
        wanted = field in ALSO_ON_RESOURCE
        return [s.key for s in sources(field) if wanted and numbers[s.key] + ON_RESOURCE in self.seen]

    def has(self, field: Field) -> bool:
        """Say whether anything tells this field."""
        return bool(self.on_span(field) or self.on_resource(field))

    def text(self, field: Field) -> str:
        """Return the column with a field's text, or the empty text where nothing tells it."""
        return name_of(field) if self.has(field) else "''"

    @property
    def events(self) -> bool:
        """Whether spans have events."""
        return EVENTS in self.seen

    @property
    def links(self) -> bool:
        """Whether spans have links."""
        return LINKS in self.seen

    @property
    def parameters(self) -> bool:
        """Whether spans tell settings of their call that are no field."""
        return PARAMETERS in self.seen

    @property
    def properties(self) -> bool:
        """Whether spans have properties."""
        return PROPERTIES in self.seen

    def unforeseen(self) -> str:
        """Return the SQL of the traits of a span that are not among these."""
        parameters = tuple(prefix for convention in CONVENTIONS for prefix in convention.parameters)
        spans = ", ".join(map(str, [0, *sorted(n for n in self.seen if n < ON_RESOURCE)]))
        resources = ", ".join(
            map(str, [0, *sorted(n - ON_RESOURCE for n in self.seen if ON_RESOURCE <= n < _OTHERS[0])])
        )
        conditions = {
            EVENTS: "notEmpty(span.events)",
            LINKS: "notEmpty(span.links)",
            PARAMETERS: f"arrayExists((k, n) -> n = 0 AND ({begins(parameters)}), keys, numbers)",
            PROPERTIES: f"arrayExists(k -> startsWith(k, {quoted(PROPERTY_PREFIX)}), keys)",
        }
        others = [f"if({condition}, {trait}, 0)" for trait, condition in conditions.items() if trait not in self.seen]
        lists = [
            f"arrayFilter(n -> n NOT IN ({spans}), numbers)",
            f"arrayMap(n -> n + {ON_RESOURCE}, arrayFilter(n -> n NOT IN ({resources}), resource_numbers))",
            *([f"arrayFilter(t -> t != 0, [{', '.join(others)}])"] if others else []),
        ]
        return f"CAST(arrayConcat({', '.join(lists)}), 'Array(UInt32)')"


NOTHING = Traits(frozenset())
EVERYTHING = Traits(frozenset({*key_numbers().values(), *(n + ON_RESOURCE for n in key_numbers().values()), *_OTHERS}))
