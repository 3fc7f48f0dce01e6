"""Which variables a template and everything it includes may look up: a reading of its tags, not of one rendering."""

import re
from functools import cache
from pathlib import Path

__all__ = ["names_used"]

TEMPLATES = Path(__file__).resolve().parents[3] / "frontend/templates"
TOKEN = re.compile(r"{{(.*?)}}|{%(.*?)%}", re.DOTALL)
WORD = re.compile(r"(?<![\w.|'\":#-])([a-zA-Z_]\w*)(?=[\s.|,)]|$)")
SYNTAX = {
    "if",
    "elif",
    "else",
    "endif",
    "for",
    "in",
    "empty",
    "endfor",
    "with",
    "endwith",
    "as",
    "and",
    "or",
    "not",
    "is",
} | {
    "include",
    "extends",
    "block",
    "endblock",
    "load",
    "static",
    "url",
    "csrf_token",
    "ifchanged",
    "endifchanged",
    "regroup",
    "by",
    "only",
    "None",
    "True",
    "False",
    "forloop",
    "comment",
    "endcomment",
}
OUR_TAGS = {"icon", "swatch", "nav_link", "settings_link", "money", "money_short", "tokens", "exact", "duration"} | {
    "percent",
    "ago",
    "moment",
    "ui",
}


@cache
def names_used(template: str) -> frozenset[str]:
    """Names looked up in the page's context, here and in includes and parents; loop and `with` names are taken out."""
    text = re.sub(r"{#.*?#}", "", (TEMPLATES / template).read_text(), flags=re.DOTALL)
    found: set[str] = set()
    bound: set[str] = set()
    for variable, tag in TOKEN.findall(text):
        words = (variable or tag).strip()
        plain = re.sub(r"'[^']*'|\"[^\"]*\"", "''", words)
        name = plain.split()[0] if plain.split() else ""
        if tag and name in {"include", "extends"}:
            inner = names_used(words.split()[1].strip("'\""))
            given = set(re.findall(r"(\w+)=", plain))
            found |= inner - given
            plain = " ".join(re.findall(r"=(\S+)", plain))
        elif tag and name == "for":
            bound |= set(re.findall(r"\w+", plain[4 : plain.index(" in ")]))
            plain = plain[plain.index(" in ") + 4 :]
        elif tag and name in {"with", "regroup", "url"}:
            bound |= set(re.findall(r"(\w+)=", plain)) | set(re.findall(r" as (\w+)", plain))
            plain = re.sub(r"\w+=", " ", plain)
            plain = re.sub(r" by \w+| as \w+", "", plain)
        elif tag and name in {"block", "endblock", "load"}:
            continue
        elif tag and name in OUR_TAGS:
            plain = plain[len(name) :]
        found |= set(WORD.findall(re.sub(r"\|\w+", "", plain).replace(":", " ")))
    return frozenset(found - bound - SYNTAX)
