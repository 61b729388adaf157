"""Real files of every kind for the tests of scanning, made part by part where no library makes such parts."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence

import openpyxl

from huisuan.opendata.scanning.folding import fold_text
from huisuan.opendata.scanning.numbers import find_numbers
from huisuan.opendata.scanning.words import find_words

_TYPES = '<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>'
_W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'


def zipped(parts: Mapping[str, str | bytes], *, twice: Sequence[tuple[str, str]] = ()) -> bytes:
    """A ZIP of parts; `twice` are written after them, whatever their names."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in (*parts.items(), *twice):
            archive.writestr(name, content)
    return buffer.getvalue()


def workbook(sheets: Mapping[str, Sequence[Sequence[object]]], more: Mapping[str, str | bytes] | None = None) -> bytes:
    """A workbook as openpyxl writes it, with further parts put in."""
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(list(row))
    buffer = io.BytesIO()
    book.save(buffer)
    with zipfile.ZipFile(buffer, "a") as archive:
        for part, content in (more or {}).items():
            archive.writestr(part, content)
    return buffer.getvalue()


def document(paragraphs: str, more: Mapping[str, str | bytes] | None = None) -> bytes:
    """A DOCX of paragraphs as WordprocessingML writes them."""
    body = f'<?xml version="1.0"?><w:document {_W}><w:body>{paragraphs}</w:body></w:document>'
    return zipped({"[Content_Types].xml": _TYPES, "word/document.xml": body, **(more or {})})


def ofd(texts: Sequence[str]) -> bytes:
    """An OFD of one page, each text an object of its own."""
    objects = "".join(
        f'<ofd:TextObject ID="{n}" Boundary="0 0 210 297"><ofd:TextCode X="0">{text}</ofd:TextCode></ofd:TextObject>'
        for n, text in enumerate(texts)
    )
    page = f'<ofd:Page xmlns:ofd="http://www.ofdspec.org/2016"><ofd:Content>{objects}</ofd:Content></ofd:Page>'
    return zipped({"OFD.xml": '<?xml version="1.0"?><OFD/>', "Doc_0/Pages/Page_0/Content.xml": page})


def pdf(lines: Sequence[str]) -> bytes:
    """A PDF with a text layer, set by typst."""
    import typst

    source = '#set text(font: "Noto Sans SC")\n' + "\n\n".join(lines).replace("#", "").replace("@", "\\@")
    return typst.compile(source.encode() if lines else b"#rect()")


def with_check_digit(front: str) -> str:
    """A resident ID of its first 17 digits."""
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    return front + "10X98765432"[sum(w * int(d) for w, d in zip(weights, front, strict=True)) % 11]


ID = with_check_digit("34010419800101123")
WRONG = ID[:17] + ("1" if ID[17] != "1" else "2")  # its check digit is another's


def kinds_of_text(text: str) -> list[str]:
    """What a text holds, by kind, as the scan folds it first."""
    folded = fold_text(text).text
    return sorted(str(found.kind) for found in (*find_numbers(folded), *find_words(folded)))
