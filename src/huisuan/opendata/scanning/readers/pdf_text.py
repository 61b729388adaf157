"""PDF: the text of its pages, its annotations, its fields, its properties, and the files attached to it."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

from huisuan.opendata.scanning.readers.blocks import Block, LimitReached, ReadBudget, Unreadable, UnreadPart

_LONGEST_PAGE = 4 * 1024 * 1024  # characters


def read_pdf_blocks(content: bytes, budget: ReadBudget) -> Iterator[Block | UnreadPart | tuple[str, bytes]]:
    """Blocks; an attachment as its name and bytes, to be read in its turn. A page without text is unread.

    Raises:
        Unreadable: encrypted, damaged, or the package that reads PDF is not installed.
    """
    try:
        import pypdf
    except ImportError:
        raise Unreadable("没有装读 PDF 的组件；pip install 'huisuan[scan]'") from None
    try:
        book = pypdf.PdfReader(io.BytesIO(content), strict=False)
        if book.is_encrypted and not book.decrypt(""):
            raise Unreadable("已加密")
        pages = list(book.pages)
    except (Unreadable, LimitReached):
        raise
    except Exception as error:  # a damaged PDF makes its parser fail in any way
        raise Unreadable(f"损坏的 PDF（{type(error).__name__}）") from None
    for number, page in enumerate(pages, start=1):
        budget.take_page()
        yield from _page(number, page, budget)
    yield from _around(book)


def _page(number: int, page: Any, budget: ReadBudget) -> Iterator[Block | UnreadPart]:
    label = f"第 {number} 页"
    try:
        text = page.extract_text() or ""
        notes = [str(note.get_object().get("/Contents", "")) for note in page.get("/Annots") or []]
    except Exception as error:
        yield UnreadPart(label, f"读不出（{type(error).__name__}）")
        return
    if len(text) > _LONGEST_PAGE:
        raise LimitReached("一页的字数")
    budget.unpack(len(text))
    if not text.strip():
        yield UnreadPart(label, "这一页没有文字（扫描件须先识别）")
    yield Block(label, [(line, [words]) for line, words in enumerate(text.splitlines(), start=1)], document="")
    yield Block(f"{label}的批注", [(line, [words]) for line, words in enumerate(filter(None, notes), start=1)])


def _around(book: Any) -> Iterator[Block | UnreadPart | tuple[str, bytes]]:
    try:
        about = [str(value) for value in (book.metadata or {}).values()]
        fields = [str(each.get("/V", "")) for each in (book.get_fields() or {}).values()]
        attached = [(name, content) for name, several in book.attachments.items() for content in several]
    except Exception as error:
        yield UnreadPart("属性、表单和附件", f"读不出（{type(error).__name__}）")
        return
    yield Block("属性和表单", [(line, [words]) for line, words in enumerate([*about, *fields], start=1)])
    yield from attached
