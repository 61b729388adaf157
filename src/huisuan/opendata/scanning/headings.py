"""The header of a table: how many rows it has, and what stands over each column. Pure.

A row that looks like data is no header: its values would leave as the names of columns.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from huisuan.opendata.scanning.cells import is_a_value
from huisuan.opendata.scanning.words import looks_like_name

_LOOKED_AT = 200  # rows under a header by which it is told from data
_SHARE = 0.6  # of names in a column over which a name is one of them
_SOMEBODY = re.compile(r"[人员者]$")  # 管理员 begins as a surname does
_TITLES = 5  # rows over the header in which a title may stand


class TableHeadings:
    """The header of a table: a title alone in its row is passed over; a header with gaps has a second row.

    A table whose first row looks like data has none: all its rows are data, its columns are 列1, 列2 and so on.
    """

    def __init__(self, rows: list[tuple[int, list[str]]]) -> None:
        self._rows = rows
        self._first = 0
        while self._first < min(_TITLES, len(self._rows) - 1) and _filled(self._rows[self._first][1]) <= 1:
            self._first += 1
        self.rows = min(self._first + 1, max(len(self._rows) - 1, 0))
        if self.rows and self._is_data(self._first):
            self._first = self.rows = 0
        if 0 < self.rows < len(self._rows) - 1 and self._is_cut(self._rows[self.rows - 1][1], self._rows[self.rows][1]):
            self.rows += not self._is_data(self.rows)

    def _is_data(self, place: int) -> bool:
        """Whether a row is as those under it: it holds a value, a name over names, or a word that comes again."""
        cells = self._rows[place][1]
        under = [row for _, row in self._rows[place + 1 : place + 1 + _LOOKED_AT] if row != cells]
        return any(
            is_a_value(cell) or _is_one_of(cell.strip(), [row[at].strip() for row in under if at < len(row)])
            for at, cell in enumerate(cells)
            if cell.strip()
        )

    @staticmethod
    def _is_cut(cells: list[str], below: list[str]) -> bool:
        """Whether cells were merged: gaps or repetitions over words that are no data."""
        gaps = len(set(cells) - {""}) < len(below) or not all(cells)
        return gaps and _filled(below) > 1 and not any(map(_has_digits, below)) and not all(below)

    def of(self, column: int) -> str:
        """The words over a column, from 1; a merged cell counts for those right of it."""
        if not self.rows:
            return f"列{column}"
        words: list[str] = []
        head = [cells for _, cells in self._rows[self._first : self.rows]]
        for cells in head:
            at = min(column, len(cells)) - 1
            while len(head) > 1 and cells is head[0] and at > 0 and not cells[at].strip():
                at -= 1
            if at >= 0 and cells[at].strip() and cells[at].strip() not in words:
                words.append(cells[at].strip())
        return " / ".join(words)

    def columns(self) -> Iterator[list[str]]:
        """The cells under the header, column by column; a short row has empty ones."""
        body = [cells for _, cells in self._rows[self.rows :]]
        for column in range(max((len(cells) for cells in body), default=0)):
            yield [cells[column] if column < len(cells) else "" for cells in body]


def _is_one_of(cell: str, under: list[str]) -> bool:
    """Whether a word is one of those under it, as far as these are names or repeat themselves."""
    filled = [each for each in under if each]
    if filled.count(cell) > 1:
        return True
    names = looks_like_name(cell) and not _SOMEBODY.search(cell)
    return names and bool(filled) and sum(map(looks_like_name, filled)) >= _SHARE * len(filled)


def _filled(cells: list[str]) -> int:
    return sum(bool(cell.strip()) for cell in cells)


def _has_digits(cell: str) -> bool:
    return sum(map(str.isdigit, cell)) > 3
