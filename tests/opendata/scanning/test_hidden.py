"""What somebody hides from a scan, or puts beside the data to run in it: it is found, said to be unread, or not run."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from huisuan.opendata.scanning.caged import CageLimits, scan_file
from huisuan.opendata.scanning.scan import scan_bytes
from support.scanned_files import ID, document, kinds_of_text, ofd, with_check_digit, workbook, zipped


def kinds(content: bytes, name: str = "x") -> set[str]:
    return {str(one.kind) for one in scan_bytes(content, name).findings}


def test_a_module_that_lies_beside_the_data_is_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("csv", "json", "zipfile"):
        (tmp_path / f"{module}.py").write_text("open('ran', 'w').close()\nraise SystemExit(0)\n", encoding="utf-8")
    data = tmp_path / "a.csv"
    data.write_text(f"证件,数\n{ID},1\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert [str(one.kind) for one in scan_file(data).findings] == ["resident_id"]
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    "text",
    [
        f'{{"{ID}": {{"amt": 3}}}}', f'{{"{ID}": null}}', f'{{"a": "{ID}", "a": "x"}}', f'{{"{ID}": []}}',
        f'[{{"{ID}": {{}}}}]', f'{{"a": 1}}\n{{"{ID}": null}}\n', f'{{"a": {ID[:17]}{"0" * 5000}, "b": "{ID}"}}',
    ],
)  # fmt: skip
def test_every_key_and_every_value_of_json_is_read(text: str) -> None:
    assert kinds(text.encode()) == {"resident_id"}


SHEETS: dict[str, list[list[object]]] = {"一": [["区", "数"], ["庐阳", 3]]}
PLAIN = "a,b\n1,2\n"


def sheet(data: str) -> bytes:
    """A workbook with one more sheet, whose XML this is."""
    return workbook(SHEETS, {"xl/worksheets/sheet9.xml": f"<worksheet>{data}</worksheet>"})


def zip_with(*, comment: str = "", of_part: str = "", folder: str = "", before: str = "", after: str = "") -> bytes:
    """An archive with something where no file stands."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.comment = comment.encode()
        info = zipfile.ZipInfo("a.csv")
        info.comment = of_part.encode()
        archive.writestr(info, PLAIN)
        if folder:
            archive.writestr("x/", folder)
        if before:
            assert archive.fp is not None
            archive.fp.write(before.encode())
            archive.start_dir = archive.fp.tell()
    return buffer.getvalue() + after.encode()


@pytest.mark.parametrize(
    "content",
    [
        workbook(SHEETS, {"xl/styles9.xml": f'<styleSheet><numFmt formatCode="{ID}"/></styleSheet>'}),
        workbook(SHEETS, {"xl/theme/theme9.xml": f"<a>{ID}</a>"}),
        workbook(SHEETS, {"docProps/x.xml": f"<a><!-- {ID} --></a>"}),
        workbook(SHEETS, {"docProps/x.xml": f"<a><?x {ID}?></a>"}),
        workbook(SHEETS, {"docProps/x.xml": f"<a_{ID}/>"}), workbook(SHEETS, {f"docProps/{ID}.xml": "<a/>"}),
        sheet(f"<sheetData><c><v>{ID}</v></c></sheetData>"), sheet(f"<sheetData><row><v>{ID}</v></row></sheetData>"),
        sheet(f"<sheetData><c><v>{ID[:5]}<x/>{ID[5:]}</v></c></sheetData>"),
        sheet(f'<sheetData><row r="1"><c r="A1" x="{ID}"><v>1</v></c></row></sheetData>'),
        sheet(f"<sheetData><!--{ID}--></sheetData>"), sheet(f'<sheetData><row r="{ID}"/></sheetData>'),
        workbook(SHEETS, {"xl/sharedStrings9.xml": f"<sst><si>{ID}</si></sst>"}),
        document("<w:p/>", {"word/settings.xml": f'<w:s xmlns:w="w"><w:docVar w:name="a" w:val="{ID}"/></w:s>'}),
        document("<w:p/>", {"word/x.xml": f'<w:s xmlns:w="w"><w:a w:rsidR="{ID}"/></w:s>'}),
        document("<w:p/>", {f"word/{ID}.xml": "<a/>"}), document(f"<w:p><!--{ID}--></w:p>"),
        ofd([f'a</ofd:TextCode><ofd:TextCode x="{ID}">b']),
        zip_with(comment=ID), zip_with(of_part=ID), zipped({f"{ID}/": "", "a.csv": PLAIN}),
    ],
)  # fmt: skip
def test_whatever_stands_anywhere_in_an_archive_or_its_xml_is_found(content: bytes) -> None:
    assert kinds(content) == {"resident_id"}


