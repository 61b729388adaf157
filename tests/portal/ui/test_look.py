"""The look, as far as figures can say it: contrast of every text colour, and no colour outside the tokens."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import huisuan.portal

CSS = (Path(huisuan.portal.__file__).parent / "static" / "portal" / "huisuan.css").read_text(encoding="utf-8")
ROOTS = [dict(re.findall(r"--([\w-]+): (#\w{6});", block)) for block in re.findall(r":root \{(.*?)\n\s*\}", CSS, re.S)]
TEXTS = ("ink", "quiet", "celadon", "amber-ink", "cinnabar", "link")
AA = 4.5


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("tokens", ROOTS[:2], ids=["light", "dark"])
@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("ground", ["paper", "wash"])
def test_every_text_colour_is_readable_on_every_ground(tokens: dict[str, str], text: str, ground: str) -> None:
    assert contrast(tokens[text], tokens[ground]) >= AA


@pytest.mark.parametrize("tokens", ROOTS[:2], ids=["light", "dark"])
def test_quoted_law_and_the_main_button_are_readable(tokens: dict[str, str]) -> None:
    assert contrast(tokens["ink"], tokens["mark"]) >= AA
    assert contrast(tokens["paper"], tokens["celadon"]) >= AA


def test_colours_stand_in_the_tokens_only() -> None:
    rules = re.sub(r":root \{.*?\}", "", CSS, flags=re.S)
    rules = re.sub(r"\.chart svg \[(fill|stroke)=\"#\w{6}\"\]", "", rules)  # what the drawer wrote, replaced by tokens
    assert re.findall(r"#[0-9a-fA-F]{3,8}\b(?=[^{]*;)", rules) == []
