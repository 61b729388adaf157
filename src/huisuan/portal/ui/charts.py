"""Charts: one message each, direct labels, drawn on the server as SVG, with the data table behind them.

Altair describes, vl-convert draws; no browser and no network. The drawing uses the light tokens, and the style
sheet replaces them in the dark. Figures are rounded in the drawing only.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Any

import altair as alt
import vl_convert
from django.utils.functional import Promise
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language

INK, QUIET, CELADON, LINE = "#1d2327", "#5c6469", "#1f6f63", "#dcd8cf"
_FONT = "Noto Sans SC, PingFang SC, Microsoft YaHei, WenQuanYi Zen Hei, sans-serif"
WIDE, NARROW = 560, 320
LONGEST_NAME, SIGN_WIDTH = 22, 7.2
ROUNDINGS = {"zh": ((10**8, "亿"), (10**4, "万")), "en": ((10**9, "bn"), (10**6, "m"), (10**3, "k"))}


@dataclass(frozen=True)
class Bar:
    """One bar: its name, the exact figure as the table shows it, and its height; `when` it was so, if that counts."""

    name: str
    shown: str
    value: Decimal
    when: str = ""


@dataclass(frozen=True)
class Drawing:
    """One width of a chart: drawn, and as the specification that a browser can draw and point at."""

    svg: SafeString
    spec: dict[str, Any]


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
    wide, narrow = (_columns(bars, width, size) for width, size in ((WIDE, 11), (NARROW, 9)))
    return Chart(title, heads, bars, wide, narrow)


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
    wide, narrow = (_sizes(bars, others, width, size, mark, mark_name) for width, size in ((WIDE, 11), (NARROW, 9)))
    return Chart(title, heads, bars, wide, narrow)


def _sizes(
    bars: Sequence[Bar], others: Sequence[Decimal | None], width: int, size: int, mark: Decimal, mark_name: str
) -> Drawing:
    names = [bar.name for bar in bars]
    x = alt.X("name:O", sort=names, title=None, axis=alt.Axis(labelAngle=0, labelFontSize=size, ticks=False))
    level = alt.Axis(
        values=[float(mark)], labelExpr=json.dumps(mark_name), ticks=False, domain=False, labelFontSize=size
    )
    y = alt.Y("value:Q", title=None, axis=level)  # the name of the mark stands beside the plot: bars would cover it
    thick = width * 0.6 / max(len(bars), 1)
    seen = [{"name": bar.name, "value": float(p)} for bar, p in zip(bars, others, strict=True) if p is not None]
    line = alt.Chart(alt.InlineData(values=[{"value": float(mark)}])).encode(y=y)
    base = alt.Chart(_rows(bars)).encode(x=x, y=y, tooltip="shown:N")
    drawn = (
        base.mark_bar(color=CELADON, size=thick)
        + base.mark_text(dy=-7, fontSize=size, color=INK).encode(text="label:N")
        + alt.Chart(alt.InlineData(values=seen)).encode(x=x, y=y).mark_tick(color=INK, size=thick * 1.3, thickness=2)
        + line.mark_rule(color=QUIET, strokeDash=[4, 3])
    )
    return as_drawing(drawn.properties(width=width - _length(mark_name), height=150))


def _rows(bars: Sequence[Bar]) -> alt.InlineData:
    rows = [{"name": bar.name, "value": float(bar.value), "label": _label(bar), "shown": bar.shown} for bar in bars]
    return alt.InlineData(values=rows)


def _label(bar: Bar) -> str:
    return rounded(bar.value) if bar.value else ""


def _columns(bars: Sequence[Bar], width: int, size: int) -> Drawing:
    x = alt.X("name:O", sort=None, title=None, axis=alt.Axis(labelAngle=0, labelFontSize=size, ticks=False))
    base = alt.Chart(_rows(bars)).encode(x=x, y=alt.Y("value:Q", axis=None), tooltip="shown:N")
    drawn = base.mark_bar(color=CELADON, size=width * 0.6 / max(len(bars), 1)) + base.mark_text(
        dy=-7, fontSize=size, color=INK
    ).encode(text="label:N")
    return as_drawing(drawn.properties(width=width, height=150))


def _ranking(bars: Sequence[Bar], width: int) -> Drawing:
    room = min(max((_length(bar.name) for bar in bars), default=0), LONGEST_NAME * SIGN_WIDTH)
    axis = alt.Axis(labelFontSize=11, ticks=False, domain=False, labelLimit=room, labelPadding=8, minExtent=room)
    base = alt.Chart(_rows(bars)).encode(
        y=alt.Y("name:N", sort=None, title=None, axis=axis), x=alt.X("value:Q", axis=None), tooltip="shown:N"
    )
    drawn = base.mark_bar(color=CELADON, height=12) + base.mark_text(align="left", dx=5, fontSize=11, color=INK).encode(
        text="label:N"
    )
    return as_drawing(drawn.properties(width=max(width - room - 60, 80), height=max(len(bars), 1) * 24))


def _against(bars: Sequence[Bar], width: int, mark: Decimal, mark_name: str) -> Drawing:
    dated = width == WIDE  # a narrow screen has no room for the dates; they stand in the table behind
    labels = [f"{bar.shown}  {bar.when}" if dated else bar.shown for bar in bars]
    room, whole = max(map(_length, (bar.name for bar in bars))), float(max([mark, *(bar.value for bar in bars)]))
    drawable = width - room - 20
    shares = [(float(bar.value) / whole, _length(label)) for bar, label in zip(bars, labels, strict=True)]
    plot = min([drawable, *((drawable - label) / share for share, label in shares if share)])
    axis = alt.Axis(labelFontSize=11, ticks=False, domain=False, labelLimit=room, labelPadding=8, minExtent=room)
    x = alt.X("value:Q", axis=None, scale=alt.Scale(domain=[0, whole]))
    named = zip(bars, labels, strict=True)
    rows = [{"name": bar.name, "value": float(bar.value), "label": label} for bar, label in named]
    y = alt.Y("name:N", sort=None, title=None, axis=axis)
    base = alt.Chart(alt.InlineData(values=rows)).encode(y=y, x=x, tooltip="label:N")
    line = alt.Chart(alt.InlineData(values=[{"value": float(mark), "label": mark_name}])).encode(x=x)
    drawn = (
        line.mark_rule(color=QUIET, strokeDash=[4, 3])
        + base.mark_bar(color=CELADON, height=12)
        + base.mark_text(align="left", dx=5, fontSize=11, color=INK).encode(text="label:N")
        + line.mark_text(align="right", dx=-4, baseline="bottom", fontSize=11, color=QUIET, y=-4).encode(text="label:N")
    )
    return as_drawing(drawn.properties(width=max(plot, 60), height=len(bars) * 28))


def _length(text: str) -> float:
    """About how wide a text is, in any reader's font: the drawer has only its own to measure with."""
    return sum(2 if sign > "⺀" else 1 for sign in text) * SIGN_WIDTH


def as_drawing(chart: Any) -> Drawing:
    """What Altair describes, drawn in the pages' font on no ground of its own."""
    spec = (
        chart.configure(font=_FONT, background="transparent")
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
