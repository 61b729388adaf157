"""Bars as SVG and as the Vega-Lite specification of the same picture, both written down directly.

A drawing library took a tenth of a second of the processor for each chart, most of a page's time, to place a dozen
rectangles. The specification is for readers who want to point at bars: their browser draws it with Vega. Figures are
rounded in the drawing only.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

INK, QUIET, CELADON, LINE = "#1d2327", "#5c6469", "#1f6f63", "#dcd8cf"
FONT = "Noto Sans SC, PingFang SC, Microsoft YaHei, WenQuanYi Zen Hei, sans-serif"
SIGN_WIDTH = 7.2
_PLOT, _ABOVE = 150, 8  # upright bars: height of the tallest, room for its label
_BAR, _SIZE = 12, 11  # level bars: their thickness, the size of what is written
_CONFIG = {
    "font": FONT, "background": "transparent", "view": {"stroke": None},
    "axis": {"domainColor": LINE, "labelColor": QUIET, "grid": False},
}  # fmt: skip


@dataclass(frozen=True)
class BarRow:
    """A bar: its name, its height, what stands on it and what pointing at it tells."""

    name: str
    value: float
    label: str
    shown: str


@dataclass(frozen=True)
class BarMark:
    """A size to hold level bars against, and what it is called."""

    value: float
    name: str


@dataclass(frozen=True)
class Drawing:
    """One width of a chart: drawn, and as the specification that a browser can draw and point at."""

    svg: SafeString
    spec: Mapping[str, Any]


def upright_bars(rows: Sequence[BarRow], width: int, size: int) -> Drawing:
    """Bars side by side in the order given, names under them, in `width` by about 180 units; `size` of the letters."""
    most = max((row.value for row in rows), default=0) or 1
    band, thick = width / max(len(rows), 1), width * 0.6 / max(len(rows), 1)
    drawn = [_line(0, _PLOT, width, _PLOT, LINE)]
    for at, row in enumerate(rows):
        middle, height = band * (at + 0.5), _PLOT * row.value / most * 0.94
        drawn.append(_rect(middle - thick / 2, _PLOT - height, thick, height))
        drawn.append(_text(middle, _PLOT - height - 4, row.label, INK, size, "middle"))
        drawn.append(_text(middle, _PLOT + size + 3, row.name, QUIET, size, "middle"))
    axis = {"labelAngle": 0, "labelFontSize": size, "ticks": False}
    x = {"field": "name", "type": "ordinal", "sort": None, "title": None, "axis": axis}
    y = {"field": "value", "type": "quantitative", "axis": None}
    text = {"type": "text", "dy": -7, "fontSize": size, "color": INK}
    layers = _layers({"type": "bar", "color": CELADON, "size": thick}, text, x, y, "shown")
    spec = _spec(layers, width, _PLOT, _data(rows))
    return Drawing(_svg(drawn, width + 10, _PLOT + _ABOVE + 2 * size + 8, 5, _ABOVE + size), spec)


def size_bars(rows: Sequence[BarRow], ticks: Sequence[float | None], mark: BarMark, width: int, size: int) -> Drawing:
    """Upright bars, each with a short line at a size of its own (or none), under one that marks all.

    The name of the mark stands beside the plot: bars would cover it.
    """
    most = max([mark.value, *(row.value for row in rows), *(tick or 0 for tick in ticks)]) or 1
    room = text_width(mark.name)
    plot = width - room
    band, thick = plot / max(len(rows), 1), plot * 0.6 / max(len(rows), 1)
    at_mark = _PLOT * (1 - mark.value / most * 0.94)
    drawn = [_line(0, _PLOT, plot, _PLOT, LINE)]
    for at, (row, tick) in enumerate(zip(rows, ticks, strict=True)):
        middle, height = band * (at + 0.5), _PLOT * row.value / most * 0.94
        drawn.append(_rect(middle - thick / 2, _PLOT - height, thick, height))
        drawn.append(_text(middle, _PLOT - height - 4, row.label, INK, size, "middle"))
        drawn.append(_text(middle, _PLOT + size + 3, row.name, QUIET, size, "middle"))
        if tick is not None:
            y = _PLOT * (1 - tick / most * 0.94)
            drawn.append(_line(middle - thick * 0.65, y, middle + thick * 0.65, y, INK, ' stroke-width="2"'))
    drawn.append(_line(0, at_mark, plot, at_mark, QUIET, ' stroke-dasharray="4,3"'))
    drawn.append(_text(-5, at_mark + size / 3, mark.name, QUIET, size, "end"))
    spec = _spec(_size_layers(rows, ticks, mark, thick, size), plot, _PLOT, _data(rows))
    return Drawing(_svg(drawn, width + 10, _PLOT + _ABOVE + 2 * size + 8, room + 5, _ABOVE + size), spec)


def _size_layers(
    rows: Sequence[BarRow], ticks: Sequence[float | None], mark: BarMark, thick: float, size: int
) -> list[dict[str, Any]]:
    axis = {"labelAngle": 0, "labelFontSize": size, "ticks": False}
    level = {
        "values": [mark.value], "labelExpr": json.dumps(mark.name), "ticks": False, "domain": False,
        "labelFontSize": size,
    }  # fmt: skip
    x = {"field": "name", "type": "ordinal", "sort": [row.name for row in rows], "title": None, "axis": axis}
    y = {"field": "value", "type": "quantitative", "title": None, "axis": level}
    seen = [{"name": row.name, "value": tick} for row, tick in zip(rows, ticks, strict=True) if tick is not None]
    text = {"type": "text", "dy": -7, "fontSize": size, "color": INK}
    tick_mark = {"type": "tick", "color": INK, "thickness": 2, "size": thick * 1.3}
    return [
        *_layers({"type": "bar", "color": CELADON, "size": thick}, text, x, y, "shown"),
        {"data": {"values": seen}, "mark": tick_mark, "encoding": {"x": x, "y": y}},
        {
            "data": {"values": [{"value": mark.value}]},
            "mark": {"type": "rule", "color": QUIET, "strokeDash": [4, 3]},
            "encoding": {"y": y},
        },
    ]


def level_bars(
    rows: Sequence[BarRow], plot: float, room: float, step: int, *, mark: BarMark | None = None, label_room: float = 60
) -> Drawing:
    """Bars one under the other in the order given, `step` units each: names in `room` before them, `plot` for bars.

    What stands behind the longest bar needs `label_room` more. With a mark the axis reaches to it, and a line shows it.
    """
    most = max([*(row.value for row in rows), mark.value if mark else 0]) or 1
    height, drawn = max(len(rows), 1) * step, list[str]()
    for at, row in enumerate(rows):
        middle, length = step * (at + 0.5), plot * row.value / most * (1 if mark else 0.96)
        drawn.append(_text(-8, middle + 4, _clipped(row.name, room), QUIET, _SIZE, "end"))
        drawn.append(_rect(0, middle - _BAR / 2, length, _BAR))
        drawn.append(_text(length + 5, middle + 4, row.label, INK, _SIZE, "start"))
    if mark:
        at_mark = plot * mark.value / most
        drawn.append(_line(at_mark, 0, at_mark, height, QUIET, ' stroke-dasharray="4,3"'))
        drawn.append(_text(at_mark - 4, -6, mark.name, QUIET, _SIZE, "end"))
    above = 20 if mark else 5
    spec = _level_spec(rows, plot, room, height, mark, most)
    return Drawing(_svg(drawn, room + plot + label_room, height + above + 5, room + 8, above), spec)


def text_width(text: str) -> float:
    """About how wide a text is, in any reader's font: nothing here can measure with it."""
    return sum(2 if sign > "⺀" else 1 for sign in text) * SIGN_WIDTH


