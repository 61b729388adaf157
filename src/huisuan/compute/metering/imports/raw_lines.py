"""The line of a stored source file that a record was made of."""

from __future__ import annotations

import sys
from bisect import bisect_right
from collections.abc import Iterable

import pyarrow as pa

from huisuan.base.errors import NotFound
from huisuan.compute.duck.source_lines import line_at
from huisuan.compute.models import SourceChunk


def load_raw_line(source_file_id: int, line_no: int) -> bytes:
    """A line of a source file exactly as it came, without its LF; line 1 is the first.

    Raises:
        NotFound: the file has no such line.
    """
    chunk = SourceChunk.objects.filter(file_id=source_file_id, first_line__lte=line_no).order_by("-first_line").first()
    if chunk is None or line_no >= chunk.first_line + chunk.line_count:
        raise NotFound(f"源文件 {source_file_id} 没有第 {line_no} 行", code="source.line_unknown")
    raw = pa.decompress(bytes(chunk.content), decompressed_size=chunk.raw_bytes, codec="zstd", asbytes=True)
    return line_at(raw, line_no - chunk.first_line)


def load_raw_lines(places: Iterable[tuple[int, int]]) -> dict[tuple[int, int], bytes]:
    """Lines by (source file, line), as `raw_line` gives one; each piece of a file is unpacked once.

    Raises:
        NotFound: a file has no such line.
    """
    wanted = set(places)
    chunks = SourceChunk.objects.filter(file_id__in={file for file, _ in wanted})
    ranges = sorted(chunks.values_list("file_id", "first_line", "line_count", "pk"))
    found: dict[int, list[tuple[int, int]]] = {}
    for file, line in wanted:
        at = bisect_right(ranges, (file, line, sys.maxsize)) - 1
        if at < 0 or ranges[at][0] != file or line >= ranges[at][1] + ranges[at][2]:
            raise NotFound(f"源文件 {file} 没有第 {line} 行", code="source.line_unknown")
        found.setdefault(ranges[at][3], []).append((file, line))
    lines: dict[tuple[int, int], bytes] = {}
    for chunk in SourceChunk.objects.filter(pk__in=found).iterator(chunk_size=20):
        raw = pa.decompress(bytes(chunk.content), decompressed_size=chunk.raw_bytes, codec="zstd", asbytes=True)
        lines |= {place: line_at(raw, place[1] - chunk.first_line) for place in found[chunk.pk]}
    return lines
