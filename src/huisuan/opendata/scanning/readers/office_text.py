"""Documents that are archives of XML: DOCX, other OOXML, and OFD (GB/T 33190); every part is read."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator

from huisuan.opendata.scanning.readers.archive_parts import archive_part_name, is_font, list_parts, read_part
from huisuan.opendata.scanning.readers.blocks import Block, ReadBudget, Unreadable, UnreadPart
from huisuan.opendata.scanning.readers.xml_text import attributes_of, every_text_of, paragraphs_of

_WORD_TEXT = re.compile(r"^word/(document|header\d*|footer\d*|footnotes|endnotes|comments\w*)\.xml$")
_OFD_PAGE = re.compile(r"(^|/)Content\.xml$", re.IGNORECASE)
_PARAGRAPH, _BREAKS, _DELETED = ("p",), ("tab", "br", "cr"), ("delText", "instrText")
_FEW_SIGNS = 3  # in a text object on average: the page is set sign by sign


def read_document(archive: zipfile.ZipFile, budget: ReadBudget) -> Iterator[Block | UnreadPart]:
    """The paragraphs of a DOCX (deleted text among them), then every text of its other parts."""
    for info in list_parts(archive, budget):
        if isinstance(info, UnreadPart):
            yield info
            continue
        name = archive_part_name(info)
        if not name.endswith((".xml", ".rels")):
            if not is_font(archive, info):
                yield UnreadPart(name, "不是文字的部件（图片、嵌入的对象或宏）")
            continue
        yield from _part(archive, info, budget, name)


def _part(
    archive: zipfile.ZipFile, info: zipfile.ZipInfo, budget: ReadBudget, name: str
) -> Iterator[Block | UnreadPart]:
    """The lines of a part; of the text as it is read, then paragraphs of it with what was deleted from them."""
    try:
        content = read_part(archive, info, budget)
        if name == "word/document.xml":
            text = paragraphs_of(content, _PARAGRAPH, _BREAKS, shortest=0, without=_DELETED)
            yield Block("正文", _numbered(text), document="")
            read = set(text)
            whole = paragraphs_of(content, _PARAGRAPH, _BREAKS, shortest=0)
            yield Block("正文连同删去的文字", _numbered([line for line in whole if line not in read]))
            yield Block("正文的属性和注释", _numbered(attributes_of(content)))
            return
        is_text = _WORD_TEXT.match(name)
        lines = paragraphs_of(content, _PARAGRAPH, _BREAKS) if is_text else every_text_of(content)
    except Unreadable as why:
        yield UnreadPart(name, str(why))
        return
    yield Block(f"部件 {name}", _numbered(lines))


def _numbered(lines: list[str]) -> list[tuple[int, list[str]]]:
    return [(number, [line]) for number, line in enumerate(lines, start=1)]


def read_ofd(archive: zipfile.ZipFile, budget: ReadBudget) -> Iterator[Block | UnreadPart]:
    """The pages of an OFD, the text objects of one joined; a page that shows something and has no text is unread."""
    for info in list_parts(archive, budget):
        if isinstance(info, UnreadPart):
            yield info
            continue
        name = archive_part_name(info)
        if not name.lower().endswith(".xml"):
            if not is_font(archive, info):
                yield UnreadPart(name, "不是文字的部件（图片、签章或附件）")
            continue
        try:
            content = read_part(archive, info, budget)
            is_page = _OFD_PAGE.search(name) is not None
            lines = _page_lines(content) if is_page else every_text_of(content)
            beside = attributes_of(content) if is_page else []
        except Unreadable as why:
            yield UnreadPart(name, str(why))
            continue
        if is_page:
            budget.take_page()
            if not any(line.strip() for line in lines):
                yield UnreadPart(name, "这一页没有文字")
            yield Block(f"部件 {name}", _numbered(lines), document="")
            yield Block(f"部件 {name} 的属性", _numbered(beside))
        else:
            yield Block(f"部件 {name}", _numbered([*lines, *beside]))


def _page_lines(content: bytes) -> list[str]:
    """The text objects of a page, each a line; those of a page that is set sign by sign are one line."""
    texts = [line for line in paragraphs_of(content, ("TextObject",), shortest=0) if line.strip()]
    by_sign = len(texts) > 1 and sum(map(len, texts)) < _FEW_SIGNS * len(texts)
    return ["".join(line.strip() for line in texts)] if by_sign else texts