def _clipped(name: str, room: float) -> str:
    if text_width(name) <= room:
        return name
    while name and text_width(name) > room - SIGN_WIDTH:
        name = name[:-1]
    return f"{name}…"


def _level_spec(
    rows: Sequence[BarRow], plot: float, room: float, height: int, mark: BarMark | None, most: float
) -> dict[str, Any]:
    axis = {
        "labelFontSize": _SIZE, "ticks": False, "domain": False, "labelLimit": room, "labelPadding": 8,
        "minExtent": room,
    }  # fmt: skip
    x: dict[str, Any] = {"field": "value", "type": "quantitative", "axis": None}
    y = {"field": "name", "type": "nominal", "sort": None, "title": None, "axis": axis}
    if mark:
        x["scale"] = {"domain": [0, most]}
    text = {"type": "text", "align": "left", "dx": 5, "fontSize": _SIZE, "color": INK}
    layers = _layers({"type": "bar", "color": CELADON, "height": _BAR}, text, x, y, "label" if mark else "shown")
    if mark:
        data = {"values": [{"value": mark.value, "label": mark.name}]}
        rule = {"type": "rule", "color": QUIET, "strokeDash": [4, 3]}
        named = {
            "type": "text", "align": "right", "dx": -4, "baseline": "bottom", "fontSize": _SIZE, "color": QUIET,
            "y": -4,
        }  # fmt: skip
        label = {"field": "label", "type": "nominal"}
        layers = [
            {"data": data, "mark": rule, "encoding": {"x": x}}, *layers,
            {"data": data, "mark": named, "encoding": {"x": x, "text": label}},
        ]  # fmt: skip
    return _spec(layers, plot, height, _data(rows))


