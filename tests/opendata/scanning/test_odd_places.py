"""Numbers in the odd places of documents, workbooks, pages and PDFs: each was missed once, or might be."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable

import openpyxl
import pikepdf
import pytest
from openpyxl.worksheet.datavalidation import DataValidation
from pikepdf import Array, Dictionary, Name, OutlineItem, String

from huisuan.opendata.scanning.scan import scan_bytes
from support.scanned_files import ID, document, kinds_of_text, pdf

MOBILE = "13800138000"
PAGE = pdf(["正文"])


def kinds(content: bytes) -> set[str]:
    return {str(one.kind) for one in scan_bytes(content, "x").findings}


def page(body: str) -> bytes:
    return f"<html><body>{body}</body></html>".encode()


@pytest.mark.parametrize(
    "body",
    [
        f"<p {ID}='x'>a</p>", f"<x{ID}>a</x{ID}>", f"<script>a='{ID[:9]}'+'{ID[9:]}'</script>", f"<![CDATA[{ID}]]>",
        "<style>p:after{content:'" + "".join(f"\\{ord(sign):06x}" for sign in ID) + "'}</style>",
        "<script>a='" + "".join(f"\\u{ord(sign):04x}" for sign in ID) + "'</script>", f"<?x {ID}?>",
        "<ruby>" + "".join(f"{sign}<rt>x</rt>" for sign in ID) + "</ruby>", "<p>" + "&shy;".join(ID) + "</p>",
        f"<ruby>{ID[:9]}<rp>(</rp><rt>注</rt><rp>)</rp>{ID[9:]}</ruby>", f"<p>{ID[:9]}<!-- x -->{ID[9:]}</p>",
        "<a href='?id=" + "".join(f"%{ord(sign):02X}" for sign in ID) + "'>x</a>", f"<!DOCTYPE x '{ID}'>",
    ],
)  # fmt: skip
def test_a_number_anywhere_in_a_page_is_found(body: str) -> None:
    assert kinds(page(body)) == {"resident_id"}


def test_what_is_embedded_in_a_page_is_unread_and_other_markup_is_joined() -> None:
    assert kinds(page(f"<a href='data:text/plain;base64,{base64.b64encode(ID.encode()).decode()}'>x</a>")) == {"unread"}
    assert "resident_id" in kinds(f"<svg><text>{ID[:9]}</text><text>{ID[9:]}</text></svg>".encode())
    assert kinds(page("<p style='color:red'>正文</p><script>var a = 1;</script>")) == set()


def test_signs_by_their_number_and_lists_of_choices_are_read() -> None:
    signs = "".join(f'<w:sym w:font="Arial" w:char="{"F0" if n % 2 else "00"}{ord(s):02X}"/>' for n, s in enumerate(ID))
    assert kinds(document(f"<w:p><w:r>{signs}</w:r></w:p>")) == {"resident_id"}
    for said in ({"formula1": f'"{ID},x"'}, {"formula1": '"a"', "prompt": ID}):
        book = openpyxl.Workbook()
        choice = DataValidation(type="list", **said)
        choice.add("A2")
        book.worksheets[0].add_data_validation(choice)
        buffer = io.BytesIO()
        book.save(buffer)
        assert kinds(buffer.getvalue()) == {"resident_id"}


def note(**said: object) -> Callable[[pikepdf.Pdf], None]:
    """A PDF whose page has an annotation."""

    def add(book: pikepdf.Pdf) -> None:
        made = Dictionary(Type=Name.Annot, Subtype=Name.Text, Rect=Array([0, 0, 9, 9]), **said)
        book.pages[0]["/Annots"] = Array([book.make_indirect(made)])

    return add


def field(**said: object) -> Callable[[pikepdf.Pdf], None]:
    """A PDF with a field of a form."""

    def add(book: pikepdf.Pdf) -> None:
        made = book.make_indirect(Dictionary(FT=Name.Tx, T=String("a"), Subtype=Name.Widget, **said))
        book.Root.AcroForm = Dictionary(Fields=Array([made]))

    return add


def root(key: str, value: object) -> Callable[[pikepdf.Pdf], None]:
    """A PDF whose catalogue says something."""
    return lambda book: book.Root.__setitem__(key, value)


def bookmark(book: pikepdf.Pdf) -> None:
    with book.open_outline() as outline:
        outline.root.append(OutlineItem("证件" + ID, 0))


def attached(book: pikepdf.Pdf) -> None:
    book.attachments["a.txt"] = pikepdf.AttachedFileSpec(book, b"ab", filename="a.txt", description=ID)


def described(book: pikepdf.Pdf) -> None:
    with book.open_metadata() as about:
        about["dc:description"] = ID


def form_of_its_own(book: pikepdf.Pdf) -> None:
    book.Root.AcroForm = Dictionary(
        Fields=Array([]), XFA=Array([String("x"), book.make_stream(f"<a>{ID}</a>".encode())])
    )


def looks(shown: bytes) -> Callable[[pikepdf.Pdf], None]:
    def add(book: pikepdf.Pdf) -> None:
        stream = book.make_stream(b"BT /F1 9 Tf " + shown + b" Tj ET", Type=Name.XObject, Subtype=Name.Form)
        note(AP=Dictionary(N=stream))(book)

    return add


@pytest.mark.parametrize(
    "change",
    [
        note(Contents=String(ID)), note(T=String(ID)), note(RC=String(f"<p>{ID}</p>")), bookmark, attached, described,
        note(A=Dictionary(S=Name.URI, URI=String(f"http://x/?id={ID}"))), looks(f"({ID})".encode()), form_of_its_own,
        field(V=String(ID)), field(DV=String(ID)), field(TU=String(ID)), field(Opt=Array([String(ID)])),
        root("/OpenAction", Dictionary(S=Name.JavaScript, JS=String(f"a='{ID}'"))), root("/Any", String(ID)),
        root("/PageLabels", Dictionary(Nums=Array([0, Dictionary(P=String(ID))]))),
        root("/StructTreeRoot", Dictionary(K=Dictionary(S=Name.Figure, Alt=String(ID)))),
        lambda book: book.docinfo.__setitem__("/Keywords", ID),
    ],
)  # fmt: skip
def test_a_number_anywhere_in_a_pdf_is_found(change: Callable[[pikepdf.Pdf], None]) -> None:
    book = pikepdf.open(io.BytesIO(PAGE))
    change(book)
    buffer = io.BytesIO()
    book.save(buffer)
    assert kinds(buffer.getvalue()) == {"resident_id"}


def test_what_stands_around_a_pdf_is_read_and_looks_in_a_font_of_its_own_are_unread() -> None:
    assert kinds(PAGE) == set()
    for content in (PAGE + f"\n%{ID}".encode(), PAGE + ID.encode(), f"{ID}\n".encode() + PAGE):
        assert "resident_id" in kinds(content)
    book = pikepdf.open(io.BytesIO(PAGE))
    looks(b"<00120013>")(book)
    buffer = io.BytesIO()
    book.save(buffer)
    assert kinds(buffer.getvalue()) == {"unread"}


@pytest.mark.parametrize("sign", [*",，、:：*~|\\'+=#;。", "\u00ad", "\u202a", "\u2028"])
def test_an_id_is_found_whatever_sign_divides_it(sign: str) -> None:
    for text in (sign.join((ID[:6], ID[6:14], ID[14:])), sign.join(ID)):
        assert kinds_of_text(f"证{text}。") == ["resident_id"]


@pytest.mark.parametrize(
    "words", ["〇一二三四五六七八九", "零一二三四五六七八九", "零幺二三四五六七八九", "零壹贰叁肆伍陆柒捌玖"]
)
def test_a_number_written_in_words_is_found(words: str) -> None:
    spelt = str.maketrans("0123456789", words)
    assert kinds_of_text(f"证{ID.translate(spelt)}，") == ["resident_id"]
    assert kinds_of_text(f"电话{MOBILE.translate(spelt)}。手机1{words[3]}8{words[0]}0138000") == ["mobile", "mobile"]
    assert kinds_of_text(f"其一{MOBILE}，二〇二五年，共三百二十万") == ["mobile"]


def test_area_codes_in_brackets_spelt_addresses_and_turned_texts_are_seen() -> None:
    assert kinds_of_text("（0551）63631234，(010) 63631234") == ["landline", "landline"]
    for text in ("li[at]163.com", "li（at）163.com", "li @ 163.com"):
        assert kinds_of_text(text) == ["email"]
    assert kinds(f"\u202e{ID[::-1]}\u202c".encode()) == {"unread"}
    assert kinds(b'{"a": 3.4010419800101e17}') == {"damaged_id"}
    assert kinds(("[" + ",".join(f'"{sign}"' for sign in ID) + "]").encode()) == {"resident_id"}


def test_figures_of_a_list_and_buildings_that_are_counted_are_none() -> None:
    for text in (
        "合计1,380,138,000，其中138:0013", "新建教学楼一栋，宿舍楼两栋", "340104,1980:0101-1233",
        "流水146674209901472786入账",
    ):  # fmt: skip
        assert kinds_of_text(text) == []
