"""Files that are text: CSV, JSON, JSON lines, HTML, and any other."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from typing import Any

from huisuan.opendata.scanning.readers.blocks import Block, ReadBudget, Unreadable, UnreadPart
from huisuan.opendata.scanning.readers.web_page import read_page

_LOOKED_AT = 64 * 1024
_LONGEST_CELL = 1024 * 1024
_DEEPEST = 60
_ENCODINGS = ("utf-8-sig", "gb18030")
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


def decode(content: bytes) -> str:
    """The text of a file.

    Raises:
        Unreadable: it is none in UTF-8, UTF-16 or GB18030.
    """
    for encoding in ("utf-16",) if content.startswith(_UTF16) else _ENCODINGS:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text[:_LOOKED_AT]:
            return text
    raise Unreadable("不是文字，也不是认识的格式")


def read_text(content: bytes, part: str, budget: ReadBudget) -> Iterator[Block | UnreadPart]:
    """The blocks of a file that is text."""
    text = decode(content)
    begin = text[:_LOOKED_AT].lstrip()
    if begin[:1] in ("{", "["):
        rows = _json_rows(text)
        if rows is not None:
            budget.take_cells(2 * len(rows))
            yield Block(part, rows, document="")
            return
    if begin[:1] == "<":
        yield from _markup(text, begin, part)
        return
    table = _csv_rows(text, budget)
    if table is not None:
        yield Block(part, table, table=True)
        return
    yield Block(part, [(number, [line]) for number, line in enumerate(text.splitlines(), start=1)], document="")


def _markup(text: str, begin: str, part: str) -> Iterator[Block | UnreadPart]:
    """A page by its text; of any other markup its lines, and its text without marks beside them."""
    is_page = any(mark in begin.lower() for mark in ("<html", "<!doctype html", "<body"))
    page = read_page(text)
    if is_page:
        yield Block(part, _numbered(page.lines), document="")
    else:
        yield Block(part, _numbered(text.splitlines()), document="")
        yield Block("去掉标记的文字", _numbered(["".join(page.lines)]))
    yield Block("网页的属性、注释和脚本", _numbered(page.beside))
    for reason in page.unread:
        yield UnreadPart("网页", reason)


def _numbered(lines: list[str]) -> list[tuple[int, list[str]]]:
    return [(number, [line]) for number, line in enumerate(lines, start=1)]


def _csv_rows(text: str, budget: ReadBudget) -> list[tuple[int, list[str]]] | None:
    """The rows of a table; None where the text is none, or a quote in it is never closed: it is then read by line."""
    first = text[: text.find("\n") + 1] or text[:_LOOKED_AT]
    delimiter = max(",\t;|", key=first.count)
    if not first.count(delimiter):
        return None
    csv.field_size_limit(_LONGEST_CELL)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    rows: list[tuple[int, list[str]]] = []
    number = 1
    try:
        for cells in reader:
            budget.take_cells(len(cells))
            rows.append((number, cells))
            number = reader.line_num + 1
    except csv.Error:
        return None
    wide = len(rows[0][1]) if rows else 0
    same = sum(len(cells) == wide for _, cells in rows[:200])
    return rows if wide > 1 and same * 2 > len(rows[:200]) else None


class _Pairs(list[tuple[str, Any]]):
    """An object of JSON with all its pairs: of a key that stands twice a dict would keep the last only."""


def _json_rows(text: str) -> list[tuple[int, list[str]]] | None:
    """Every key and value, of a JSON file or of one that has a value a line; None where it is neither."""
    try:
        return list(enumerate(_values("", _loads(text), 0), start=1))
    except (ValueError, RecursionError):
        pass
    rows: list[tuple[int, list[str]]] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip():
            try:
                rows += [(number, cells) for cells in _values("", _loads(line), 0)]
            except (ValueError, RecursionError):
                return None
    return rows


def _loads(text: str) -> Any:
    """A value of JSON; numbers stay as they are written."""
    return json.loads(text, object_pairs_hook=_Pairs, parse_int=str, parse_float=str)


def _values(key: str, value: Any, depth: int) -> Iterator[list[str]]:
    """Each value beside its key; a key over more than one value, or over none, is a row of its own."""
    if depth > _DEEPEST:
        raise RecursionError
    if isinstance(value, list | None) and key:
        yield [key]
    if isinstance(value, _Pairs):
        for name, inner in value:
            yield from _values(name, inner, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            yield from _values(key, inner, depth + 1)
    elif value is not None:
        yield [key, str(value)]
