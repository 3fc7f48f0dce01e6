"""Colours: only tokens.css has them, and every pair of ink and ground keeps WCAG AA in both themes."""

import re
from pathlib import Path

import pytest

FRONTEND = Path(__file__).resolve().parents[3] / "frontend"
TOKENS = (FRONTEND / "static/css/tokens.css").read_text()
PAIR = re.compile(r"--([\w-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)")
COLOURS = {name: (light, dark) for name, light, dark in PAIR.findall(TOKENS)}
GROUNDS = ("canvas", "surface", "raised", "sunken", "hover", "selected")
LITERAL = re.compile(r"#[0-9a-fA-F]{3,8}\b(?![\w-])|\b(?:rgb|hsl|hwb|lab|lch|oklab|oklch)a?\(", re.ASCII)


def luminance(colour: str) -> float:
    """WCAG's relative luminance."""
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(ink: str, ground: str) -> float:
    """From 1 to 21."""
    light, dark = sorted((luminance(ink), luminance(ground)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def pairs(inks: tuple[str, ...], grounds: tuple[str, ...]) -> list[tuple[str, str]]:
    """Every ink on every ground."""
    return [(ink, ground) for ink in inks for ground in grounds]


TEXT = [
    *pairs(("text", "text-2", "text-3", "accent", "accent-strong"), GROUNDS),
    *pairs(("warn", "error", "ok", "info"), ("surface", "canvas")),
    *((tone, f"{tone}-soft") for tone in ("ok", "warn", "error", "info", "quiet")),
    *pairs(("text", "text-2"), ("accent-soft", "error-soft")),
    ("accent-strong", "accent-soft"),
    ("on-accent", "accent"),
    *pairs(("code-key", "code-string", "code-number", "code-word"), ("sunken", "surface")),
]
GRAPHICS = [
    *((f"series-{number}", "surface") for number in range(1, 9)),
    ("series-rest", "canvas"),
    ("chart-error", "surface"),
    ("control-border", "surface"),
    ("focus", "canvas"),
]


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(("ink", "ground"), TEXT)
def test_text_can_be_read(ink: str, ground: str, theme: int) -> None:
    assert contrast(COLOURS[ink][theme], COLOURS[ground][theme]) >= 4.5


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(("ink", "ground"), GRAPHICS)
def test_graphics_can_be_told_from_their_ground(ink: str, ground: str, theme: int) -> None:
    bound = 3.0 if ink != "series-rest" else 2.5
    assert contrast(COLOURS[ink][theme], COLOURS[ground][theme]) >= bound


def test_only_the_tokens_have_colours() -> None:
    found = [
        f"{path.name}: {match.group()}"
        for pattern in ("static/css/*.css", "static/js/*.js", "templates/**/*.html")
        for path in FRONTEND.glob(pattern)
        if path.name != "tokens.css"
        for line in path.read_text().splitlines()
        if "href=" not in line and "hx-target" not in line and "querySelector" not in line
        for match in LITERAL.finditer(line)
    ]
    assert found == []


def test_every_variable_that_is_used_is_defined() -> None:
    styles = "".join(path.read_text() for path in (FRONTEND / "static/css").glob("*.css"))
    used = set(re.findall(r"var\(--([\w-]+)\)", styles))
    defined = set(re.findall(r"--([\w-]+):", styles))
    assert used <= defined
