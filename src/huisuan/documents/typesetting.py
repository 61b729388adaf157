"""A letter as a PDF, set with Typst. What it says goes in as data: a string is text, whatever signs it has."""

from __future__ import annotations

import io
import json
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from importlib.resources import files

from huisuan.base.errors import Unavailable
from huisuan.base.months import SHANGHAI
from huisuan.documents.fonts import choose_faces, load_fonts
from huisuan.documents.letters import Annex, Letter

PDF_TYPE = "application/pdf"
#: the code of a refusal where the typesetter takes no such letter
NOT_SET = "document.not_set"
_HEAD_WIDTH, _LARGEST_HEAD = 400, 36  # points
_TEXT_WIDTH, _CELL_INSET = 442, 9  # points


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
    source = files("huisuan.documents").joinpath("letter.typ").read_bytes()
    try:
        data = json.dumps(_data(letter, imprint, pictures), ensure_ascii=False)
        made = typst.compile(
            source, format="pdf", sys_inputs={"letter": data},
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
        for column, width in zip(shown["columns"], _widths(annex), strict=True):
            column["width"] = width
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


def _points(text: str, size: int) -> float:
    signs = sum(1.0 if unicodedata.east_asian_width(sign) in "WFA" else 0.6 for sign in text)
    return signs * size + _CELL_INSET


def _qr_code(address: str) -> str:
    import segno

    drawn = io.BytesIO()
    segno.make(address, error="m", micro=False).save(drawn, kind="svg", border=0, xmldecl=False)
    return drawn.getvalue().decode()
