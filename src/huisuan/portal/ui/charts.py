"""Charts: one message each, direct labels, drawn on the server as SVG, with the data table behind them.

The drawing uses the light tokens, and the style sheet replaces them in the dark. Figures are rounded in the drawing
only. What the law's budget describes with Altair is drawn by vl-convert; no browser and no network.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Any

import vl_convert
from django.utils.functional import Promise
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language

from huisuan.portal.ui.bar_drawings import (
    FONT,
    LINE,
    QUIET,
    SIGN_WIDTH,
    BarMark,
    BarRow,
    Drawing,
    level_bars,
    size_bars,
    text_width,
    upright_bars,
)

WIDE, NARROW = 560, 320
_LONGEST_NAME = 22  # signs
ROUNDINGS = {"zh": ((10**8, "亿"), (10**4, "万")), "en": ((10**9, "bn"), (10**6, "m"), (10**3, "k"))}


@dataclass(frozen=True)
class Bar:
    """One bar: its name, the exact figure as the table shows it, and its height; `when` it was so, if that counts."""

    name: str
    shown: str
    value: Decimal
    when: str = ""


@dataclass(frozen=True)
class Chart:
    """A chart as the page shows it: what it says, two widths of drawing, the figures behind it."""

    title: str
    heads: tuple[str | Promise, ...]
    bars: Sequence[Bar]
    wide: Drawing
    narrow: Drawing


def rounded(value: Decimal) -> str:
    """A figure short enough to stand on a bar: 1.2万, 345; in English 12k."""
    language = "en" if (get_language() or "").startswith("en") else "zh"
    for unit, sign in ROUNDINGS[language]:
        if value >= unit:
            scaled = value / unit
            return f"{scaled:,.0f}{sign}" if scaled >= 100 else f"{scaled:,.1f}{sign}"
    return f"{value:,.0f}" if value >= 10 or value == int(value) else f"{value:,.1f}"


def columns(title: str, heads: tuple[str | Promise, str | Promise], bars: Sequence[Bar]) -> Chart:
    """Upright bars in the order given: time."""
    rows = _rows(bars)
    return Chart(title, heads, bars, upright_bars(rows, WIDE, 11), upright_bars(rows, NARROW, 9))


def ranking(title: str, heads: tuple[str | Promise, str | Promise], bars: Sequence[Bar]) -> Chart:
    """Level bars in the order given: the largest first, where the caller sorts so."""
    return Chart(title, heads, bars, _ranking(bars, WIDE), _ranking(bars, NARROW))


def against(title: str, heads: tuple[str | Promise, ...], bars: Sequence[Bar], mark: Decimal, mark_name: str) -> Chart:
    """Level bars on one axis, each with its exact figure and its date, beside a line that marks a size."""
    wide, narrow = (_against(bars, width, mark, mark_name) for width in (WIDE, NARROW))
    return Chart(title, heads, bars, wide, narrow)


def size_columns(
    title: str, heads: tuple[str | Promise, ...], bars: Sequence[Bar], others: Sequence[Decimal | None], mark: Decimal,
    mark_name: str,
) -> Chart:  # fmt: skip
    """Upright bars in the order given, each with a short line at another size of its own, under one that marks all."""
    rows, ticks = _rows(bars), [None if other is None else float(other) for other in others]
    wide, narrow = (
        size_bars(rows, ticks, BarMark(float(mark), mark_name), width, size)
        for width, size in ((WIDE, 11), (NARROW, 9))
    )
    return Chart(title, heads, bars, wide, narrow)


def _rows(bars: Sequence[Bar]) -> list[BarRow]:
    return [BarRow(bar.name, float(bar.value), _label(bar), bar.shown) for bar in bars]


def _label(bar: Bar) -> str:
    return rounded(bar.value) if bar.value else ""


def _ranking(bars: Sequence[Bar], width: int) -> Drawing:
    room = min(max((text_width(bar.name) for bar in bars), default=0), _LONGEST_NAME * SIGN_WIDTH)
    return level_bars(_rows(bars), max(width - room - 60, 80), room, 24)


def _against(bars: Sequence[Bar], width: int, mark: Decimal, mark_name: str) -> Drawing:
    dated = width == WIDE  # a narrow screen has no room for the dates; they stand in the table behind
    labels = [f"{bar.shown}  {bar.when}" if dated and bar.when else bar.shown for bar in bars]
    room, whole = max(map(text_width, (bar.name for bar in bars))), float(max([mark, *(bar.value for bar in bars)]))
    drawable = width - room - 20
    shares = [(float(bar.value) / whole, text_width(label)) for bar, label in zip(bars, labels, strict=True)]
    plot = max(min([drawable, *((drawable - label) / share for share, label in shares if share)]), 60)
    named = zip(bars, labels, strict=True)
    rows = [BarRow(bar.name, float(bar.value), label, label) for bar, label in named]
    beyond = max(plot * share + label for share, label in shares) - plot
    return level_bars(rows, plot, room, 28, mark=BarMark(float(mark), mark_name), label_room=max(beyond, 0) + 20)


def as_drawing(chart: Any) -> Drawing:
    """What Altair describes, drawn in the pages' font on no ground of its own."""
    spec = (
        chart.configure(font=FONT, background="transparent")
        .configure_view(stroke=None)
        .configure_axis(domainColor=LINE, labelColor=QUIET, grid=False)
    )
    described = spec.to_dict(validate=False)  # the tests check what we describe; for each reader it is half the time
    del described["$schema"]  # an address at another host, which nobody needs to ask
    return Drawing(_svg(json.dumps(described, sort_keys=True)), described)


@lru_cache(maxsize=256)
def _svg(spec: str) -> SafeString:
    """The drawing of a specification; it holds no text but what the specification holds, escaped by the drawer."""
    svg = vl_convert.vegalite_to_svg(spec)
    return mark_safe(svg.replace("<svg ", '<svg aria-hidden="true" focusable="false" ', 1))  # noqa: S308
