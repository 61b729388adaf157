"""What stands where on a page of a PDF, read from its own drawing instructions: signs, and a code of squares."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass

import pikepdf

from support.square_code import Squares

POINTS_PER_MM = 72 / 25.4
_Matrix = tuple[float, float, float, float, float, float]
_UNMOVED: _Matrix = (1, 0, 0, 1, 0, 0)


@dataclass(frozen=True)
class SetLine:
    """Signs set with one instruction: millimetres from the left and the top edge of the sheet, to its baseline."""

    left: float
    right: float
    baseline: float
    size: float
    signs: int


@dataclass(frozen=True)
class PrintedPage:
    """The lines of a page from top to bottom, and the squares of its code."""

    lines: tuple[SetLine, ...]
    code: Squares


def read_pages(pdf: bytes) -> list[PrintedPage]:
    """Every page of a PDF that Typst set with two bytes to a sign."""
    with pikepdf.open(io.BytesIO(pdf)) as opened:
        return [_read(page) for page in opened.pages]


def _read(page: pikepdf.Page) -> PrintedPage:
    lines, strokes = [], set()
    height = float(page.mediabox[3])
    moved, kept, font, size, start = _UNMOVED, list[_Matrix](), "", 0.0, (0.0, 0.0)
    for operands, operator in pikepdf.parse_content_stream(page):
        match str(operator):
            case "q":
                kept.append(moved)
            case "Q":
                moved = kept.pop()
            case "cm":
                moved = _after([float(one) for one in operands], moved)
            case "Tf":
                font, size = str(operands[0]), float(operands[1])
            case "TJ":
                advance, signs = _advance(page, font, operands[0])
                lines.append(_line(moved, advance * size, signs, size, height))
            case "m":
                start = (float(operands[0]), float(operands[1]))
            case "l" if start[1] % 1 == 0.5 and float(operands[1]) == start[1]:
                strokes.update((int(start[1]), at) for at in range(int(start[0]), int(operands[0])))
    edge = 1 + max((max(square) for square in strokes), default=-1)
    code = [[(row, column) in strokes for column in range(edge)] for row in range(edge)]
    return PrintedPage(tuple(sorted(lines, key=lambda one: (one.baseline, one.left))), code)


def _after(first: list[float], then: _Matrix) -> _Matrix:
    a, b, c, d, e, f = first
    p, q, r, s, t, u = then
    return (a * p + b * r, a * q + b * s, c * p + d * r, c * q + d * s, e * p + f * r + t, e * q + f * s + u)


def _line(moved: _Matrix, advance: float, signs: int, size: float, height: float) -> SetLine:
    left, up = moved[4], moved[5]
    return SetLine(
        left / POINTS_PER_MM, (left + advance) / POINTS_PER_MM, (height - up) / POINTS_PER_MM, size, signs
    )  # fmt: skip


def _advance(page: pikepdf.Page, font: str, pieces: pikepdf.Object) -> tuple[float, int]:
    """How many ems a line runs, the room behind its last sign left out, and how many signs it has."""
    widths = _widths(page.Resources.Font[font].DescendantFonts[0])
    run, signs = 0.0, 0
    for piece in pieces:
        if isinstance(piece, pikepdf.String):
            raw = bytes(piece)
            codes = [int.from_bytes(raw[at : at + 2], "big") for at in range(0, len(raw), 2)]
            run += sum(widths.get(code, widths[-1]) for code in codes)
            signs += len(codes)
        else:
            run -= float(piece)
    return run / 1000, signs


def _widths(font: pikepdf.Object) -> dict[int, float]:
    """Thousandths of an em by sign; at -1 those of any sign that is not named."""
    found = {-1: float(font.get("/DW", 1000))}
    named: Iterator[pikepdf.Object] = iter(font.get("/W", []))
    for first in named:
        second = next(named)
        if isinstance(second, pikepdf.Array):
            found |= {int(first) + at: float(width) for at, width in enumerate(second)}
        else:
            found |= dict.fromkeys(range(int(first), int(second) + 1), float(next(named)))
    return found
