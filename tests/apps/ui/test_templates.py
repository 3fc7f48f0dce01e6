"""Rules of every template: no inline script or style, a real address beside every hx-get, nothing marked safe."""

import re
from pathlib import Path

import pytest

TEMPLATES = Path(__file__).resolve().parents[3] / "frontend/templates"
FILES = sorted(TEMPLATES.rglob("*.html"))
TAG = re.compile(r"<(?!/|!)[a-zA-Z][^<>]*?(?:{%.*?%}[^<>]*?|{{.*?}}[^<>]*?)*>", re.DOTALL)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(TEMPLATES).as_posix())
def test_the_content_security_policy_has_nothing_to_refuse(path: Path) -> None:
    text = path.read_text()
    assert not re.search(r"\sstyle=", text)
    assert not re.search(r"\son[a-z]+=", text)
    assert "javascript:" not in text
    assert not re.search(r"<script(?![^>]*\ssrc=)", text)
    assert "hx-on" not in text


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(TEMPLATES).as_posix())
def test_nothing_is_marked_safe(path: Path) -> None:
    assert not re.search(r"\|\s*safe|autoescape off|mark_safe", path.read_text())


def test_every_hx_get_has_an_address_that_works_without_scripts() -> None:
    strays = []
    for path in FILES:
        for tag in TAG.findall(path.read_text()):
            if "hx-get" not in tag or "data-poll" in tag:
                continue  # a poll has no visitor; the link that switches it on has an address
            wanted = re.search(r'hx-get="(.*?)"', tag)
            own = re.search(r'\s(?:href|action)="(.*?)"', tag)
            if not wanted or not own or wanted[1] != own[1]:
                strays.append(f"{path.name}: {tag[:90]}")
    assert strays == []


def test_links_to_elsewhere_tell_them_nothing() -> None:
    for path in FILES:
        for tag in re.findall(r"<a [^>]*target=\"_blank\"[^>]*>", path.read_text()):
            assert "noopener noreferrer" in tag
