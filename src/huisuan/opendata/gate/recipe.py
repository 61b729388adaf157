"""A table made anew from its scanned cells: what was judged is masked, blurred or left out. Pure."""

from __future__ import annotations

import csv
import io
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from huisuan.opendata.mask_tokens import mask_token, normal_value
from huisuan.opendata.scanning.cells import find_in_cell
from huisuan.opendata.scanning.finding_kinds import WITHOUT_VALUE, FindingKind, mask_value
from huisuan.opendata.scanning.folding import fold_text
from huisuan.opendata.scanning.headings import TableHeadings

_Row = tuple[int, list[str]]


class Judged(NamedTuple):
    """A finding in the table and what is done about it; `row` 0: the whole column; `wide`: judged for its column."""

    kind: str
    row: int
    column: int
    action: str
    wide: bool


@dataclass
class MadeTable:
    """The table made anew; `columns` say what became of each, and how many values and tokens there were."""

    header: list[str]
    rows: list[list[str]]
    columns: list[dict[str, Any]] = field(default_factory=list)


class TableRecipe:
    """What is done to each cell of a table, by what was judged of it."""

    def __init__(self, rows: Sequence[_Row], judged: Sequence[Judged], key: bytes) -> None:
        self._heads, self._rows, self._key = TableHeadings(list(rows)), rows, key
        self._cells: dict[tuple[int, int], dict[str, str]] = defaultdict(dict)
        self._times: Counter[tuple[int, int, str]] = Counter()  # row, column, kind
        self._whole: dict[int, tuple[str, str]] = {}  # column -> kind, action
        self._dropped: set[int] = set()
        self._of_column: dict[int, Counter[str]] = defaultdict(Counter)
        self._values: dict[int, dict[str, str]] = defaultdict(dict)  # column -> value -> token
        self._read_judged(judged)

    def _read_judged(self, judged: Sequence[Judged]) -> None:
        counts: Counter[tuple[int, str, str]] = Counter()
        for one in judged:
            if one.action == "false_alarm":
                continue
            self._of_column[one.column][f"{one.kind} {one.action}"] += 1
            if one.wide and one.action == "drop":
                self._dropped.add(one.column)
            elif one.row == 0:
                self._whole[one.column] = (one.kind, one.action)
            else:
                self._cells[one.row, one.column][one.kind] = one.action
                self._times[one.row, one.column, one.kind] += 1
                counts[one.column, one.kind, one.action] += one.wide
        for (column, kind, action), number in counts.items():
            filled = sum(bool(self._cell(cells, column).strip()) for _, cells in self._body())
            if number and number * 2 >= filled:  # a column of them: what was not recognised is one, too
                self._whole[column] = (kind, action)

    def make(self) -> MadeTable:
        """The table; its cells are written anew, one by one.

        Raises:
            TokensDisagree: two values came to one token.
        """
        wide = max((len(cells) for _, cells in self._rows), default=0)
        kept = [column for column in range(1, wide + 1) if column not in self._dropped]
        rows = [
            [self._made(number, column, self._cell(cells, column)) for column in kept] for number, cells in self._body()
        ]
        header = self._header(kept)
        made = MadeTable(header, rows)
        names = dict(zip(kept, header, strict=True))
        for column in range(1, wide + 1):
            values = self._values.get(column, {})
            if len(set(values.values())) != len(values):
                raise TokensDisagree(column)
            made.columns.append(
                {
                    "column": column, "heading": names.get(column, ""), "kept": column in names,
                    "judged": dict(sorted(self._of_column[column].items())), "values": len(values),
                    "tokens": len(set(values.values())),
                }
            )  # fmt: skip
        return made

    def _body(self) -> Iterator[_Row]:
        yield from self._rows[self._heads.rows :]

    @staticmethod
    def _cell(cells: list[str], column: int) -> str:
        return cells[column - 1] if column <= len(cells) else ""

    def _header(self, kept: list[int]) -> list[str]:
        """What stands over the columns, each once; a heading in which something was found is left out."""
        touched = {column for row, column in self._cells if row <= self._last_heading()}
        header: list[str] = []
        for column in kept:
            name = "" if column in touched else self._heads.of(column)
            name = name or f"列{column}"
            header.append(name if name not in header else f"{name}_{column}")
        return header

    def _last_heading(self) -> int:
        return self._rows[self._heads.rows - 1][0] if self._heads.rows else -1

    def _made(self, row: int, column: int, cell: str) -> str:
        actions = self._cells.get((row, column), {})
        whole = self._whole.get(column)
        if not cell.strip() or not (actions or whole):
            return cell
        if whole:
            return self._written(column, cell.strip(), *whole)
        text = fold_text(cell).text
        found = [match for match in find_in_cell(text) if match.kind in actions]
        times = Counter(str(match.kind) for match in found)
        if any(times[kind] < self._times[row, column, kind] for kind in actions):
            return self._written_whole(column, cell.strip(), actions)
        pieces, at = [], 0
        for match in found:
            pieces += [text[at : match.start], self._written(column, match.value, match.kind, actions[match.kind])]
            at = match.end
        return "".join([*pieces, text[at:]])

    def _written_whole(self, column: int, value: str, actions: dict[str, str]) -> str:
        """A cell that is a piece of a number cut over several, or one as a whole; of a piece nothing is shown."""
        if len(actions) > 1:
            return ""
        ((kind, action),) = actions.items()
        if action == "generalise" and kind != FindingKind.DAMAGED_ID:
            return "***"
        return self._written(column, value, kind, action)

    def _written(self, column: int, value: str, kind: str, action: str) -> str:
        if action == "mask" and kind != FindingKind.UNREAD_NAMES:
            token = mask_token(self._key, value)
            self._values[column][normal_value(value)] = token
            return token
        if action == "generalise" and kind not in WITHOUT_VALUE:
            return mask_value(FindingKind(kind), value)
        return ""


class TokensDisagree(Exception):
    """Two values of a column came to one token."""


def write_csv(table: MadeTable) -> bytes:
    """The table as CSV in UTF-8."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(table.header)
    writer.writerows(table.rows)
    return text.getvalue().encode()


def write_parquet(table: MadeTable) -> bytes:
    """The table as Parquet, every column text."""
    import pyarrow
    from pyarrow import parquet

    columns = zip(*table.rows, strict=True) if table.rows else ([] for _ in table.header)
    arrays = [pyarrow.array(list(column), pyarrow.string()) for column in columns]
    buffer = io.BytesIO()
    parquet.write_table(pyarrow.Table.from_arrays(arrays, names=table.header), buffer)
    return buffer.getvalue()