@pytest.mark.parametrize(
    "content",
    [
        workbook(SHEETS, {"xl/printerSettings/a.bin": ID}), workbook(SHEETS, {"xl/_rels/a.csv": ID}),
        document("<w:p/>", {"word/fonts/a.ttf": ID}), zip_with(folder=ID), zip_with(before=ID), zip_with(after=ID),
    ],
)  # fmt: skip
def test_what_is_no_part_or_no_text_is_unread(content: bytes) -> None:
    assert "unread" in kinds(content)


def test_what_hides_nothing_is_clean() -> None:
    font = {"word/fonts/a.odttf": b"\x00\x01\x00\x00font", "word/settings.xml": "<a><b val='00A13800'/></a>"}
    for content in (workbook(SHEETS), document("<w:p/>", font), ofd(["a"]), zip_with(), zipped({"a.csv": PLAIN})):
        assert kinds(content) == set()


@pytest.mark.parametrize(
    "separator", ["  ", "_", "/", " / ", "\u3000\u3000", "\uff0f", "\u2022", "\x07", "\u0301", "\u20e3"]
)
def test_an_id_cut_by_any_separator_or_unseen_sign_is_found(separator: str) -> None:
    for text in (separator.join((ID[:6], ID[6:14], ID[14:])), separator.join(ID)):
        assert kinds_of_text(f"证{text}。") == ["resident_id"]


@pytest.mark.parametrize(
    "digits", ["⁰¹²³⁴⁵⁶⁷⁸⁹", "₀₁₂₃₄₅₆₇₈₉", "⓪①②③④⑤⑥⑦⑧⑨", "０１２３４５６７８９", "०१२३४५६७८९", "𝟎𝟏𝟐𝟑𝟒𝟓𝟔𝟕𝟖𝟗"]
)
def test_an_id_in_digits_of_any_script_is_found(digits: str) -> None:
    assert kinds_of_text(ID.translate({ord("0") + n: digit for n, digit in enumerate(digits)})) == ["resident_id"]


def test_a_digit_that_numbers_a_list_hides_no_number_after_it() -> None:
    assert kinds_of_text(f"①{ID}⑵13800138000") == ["mobile", "resident_id"]


def test_a_check_sign_that_stands_apart_belongs_to_its_id() -> None:
    front = next(f"34010419800101{n}" for n in range(100, 999) if with_check_digit(f"34010419800101{n}")[17] == "X")
    assert kinds_of_text(f"{front} X") == ["resident_id"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "text",
    [
        "1\t" * 200_000, "1-1" * 60_000, "12-34\t" * 60_000, "1920\t" * 60_000, "绝密" + " " * 60_000 + "x",
        "1  " * 100_000, "①1" * 60_000, "一-1-1" * 40_000, "1" * 400_000, "1_1/" * 60_000,
    ],
    ids=range(10),
)  # fmt: skip
def test_no_text_uses_up_the_processor_time_of_a_scan(text: str, tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_text(text, encoding="utf-8")
    assert scan_file(file, limits=CageLimits(cpu_seconds=30)).refused == ""
