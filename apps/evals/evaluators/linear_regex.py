"""Regular expressions whose search takes time linear in the text, whatever the expression. Pure.

Python's own engine backtracks: some short expressions take years on some short texts. This one reads the same syntax
(through Python's parser) into a machine of states and walks all of them at once, one character after the other; sets
of states met before are remembered. It only answers whether there is a match. What such a machine cannot do is refused
when the expression is read: look-around, references to groups, atomic and possessive parts, and repeats that make
the machine too large.
"""

import re
from collections.abc import Callable
from re import _constants as ops  # type: ignore[attr-defined, unused-ignore]
from re import _parser as parser  # type: ignore[attr-defined, unused-ignore]
from typing import Any

__all__ = ["LinearRegex", "RegexError"]

_MOST_STATES = 3_000
_MOST_REMEMBERED = 2_000  # sets of states; past that they are forgotten and met again
_MOST_WORK = 2_000_000  # states visited in one search; a search within the remembered sets visits hardly any

_CATEGORIES = {
    ops.CATEGORY_DIGIT: r"\d",
    ops.CATEGORY_NOT_DIGIT: r"\D",
    ops.CATEGORY_SPACE: r"\s",
    ops.CATEGORY_NOT_SPACE: r"\S",
    ops.CATEGORY_WORD: r"\w",
    ops.CATEGORY_NOT_WORD: r"\W",
}
_WORD = {False: re.compile(r"\w"), True: re.compile(r"\w", re.ASCII)}

Test = Callable[[str], bool]
Context = tuple[str, str, bool]  # the character before, the one after (empty at the ends), whether that one is the last


class RegexError(ValueError):
    """The expression is wrong or cannot be searched in linear time; the message says which."""


class LinearRegex:
    """One expression. States are numbers; `_edges` consume a character, `_jumps` do not."""

    def __init__(self, expression: str, *, ignore_case: bool = False) -> None:
        try:
            tree = parser.parse(expression, re.IGNORECASE if ignore_case else 0)
            re.compile(expression)
        except (re.error, OverflowError, RecursionError) as error:
            raise RegexError(f"{expression[:100]!r} is no regular expression: {error}") from error
        self._expression = expression
        self._edges: list[tuple[Test, int] | None] = []
        self._jumps: list[list[tuple[int, Callable[[Context], bool] | None]]] = []
        self._start = self._new()
        try:
            self._accept = self._sequence(tree, self._start, tree.state.flags)
        except RecursionError as error:
            raise RegexError(f"{expression[:100]!r} is nested too deeply") from error

    def found_in(self, text: str) -> bool:
        """Tell whether the expression matches anywhere in the text."""
        remembered: dict[tuple[frozenset[int], str], dict[tuple[str, bool], frozenset[int] | None]] = {}
        states: frozenset[int] = frozenset((self._start,))
        before, last, work = "", len(text) - 1, 0
        for at in range(len(text) + 1):
            after = text[at] if at <= last else ""
            is_last = at == last
            known = remembered.get((states, before))
            if known is None:
                if len(remembered) >= _MOST_REMEMBERED:
                    remembered.clear()
                known = remembered[states, before] = {}
            key = (after, is_last and after == "\n")
            if key in known:
                found = known[key]
            else:
                found, visited = self._step(states, (before, after, is_last))
                known[key] = found
                work += visited
                if work > _MOST_WORK:
                    raise RegexError(f"{self._expression[:100]!r} is too much work on this text")
            if found is None:
                return True
            states, before = found, self._kind(after)
        return False

    def _kind(self, char: str) -> str:
        """Return a character that stands for all that the next step needs to know of the one before."""
        if char in {"", "\n"}:
            return char
        if _WORD[True].match(char):
            return "a"
        return "é" if _WORD[False].match(char) else "."

    def _step(self, states: frozenset[int], context: Context) -> tuple[frozenset[int] | None, int]:
        """Return the states after one character, None when the expression has matched before it; and the work."""
        pending, seen = list(states), set(states)
        after: set[int] = {self._start}
        while pending:
            state = pending.pop()
            if state == self._accept:
                return None, len(seen)
            edge = self._edges[state]
            if edge is not None and context[1] and edge[0](context[1]):
                after.add(edge[1])
            for target, holds in self._jumps[state]:
                if target not in seen and (holds is None or holds(context)):
                    seen.add(target)
                    pending.append(target)
        return frozenset(after), len(seen)

    def _new(self) -> int:
        if len(self._edges) >= _MOST_STATES:
            raise RegexError(f"{self._expression[:100]!r} is too large; use fewer or shorter repeats such as {{1,50}}")
        self._edges.append(None)
        self._jumps.append([])
        return len(self._edges) - 1

    def _sequence(self, tree: Any, state: int, flags: int) -> int:
        for op, argument in tree:
            state = self._one(op, argument, state, flags)
        return state

    def _one(self, op: Any, argument: Any, state: int, flags: int) -> int:
        if op in (ops.LITERAL, ops.NOT_LITERAL, ops.ANY, ops.IN):
            end = self._new()
            self._edges[state] = (_test(op, argument, flags), end)
            # A state consumes one character or jumps, never both: what follows begins at a state of its own.
            return end
        if op is ops.AT:
            end = self._new()
            self._jumps[state].append((end, _position(argument, flags)))
            return end
        if op is ops.SUBPATTERN:
            _, add, remove, inner = argument
            return self._sequence(inner, self._hop(state), (flags | add) & ~remove)
        if op is ops.BRANCH:
            ends = [self._sequence(branch, self._hop(state), flags) for branch in argument[1]]
            end = self._new()
            for one in ends:
                self._jumps[one].append((end, None))
            return end
        if op in (ops.MAX_REPEAT, ops.MIN_REPEAT):
            return self._repeat(*argument, state=state, flags=flags)
        raise RegexError(
            f"{self._expression[:100]!r} uses {str(op).lower().replace('_', ' ')}, "
            "which cannot be searched in linear time; look-around, group references, "
            "atomic and possessive parts are not supported"
        )

    def _repeat(self, least: int, most: int, inner: Any, *, state: int, flags: int) -> int:
        for _ in range(least):
            state = self._sequence(inner, self._hop(state), flags)
        if most is ops.MAXREPEAT:
            loop, end = self._hop(state), self._new()
            back = self._sequence(inner, self._hop(loop), flags)
            self._jumps[back].append((loop, None))
            self._jumps[loop].append((end, None))
            return end
        ends = [state]
        for _ in range(most - least):
            state = self._sequence(inner, self._hop(state), flags)
            ends.append(state)
        end = self._new()
        for one in ends:
            self._jumps[one].append((end, None))
        return end

    def _hop(self, state: int) -> int:
        target = self._new()
        self._jumps[state].append((target, None))
        return target


