"""A document is laid out by GB/T 9704-2012, says what its letter says, and is the same bytes from the same record."""

from __future__ import annotations

import io
import itertools
from dataclasses import replace
from datetime import UTC, datetime
from fractions import Fraction

import pikepdf
import pypdf
import pytest

from huisuan.base.errors import InvalidRequest, Unavailable
from huisuan.documents.fonts import embedded_families
from huisuan.documents.letters import Annex, AnnexColumn, Letter, Part, parse_letter
from huisuan.documents.typesetting import Imprint, typeset
from support.printed_page import POINTS_PER_MM, read_pages
from support.square_code import read_square_code

NOON = datetime(2026, 11, 29, 4, tzinfo=UTC)
IMPRINT = Imprint(
    "安徽省科学技术厅", "皖科〔2026〕1号", "0123-4567-89AB", "http://127.0.0.1:8000/documents/0123-4567-89AB", NOON
)
HOSTILE = "甲#pagebreak()& <b> $x^2$ *粗* _斜_ @引 \\ [框] `码` //注 公司"
TABLE = Annex(
    "分配表",
    (AnnexColumn("单位", wide=True), AnnexColumn("金额（元）", number=True)),
    tuple((f"{HOSTILE} {number}", f"{number}.00") for number in range(80)),
)
LETTER = Letter(
    "关于#下达&<资金>的通知", (Part("一、金额", "heading"), Part(HOSTILE)), f"{HOSTILE}", (TABLE,), "此件公开发布"
)


def text_of(pdf: bytes) -> str:
    """What a reader finds on the pages, without the spaces of the layout."""
    pages = pypdf.PdfReader(io.BytesIO(pdf)).pages
    return "".join("".join(page.extract_text() for page in pages).split())


def test_the_same_letter_is_the_same_bytes_and_another_is_not() -> None:
    first = typeset(LETTER, IMPRINT)
    assert typeset(LETTER, IMPRINT) == first
    assert typeset(replace(LETTER, to="乙"), IMPRINT) != first


def test_what_looks_like_markup_is_text() -> None:
    found = text_of(typeset(LETTER, IMPRINT))
    assert found.count("".join(HOSTILE.split())) == 2 + len(TABLE.rows)
    assert "关于#下达&<资金>的通知" in found


def test_each_page_bears_its_code_and_number_and_the_annex_its_head() -> None:
    pages = [page.extract_text() for page in pypdf.PdfReader(io.BytesIO(typeset(LETTER, IMPRINT))).pages]
    for number, page in enumerate(pages, start=1):
        assert "核验码 0123-4567-89AB" in page
        assert f"— {number} —" in page
    assert all("金额（元）" in page for page in pages[-2:])  # the head of a table stands on each of its pages


def test_pages_are_a4_and_the_annex_begins_on_its_own() -> None:
    short = typeset(replace(LETTER, annexes=()), IMPRINT)
    with pikepdf.open(io.BytesIO(short)) as one, pikepdf.open(io.BytesIO(typeset(LETTER, IMPRINT))) as whole:
        assert len(whole.pages) >= len(one.pages) + 3  # 80 rows
        for page in whole.pages:
            width, height = (Fraction(str(edge)) * Fraction("25.4") / 72 for edge in page.mediabox[2:])
            assert abs(width - 210) < Fraction(1, 10)
            assert abs(height - 297) < Fraction(1, 10)


def test_a_page_is_22_lines_of_28_signs_in_its_place_by_gb_t_9704() -> None:
    pages = read_pages(typeset(Letter("题", (Part("国" * 28 * 70),)), IMPRINT))
    assert len(pages) == 4
    first, *whole = [[one for one in page.lines if one.size == 15.75] for page in pages[:3]]
    assert [one.signs for one in first[1:4]] == [26, 28, 28]  # below the number: indented by two, then full
    for lines in whole:
        assert [one.signs for one in lines] == [28] * 22
        for one in lines:
            assert (one.left, one.right) == pytest.approx((28, 28 + 156), abs=0.1)
        tops = [one.baseline - 0.88 * one.size / POINTS_PER_MM for one in lines]
        assert tops == pytest.approx([37 + at * 225 / 22 for at in range(22)], abs=0.1)
    for number, page in enumerate(pages, start=1):
        foot = page.lines[-1]
        assert (foot.size, foot.signs) == (14, 5)
        assert foot.baseline > 37 + 225 + 7
        sign = 14 / POINTS_PER_MM
        if number % 2:  # on the outer edge, one sign in
            assert foot.right == pytest.approx(184 - sign, abs=0.3)
        else:
            assert foot.left == pytest.approx(28 + sign, abs=0.3)
        assert read_square_code(page.code) == IMPRINT.address


def test_rows_of_an_annex_never_overlap_whatever_they_hold() -> None:
    cells = ["短", "W" * 31, "国" * 29, "国" * 90, "一\n二", "é" * 60, "1" * 40, "A国" * 17, "", "⸺" * 20, "𠮷" * 40]
    table = Annex(
        "表", (AnnexColumn("单位", wide=True), AnnexColumn("数", number=True)),
        tuple((cell, other) for cell in cells for other in ("1,234.00", "WWWWWWWWWWWW")),
    )  # fmt: skip
    pages = read_pages(typeset(Letter("题", (), annexes=(table,)), IMPRINT))
    for page in pages[1:]:
        left = [one for one in page.lines if one.size == 12 and one.left < 100]
        assert all(one.right < 184 for one in page.lines if one.size == 12)
        for above, below in itertools.pairwise(left):
            assert below.baseline - above.baseline > 10 / POINTS_PER_MM or below.left > above.right - 0.1


def test_all_faces_are_embedded_and_come_with_the_platform() -> None:
    assert embedded_families(typeset(LETTER, IMPRINT)) == ["NotoSansSC-Regular", "NotoSerifSC-Regular"]


def test_a_folder_of_fonts_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUISUAN_FONTS", "/nowhere/fonts")
    with pytest.raises(Unavailable, match="/nowhere/fonts"):
        typeset(LETTER, IMPRINT)


@pytest.mark.parametrize(
    ("place", "wrong"),
    [
        ("body\\[0\\].kind", {"title": "题", "body": [{"text": "文", "kind": "html"}]}),
        ("annexes\\[0\\].rows\\[1\\]：有 1 格", {
            "title": "题", "body": [],
            "annexes": [{"title": "表", "columns": [{"title": "一"}, {"title": "二"}], "rows": [["1", "2"], ["1"]]}],
        }),
        ("titel：没有这个字段", {"titel": "题", "title": "题", "body": []}),
        ("body：缺少", {"title": "题"}),
        ("title：带有控制字符", {"title": "题\x00", "body": []}),
        ("公文：应是一个对象", []),
        ("annexes\\[0\\].size", {
            "title": "题", "body": [],
            "annexes": [{"title": "表", "columns": [{"title": "一"}], "rows": [], "size": True}],
        }),
    ],
)  # fmt: skip
def test_a_letter_that_cannot_be_read_is_refused_with_its_place(place: str, wrong: object) -> None:
    with pytest.raises(InvalidRequest, match=place):
        parse_letter(wrong)


def test_a_letter_comes_back_from_its_json() -> None:
    assert parse_letter(LETTER.to_dict()) == LETTER