def _data(rows: Iterable[BarRow]) -> dict[str, Any]:
    return {"values": [{"name": row.name, "value": row.value, "label": row.label, "shown": row.shown} for row in rows]}


def _layers(
    bar: dict[str, Any], text: dict[str, Any], x: dict[str, Any], y: dict[str, Any], told: str
) -> list[dict[str, Any]]:
    """The bars, and what stands on them; pointing at either tells a field."""
    both = {"x": x, "y": y, "tooltip": {"field": told, "type": "nominal"}}
    return [
        {"mark": bar, "encoding": both},
        {"mark": text, "encoding": {**both, "text": {"field": "label", "type": "nominal"}}},
    ]


def _spec(layers: list[dict[str, Any]], width: float, height: float, data: dict[str, Any]) -> dict[str, Any]:
    return {"config": _CONFIG, "data": data, "layer": layers, "width": width, "height": height}


def _svg(parts: Iterable[str], width: float, height: float, right: float, down: float) -> SafeString:
    size = f'width="{_n(width)}" height="{_n(height)}" viewBox="0 0 {_n(width)} {_n(height)}"'
    inner = f'<g transform="translate({_n(right)},{_n(down)})" font-family="{FONT}">{"".join(parts)}</g>'
    return mark_safe(  # noqa: S308 (numbers, and texts that `_text` escaped)
        f'<svg aria-hidden="true" focusable="false" xmlns="http://www.w3.org/2000/svg" {size}>{inner}</svg>'
    )


def _rect(x: float, y: float, width: float, height: float) -> str:
    return f'<rect x="{_n(x)}" y="{_n(y)}" width="{_n(width)}" height="{_n(height)}" fill="{CELADON}"/>'


def _line(x1: float, y1: float, x2: float, y2: float, colour: str, more: str = "") -> str:
    return f'<line x1="{_n(x1)}" y1="{_n(y1)}" x2="{_n(x2)}" y2="{_n(y2)}" stroke="{colour}"{more}/>'


def _text(x: float, y: float, text: str, colour: str, size: int, anchor: str) -> str:
    if not text:
        return ""
    place = f'x="{_n(x)}" y="{_n(y)}" text-anchor="{anchor}" font-size="{size}px" fill="{colour}"'
    return f"<text {place}>{escape(text)}</text>"


def _n(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")
