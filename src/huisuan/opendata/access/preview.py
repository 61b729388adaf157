"""The first rows of a released table, and how the numbers of a column are spread: read from what was released."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from itertools import islice, pairwise

from huisuan.base.errors import Unavailable
from huisuan.opendata.access.marking import MARK_COLUMN
from huisuan.opendata.access.released import ReadableRelease, released_now
from huisuan.opendata.access.watermark import grant_mark
from huisuan.opendata.gate.stores import checked_path, released_shelf

PREVIEW_ROWS = 10
DOCUMENT_COLUMNS = ("部件", "行", "文字")
_PREVIEWED = ("parquet", "jsonl")
_LOOKED_AT = 50_000  # rows, for the spread
_BINS = 8
_LONGEST_CELL = 80


@dataclass(frozen=True)
class Spread:
    """How many rows have a value from one bound to the next, of one column; `rows` have a number there."""

    column: str
    bins: tuple[tuple[Decimal, Decimal, int], ...]
    rows: int


@dataclass(frozen=True)
class Preview:
    """The columns of a table, its first rows, and the spread of its first column of numbers."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    spread: Spread | None


def table_preview(read: ReadableRelease) -> Preview:
    """The preview of the file that a release belongs to; under a grant each row has its mark.

    Raises:
        Unavailable: its file is gone or changed, or it has none that is shown.
    """
    release = read.release
    out = released_now().filter(file_id=release.file_id, product__format__in=_PREVIEWED)
    read_from = out.order_by("-product__format").first()  # of a table its Parquet, of a document its lines
    if read_from is None:
        raise Unavailable("这份数据没有可预览的文件", code="opendata.no_preview")
    found = (_read if read_from.product.format == "parquet" else _read_lines)(read_from.sha256)
    if read.grant is None:
        return found
    mark = grant_mark(read.grant)
    return replace(found, columns=(*found.columns, MARK_COLUMN), rows=tuple((*row, mark) for row in found.rows))


@lru_cache(maxsize=64)
def _read(sha256: str) -> Preview:
    from pyarrow import parquet

    table = parquet.ParquetFile(checked_path(released_shelf(), sha256))
    names = tuple(table.schema_arrow.names)
    rows: list[tuple[str, ...]] = []
    for batch in table.iter_batches(batch_size=10_000):
        columns = batch.to_pydict()
        rows.extend(zip(*(columns[name] for name in names), strict=True))
        if len(rows) >= _LOOKED_AT:
            break
    shown = tuple(tuple((cell or "")[:_LONGEST_CELL] for cell in row) for row in rows[:PREVIEW_ROWS])
    return Preview(names, shown, _first_spread(names, rows))


@lru_cache(maxsize=64)
def _read_lines(sha256: str) -> Preview:
    """The first lines of a document."""
    rows: list[tuple[str, ...]] = []
    with checked_path(released_shelf(), sha256).open(encoding="utf-8") as file:
        for line in islice(file, PREVIEW_ROWS):
            said = json.loads(line)
            rows.append((str(said["part"])[:_LONGEST_CELL], str(said["line"]), str(said["text"])[:_LONGEST_CELL]))
    return Preview(DOCUMENT_COLUMNS, tuple(rows), None)


def _first_spread(names: tuple[str, ...], rows: list[tuple[str, ...]]) -> Spread | None:
    for at, name in enumerate(names):
        cells = [cell for row in rows if (cell := (row[at] or "").strip())]
        values = [value for cell in cells if (value := _number(cell)) is not None]
        if len(values) * 10 >= len(cells) * 9 and len(set(values)) > 2 and not _counts_rows(values):
            return _spread(name, values)
    return None


def _number(text: str) -> Decimal | None:
    try:
        value = Decimal(text.replace(",", ""))
    except InvalidOperation:
        return None
    return value if value.is_finite() and abs(value) < Decimal(10) ** 15 else None


def _counts_rows(values: list[Decimal]) -> bool:
    """Whether it is but the number of the row."""
    return all(after - before == 1 for before, after in pairwise(values))


def _spread(name: str, values: list[Decimal]) -> Spread:
    low, high = min(values), max(values)
    step = (high - low) / _BINS
    counts = [0] * _BINS
    for value in values:
        counts[min(int((value - low) / step), _BINS - 1)] += 1
    bins = tuple((low + step * at, low + step * (at + 1), counts[at]) for at in range(_BINS))
    return Spread(name, bins, len(values))
