"""What must be known of a statement's text before the engine sees it: does an INSERT wait for rows, and which FORMAT
does it ask for?

A lexer, not a parser: it knows quotes, comments and brackets, so that no string or name is taken for a keyword.
Whether a statement reads or writes is asked of the engine's own parser. Pure.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

__all__ = ["Insert", "insert_of", "native_format", "surely", "without_end"]

_LEXEME = re.compile(
    r"""
    (?P<space>\s+|--[^\n]*|\#[!\ ][^\n]*|/\*.*?(?:\*/|\Z))
    |(?P<string>'(?:[^'\\]|\\.|'')*'?|\$(?P<tag>\w*)\$.*?\$(?P=tag)\$)
    |(?P<quoted>`(?:[^`\\]|\\.|``)*`?|"(?:[^"\\]|\\.|"")*"?)
    |(?P<word>[A-Za-z_\d][\w$]*)
    |(?P<sign>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_FORMAT = re.compile(r"\bFORMAT\b", re.IGNORECASE)
_OUTFILE = re.compile(r"\bOUTFILE\b", re.IGNORECASE)
_ESCAPED = re.compile(r"\\(.)|(``|\"\")", re.DOTALL)
_FILLING = frozenset({"VALUES", "FORMAT"})
_WRITING = frozenset({"INSERT", "CREATE", "ALTER", "DROP", "TRUNCATE", "RENAME", "OPTIMIZE", "SYSTEM"})
_ASKING = frozenset({"SELECT", "WITH", "FROM", "WATCH"})


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    start: int
    end: int

    @property
    def keyword(self) -> str:
        return self.text.upper() if self.kind == "word" else ""


def _tokens(sql: str, start: int = 0) -> Iterator[_Token]:
    for match in _LEXEME.finditer(sql, start):
        kind = match.lastgroup or "sign"
        if kind == "tag":
            kind = "string"
        if kind != "space":
            yield _Token(kind, match.group(), match.start(), match.end())


@dataclass(frozen=True, slots=True)
class Insert:
    """An INSERT whose rows come as blocks; `head` is the statement up to VALUES or FORMAT, `columns` may be ()."""

    head: str
    target: str
    columns: tuple[str, ...]


def insert_of(sql: str) -> Insert | None:
    """Return the INSERT that waits for rows, or None: another statement, INSERT … SELECT, or rows in the text
    itself.
    """
    tokens = _tokens(sql)
    if next(tokens, _END).keyword != "INSERT" or next(tokens, _END).keyword != "INTO":
        return None
    token = next(tokens, _END)
    if token.keyword == "TABLE":
        token = next(tokens, _END)
    if function := token.keyword == "FUNCTION":
        token = next(tokens, _END)
    start, end, token = token.start, *_name_end(tokens, token)
    if function:
        end = _bracket_end(tokens)
        token = next(tokens, _END)
    columns: tuple[str, ...] = ()
    while token is not _END:
        if token.text == "(":
            close = _bracket_end(tokens)
            columns = columns or _names(sql[token.end : close - 1])
        elif token.keyword in _ASKING:
            return None
        elif token.keyword in _FILLING:
            after = next(tokens, _END)
            if token.keyword == "FORMAT":
                after = next(tokens, _END)
            return None if after.text not in {"", ";"} else Insert(sql[: token.start], sql[start:end], columns)
        token = next(tokens, _END)
    return None


def surely(sql: str) -> Literal["reads", "writes", ""]:
    """Return what the first word alone tells of a statement, or '' where that is not enough."""
    word = next(_tokens(sql), _END).keyword
    return "writes" if word in _WRITING else "reads" if word == "SELECT" and not _OUTFILE.search(sql) else ""


def _name_end(tokens: Iterator[_Token], token: _Token) -> tuple[int, _Token]:
    """Return where a name with dots ends, and the token after it."""
    end, following = token.end, next(tokens, _END)
    while following.text == ".":
        end = next(tokens, _END).end
        following = next(tokens, _END)
    return end, following


def _bracket_end(tokens: Iterator[_Token]) -> int:
    """Return where the bracket closes that was just opened."""
    depth, end = 1, 0
    for token in tokens:
        end = token.end
        depth += (token.text == "(") - (token.text == ")")
        if not depth:
            break
    return end


def _names(inside: str) -> tuple[str, ...]:
    """Return the names of a column list; anything but plain names (`* EXCEPT x`) gives nothing, which means the
    table's own.
    """
    names, current = [], ""
    for token in _tokens(inside):
        if token.text == ",":
            names.append(current)
            current = ""
        elif token.kind == "quoted":
            current += _ESCAPED.sub(lambda m: m.group(1) or m.group(2)[0], token.text[1:-1])
        elif token.kind == "word" or token.text == ".":
            current += token.text
        else:
            return ()
    return (*names, current) if current else tuple(names)


def native_format(sql: str) -> str:
    """Return the query with a FORMAT of its own replaced: over this protocol the answer is Native, and clients
    format it themselves.
    """
    if not _FORMAT.search(sql):
        return sql
    tokens, depth, found = [*_tokens(sql), _END], 0, None
    for before, token, after in zip(tokens[1:], tokens[2:], [*tokens[3:], _END], strict=False):
        depth += (before.text == "(") - (before.text == ")")
        ends = after is _END or after.text == ";" or after.keyword == "SETTINGS"
        if not depth and ends and before.keyword == "FORMAT" and token.kind == "word":
            found = token
    return f"{sql[: found.start]}Native{sql[found.end :]}" if found else sql


def without_end(sql: str) -> str:
    """Return the statement without the semicolons and comments after it, so that it can stand in brackets."""
    end = 0
    for token in _tokens(sql):
        if token.text != ";":
            end = token.end
    return sql[:end]


_END = _Token("end", "", 0, 0)
