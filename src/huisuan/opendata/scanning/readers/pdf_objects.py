"""What a PDF says beside the text of its pages: every string of every object, and what stands outside of objects.

Annotations, bookmarks, fields, properties, scripts, labels and descriptions are strings of objects; whoever made the
file may have put one anywhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from huisuan.opendata.scanning.readers.blocks import Block, LimitReached, ReadBudget, UnreadPart

_SHORTEST = 2
_MOST_OBJECTS = 2_000_000
_DEEPEST = 40
_STREAM = re.compile(rb"stream\r?\n.*?endstream", re.DOTALL)
_COMMENT = re.compile(rb"%([^\r\n]{6,})")
_SHOWS_TEXT = re.compile(rb"\bT[jJ]\b")
_LITERAL = re.compile(rb"\(((?:[^()\\]|\\.)*)\)")


def read_pdf_objects(book: Any, content: bytes, budget: ReadBudget) -> Iterator[Block | UnreadPart]:
    """The strings of the objects of a PDF, each a line, then its comments and what stands before and after it."""
    lines: list[str] = []
    unread: list[UnreadPart] = []
    shown = _Shown()
    numbers = _numbers(book)
    for number in numbers:
        try:
            found = book.get_object(number)
            _collect(found, lines, budget, 0)
            shown.note(found)
        except LimitReached:
            raise
        except Exception as error:  # one object that is damaged
            unread.append(UnreadPart(f"对象 {number}", f"读不出（{type(error).__name__}）"))
    for number in numbers:
        try:
            text = shown.text_of(number, book.get_object(number))
        except LimitReached:
            raise
        except Exception:  # one object that is damaged: it was said above, or its stream is none
            text = None if number in shown.appearances | shown.texts else []
        if text is None:
            unread.append(UnreadPart(f"对象 {number}", "批注或表单的外观，字体里的字读不出"))
        else:
            lines += text
    lines += _outside(content)
    budget.unpack(sum(map(len, lines)))
    yield Block("批注、书签、表单、属性等", [(at, [line]) for at, line in enumerate(lines, start=1)])
    yield from unread


def _numbers(book: Any) -> list[int]:
    found = {number for known in book.xref.values() for number in known} | set(book.xref_objStm)
    if len(found) > _MOST_OBJECTS:
        raise LimitReached("对象数")
    return sorted(found - {0})


def _collect(value: Any, lines: list[str], budget: ReadBudget, depth: int) -> None:
    """Every string of an object; what it refers to is an object of its own."""
    if depth > _DEEPEST:
        raise LimitReached("对象的层数")
    if isinstance(value, dict):
        for key in value:
            if len(key) > 8 and re.search(r"\d{7}", key):
                lines.append(key)
            _collect(_raw(value, key), lines, budget, depth + 1)
    elif isinstance(value, list):
        for inner in list.__iter__(value):
            _collect(inner, lines, budget, depth + 1)
    elif isinstance(value, bytes | str) and not _is_name(value):
        text = value.decode("latin-1") if isinstance(value, bytes) else str(value)
        if len(text) >= _SHORTEST:
            lines += text.splitlines()


def _entry(value: Any, key: str) -> Any:
    """An entry as it stands: a reference stays one."""
    return value.raw_get(key)


def _raw(value: Any, key: str) -> Any:
    """An entry; None for what it refers to, which is an object of its own."""
    raw = _entry(value, key)
    return None if type(raw).__name__ == "IndirectObject" else raw


def _is_name(value: object) -> bool:
    return type(value).__name__ == "NameObject" and re.search(r"\d{7}", str(value)) is None


class _Shown:
    """Which streams are how an annotation or field looks, and which are text."""

    def __init__(self) -> None:
        self.appearances: set[int] = set()
        self.texts: set[int] = set()

    def note(self, found: Any) -> None:
        """Look at an object, and at those that stand in it, for what they refer to."""
        if isinstance(found, list):
            for each in list.__iter__(found):
                self.note(each)
        if not isinstance(found, dict):
            return
        for key in found:
            self.note(_raw(found, key))
        for key, streams in (("/AP", self.appearances), ("/XFA", self.texts), ("/JS", self.texts)):
            if key in found:
                self._refer(_entry(found, key), streams, 0)

    def _refer(self, value: Any, streams: set[int], depth: int) -> None:
        if type(value).__name__ == "IndirectObject":
            if value.idnum in streams or depth > _DEEPEST:
                return
            streams.add(value.idnum)
            value = value.get_object()
        if isinstance(value, dict):
            inner = value.get("/Resources", {}).get("/XObject", {}) if hasattr(value, "get_data") else value
            for key in inner:
                self._refer(_entry(inner, key), streams, depth + 1)
        elif isinstance(value, list):
            for each in list.__iter__(value):
                self._refer(each, streams, depth + 1)

    def text_of(self, number: int, found: Any) -> list[str] | None:
        """The text of a stream that is neither page, picture nor font; None: it shows text that cannot be read."""
        if not hasattr(found, "get_data"):
            return []
        if number in self.texts or found.get("/Type") == "/Metadata":
            return list(found.get_data().decode("utf-8", "replace").splitlines())
        if number not in self.appearances:
            return []
        data = found.get_data()
        if _SHOWS_TEXT.search(data) is None:
            return []
        shown = b"".join(_LITERAL.findall(data))
        return [shown.decode("latin-1")] if shown.isascii() and b"<" not in _LITERAL.sub(b"", data) else None


def _outside(content: bytes) -> list[str]:
    """Comments, and bytes before the beginning and after the end."""
    plain = _STREAM.sub(b"", content)
    begin, end = plain.find(b"%PDF-"), plain.rfind(b"%%EOF")
    pieces = [plain[: max(begin, 0)], *_COMMENT.findall(plain), plain[end + 5 :] if end >= 0 else b""]
    return [line for piece in pieces for line in piece.decode("utf-8", "replace").splitlines() if line.strip()]
