"""The line of a stored source file that a record was made of."""

from __future__ import annotations

import pyarrow as pa

from huisuan.base.errors import Refused
from huisuan.compute.metering.intake.source_file import line_of
from huisuan.compute.models import SourceChunk


def raw_line(source_file_id: int, line_no: int) -> bytes:
    """A line of a source file exactly as it came, without its LF; line 1 is the first.

    Raises:
        Refused: the file has no such line.
    """
    chunk = SourceChunk.objects.filter(file_id=source_file_id, first_line__lte=line_no).order_by("-first_line").first()
    if chunk is None or line_no >= chunk.first_line + chunk.line_count:
        raise Refused(f"源文件 {source_file_id} 没有第 {line_no} 行")
    raw = pa.decompress(bytes(chunk.content), decompressed_size=chunk.raw_bytes, codec="zstd", asbytes=True)
    return line_of(raw, line_no - chunk.first_line)
