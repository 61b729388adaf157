"""Files that are text: CSV, JSON, JSON lines, HTML, and any other."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

from huisuan.opendata.scanning.readers.blocks import Block, ReadBudget, Unreadable, UnreadPart

_LOOKED_AT = 64 * 1024
_LONGEST_CELL = 1024 * 1024
_DEEPEST = 60
_LINE_TAGS = frozenset(
    [
        "p",
        "div",
        "br",
        "li",
        "tr",
        "td",
        "th",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "title",
        "table",
        "section",
        "article",
        "dt",
        "dd",
        "option",
        "pre",
        "blockquote",
    ]
)
_SCRIPTS = frozenset(["script", "style"])
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
    if begin[:1] == "<" and ("<html" in begin.lower() or "<!doctype html" in begin.lower() or "<body" in begin.lower()):
        reader = _HtmlText()
        reader.feed(text)
        reader.close()
        reader.flush()
        yield Block(part, [(number, [line]) for number, line in enumerate(reader.lines, start=1)], document="")
        beside = [(number, [line]) for number, line in enumerate(reader.beside, start=1)]
        yield Block("网页的属性、注释和脚本", beside)
        return
    table = _csv_rows(text, budget)
    if table is not None:
        yield Block(part, table, table=True)
        return
    yield Block(part, [(number, [line]) for number, line in enumerate(text.splitlines(), start=1)], document="")


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


class _HtmlText(HTMLParser):
    """Lines of text, runs within a paragraph joined; `beside` are comments, values of attributes and scripts."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.lines: list[str] = []
        self.beside: list[str] = []
        self._pieces: list[str] = []
        self._in_script = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _LINE_TAGS:
            self.flush()
        self._in_script = tag in _SCRIPTS
        self.beside += [value for _, value in attrs if value and len(value) > 5]

    def handle_endtag(self, tag: str) -> None:
        self._in_script = False
        if tag in _LINE_TAGS:
            self.flush()

    def handle_data(self, data: str) -> None:
        if self._in_script:
            self.beside += data.splitlines()
        else:
            self._pieces.append(data)

    def handle_comment(self, data: str) -> None:
        self.beside += data.splitlines()

    def flush(self) -> None:
        """End the line."""
        line = "".join(self._pieces).strip()
        if line:
            self.lines.append(line)
        self._pieces = []
