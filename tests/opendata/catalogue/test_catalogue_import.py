"""Lists as departments send them: encodings, merged headers, good rows kept, versions that stay."""

from __future__ import annotations

import io
import random
import zipfile
from datetime import UTC, datetime, timedelta

import openpyxl
import pytest
from django.db import DatabaseError, IntegrityError, transaction

from huisuan.base.errors import InvalidRequest
from huisuan.opendata.catalogue import listed
from huisuan.opendata.catalogue.catalogue_import import import_catalogue
from huisuan.opendata.catalogue.listed import find_entries
from huisuan.opendata.catalogue.queries import filter_by_access, search_entries, standing_entries
from huisuan.opendata.catalogue.search_grams import by_index, holds_word, looked_at
from huisuan.opendata.catalogue.sheet_reader import read_sheets
from huisuan.opendata.models import CatalogueEntry, CatalogueVersion
from support.catalogue import as_csv, code, line

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 29, 1, tzinfo=UTC)


def brought(content: bytes, name: str = "清单.csv", days: int = 0) -> tuple[int, int, int, list[str]]:
    report = import_catalogue(content, name, by="test", now=NOW + timedelta(days=days))
    return report.new, report.changed, report.same, [str(fault) for fault in report.faults]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "gb18030"])
def test_every_usual_encoding_is_read(encoding: str) -> None:
    assert brought(as_csv([line()], encoding)) == (1, 0, 0, [])
    assert standing_entries().get().title == "公共停车场名录"


def test_good_rows_are_kept_bad_cells_named_and_the_same_file_changes_nothing() -> None:
    content = as_csv([line(1), line(2, frequency="每季底", licence=""), line(3), line(1, title="又一次")])
    new, _, _, faults = brought(content)
    assert new == 2
    assert [fault.partition(":")[0] for fault in faults] == ["行 3，列 更新频率", "行 3，列 许可", "行 5，列 目录代码"]
    assert brought(content)[:3] == (0, 0, 2)
    assert CatalogueVersion.objects.count() == 2


def test_what_is_said_otherwise_is_the_next_version_and_the_one_before_stays() -> None:
    brought(as_csv([line()]))
    assert brought(as_csv([line(title="停车场")]), days=1)[1] == 1
    assert standing_entries().get().title == "停车场"
    assert list(CatalogueVersion.objects.order_by("number").values_list("title", flat=True)) == [
        "公共停车场名录",
        "停车场",
    ]
    with pytest.raises(DatabaseError), transaction.atomic():
        CatalogueVersion.objects.update(title="x")


def test_a_workbook_with_a_title_and_a_merged_two_row_header_is_read() -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "目录"
    sheet["A1"] = "2026 年开放清单"
    sheet.merge_cells("A1:J1")
    one = ["目录代码", "名称", "提供", "提供", "主题", "数据形式", "开放", "开放", "开放", "联系方式"]
    two = ["", "", "提供单位", "区划代码", "", "", "开放属性", "更新频率", "许可", ""]
    for column, (up, low) in enumerate(zip(one, two, strict=True), start=1):
        sheet.cell(2, column, up)
        sheet.cell(3, column, low or None)
    for area in ("C2:D2", "G2:I2", "A2:A3", "B2:B3", "E2:E3", "F2:F3", "J2:J3"):
        sheet.merge_cells(area)
    cells = line()
    fields = ("code", "title", "department", "region", "theme", "kind", "access", "frequency", "licence", "contact")
    sheet.append([cells[field] if field != "region" else 340100 for field in fields])
    sheet.append([{**line(2), "frequency": "随时"}[field] for field in fields])
    book.create_sheet("说明")["A1"] = "填写说明"
    buffer = io.BytesIO()
    book.save(buffer)
    new, _, _, faults = brought(buffer.getvalue(), "清单.xlsx")
    assert new == 1
    assert faults[0].startswith("工作表 说明，行 1")
    assert faults[1].startswith("工作表 目录，行 5，列 更新频率")


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "是空的"), (b"a,b\n1,2\n", "没有找到表头"), (b"PK\x03\x04rubbish", "读不出"),
        (b"\xd0\xcf\x11\xe0old", "XLS"),
        (as_csv([line()]).replace("许可".encode(), "联系处室".encode()), "联系处室 出现了不止一次"),
        (as_csv([line()]).replace("更新频率".encode(), b"x"), "表头缺少列 更新频率"),
        (b'"never closed\n' * 3, "引号"), (("," * 300 + "\n").encode(), "删去空列"),
    ],
)  # fmt: skip
def test_what_is_no_list_is_refused_with_what_to_do(content: bytes, what: str) -> None:
    with pytest.raises(InvalidRequest, match=what):
        import_catalogue(content, "x", by="test", now=NOW)
    assert not CatalogueEntry.objects.exists()


def test_a_workbook_that_unpacks_to_too_much_or_declares_entities_is_not_parsed() -> None:
    for part, content, what in (
        ("xl/big.xml", b"0" * (130 * 1024 * 1024), "解开后过大"),
        ("xl/workbook.xml", b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "b">]><x/>', "文档类型声明"),
        ("xl/late.xml", b"<!--" + b" " * 5000 + b"--><!DOCTYPE x><x/>", "文档类型声明"),
        ("xl/wide.xml", '<?xml version="1.0" encoding="UTF-16"?><!DOCTYPE x><x/>'.encode("utf-16"), "文档类型声明"),
    ):
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(part, content)
        with pytest.raises(InvalidRequest, match=what):
            read_sheets(buffer.getvalue(), "x.xlsx")


