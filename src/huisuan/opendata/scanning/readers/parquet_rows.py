"""Parquet: every column as text, its names and the words kept beside them."""

from __future__ import annotations

import io
from collections.abc import Iterator

from huisuan.opendata.scanning.readers.blocks import Block, ReadBudget, Unreadable

_BATCH = 50_000


def read_parquet(content: bytes, part: str, budget: ReadBudget) -> Iterator[Block]:
    """The table in pieces of some rows, each under the names of its columns.

    Raises:
        Unreadable: damaged, or the package that reads it is not installed.
    """
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        raise Unreadable("没有装读 Parquet 的组件；pip install 'huisuan[scan]'") from None
    try:
        file = parquet.ParquetFile(io.BytesIO(content))
        beside = [bytes(value).decode("utf-8", "replace") for value in (file.schema_arrow.metadata or {}).values()]
        yield Block("部件 metadata", [(number, [line]) for number, line in enumerate(beside, start=1)])
        names, done = list(file.schema_arrow.names), 0
        for batch in file.iter_batches(batch_size=_BATCH):
            budget.take_cells(batch.num_rows * max(batch.num_columns, 1))
            columns = [
                ["" if value is None else str(value) for value in column.to_pylist()] for column in batch.columns
            ]
            rows = [(0, names)]
            rows += [(done + number, list(cells)) for number, cells in enumerate(zip(*columns, strict=True), start=1)]
            done += batch.num_rows
            yield Block(part, rows, table=True)
    except (pyarrow.ArrowException, OSError, UnicodeDecodeError) as error:
        raise Unreadable(f"损坏的 Parquet（{type(error).__name__}）") from None
