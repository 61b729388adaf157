"""A letter as a PDF, set with Typst. What it says goes in as data: a string is text, whatever signs it has."""

from __future__ import annotations

import io
import json
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import version
from importlib.resources import files
from math import inf

from huisuan.base.errors import Unavailable
from huisuan.base.hashing import bytes_sha256
from huisuan.base.months import SHANGHAI
from huisuan.documents.fonts import choose_faces, load_fonts
from huisuan.documents.letters import Annex, Letter

PDF_TYPE = "application/pdf"
#: the code of a refusal where the typesetter takes no such letter
NOT_SET = "document.not_set"
_HEAD_WIDTH, _LARGEST_HEAD = 400, 36  # points
_TEXT_WIDTH, _CELL_INSET = 442, 9  # points
#: of a row of one line: the height of its signs (in ems, by the shipped face) and what is left free above and below
_ROW_SIGN, _ROW_INSETS = 0.73, 10
_SLACK = 0.5  # points, of the insets that `_CELL_INSET` rounds up
#: signs that no face in use draws wider than 0.6 em
_NARROW = frozenset("0123456789,.:;/() -")


@dataclass(frozen=True)
class Imprint:
    """What a document is given when it is issued: who signs, its number, its code and the address that checks it.

    A table that is written out and not issued has no number, no code and no address.
    """

    office: str
    number: str
    code: str
    address: str
    issued_at: datetime
    replaces: str = ""


def unnumbered(office: str, made_at: datetime) -> Imprint:
    """The imprint of what is written out and not issued: an office and an instant, nothing to check it by."""
    return Imprint(office, "", "", "", made_at)


def typesetter() -> str:
    """What sets documents here, with its version: another version may break lines elsewhere."""
    return f"typst {version('typst')}"


@cache
def typesetter_and_layout() -> str:
    """What sets a document here and by which layout: by another of either, the same record may be other bytes."""
    return f"{typesetter()} {bytes_sha256(_layout())[:8]}"


def _layout() -> bytes:
    return files("huisuan.documents").joinpath("letter.typ").read_bytes()


def typeset(letter: Letter, imprint: Imprint, pictures: Sequence[tuple[str, str, int]] = ()) -> bytes:
    """The PDF. The same letter with the same imprint and faces is the same bytes.

    `pictures` are titles with SVG and its width in millimetres; they stand on a page of their own before the annexes.

    Raises:
        Unavailable: it cannot be set here (a missing package or font).
    """
    try:
        import typst
    except ImportError:
        raise Unavailable("这台机器没有装 typst：不能排版公文", code="document.no_typst") from None
    try:
        data = json.dumps(_data(letter, imprint, pictures), ensure_ascii=False)
        made = typst.compile(
            _layout(), format="pdf", sys_inputs={"letter": data},
            font_paths=load_fonts(), ignore_system_fonts=True,
            timestamp=int(imprint.issued_at.astimezone(UTC).timestamp()),
        )  # fmt: skip
    except RuntimeError as error:
        raise Unavailable(f"公文没有排成（{error}）", code=NOT_SET) from None
    return made


def _data(letter: Letter, imprint: Imprint, pictures: Sequence[tuple[str, str, int]]) -> dict[str, object]:
    day = imprint.issued_at.astimezone(SHANGHAI)
    size = min(_LARGEST_HEAD, _HEAD_WIDTH * 10 // (11 * max(1, len(imprint.office))))
    said = letter.to_dict()
    for annex, shown in zip(letter.annexes, said["annexes"], strict=True):
        widths = _widths(annex)
        for column, width in zip(shown["columns"], widths, strict=True):
            column["width"] = width
        shown["heights"] = _heights(annex, widths)
    return {
        **said, "office": imprint.office, "number": imprint.number, "code": imprint.code,
        "qr": _qr_code(imprint.address) if imprint.address else "", "replaces": imprint.replaces,
        "signed": imprint.office,
        "pictures": [{"title": title, "svg": svg, "width": width} for title, svg, width in pictures],
        "day": f"{day.year}年{day.month}月{day.day}日", "head-size": size, "fonts": choose_faces(load_fonts()),
    }  # fmt: skip


def _widths(annex: Annex) -> list[float | None]:
    """Of each column the points that its longest text takes, none for one that takes what is left.

    The typesetter would measure every cell itself, which takes longer than setting them. Where the texts do not fit
    beside each other, all columns share the width.
    """
    needed = [
        None
        if column.wide
        else max(_points(text, annex.size) for text in [column.title, *(row[at] for row in annex.rows)])
        for at, column in enumerate(annex.columns)
    ]
    fixed = sum(width for width in needed if width is not None)
    return [None] * len(needed) if fixed > _TEXT_WIDTH * 3 / 4 else needed


def _heights(annex: Annex, widths: Sequence[float | None]) -> list[float | None]:
    """Of each row the points that it takes where each of its texts surely stands on one line, else none.

    The typesetter measures what has no height of its own, and then sets it once more: a third of an annex's time.
    """
    left = _TEXT_WIDTH - sum(width for width in widths if width is not None)
    shared = left / max(1, widths.count(None))
    room = [(shared if width is None else width) - _CELL_INSET for width in widths]
    height = annex.size * _ROW_SIGN + _ROW_INSETS
    return [
        height if all(_fits(text, annex.size, points) for text, points in zip(row, room, strict=True)) else None
        for row in annex.rows
    ]


def _fits(text: str, size: int, points: float) -> bool:
    return sum(map(_most_ems.__getitem__, text)) * size <= points + _SLACK


class _MostEms(dict[str, float]):
    """How many ems a sign takes at most on a line, in any face in use; without bound where that is not known."""

    def __missing__(self, sign: str) -> float:
        if sign in _NARROW:
            most = 0.6
        elif unicodedata.east_asian_width(sign) in "WF":
            most = 1.0
        else:
            most = 1.1 if " " < sign <= "~" else inf
        self[sign] = most
        return most


_most_ems = _MostEms()


def _points(text: str, size: int) -> float:
    signs = sum(1.0 if unicodedata.east_asian_width(sign) in "WFA" else 0.6 for sign in text)
    return signs * size + _CELL_INSET


def _qr_code(address: str) -> str:
    import segno

    drawn = io.BytesIO()
    segno.make(address, error="m", micro=False).save(drawn, kind="svg", border=0, xmldecl=False)
    return drawn.getvalue().decode()
