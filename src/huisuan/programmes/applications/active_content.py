"""Whether something in a file would run, load or open by itself.

`python -m huisuan.programmes.applications.active_content KIND < file`, run in a child with limits (`caged` in
evidence_files.py): a PDF of 2 kB can unfold to gigabytes. Prints what it found, one Chinese phrase, or
nothing. Imports no Django.
"""

from __future__ import annotations

import io
import re
import resource
import sys
import zipfile
from collections.abc import Iterator
from typing import Any
from xml.parsers import expat

MEMORY_BYTES = 1024 * 1024 * 1024
CPU_SECONDS = 20
#: keys of PDF dictionaries that hold what runs or what is hidden (ISO 32000-2, 12.6, 7.11.4, 12.7.8)
PDF_KEYS = {
    "/JS": "脚本", "/JavaScript": "脚本", "/AA": "自动执行的动作", "/XFA": "XFA 表单", "/EmbeddedFiles": "内嵌文件",
    "/EF": "内嵌文件", "/RichMediaContent": "富媒体",
}  # fmt: skip
PDF_ACTIONS = {
    "/JavaScript": "脚本",
    "/Launch": "启动程序的动作",
    "/ImportData": "导入数据的动作",
    "/SubmitForm": "提交表单的动作",
    "/GoToE": "打开内嵌文件的动作",
    "/GoToR": "打开别的文件的动作",
    **dict.fromkeys(("/Rendition", "/Movie", "/Sound", "/RichMediaExecute"), "富媒体"),
}
PDF_TYPES = {"/EmbeddedFile": "内嵌文件", "/3D": "富媒体"}
_DEEPEST = 100
HYPERLINK = "/hyperlink"
OPENS_HARMLESSLY = ("http://", "https://", "mailto:", "#")
_PARTS = re.compile(r"/(?:externalLinks|embeddings|activeX|ctrlProps|customUI|macrosheets)/|oleObject|vbaProject", re.I)
#: DDE as a formula (cmd|'/c calc'!A0), and functions that reach out of the workbook
FORMULA = re.compile(
    r"[\w.]+\s*\|\s*'?[^|!]*'?\s*!|\b(?:WEBSERVICE|CALL|REGISTER(?:\.ID)?|EXEC|RTD|FILTERXML)\s*\(", re.I
)
_FIELD = re.compile(r"DDE(?:AUTO)?|INCLUDETEXT|INCLUDEPICTURE|\bLINK\b", re.I)


def active_in(kind: str, content: bytes) -> str:
    """What in the file is active; "" if nothing is.

    Raises:
        Exception: it cannot be read to its end.
    """
    return next(_in_pdf(content) if kind == "PDF" else _in_package(kind, content), "")


def _in_pdf(content: bytes) -> Iterator[str]:
    import pikepdf

    with pikepdf.open(io.BytesIO(content)) as pdf:
        opening = pdf.Root.get("/OpenAction")
        if isinstance(opening, pikepdf.Dictionary) and opening.get("/S") not in (None, "/GoTo", "/Named"):
            yield "打开时自动执行的动作"
        for item in [pdf.trailer, *pdf.objects]:
            yield from _in_object(item, 0)


def _in_object(found: Any, depth: int) -> Iterator[str]:
    import pikepdf

    if depth > _DEEPEST:
        yield "嵌套过深的内容"
    elif isinstance(found, pikepdf.Array):
        for inner in found:
            if not getattr(inner, "is_indirect", False):
                yield from _in_object(inner, depth + 1)
    elif isinstance(found, pikepdf.Dictionary | pikepdf.Stream):
        for key in found.keys():  # noqa: SIM118 - it is no dict
            if name := PDF_KEYS.get(key):
                yield name
            value = found[key]
            if key == "/S" and (name := PDF_ACTIONS.get(str(value) if isinstance(value, pikepdf.Name) else "")):
                yield name
            if key == "/Type" and (name := PDF_TYPES.get(str(value) if isinstance(value, pikepdf.Name) else "")):
                yield name
            if not getattr(value, "is_indirect", False):
                yield from _in_object(value, depth + 1)


def _in_package(kind: str, content: bytes) -> Iterator[str]:
    with zipfile.ZipFile(io.BytesIO(content)) as package:
        for part in package.infolist():
            if _PARTS.search(f"/{part.filename}"):
                yield "外部链接、嵌入的对象或控件"
            if part.filename.lower().endswith((".xml", ".rels", ".vml")):
                yield from _in_xml(package.read(part))


class _Doctype(Exception):
    """The part begins with a DOCTYPE."""


class _PartReader:
    """Reads one XML part: what is active in its elements, and the text of its formulas and fields."""

    def __init__(self) -> None:
        self.found: list[str] = []
        self.inside: list[str] = []
        self.words = {"f": "", "instrText": ""}

    def parser(self) -> expat.XMLParserType:
        """A parser that tells this reader of each element."""
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.StartElementHandler, parser.EndElementHandler = self._start, self._end
        parser.CharacterDataHandler, parser.StartDoctypeDeclHandler = self._data, self._doctype
        return parser

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        local = tag.rpartition(" ")[2]
        self.inside.append(local)
        given = {key.rpartition(" ")[2]: value for key, value in attributes.items()}
        if local == "Relationship" and given.get("TargetMode", "").lower() == "external":
            harmless = given.get("Target", "").lower().startswith(OPENS_HARMLESSLY)
            if not (given.get("Type", "").endswith(HYPERLINK) and harmless):
                self.found.append("指向外面的链接")
        if local in ("ddeLink", "oleLink", "externalBook", "oleObject", "OLEObject", "altChunk", "webPr"):
            self.found.append("外部链接或 DDE")
        if local == "fldSimple":
            self.words["instrText"] += given.get("instr", "") + "\n"
        if local == "Action" and given.get("Event") == "DO":
            self.found.append("打开时自动执行的动作")
        if local == "f":
            self.words["f"] += "\n"

    def _end(self, _tag: str) -> None:
        self.inside.pop()

    def _data(self, piece: str) -> None:
        if self.inside and self.inside[-1] in self.words:
            self.words[self.inside[-1]] += piece

    def _doctype(self, *_: object) -> None:
        raise _Doctype


def _in_xml(text: bytes) -> Iterator[str]:
    """What is active in one part; no entity is ever read, for a DOCTYPE is refused where it begins."""
    reader = _PartReader()
    try:
        reader.parser().Parse(text, True)
    except _Doctype:
        reader.found.append("DTD 或实体")
    yield from reader.found
    words = reader.words
    if any(FORMULA.search(line) for line in words["f"].splitlines()) or _FIELD.search(words["instrText"]):
        yield "DDE 或取外面内容的公式、域"


def main() -> None:
    """Say what is active in the standard input."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
    sys.stdout.write(active_in(sys.argv[1], sys.stdin.buffer.read()))


if __name__ == "__main__":
    main()
