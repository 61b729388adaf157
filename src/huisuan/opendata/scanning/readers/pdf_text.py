"""PDF: the text of its pages, its annotations, its fields, its properties, and the files attached to it."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

from huisuan.opendata.scanning.readers.blocks import Block, LimitReached, ReadBudget, Unreadable, UnreadPart
from huisuan.opendata.scanning.readers.pdf_objects import read_pdf_objects

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
    yield from read_pdf_objects(book, content, budget)


def _page(number: int, page: Any, budget: ReadBudget) -> Iterator[Block | UnreadPart]:
    label = f"第 {number} 页"
    try:
        text = page.extract_text() or ""
    except Exception as error:
        yield UnreadPart(label, f"读不出（{type(error).__name__}）")
        return
    if len(text) > _LONGEST_PAGE:
        raise LimitReached("一页的字数")
    budget.unpack(len(text))
    if not text.strip():
        yield UnreadPart(label, "这一页没有文字（扫描件须先识别）")
    yield Block(label, [(line, [words]) for line, words in enumerate(text.splitlines(), start=1)], document="")


def _around(book: Any) -> Iterator[Block | UnreadPart | tuple[str, bytes]]:
    try:
        attached = [(name, content) for name, several in book.attachments.items() for content in several]
    except Exception as error:
        yield UnreadPart("附件", f"读不出（{type(error).__name__}）")
        return
    yield from attached