def _test(op: Any, argument: Any, flags: int) -> Test:
    if op is ops.ANY:
        return (lambda _: True) if flags & re.DOTALL else (lambda char: char != "\n")
    if op is ops.LITERAL:
        wanted = _cases(chr(argument), flags)
        return lambda char: char in wanted
    if op is ops.NOT_LITERAL:
        refused = _cases(chr(argument), flags)
        return lambda char: char not in refused
    negated = bool(argument) and argument[0][0] is ops.NEGATE
    members = [_member(kind, value, flags) for kind, value in argument[negated:]]
    return lambda char: any(member(char) for member in members) != negated


def _member(kind: Any, value: Any, flags: int) -> Test:
    if kind is ops.LITERAL:
        return _test(ops.LITERAL, value, flags)
    if kind is ops.CATEGORY:
        category = re.compile(_CATEGORIES[value], flags & re.ASCII)
        return lambda char: category.match(char) is not None
    low, high = value
    return lambda char: any(low <= ord(one) <= high for one in _cases(char, flags))


def _cases(char: str, flags: int) -> frozenset[str]:
    """Return the ways to write a character; with ASCII only, letters beyond it have one."""
    if not flags & re.IGNORECASE:
        return frozenset((char,))
    ways = {char, char.lower(), char.upper(), char.upper().lower(), char.lower().upper()}
    return frozenset(one for one in ways if len(one) == 1 and (not flags & re.ASCII or one == char or one.isascii()))


def _position(where: Any, flags: int) -> Callable[[Context], bool]:
    if where is ops.AT_BEGINNING_STRING or (where is ops.AT_BEGINNING and not flags & re.MULTILINE):
        return lambda context: context[0] == ""
    if where is ops.AT_BEGINNING:
        return lambda context: context[0] in {"", "\n"}
    if where is ops.AT_END_STRING:
        return lambda context: context[1] == ""
    if where is ops.AT_END:
        if flags & re.MULTILINE:
            return lambda context: context[1] in {"", "\n"}
        return lambda context: context[1] == "" or (context[1] == "\n" and context[2])
    word = _WORD[bool(flags & re.ASCII)]
    wanted = where is ops.AT_BOUNDARY
    return lambda context: (bool(word.match(context[0])) != bool(word.match(context[1]))) == wanted
