"""Cells and shared strings of a workbook as programs usually write them, read many times faster than XML is.

A sheet's rows are much alike. Of the first row of a sort a strict pattern is made, which every sign of the rows after
it must fit: place, style and kind of each cell, and nothing else. What fits no pattern is read cell by cell, just as
strictly; and where one cell is written otherwise the whole sheet is read as XML. Nothing is passed over.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

_CHUNK = 4 * 1024 * 1024  # bytes that are looked at at once
_ROWS = 512  # that are put together at once
_MOST_SORTS, _MOST_PATTERNS, _MOST_CELLS = 8, 40, 400  # of rows; made for a sheet; of a row that gets a pattern
_LAST_COLUMN = 16_384
_UTF8 = re.compile(rb"\s*(?:<\?xml(?![^>]*encoding=(?![\"']utf-8[\"']))[^>]*\?>)?\s*<(?!\?)", re.IGNORECASE)
_OF_ROW = (
    r'(?: (?:spans="\d{1,5}:\d{1,5}"|s="\d{1,5}"|ht="[\d.]{1,8}"|(?:customHeight|customFormat|hidden|outlineLevel|'
    r'collapsed|thickBot|thickTop)="\d"|x14ac:dyDescent="[\d.]{1,5}"))*'
)
_ROW = r'<row r="(\d{1,7})"' + _OF_ROW + ">"
_EMPTY_ROW = re.compile(r'<row r="\d{1,7}"' + _OF_ROW + "(?:/>|></row>)", re.ASCII)
_ROW_BEGINS = re.compile(_ROW, re.ASCII)
_PLACE, _OWN = r"[A-Z]{1,3}\d{1,7}", '(?: t="(?:n|str|b|e|d)")?'
_FORMULA = rf'<f(?: t="shared"| si="\d{{1,5}}"| ref="{_PLACE}(?::{_PLACE})?"){{0,3}}(?:/>|>([^<>]*)</f>)'
_SHARED, _WITH_FORMULA, _BLANK = "s", "f", ""
#: by kind of cell how its attributes end, and what stands in it; the last group is the value
_KINDS = {
    _SHARED: (' t="s"', r"<v>(\d{1,11})</v>"), "v": (_OWN, "<v>([^<>]*)</v>"),
    "i": (' t="inlineStr"', '<is><t(?: xml:space="preserve")?>([^<>]*)</t></is>'),
    _WITH_FORMULA: (_OWN, _FORMULA + "<v>([^<>]*)</v>"),
}  # fmt: skip
_NO_VALUE = '(?: t="(?:s|n|str)")?'
_STRINGS_BEGIN = re.compile(
    rb'(?:<\?xml[^<>]*>\s*)?<sst(?: (?:xmlns="[a-zA-Z0-9:/.]{1,80}"|(?:uniqueCount|count)="\d{1,9}"))*>'
)
_BEGIN = r'<c r="{letters}\d{{1,7}}"(?: s="\d{{1,5}}")?'
_CELLS = {
    kind: re.compile(_BEGIN.format(letters="([A-Z]{1,3})") + ends + ">" + holds + "</c>", re.ASCII)
    for kind, (ends, holds) in _KINDS.items()
} | {_BLANK: re.compile(_BEGIN.format(letters="([A-Z]{1,3})") + _NO_VALUE + "/>", re.ASCII)}
_NAMED = (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&apos;", "'"), ("&amp;", "&"))
_REFERENCE = re.compile(r"&(?!(?:lt|gt|quot|apos|amp);)")
_STRING, _STRING_END = "<si><t>", "</t></si>"

_Rows = list[tuple[int, list[str]]]


class UnusualCells(Exception):
    """Something is written otherwise than programs do: it is to be read as XML."""


class _Cell(NamedTuple):
    letters: str
    kind: str
    formula: str
    value: str


class PlainSheet:
    """The data of a sheet; `rest` is the sheet without them, to be read as XML."""

    def __init__(self, content: bytes, texts: Sequence[str]) -> None:
        """Cut a sheet in two; `texts` are the shared strings.

        Raises:
            UnusualCells: it has not just one place for data, or may have comments in it.
        """
        begin, end = content.find(b"<sheetData>") + len(b"<sheetData>"), content.rfind(b"</sheetData>")
        self.rest = content[:begin] + content[end:]
        usual = len(b"<sheetData>") <= begin <= end and _UTF8.match(content) is not None
        if not usual or self.rest.count(b"sheetData") != 2 or b"<!" in self.rest or b"\r" in content:
            raise UnusualCells
        self._content, self._at, self._end = content, begin, end
        self._texts = texts
        self._sorts: list[_RowSort] = []
        self._patterns, self._is_escaped = 0, False
        self.formulas: list[str] = []
        self.used: set[int] = set()

    def rows(self) -> Iterator[_Rows]:
        """Rows by number, some at a time.

        Raises:
            UnusualCells: they are not written as programs do.
        """
        while self._at < self._end:
            stop = self._content.rfind(b"</row>", self._at, min(self._at + _CHUNK, self._end))
            stop = stop if stop > 0 else self._content.find(b"</row>", self._at, self._end)
            stop = stop + len(b"</row>") if stop > 0 else self._end
            try:
                text = self._content[self._at : stop].decode()
            except UnicodeDecodeError:
                raise UnusualCells from None
            yield from self._read(text)
            self._at = stop

    def _read(self, text: str) -> Iterator[_Rows]:
        at, self._is_escaped = 0, "&" in text
        while at < len(text):
            for place, sort in enumerate(self._sorts):
                found, fitting = list[tuple[str, ...]](), sort.pattern.match
                while len(found) < _ROWS and (match := fitting(text, at)) is not None:
                    found.append(match.groups())
                    at = match.end()
                if found:
                    self._sorts.insert(0, self._sorts.pop(place))
                    yield self._filled(sort, found)
                    break
            else:
                at, rows = self._by_cell(text, at)
                yield rows

    def _by_cell(self, text: str, at: int) -> tuple[int, _Rows]:
        """One row, whatever sort it is; further ones of its sort will be read by a pattern."""
        if (empty := _EMPTY_ROW.match(text, at)) is not None:
            return empty.end(), []
        begin = _ROW_BEGINS.match(text, at)
        if begin is None:
            raise UnusualCells
        at, cells = begin.end(), list[_Cell]()
        while not text.startswith("</row>", at):
            found, kind = next(((m, kind) for kind, one in _CELLS.items() if (m := one.match(text, at))), (None, ""))
            if found is None:
                raise UnusualCells
            at = found.end()
            groups = found.groups("")
            cells.append(_Cell(groups[0], kind, groups[1] if kind == _WITH_FORMULA else "", groups[-1] if kind else ""))
        self._learn(cells)
        row: list[str] = []
        for cell in cells:
            row += [""] * (_column(cell.letters) - len(row))
            row.append(self._value(cell))
        return at + len("</row>"), [(int(begin[1]), row)]

    def _value(self, cell: _Cell) -> str:
        if cell.formula:
            self.formulas.append(_unescaped(cell.formula))
        if cell.kind != _SHARED:
            return _unescaped(cell.value)
        return self._shared([cell.value])[0]

    def _shared(self, values: Sequence[str]) -> list[str]:
        numbers = list(map(int, values))
        self.used.update(numbers)
        try:
            return list(map(self._texts.__getitem__, numbers))
        except IndexError:
            raise UnusualCells from None

    def _learn(self, cells: Sequence[_Cell]) -> None:
        """Make a pattern for rows like this one, or one that is known wider, where the two differ in cells left out."""
        if self._patterns >= _MOST_PATTERNS or not 0 < len(cells) <= _MOST_CELLS:
            return
        kinds = {_column(cell.letters): (cell.letters, cell.kind) for cell in cells}
        if list(kinds) != sorted(kinds) or len(kinds) != len(cells):
            return
        self._patterns += 1
        for place, sort in enumerate(self._sorts):
            if (both := sort.with_row(kinds)) is not None:
                self._sorts[place] = both
                return
        self._sorts = [_RowSort(kinds, frozenset()), *self._sorts[: _MOST_SORTS - 1]]

    def _filled(self, sort: _RowSort, found: Sequence[tuple[str, ...]]) -> _Rows:
        groups = zip(*found, strict=True)
        numbers = map(int, next(groups))
        columns: list[Sequence[str | None]] = []
        for column, (_, kind) in sort.kinds.items():
            columns += [[None if sort.left_out else ""] * len(found)] * (column - len(columns))
            there = next(groups) if column in sort.left_out else None
            if kind == _WITH_FORMULA:
                self.formulas += [_unescaped(formula) for formula in next(groups) if formula]
            values = self._column_of(kind, next(groups)) if kind else [""] * len(found)
            if there is not None:
                columns.append([value if sign else None for value, sign in zip(values, there, strict=True)])
            else:
                columns.append(values)
        cells = zip(*columns, strict=True)
        if not sort.left_out:
            return list(zip(numbers, map(list, cells), strict=True))
        return [row for row in zip(numbers, map(_ended, cells), strict=True) if row[1]]

    def _column_of(self, kind: str, values: Sequence[str | None]) -> list[str]:
        given = list(filter(None, values))
        if kind == _SHARED:
            given = self._shared(given)
        elif self._is_escaped:
            given = list(map(_unescaped, given))
        if len(given) == len(values):
            return given
        left = iter(given)
        return [next(left) if value else "" for value in values]


class _RowSort:
    """Rows whose cells are of these kinds, by column; those of `left_out` need not be there."""

    def __init__(self, kinds: dict[int, tuple[str, str]], left_out: frozenset[int]) -> None:
        self.kinds, self.left_out = kinds, left_out
        cells = "".join(_cell_pattern(*kinds[column], column in left_out) for column in kinds)
        self.pattern = re.compile(_ROW + cells + "</row>", re.ASCII)

    def with_row(self, kinds: dict[int, tuple[str, str]]) -> _RowSort | None:
        """Rows of this sort, and such a one as well; None: a column is of another kind in it."""
        both = self.kinds | {column: kind for column, kind in kinds.items() if kind[1] or column not in self.kinds}
        if any(kind[1] and both[column] != kind for column, kind in self.kinds.items()):
            return None
        left_out = self.left_out | (self.kinds.keys() ^ kinds.keys())
        return _RowSort({column: both[column] for column in sorted(both)}, left_out)


def _cell_pattern(letters: str, kind: str, may_lack: bool) -> str:
    """The pattern of a cell: where it may lack, a sign that it is there; its value, None where nothing stands in it."""
    ends, holds = _KINDS.get(kind, ("", ""))
    filled = f"{ends}>{holds}</c>|" if kind else ""
    cell = _BEGIN.format(letters=letters) + f"(?:{filled}{_NO_VALUE}/>)"
    return f"(?:(?=(<)){cell})?" if may_lack else cell


def _ended(cells: Sequence[str | None]) -> list[str]:
    """The cells of a row up to its last."""
    row = list(cells)
    while row and row[-1] is None:
        row.pop()
    return [cell or "" for cell in row]


def _column(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return min(number - 1, _LAST_COLUMN)


def _unescaped(text: str) -> str:
    if "&" in text:
        if _REFERENCE.search(text):
            raise UnusualCells
        for reference, sign in _NAMED:
            text = text.replace(reference, sign)
    return text


def read_plain_strings(content: bytes) -> list[str]:
    """The shared strings of a workbook.

    Raises:
        UnusualCells: some are more than a text, or something else stands beside them.
    """
    begin, end = content.find(b"<si>"), content.rfind(b"</sst>")
    head = _STRINGS_BEGIN.fullmatch(content[: max(begin, 0)])
    if head is None or content[end:].strip() != b"</sst>" or b"\r" in content[begin:] or not _UTF8.match(content):
        raise UnusualCells
    try:
        text = content[begin:end].decode().replace('<si><t xml:space="preserve">', _STRING)
    except UnicodeDecodeError:
        raise UnusualCells from None
    texts = text[len(_STRING) : -len(_STRING_END)].split(_STRING_END + _STRING)
    whole = text.startswith(_STRING) and text.endswith(_STRING_END) and text.count("<") == 4 * len(texts)
    if not whole:
        raise UnusualCells
    return list(map(_unescaped, texts)) if "&" in text else texts
