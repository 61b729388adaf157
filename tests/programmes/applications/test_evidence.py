"""Which files may be kept as evidence: content and name must agree, nothing runs, nothing bursts."""

from __future__ import annotations

import io
import struct
import tracemalloc
import zipfile
from pathlib import Path

import pytest
import xlsxwriter
from hypothesis import given
from hypothesis import strategies as st

from huisuan.base.errors import Refused
from huisuan.programmes.applications.evidence_files import OOXML, check_evidence
from huisuan.programmes.models.limits import LARGEST_BYTES
from support.evidence import JPEG, PDF, png


def package(*names: str, size: int = 10, types: str = "") -> bytes:
    """A ZIP with these parts."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as parts:
        parts.writestr("[Content_Types].xml", f"<Types>{types}</Types>")
        for name in names:
            parts.writestr(name, b"<x>" + b"0" * (size - 7) + b"</x>")
    return out.getvalue()


def xlsx() -> bytes:
    """A workbook as a spreadsheet program writes it."""
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out)
    book.add_worksheet().write(0, 0, "凭证")
    book.close()
    return out.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "media_type"),
    [
        ("拨付凭证.pdf", PDF, "application/pdf"),
        ("照片.PNG", png(), "image/png"),
        ("照片.jpeg", JPEG, "image/jpeg"),
        ("发票.ofd", package("OFD.xml", "Doc_0/Document.xml"), "application/ofd"),
        ("表.xlsx", xlsx(), f"{OOXML}spreadsheetml.sheet"),
        ("合同.docx", package("word/document.xml"), f"{OOXML}wordprocessingml.document"),
    ],
)  # fmt: skip
def test_the_kinds_that_prove_something_are_kept(name: str, content: bytes, media_type: str) -> None:
    accepted = check_evidence(name, content)
    assert (accepted.filename, accepted.media_type) == (name, media_type)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.pdf", b"", "空文件"),
        ("a.pdf", PDF + bytes(LARGEST_BYTES), "超过 20 MB"),
        ("a.pdf", PDF[:-10], "不是完整的 PDF"),
        ("a.pdf", png(), "不是完整的 PDF，与扩展名不符"),
        ("a.png", JPEG, "不是完整的 PNG"),
        ("a.jpg", b"MZ" + JPEG, "不是完整的 JPEG"),
        ("a.zip", package("a.txt"), "压缩包请解开后逐个上传"),
        ("a.exe", b"MZ", "不在可收的种类里"),
        ("a.xlsm", xlsx(), "带宏的文件请另存为不带宏的"),
        ("a.docm", package("word/document.xml"), "不在可收的种类里"),
        ("a.html", b"<script>", "不在可收的种类里"),
        ("a.svg", b"<svg/>", "不在可收的种类里"),
        ("a.xlsx", package("a.txt"), "内容不是 XLSX"),
        ("a.docx", xlsx(), "内容不是 DOCX"),
        ("a.xlsx", package("xl/workbook.xml", "xl/vbaProject.bin"), "有宏或可执行的内容"),
        ("a.xlsx", package("xl/workbook.xml", "xl/macrosheets/sheet1.xml"), "有宏或可执行的内容"),
        ("a.docx", package("word/document.xml", "word/activeX/activeX1.bin"), "有宏或可执行的内容"),
        ("a.ofd", package("OFD.xml", "setup.exe"), "有宏或可执行的内容"),
        ("a.xlsx", package("xl/workbook.xml", types="application/vnd.ms-excel.sheet.macroEnabled.main+xml"), "带宏"),
        ("a.xlsx", package("xl/workbook.xml", "../../etc/passwd"), "指向包外的路径"),
        ("a.xlsx", package("xl/workbook.xml", size=201 * 1024 * 1024), "解开后超过 200 MB"),
        ("a.xlsx", xlsx()[:-30], "已损坏"),
        ("a.xlsx", b"\xd0\xcf\x11\xe0" + bytes(600), "不是完整的 XLSX"),
        ("../a.pdf", PDF, "不能带路径"),
        ("C:\\a.pdf", PDF, "不能带路径"),
        (".pdf", PDF, "不能以点开头"),
        ("", PDF, "不能用"),
        ("凭证\u202efdp.exe.pdf", PDF, "看不见的字符"),
        ("a\x00.pdf", PDF, "看不见的字符"),
        ("长" * 120 + ".pdf", PDF, "超过 120 个字"),
    ],
    ids=lambda value: value[:20] if isinstance(value, str) else "",
)  # fmt: skip
def test_everything_else_is_refused_with_the_reason(name: str, content: bytes, message: str) -> None:
    with pytest.raises(Refused, match=message):
        check_evidence(name, content)


def test_a_part_that_lies_about_its_size_is_refused_before_it_bursts() -> None:
    honest = package("xl/workbook.xml", size=5_000_000)
    lying = honest.replace(struct.pack("<I", 5_000_000), struct.pack("<I", 10))
    assert lying != honest
    with pytest.raises(Refused, match="已损坏"):
        check_evidence("a.xlsx", lying)


def test_an_encrypted_part_is_refused() -> None:
    content = bytearray(package("xl/workbook.xml"))
    directory = content.index(b"PK\x01\x02")
    content[directory + 8] |= 1
    with pytest.raises(Refused, match="加了密码"):
        check_evidence("a.xlsx", bytes(content))


@given(st.text(max_size=30), st.binary(max_size=200))
def test_whatever_is_uploaded_is_kept_or_refused_and_never_breaks(name: str, content: bytes) -> None:
    for extension in ("", ".pdf", ".xlsx", ".png"):
        for head in (b"", b"PK\x03\x04", PDF):
            try:
                accepted = check_evidence(name + extension, head + content)
            except Refused:
                continue
            assert "/" not in accepted.filename


def test_a_module_in_the_current_folder_is_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "zipfile.py").write_text("open('ran', 'w').close()\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert check_evidence("表.xlsx", xlsx()).filename == "表.xlsx"
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("packing", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_part_that_would_unpack_without_a_limit_is_refused_before_it_is_unpacked(packing: int) -> None:
    """Of bzip2 and LZMA a whole chunk comes out at once: some hundred bytes were hundreds of megabytes here."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", packing) as parts:
        parts.writestr("word/document.xml", bytes(64 << 20))
    bomb = bytearray(out.getvalue())
    at = bomb.rindex(b"PK\x01\x02") + 24  # the size that the directory declares
    bomb[at : at + 4] = struct.pack("<I", 10)
    tracemalloc.start()
    try:
        with pytest.raises(Refused) as refusal:
            check_evidence("a.docx", bytes(bomb))
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (refusal.value.code, most < 4 << 20) == ("evidence.packing_unknown", True)


def test_a_list_of_content_types_is_read_only_so_far() -> None:
    with pytest.raises(Refused, match="已损坏"):
        check_evidence("a.docx", package("word/document.xml", types="x" * (5 << 20)))
