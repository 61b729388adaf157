"""The header of a table: how many rows it has, and what stands over each column. Pure."""

from __future__ import annotations

from collections.abc import Iterator

_TITLES = 5  # rows over the header in which a title may stand


class TableHeadings:
    """The header of a table: a title alone in its row is passed over; a header with gaps has a second row."""

    def __init__(self, rows: list[tuple[int, list[str]]]) -> None:
        self._rows = rows
        self._first = 0
        while self._first < min(_TITLES, len(self._rows) - 1) and _filled(self._rows[self._first][1]) <= 1:
            self._first += 1
        self.rows = min(self._first + 1, max(len(self._rows) - 1, 0))
        if 0 < self.rows < len(self._rows) - 1 and self._is_cut(self._rows[self.rows - 1][1], self._rows[self.rows][1]):
            self.rows += 1

    @staticmethod
    def _is_cut(cells: list[str], below: list[str]) -> bool:
        """Whether cells were merged: gaps or repetitions over words that are no data."""
        gaps = len(set(cells) - {""}) < len(below) or not all(cells)
        return gaps and _filled(below) > 1 and not any(map(_has_digits, below)) and not all(below)

    def of(self, column: int) -> str:
        """The words over a column, from 1; a merged cell counts for those right of it."""
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


def _filled(cells: list[str]) -> int:
    return sum(bool(cell.strip()) for cell in cells)


def _has_digits(cell: str) -> bool:
    return sum(map(str.isdigit, cell)) > 3
