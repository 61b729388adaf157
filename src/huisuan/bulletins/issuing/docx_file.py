"""A letter as a DOCX without a template: the page of GB/T 9704, text and tables, and no time in it.

What is set in print is the PDF; this file is for whoever works on with the words. The map is a table of its tiles, and
bars are left to the tables, which have their figures.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape

from huisuan.bulletins.issuing.pictures import BulletinTile, Picture, shade_of
from huisuan.documents.letters import Annex, Letter
from huisuan.documents.tile_map import TILES

_W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
_TYPES = (
    f'{_HEAD}<Types xmlns="{_PACKAGE}/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Override PartName="/word/document.xml" ContentType='
    '"application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>'
)
_ROOT = (
    f'{_HEAD}<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="rId1" Target="word/document.xml" '
    'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument"/></Relationships>'
)
#: A4; 37 mm above, 28 mm left, a block of 156 x 225 mm, in twentieths of a point; 22 lines of 28 characters
_PAGE = (
    '<w:sectPr><w:pgSz w:w="11906" w:h="16838"/><w:pgMar w:top="2098" w:left="1587" w:right="1474" w:bottom="1984" '
    'w:header="851" w:footer="992" w:gutter="0"/><w:docGrid w:type="linesAndChars" w:linePitch="579"/></w:sectPr>'
)
_WIDTH = 8845  # 156 mm, in twentieths of a point
_SHARES = {(True, False): 4, (True, True): 4, (False, False): 2, (False, True): 1}  # by a column's wide and number
_NO_TIME = (1980, 1, 1, 0, 0, 0)
_FACES = {"title": "方正小标宋简体", "heading": "黑体", "subheading": "楷体", "text": "仿宋"}


def write_docx(letter: Letter, office: str, number: str, day: str, pictures: Sequence[Picture]) -> bytes:
    """The DOCX. The same letter is the same bytes: parts in order, unpacked, without times."""
    parts = [
        _paragraph(office, "title", size=52, align="center"), _paragraph(number, align="center"),
        _paragraph(letter.title, "title", size=44, align="center"),
        *([_paragraph(f"{letter.to}：")] if letter.to else []),
        *(_paragraph(part.text, part.kind, indent=True) for part in letter.body),
        *(_paragraph(f"附件{at}：{annex.title}", indent=True) for at, annex in enumerate(letter.annexes, start=1)),
        _paragraph(office, align="right"), _paragraph(day, align="right"),
        *([_paragraph(f"（{letter.note}）", indent=True)] if letter.note else []),
        *(_map(one.title, {TILES[tile.region]: tile for tile in one.tiles}) for one in pictures if one.tiles),
        *(_annex(at, annex) for at, annex in enumerate(letter.annexes, start=1)),
    ]  # fmt: skip
    document = f'{_HEAD}<w:document xmlns:w="{_W}"><w:body>{"".join(parts)}{_PAGE}</w:body></w:document>'
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_STORED) as package:
        for name, content in (("[Content_Types].xml", _TYPES), ("_rels/.rels", _ROOT), ("word/document.xml", document)):
            entry = zipfile.ZipInfo(name, _NO_TIME)
            entry.create_system, entry.external_attr = 0, 0
            package.writestr(entry, content.encode())
    return made.getvalue()


def _paragraph(text: str, kind: str = "text", *, size: int = 32, align: str = "", indent: bool = False) -> str:
    place = (f'<w:jc w:val="{align}"/>' if align else "") if not indent else ""
    first = '<w:ind w:firstLineChars="200"/>' if indent else ""
    return f"<w:p><w:pPr>{first}{place}</w:pPr>{_run(text, kind, size)}</w:p>"


def _run(text: str, kind: str, size: int) -> str:
    face = _FACES[kind]
    look = f'<w:rPr><w:rFonts w:ascii="{face}" w:hAnsi="{face}" w:eastAsia="{face}"/><w:sz w:val="{size}"/></w:rPr>'
    lines = "<w:br/>".join(f'<w:t xml:space="preserve">{escape(line)}</w:t>' for line in text.split("\n"))
    return f"<w:r>{look}{lines}</w:r>"


def _annex(at: int, annex: Annex) -> str:
    size = 2 * annex.size
    edges = "".join(
        f'<w:{side} w:val="single" w:sz="4" w:color="000000"/>'
        for side in ("top", "left", "bottom", "right", "insideH", "insideV")
    )
    rows = [tuple(column.title for column in annex.columns), *annex.rows]
    cells = "".join(
        "<w:tr>" + "".join(f"<w:tc><w:p>{_run(text, 'text', size)}</w:p></w:tc>" for text in row) + "</w:tr>"
        for row in rows
    )
    return (
        f'<w:p><w:r><w:br w:type="page"/></w:r></w:p>{_paragraph(f"附件{at}", "heading")}'
        f"{_paragraph(annex.title, 'title', size=44, align='center')}"
        f'<w:tbl><w:tblPr><w:tblW w:w="{_WIDTH}" w:type="dxa"/><w:tblBorders>{edges}</w:tblBorders></w:tblPr>'
        f"{_grid([_SHARES[column.wide, column.number] for column in annex.columns])}{cells}</w:tbl>"
        f"{_paragraph(annex.note, size=24) if annex.note else _paragraph('')}"
    )


def _grid(shares: Sequence[int]) -> str:
    """The columns of a table, of the width of the block of text by shares."""
    return (
        "<w:tblGrid>" + "".join(f'<w:gridCol w:w="{_WIDTH * one // sum(shares)}"/>' for one in shares) + "</w:tblGrid>"
    )


def _map(title: str, tiles: Mapping[tuple[int, int], BulletinTile]) -> str:
    most = max([0, *(one.value or 0 for one in tiles.values())])
    rows, columns = (max(place[at] for place in TILES.values()) for at in (0, 1))
    drawn = "".join(
        "<w:tr>" + "".join(_square(tiles.get((row, column)), most) for column in range(1, columns + 1)) + "</w:tr>"
        for row in range(1, rows + 1)
    )
    return (
        f"{_paragraph(title, 'heading', size=24)}<w:tbl><w:tblPr/>{_grid([1] * columns)}{drawn}</w:tbl>{_paragraph('')}"
    )


def _square(tile: BulletinTile | None, most: int) -> str:
    if tile is None:
        return "<w:tc><w:p/></w:tc>"
    fill = shade_of(tile.value, most).removeprefix("#").upper()
    said = "<w:br/>".join(f'<w:t xml:space="preserve">{escape(text)}</w:t>' for text in (tile.name, tile.text))
    look = '<w:rPr><w:sz w:val="18"/></w:rPr>'
    shade = f'<w:tcPr><w:shd w:val="clear" w:color="auto" w:fill="{fill}"/></w:tcPr>'
    return f'<w:tc>{shade}<w:p><w:pPr><w:jc w:val="center"/></w:pPr><w:r>{look}{said}</w:r></w:p></w:tc>'
