"""Files of every kind: all parts of them are read; what cannot be read is a finding and never silence."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

import huisuan.opendata.names.commands as scanning_commands
from huisuan.cli.main import assemble
from huisuan.opendata.scanning.caged import CageLimits, scan_file
from huisuan.opendata.scanning.readers.blocks import ReadBudget
from huisuan.opendata.scanning.scan import ScanReport, scan_bytes
from support.scanned_files import ID, WRONG, document, ofd, pdf, with_check_digit, workbook, zipped


def found(content: bytes, name: str = "x") -> list[tuple[str, str]]:
    return sorted((str(one.kind), one.part) for one in scan_bytes(content, name).findings)


def kinds(report: ScanReport) -> set[str]:
    return {str(one.kind) for one in report.findings}


def ids(number: int) -> list[str]:
    """Resident IDs, each another."""
    return [
        with_check_digit(f"340104{1950 + n % 60}{n % 12 + 1:02d}{n % 28 + 1:02d}{n % 1000:03d}") for n in range(number)
    ]


def test_a_list_of_couples_with_blurred_addresses_and_whole_ids_has_each_by_sheet_and_cell() -> None:
    numbers = ids(77)
    rows: list[list[object]] = [["序号", "住址", "丈夫身份证", "妻子身份证"]]
    rows += [[n + 1, "合肥市某区某路**号", numbers[n], numbers[40 + n] if n < 37 else "缺"] for n in range(40)]
    report = scan_bytes(workbook({"名单": rows}), "名单.xlsx")
    cells = [one for one in report.findings if one.kind == "resident_id"]
    assert len(cells) == 77
    assert {(one.part, one.column, one.heading) for one in cells} == {
        ("工作表 名单", 3, "丈夫身份证"), ("工作表 名单", 4, "妻子身份证"),
    }  # fmt: skip
    assert [one.row for one in cells if one.column == 3] == list(range(2, 42))
    assert all(number not in json.dumps(report.to_dict()) for number in numbers)


def test_fifteen_thousand_rows_under_a_merged_header_are_two_columns() -> None:
    rows: list[list[object]] = [
        ["补贴发放表", "", "", ""],
        ["序号", "领取人", "", "金额"],
        ["", "身份证号", "银行账号", ""],
    ]
    rows += [[n, number, f"62220{n:011d}", 1200] for n, number in enumerate(ids(15_000))]
    report = scan_bytes(workbook({"发放": rows}), "发放.xlsx")
    most = report.columns()[0]
    assert (most["heading"], most["kind"], most["findings"]) == ("领取人 / 身份证号", "resident_id", 15_000)
    assert {one["column"] for one in report.columns()} == {2, 3}


def test_names_in_the_cache_of_a_pivot_table_are_found_in_that_part() -> None:
    signs = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英"
    names = [f"{family}{one}{other}" for family in "王李" for one in signs for other in signs][:943]
    assert len(names) == 943
    cache = "<pivotCacheDefinition><sharedItems>" + "".join(f'<s v="{name}"/>' for name in names)
    part = "xl/pivotCache/pivotCacheDefinition1.xml"
    content = workbook({"合计": [["区", "数"], ["庐阳", 3]]}, {part: cache + "</sharedItems></pivotCacheDefinition>"})
    assert found(content) == [("name", f"部件 {part}")]


def test_every_part_of_a_workbook_is_read() -> None:
    import openpyxl
    from openpyxl.comments import Comment
    from openpyxl.workbook.defined_name import DefinedName

    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet["A1"], sheet["B1"] = "区", "数"
    sheet["A2"] = "庐阳"
    sheet["A2"].comment = Comment(f"联系 {ids(1)[0]}", "甲")
    sheet.oddHeader.center.text = "电话13900000001"
    hidden = book.create_sheet("底稿")
    hidden.sheet_state = "veryHidden"
    hidden["A1"], hidden["A2"] = "手机", "13900000002"
    book.defined_names["x"] = DefinedName("x", attr_text='"13900000003"')
    book.properties.subject = "13900000004"
    sheet.column_dimensions["C"].hidden = True
    sheet["C2"] = "13900000005"
    sheet["A3"] = 3.4010419800101e17
    buffer = io.BytesIO()
    book.save(buffer)
    report = scan_bytes(buffer.getvalue(), "统计13900000006.xlsx")
    shown = {one.masked[-4:] for one in report.findings if one.kind == "mobile"}
    assert shown == {f"000{n}" for n in range(1, 7)}
    assert any("隐藏" in one.part for one in report.findings)
    assert {"resident_id", "damaged_id"} <= kinds(report)


def test_text_cut_over_runs_deleted_or_beside_the_text_of_a_document_is_read() -> None:
    runs = "".join(f"<w:r><w:t>{piece}</w:t></w:r>" for piece in (ID[:5], ID[5:11], ID[11:]))
    gone = '<w:del w:author="甲"><w:r><w:delText>13900000001</w:delText></w:r></w:del>'
    header = f'<w:hdr xmlns:w="w"><w:p><w:r><w:t>{ids(3)[2]}</w:t></w:r></w:p></w:hdr>'
    content = document(f"<w:p>{runs}</w:p><w:p>{gone}</w:p>", {"word/header1.xml": header, "word/media/a.png": b"x"})
    assert found(content) == [
        ("mobile", "正文连同删去的文字"), ("resident_id", "正文"), ("resident_id", "部件 word/header1.xml"),
        ("unread", "word/media/a.png"),
    ]  # fmt: skip


def test_ofd_pdf_parquet_json_html_and_archives_of_them_are_read(tmp_path: Path) -> None:
    assert found(ofd([ID[:9], ID[9:]])) == [("resident_id", "部件 Doc_0/Pages/Page_0/Content.xml")]
    assert found(ofd(list("手机13900000001"))) == [("mobile", "部件 Doc_0/Pages/Page_0/Content.xml")]
    assert found(ofd([])) == [("unread", "Doc_0/Pages/Page_0/Content.xml")]
    assert ("resident_id", "第 1 页") in found(pdf([f"身份证 {ID}"]))
    assert ("unread", "第 1 页") in found(pdf([]))
    file = tmp_path / "a.parquet"
    pq.write_table(pa.table({"证件": [int(ID[:17] + "0"), 1], "手机": ["13900000001", None]}), file)
    assert ("mobile", "") in found(file.read_bytes())
    assert found(json.dumps({"a": [{"手机": "13900000001"}]}).encode()) == [("mobile", "")]
    assert found(b'{"a": 1}\n{"a": 13900000001}\n') == [("mobile", "")]
    page = f"<html><!-- 13900000001 --><p>身份<b>证</b>：{ID[:6]}<i>{ID[6:]}</i></p></html>"
    assert [kind for kind, _ in found(page.encode())] == ["mobile", "resident_id"]
    inner = zipped({"名单.csv": f"姓名,证件\n王某,{ID}\n"})
    assert ("resident_id", "b.zip › 名单.csv") in found(zipped({"b.zip": inner}))


@pytest.mark.parametrize("encoding", ["utf-8-sig", "gb18030", "utf-16"])
def test_every_usual_encoding_and_a_quote_that_never_closes_are_read(encoding: str) -> None:
    assert found(f"证件,备注\n{ID},x\n".encode(encoding)) == [("resident_id", "")]
    assert found(f'证件,"备注\n{ID},x\n'.encode(encoding)) == [("resident_id", "")]


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (b"\xd0\xcf\x11\xe0old", "整个文件"), (b"PK\x03\x04rubbish", "整个文件"), (b"%PDF-1.7 rubbish", "整个文件"),
            (b"", "整个文件"),
        (bytes(range(256)) * 4, "整个文件"), (b"PAR1rubbish", "整个文件"),
        (document('<w:p/>', {"word/evil.xml": '<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>'}), "word/evil.xml"),
        (zipped({"../a.csv": "a,b\n1,2\n"}), "../a.csv"), (zipped({"a.txt": "x"}, twice=[("a.txt", "y")]), "a.txt"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_a_finding(content: bytes, part: str) -> None:
    assert ("unread", part) in found(content)


def test_a_limit_that_is_reached_is_named_and_the_file_is_not_clean(tmp_path: Path) -> None:
    bomb = zipped({"[Content_Types].xml": "", "xl/worksheets/sheet1.xml": b"0" * (100 * 1024 * 1024)})
    assert scan_bytes(bomb, "x.xlsx").refused == "压缩比"
    inner = zipped({"a.txt": "x"})
    for _ in range(5):
        inner = zipped({"a.zip": inner})
    assert scan_bytes(inner, "x.zip").refused == "压缩包的层数"
    wide = ",".join("x" * 10_000).encode() + b"\n"
    assert scan_bytes(wide * 3, "x.csv", ReadBudget(cells=20_000)).refused == "单元格数"
    assert not scan_bytes(inner, "x.zip").is_clean
    file = tmp_path / "big.csv"
    file.write_bytes(b"a,b\n" + b"13900000001,x\n" * 200_000)
    tight = CageLimits(memory=300 * 1024 * 1024)
    assert scan_file(file, limits=tight).refused in ("内存", "发现的个数") or scan_file(file, limits=tight).refused
    assert scan_file(file, limits=CageLimits(seconds=0)).refused == "时间"


def test_the_command_needs_no_platform_and_says_where(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUISUAN_HOME", str(tmp_path / "nowhere"))
    clean, bad = tmp_path / "a.csv", tmp_path / "b.csv"
    clean.write_text("区,数\n庐阳,3\n", encoding="utf-8")
    bad.write_text(f"秘密★1年\n姓名,证件\n王小明,{ID}\n李四,{WRONG}\n", encoding="utf-8")
    run = CliRunner()
    assert run.invoke(assemble(), ["data", "scan", str(clean)]).exit_code == 0
    told = run.invoke(assemble(), ["data", "scan", str(bad), "--json"])
    assert told.exit_code == 1
    report = json.loads(told.stdout)[0]
    assert report["sealed"]
    assert set(report["kinds"]) >= {"resident_id", "secrecy"}
    assert ID not in told.stdout
    assert "密级标志" in run.invoke(assemble(), ["data", "scan", str(bad)]).output
    assert run.invoke(assemble(), ["data", "scan", str(tmp_path / "none")]).exit_code == 1
    assert not (tmp_path / "nowhere").exists()
    assert scanning_commands.__doc__
