"""The raw lines as they came: every file put together from its pieces, and known by its SHA-256."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any, NamedTuple

import pyarrow as pa

from huisuan.base.hashing import bytes_sha256
from huisuan.base.text_length import shortened
from huisuan.compute.duck.source_lines import UTF8_BOM
from huisuan.compute.metering.audit.folder import SOURCES, OpenedExport
from huisuan.compute.metering.audit.records import MOST

_PIECES = """
SELECT source, format, timezone, line_count, first_line, lines, raw_bytes, content FROM source
ORDER BY source, first_line
"""
_SourcePiece = tuple[str, str, str, int, int, int, int, bytes]


class _SourceFile(NamedTuple):
    """A source as it came: its SHA-256, how it was read, its bytes."""

    source: str
    format: str
    timezone: str
    content: bytes

    @property
    def where(self) -> str:
        """What it is called in a finding."""
        return source_name(self.source)


def source_name(source: str) -> str:
    """What a source is called in a finding."""
    return f"源文件 {source[:12]}…"


def iterate_files(opened: OpenedExport) -> Iterator[_SourceFile]:
    """Every source, its pieces checked: in order, without a gap, with the hash by which it is known."""
    touched = None if opened.touched is None else sorted(opened.touched)
    wanted = opened.rows(
        "SELECT source FROM record UNION SELECT source FROM batch WHERE source IS NOT NULL AND "
        "(?::BIGINT[] IS NULL OR number IN (SELECT unnest(?::BIGINT[])))",
        [touched, touched],
    )
    there = {source for (source,) in opened.rows("SELECT DISTINCT source FROM source")}
    for missing in sorted({source for (source,) in wanted} - there)[:MOST]:
        opened.find(source_name(missing), f"不在 {SOURCES} 里")
    for source, pieces in groupby(_pieces(opened), key=lambda piece: piece[0]):
        held = list(pieces)
        content = _put_together(opened, source, held)
        lines = sum(piece[5] for piece in held)
        if lines != held[0][3] or source not in (bytes_sha256(content), bytes_sha256(UTF8_BOM + content)):
            opened.find(source_name(source), "内容与它的 SHA-256 或行数不符")
        yield _SourceFile(source, held[0][1], held[0][2], content)


def _pieces(opened: OpenedExport) -> Iterator[_SourcePiece]:
    """All pieces, without holding them all; on a cursor of their own, since others ask meanwhile."""
    rows = opened.con.cursor().execute(_PIECES)
    while some := rows.fetchmany(200):
        yield from some


def _put_together(opened: OpenedExport, source: str, pieces: list[Any]) -> bytes:
    held, following = [], 1
    for *_, first_line, lines, raw_bytes, content in pieces:
        where = f"{source_name(source)} 第 {first_line} 行起"
        if first_line != following:
            what = "缺了行" if first_line > following else "重复了"
            opened.find(where, f"{what}：前一段到第 {following - 1} 行")
        following = first_line + lines
        try:
            held.append(pa.decompress(content, decompressed_size=raw_bytes, codec="zstd", asbytes=True))
        except (OSError, pa.ArrowException, OverflowError, ValueError, MemoryError) as error:
            opened.find(where, f"解压不出来：{shortened(str(error), 100)}")
    return b"".join(held)
