"""How the mark of a grant is written into a file of each format: piece by piece, whatever its size.

A table bears it in every row, JSON lines in every line, text in its first and last line, a PDF on every page.
"""

from __future__ import annotations

import csv
import json
from pathlib import Path

MARK_COLUMN = "授权标记"
_LONGEST_CELL = 16 * 1024 * 1024
_ROWS = 20_000  # of a Parquet file held at once


def write_marked(form: str, source: Path, to: Path, mark: str, column: str = MARK_COLUMN) -> None:
    """Write the copy of a released file with a mark; in a table it stands in a column of this name.

    Raises:
        OSError: it cannot be written.
    """
    if form == "parquet":
        _parquet(source, to, mark, column)
    else:
        {"csv": _csv, "jsonl": _jsonl, "txt": _text, "pdf": _pdf}[form](source, to, mark)


def _csv(source: Path, to: Path, mark: str) -> None:
    csv.field_size_limit(_LONGEST_CELL)
    with source.open(encoding="utf-8", newline="") as read, to.open("w", encoding="utf-8", newline="") as written:
        writer = csv.writer(written, lineterminator="\n")
        for number, row in enumerate(csv.reader(read)):
            writer.writerow([*row, mark if number else MARK_COLUMN])


def _parquet(source: Path, to: Path, mark: str, column: str) -> None:
    import pyarrow
    from pyarrow import parquet

    read = parquet.ParquetFile(source)
    schema = read.schema_arrow.append(pyarrow.field(column, pyarrow.string()))
    with parquet.ParquetWriter(to, schema.with_metadata({"huisuan.grant": mark})) as written:
        for batch in read.iter_batches(batch_size=_ROWS):
            marks = pyarrow.array([mark] * batch.num_rows, pyarrow.string())
            written.write_table(pyarrow.Table.from_arrays([*batch.columns, marks], schema=schema))


def _jsonl(source: Path, to: Path, mark: str) -> None:
    with source.open(encoding="utf-8", newline="\n") as read, to.open("w", encoding="utf-8", newline="\n") as written:
        for line in read:
            written.write(json.dumps({**json.loads(line), "grant": mark}, ensure_ascii=False) + "\n")


def _text(source: Path, to: Path, mark: str) -> None:
    with source.open("rb") as read, to.open("wb") as written:
        written.write(f"{MARK_COLUMN}：{mark}\n".encode())
        while piece := read.read(1024 * 1024):
            written.write(piece)
        written.write(f"{MARK_COLUMN}：{mark}\n".encode())


def _pdf(source: Path, to: Path, mark: str) -> None:
    """A line at the foot of every page, laid over it, and a property of the file."""
    import pikepdf

    with pikepdf.open(source) as book:
        font = book.make_indirect(
            pikepdf.Dictionary(Type=pikepdf.Name.Font, Subtype=pikepdf.Name.Type1, BaseFont=pikepdf.Name.Helvetica)
        )
        number, _, uscc = mark.removeprefix("授权").partition("/")
        line = f"/HuisuanMark 8 Tf 80 40 Td (GRANT {number} / {uscc}) Tj"
        for page in book.pages:
            resources = page.obj.get("/Resources", pikepdf.Dictionary())
            fonts = resources.get("/Font", pikepdf.Dictionary())
            fonts["/HuisuanMark"] = font
            resources["/Font"] = fonts
            page.obj["/Resources"] = resources
            page.contents_add(b"q BT " + line.encode("ascii") + b" ET Q")
        book.docinfo["/Grant"] = mark
        book.save(to, deterministic_id=True)
