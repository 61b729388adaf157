"""Pictures of a bulletin as SVG: bars with their figures, and the cities on a tile map; in whole numbers. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from huisuan.documents.tile_map import TILES

_INK, _LINE, _PAPER = "#1d2327", "#dcd8cf", "#ffffff"
#: from the least to the most, all light enough for ink on them; the figure stands there too
_SHADES = ("#eef3f1", "#d9e8e4", "#c0dad3", "#a6cbc2", "#8fbfb4")
_NAME, _BAR, _ROW, _MOST_BARS = 130, 260, 20, 20
_SIDE, _GAP = 62, 4


@dataclass(frozen=True)
class BulletinBar:
    """One bar: its name, how long it is, and what is written at its end."""

    name: str
    value: int
    text: str


@dataclass(frozen=True)
class BulletinTile:
    """A city on the map; no value: nothing is published of it."""

    region: str
    name: str
    value: int | None
    text: str


@dataclass(frozen=True)
class Picture:
    """A picture with its title and its width in print; `tiles` are there too for formats that draw their own."""

    title: str
    svg: str
    width_mm: int
    tiles: tuple[BulletinTile, ...] = ()


def draw_bars(title: str, bars: Sequence[BulletinBar]) -> Picture:
    """Bars from one line, the most first twenty of them."""
    shown = bars[:_MOST_BARS]
    most = max([1, *(one.value for one in shown)])
    drawn = "".join(
        f'<text x="{_NAME - 6}" y="{at * _ROW + 14}" text-anchor="end" fill="{_INK}">{escape(one.name)}</text>'
        f'<rect x="{_NAME}" y="{at * _ROW + 3}" width="{one.value * _BAR // most}" height="14" fill="#1f6f63"/>'
        f'<text x="{_NAME + one.value * _BAR // most + 6}" y="{at * _ROW + 14}" fill="{_INK}">{escape(one.text)}</text>'
        for at, one in enumerate(shown)
    )
    return Picture(title, _svg(title, _NAME + _BAR + 110, len(shown) * _ROW + 4, drawn), 110)


def draw_tiles(title: str, tiles: Sequence[BulletinTile]) -> Picture:
    """The cities that have a place on the map; white where nothing is published."""
    placed = [one for one in tiles if one.region in TILES]
    most = max([0, *(one.value or 0 for one in placed)])
    drawn = "".join(_tile(one, most) for one in placed)
    rows, columns = (max(place[at] for place in TILES.values()) for at in (0, 1))
    width, height = (size * (_SIDE + _GAP) for size in (columns, rows))
    return Picture(title, _svg(title, width, height, drawn), 70, tuple(placed))


def shade_of(value: int | None, most: int) -> str:
    """The colour of a tile; white where nothing is published."""
    if value is None:
        return _PAPER
    return _SHADES[value * (len(_SHADES) - 1) // most if most else 0]


def _tile(one: BulletinTile, most: int) -> str:
    row, column = TILES[one.region]
    x, y = (column - 1) * (_SIDE + _GAP), (row - 1) * (_SIDE + _GAP)
    fill = shade_of(one.value, most)
    middle = x + _SIDE // 2
    return (
        f'<rect x="{x}" y="{y}" width="{_SIDE}" height="{_SIDE}" fill="{fill}" stroke="{_LINE}"/>'
        f'<text x="{middle}" y="{y + 26}" text-anchor="middle" fill="{_INK}">{escape(one.name)}</text>'
        f'<text x="{middle}" y="{y + 46}" text-anchor="middle" fill="{_INK}">{escape(one.text)}</text>'
    )


def _svg(title: str, width: int, height: int, drawn: str) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{escape(title)}" width="{width}" '
        f'height="{height}" viewBox="0 0 {width} {height}" font-size="12" '
        f'font-family="Noto Sans SC, sans-serif">{drawn}</svg>'
    )
