"""Evidence that would run, load or open something by itself is refused before it is stored."""

from __future__ import annotations

import io
import zipfile

import pikepdf
import pytest
import xlsxwriter
from pikepdf import Array, Dictionary, Name, String

from huisuan.base.errors import Refused
from huisuan.programmes.applications.evidence_files import check_evidence


def pdf(compressed: bool, **root: pikepdf.Object) -> bytes:
    """A PDF of one page with these keys in its catalogue; compressed: in object streams, where no grep sees them."""
    out, book = io.BytesIO(), pikepdf.new()
    book.add_blank_page()
    for key, value in root.items():
        book.Root[f"/{key}"] = book.make_indirect(value)
    streams = pikepdf.ObjectStreamMode.generate if compressed else pikepdf.ObjectStreamMode.disable
    book.save(out, object_stream_mode=streams)
    return out.getvalue()


def action(kind: str, **more: pikepdf.Object | str) -> Dictionary:
    return Dictionary(S=Name(f"/{kind}"), **more)


ACTIVE = {
    "OpenAction": lambda: action("URI", URI=String("http://example.org/")),
    "Outlines": lambda: Dictionary(First=Dictionary(A=action("JavaScript", JS=String("app.alert(1)")))),
    "Threads": lambda: Array([Dictionary(A=action("Launch", F=String("cmd.exe")))]),
    "Names": lambda: Dictionary(EmbeddedFiles=Dictionary(Names=Array([]))),
    "AcroForm": lambda: Dictionary(XFA=String("<xdp/>")),
    "AA": lambda: Dictionary(WC=action("Named", N=Name("/Print"))),
    "PieceInfo": lambda: Dictionary(A=action("SubmitForm", F=String("http://example.org/"))),
}


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("key", ACTIVE)
def test_a_pdf_that_does_something_is_refused(key: str, compressed: bool) -> None:
    with pytest.raises(Refused, match="里有"):
        check_evidence("证.pdf", pdf(compressed, **{key: ACTIVE[key]()}))


@pytest.mark.parametrize("compressed", [False, True])
def test_a_plain_pdf_that_opens_at_a_page_is_kept(compressed: bool) -> None:
    assert check_evidence("证.pdf", pdf(compressed, OpenAction=action("GoTo", D=Array([0, Name("/Fit")])))).filename


def test_a_pdf_with_a_password_or_none_at_all_is_refused() -> None:
    out, book = io.BytesIO(), pikepdf.new()
    book.save(out, encryption=pikepdf.Encryption(owner="a", user="b"))
    for content in (out.getvalue(), b"%PDF-1.7\nrubbish\n%%EOF\n"):
        with pytest.raises(Refused, match="打不开"):
            check_evidence("证.pdf", content)


def workbook(formula: str = "", url: str = "") -> bytes:
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out)
    sheet = book.add_worksheet()
    if formula:
        sheet.write_formula(0, 0, formula)
    if url:
        sheet.write_url(0, 0, url)
    book.close()
    return out.getvalue()


def with_part(content: bytes, name: str, text: bytes) -> bytes:
    out = io.BytesIO(content)
    with zipfile.ZipFile(out, "a") as package:
        package.writestr(name, text)
    return out.getvalue()


RELS = b"<Relationships><Relationship Id='r' Type='t/%s' Target='%s' TargetMode='External'/></Relationships>"
PARTS = {
    "xl/externalLinks/externalLink1.xml": b"<externalLink/>",
    "xl/other.xml": b"<ddeLink ddeService='cmd'/>",
    "xl/_rels/a.xml.rels": RELS % (b"image", b"http://example.org/a.png"),
    "xl/_rels/b.xml.rels": RELS % (b"hyperlink", b"file:///etc/passwd"),
    "xl/embeddings/oleObject1.bin": b"x",
    "xl/dtd.xml": b"<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]><a>&b;</a>",
    "xl/bomb.xml": "<!DOCTYPE a [<!ENTITY b 'bb'>]><a>&b;</a>".encode("utf-16"),
}


@pytest.mark.parametrize("name", PARTS)
def test_a_workbook_with_links_objects_or_entities_is_refused(name: str) -> None:
    with pytest.raises(Refused, match="里有"):
        check_evidence("表.xlsx", with_part(workbook(), name, PARTS[name]))


@pytest.mark.parametrize("formula", ["=cmd|'/c calc'!A0", '=WEBSERVICE("http://example.org")', '=CALL("k","b","JJ")'])
def test_a_workbook_whose_formulas_reach_out_is_refused(formula: str) -> None:
    with pytest.raises(Refused, match="公式"):
        check_evidence("表.xlsx", workbook(formula))


def test_a_workbook_that_adds_up_and_links_to_a_page_is_kept() -> None:
    assert check_evidence("表.xlsx", workbook("=SUM(A2:A9)", "https://example.org/")).filename


def test_a_letter_with_a_dde_field_is_refused_also_in_pieces() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as package:
        package.writestr("[Content_Types].xml", "<Types/>")
        package.writestr("word/document.xml", "<d><instrText>DD</instrText><instrText>EAUTO c:\\x</instrText></d>")
    with pytest.raises(Refused, match="DDE"):
        check_evidence("函.docx", out.getvalue())


@pytest.mark.parametrize("hidden", [b"<script>alert(1)</script>", b"<?php x ?>", b"PK\x05\x06" + bytes(18)])
def test_a_picture_that_is_also_something_else_is_refused(hidden: bytes) -> None:
    jpeg = b"\xff\xd8\xff\xe0" + bytes(20) + hidden + b"\xff\xd9"
    with pytest.raises(Refused, match="藏着"):
        check_evidence("照片.jpg", jpeg)
