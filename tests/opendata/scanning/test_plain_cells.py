"""Sheets as programs write them are read by patterns, others as XML: both ways say the same, and nothing is lost."""

from __future__ import annotations

import io
import zipfile
from xml.sax.saxutils import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huisuan.opendata.scanning.readers.any_file import read_blocks
from huisuan.opendata.scanning.readers.blocks import Block, ReadBudget
from huisuan.opendata.scanning.readers.plain_cells import PlainSheet, UnusualCells, read_plain_strings
from huisuan.opendata.scanning.scan import scan_bytes
from support.scanned_files import ID, workbook

TEXTS = ["庐阳区", "a&b <c>", "王小明", "  两端  ", "", "一\n二", ID]
STRINGS = "<sst>" + "".join(f"<si><t>{escape(text)}</t></si>" for text in TEXTS) + "</sst>"
#: a cell by kind, without its place
CELLS = (
    [f' t="s"><v>{number}</v></c>' for number in range(len(TEXTS))]
    + [
        "><v>34.5</v></c>",
        ' s="3"/>',
        ' s="12"><v>-1E+17</v></c>',
        ' t="str"><v>甲&amp;乙</v></c>',
        ' t="n"><v></v></c>',
    ]
    + [f' t="inlineStr"><is><t>{text}</t></is></c>' for text in ("直接", " 空 ")]
    + ["><f>SUM(A1:B2)&amp;1</f><v>3</v></c>", '><f t="shared" si="0"/><v>4</v></c>']
)
ROWS = st.lists(st.lists(st.tuples(st.integers(0, 5), st.sampled_from(CELLS)), max_size=6), max_size=12)


def sheet_of(rows: list[list[tuple[int, str]]], end: str = "") -> bytes:
    data = ""
    for number, cells in enumerate(rows, start=1):
        written = dict(sorted(cells))
        data += f'<row r="{number}" spans="1:6">'
        data += "".join(f'<c r="{"ABCDEF"[column]}{number}"{cell}' for column, cell in written.items())
        data += "</row>"
    return f"<worksheet><sheetData>{data}</sheetData>{end}</worksheet>".encode()


def read(sheet: bytes) -> list[Block]:
    """The blocks of a workbook with this sheet alone."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("xl/sharedStrings.xml", STRINGS)
        archive.writestr("xl/worksheets/sheet1.xml", sheet)
    return [block for block in read_blocks(buffer.getvalue(), "a.xlsx", ReadBudget()) if isinstance(block, Block)]


@given(rows=ROWS)
def test_patterns_and_xml_say_the_same_of_a_sheet(rows: list[list[tuple[int, str]]]) -> None:
    fast, slow = read(sheet_of(rows)), read(sheet_of(rows, "<!-- 就按 XML 读 -->"))
    assert list(PlainSheet(sheet_of(rows), TEXTS).rows()) is not None  # it is read by patterns
    with pytest.raises(UnusualCells):
        PlainSheet(sheet_of(rows, "<!-- -->"), TEXTS)
    for part in ("工作表 sheet1.xml（目录里没有）", "没有单元格用到的文字"):
        mine, theirs = ([block.rows for block in blocks if block.part == part] for blocks in (fast, slow))
        assert mine == theirs


@pytest.mark.parametrize(
    "data",
    [
        f'<row r="1"><c r="A1" x="{ID}"><v>1</v></c></row>', f'<row r="1"><c r="A1" s="{ID}"><v>1</v></c></row>',
        f'<row r="1"><c r="A1"><v>1</v></c>{ID}</row>', f'<row r="1"><c r="A1"><v>1<x a="{ID}"/></v></c></row>',
        f'<row r="1" spans="{ID}"><c r="A1"><v>1</v></c></row>', f'<row r="1"><c r="A1"><v>1</v></c></row><!--{ID}-->',
        f'<row r="1"><c r="A1" t="s"><v>{ID}</v></c></row>', f'<row r="1"/>{ID}', f'<row r="{ID}"/>',
        f'<row r="1"><c r="A1"><v>1</v><extLst><ext uri="{ID}"/></extLst></c></row>',
        f'<row r="1"><c r="A1"><f ref="A1" ca="{ID}">1</f><v>1</v></c></row>', f'<row r="1"><c r="A{ID}"/></row>',
        f'<row r="1"><c r="A1"><f>"{ID}"</f><v>1</v></c></row>',
    ],
)  # fmt: skip
def test_whatever_is_hidden_among_cells_is_found(data: str) -> None:
    for begin in ("", '<row r="1"><c r="A1"><v>1</v></c></row>' * 3):
        part = {"xl/worksheets/sheet9.xml": f"<worksheet><sheetData>{begin}{data}</sheetData></worksheet>"}
        found = scan_bytes(workbook({"一": [["区", "数"], ["庐阳", 3]]}, part), "a.xlsx").findings
        assert {str(one.kind) for one in found} == {"resident_id"}


@pytest.mark.parametrize(
    "strings",
    [
        f'<sst><si x="{ID}"><t>a</t></si></sst>', "<sst><si><r><t>a</t></r><r><t>b</t></r></si></sst>",
        f"<sst><si><t>a</t></si>{ID}</sst>", f"<sst><si><t>a</t></si></sst><!--{ID}-->",
        "<sst><si><t>&#65;</t></si></sst>", "<!-- <sst> --><sst><si><t>a</t></si></sst>",
        '<?xml version="1.0" encoding="GBK"?><sst><si><t>a</t></si></sst>',
    ],
)  # fmt: skip
def test_shared_strings_that_are_more_than_texts_are_read_as_xml(strings: str) -> None:
    with pytest.raises(UnusualCells):
        read_plain_strings(strings.encode())
    assert read_plain_strings(STRINGS.encode()) == TEXTS