@pytest.mark.parametrize("areas", [["A1:XFD1048576"], ["A1:B1048576"], ["$xfd$1048576:a1"], ["A1:ZZ100"] * 2])
def test_a_workbook_that_merges_more_cells_than_a_list_has_is_not_parsed(areas: list[str]) -> None:
    """The parser of workbooks makes every merged cell an object: one area of a whole sheet took all memory."""
    merged = "".join(f'<x:mergeCell ref="{area}"/>' for area in areas)
    for called in ("sheet1.xml", "sheet1.png"):
        sheet = f'<x:worksheet xmlns:x="urn:x">{merged}</x:worksheet>'.encode()
        with pytest.raises(InvalidRequest) as refusal:
            read_sheets(workbook_with(sheet, called), "x.xlsx")
        assert refusal.value.code == "catalogue.workbook_merges_too_much"


def workbook_with(sheet: bytes, called: str) -> bytes:
    """An archive with this as a sheet, and nothing else of a workbook."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"xl/worksheets/{called}", sheet)
    return buffer.getvalue()


@pytest.mark.parametrize("packing", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_workbook_in_a_packing_that_unpacks_without_a_limit_is_not_parsed(packing: int) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", packing) as archive:
        archive.writestr("xl/workbook.xml", b"<x/>")
    with pytest.raises(InvalidRequest, match="不常见的压缩方式"):
        read_sheets(buffer.getvalue(), "x.xlsx")


@pytest.mark.parametrize(
    "wrong",
    [
        {"access": "closed", "ground": "x"}, {"access": "conditional", "terms": "x"}, {"licence": ""},
        {"grade": "重要"}, {"kind": "documents"}, {"kind": "archives"}, {"kind": "gazetteer"}, {"access": "secret"},
        {"contact": " "},
    ],
)  # fmt: skip
def test_the_database_itself_refuses_what_must_not_be_listed(wrong: dict[str, str]) -> None:
    brought(as_csv([line()]))
    row = CatalogueVersion.objects.get()
    row.pk, row.number = None, 2
    for name, value in wrong.items():
        setattr(row, name, value)
    with pytest.raises(IntegrityError), transaction.atomic():
        row.save(force_insert=True)


def test_search_finds_one_character_and_words_across_fields() -> None:
    brought(as_csv([line(1), line(2, title="图书馆名录", theme="文化", department="合肥市文旅局")]))
    assert [row.title for row in search_entries("馆")] == ["图书馆名录"]
    assert [row.title for row in search_entries("名录 建设局")] == ["公共停车场名录"]
    assert [row.entry.code for row in search_entries(code(2)[-10:].lower())] == [code(2)]
    assert not search_entries("录名").exists()
    assert find_entries().facets()["theme"] == [
        {"value": "交通运输", "count": 1},
        {"value": "文化", "count": 1},
    ]


def test_what_the_database_searches_by_finds_exactly_the_substrings() -> None:
    draw = random.Random(17)
    titles = {code(at): "".join(draw.choices("停车场名录a'\\\"&|!:*", k=draw.randint(1, 9))) for at in range(60)}
    CatalogueEntry.objects.bulk_create([CatalogueEntry(code=key, searched=text) for key, text in titles.items()])
    for _ in range(300):
        word = "".join(draw.choices("停车场名录a'\\\"&|!:*", k=draw.randint(1, 3)))
        with by_index():
            found = CatalogueEntry.objects.filter(holds_word(word))
            assert [each.code for each in found] == [key for key, text in titles.items() if word in text], word
        assert list(found) == list(CatalogueEntry.objects.filter(looked_at(holds_word(word))))


def test_a_page_is_the_same_whether_few_are_put_in_order_or_many_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    brought(as_csv([line(at, title=f"{'停车' * (at % 2)}名录{at}", theme=f"t{at % 3}") for at in range(1, 31)]))
    wanted = {"theme": "t1"}
    for most in (1000, 1):
        monkeypatch.setattr(listed, "_FEW", most)
        found = find_entries("停车 名").narrow(wanted)
        codes = [code(at) for at in range(1, 31) if at % 2 and at % 3 == 1]
        assert (found.total, [row.entry.code for row in found.page(0, 9)]) == (len(codes), codes)
        assert [row.entry.code for row in found.page(1, 3, ["-latest_id"])] == codes[::-1][1:3]
        assert find_entries("停车").page(100, 150) == []
        assert [row.title for row in find_entries("车").page(0, 1)] == ["停车名录1"]


def test_a_facet_is_counted_as_the_other_ones_leave_it() -> None:
    brought(as_csv([line(1), line(2, theme="文化"), line(3, theme="文化", title="馆藏")]))
    facets = find_entries().facets({"theme": "文化", "access": "open"})
    assert facets["theme"] == [{"value": "文化", "count": 2}, {"value": "交通运输", "count": 1}]
    assert facets["access"] == [{"value": "open", "count": 2}]
    assert find_entries("馆藏").facets()["theme"] == [{"value": "文化", "count": 1}]
    brought(as_csv([line(3, theme="文化", title="学校", licence="另一许可")]))  # what was counted is counted anew
    assert find_entries("馆藏").total == 0
    assert find_entries().total == 3


def test_a_class_of_access_is_named_by_key_or_by_any_word_of_departments() -> None:
    brought(as_csv([line(1), line(2, access="受限开放", ground="条例第九条", terms="签订协议")]))
    for word in ("conditional", "受限开放", "有条件 开放"):
        assert [each.entry.code for each in filter_by_access(standing_entries(), word)] == [code(2)]
    with pytest.raises(InvalidRequest, match="没有“秘密”这种开放属性"):
        filter_by_access(standing_entries(), "秘密")
