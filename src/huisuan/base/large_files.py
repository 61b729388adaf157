"""Files and lines too large for memory: mapped from the disk, where the system may let go of what is not looked at."""

from __future__ import annotations

import mmap
from collections.abc import Iterable
from typing import IO

import pyarrow as pa

from huisuan.base.temporary import temporary_folder

Content = bytes | mmap.mmap

LARGE_BYTES = 64 * 1024 * 1024  # of lines: more than that lies on the disk


def map_or_read(file: IO[bytes]) -> Content:
    """What a file holds: mapped if it is one of the disk (nobody may cut it short then), else read."""
    try:
        number = file.fileno()
    except (OSError, AttributeError):
        return file.read()
    size = file.seek(0, 2)
    file.seek(0)
    return mmap.mmap(number, size, access=mmap.ACCESS_READ) if size else b""


def table_of_batches(batches: Iterable[pa.RecordBatch], schema: pa.Schema, size: int) -> pa.Table:
    """The batches as one table: in memory, or where `size` bytes are many in a file without a name."""
    if size <= LARGE_BYTES:
        return pa.Table.from_batches(list(batches), schema)
    with temporary_folder() as folder:
        path = folder / "lines.arrow"
        with pa.OSFile(str(path), "wb") as out, pa.ipc.new_file(out, schema) as writer:
            for batch in batches:
                writer.write_batch(batch)
        return pa.ipc.open_file(pa.memory_map(str(path))).read_all()  # the map outlives the name
