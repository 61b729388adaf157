"""An accounting file as bytes, cut into lines without losing one: line 1 is the first, line ends are LF. Pure."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from huisuan.base.errors import InvalidRequest
from huisuan.base.hashing import bytes_sha256
from huisuan.base.large_files import Content, table_of_batches

BLOCK_BYTES = 1 << 25
CHUNK_LINES = 2000
_BATCH_LINES = 65_536
UTF8_BOM = b"\xef\xbb\xbf"
REPLACED = "\N{REPLACEMENT CHARACTER}"
NOT_UTF_8 = "不是合法的 UTF-8；请以 UTF-8 环境（LANG=C.UTF-8）重新导出"
MOST_UNREADABLE = 100_000  # lines: a file with more of them is none of text


@dataclass(frozen=True)
class Chunk:
    """Where some lines of the file lie: bytes from `starts` until before `ends`."""

    first_line: int
    line_count: int
    starts: int
    ends: int


@dataclass
class SourceLines:
    """The lines of a file that are text, as Arrow, and those that are not, with the reason."""

    name: str
    content: Content
    sha256: str
    line_count: int = 0
    lines: pa.Table | None = None
    chunks: list[Chunk] = field(default_factory=list)
    unreadable: list[tuple[int, str]] = field(default_factory=list)
    replaced: dict[int, str] = field(default_factory=dict)  # not UTF-8, read with replacements: SHA-256 of the bytes

    def refuse_replaced(self) -> None:
        """Take the lines that are not UTF-8 for unreadable: of a format that has no free text."""
        if self.replaced and self.lines is not None:
            kept = pc.invert(pc.is_in(self.lines["line_no"], pa.array(list(self.replaced), pa.int64())))
            self.lines = self.lines.filter(kept)
            self.unreadable += [(number, NOT_UTF_8) for number in self.replaced]
            self.replaced = {}

    @property
    def first_line(self) -> str:
        """The first line, which is the header."""
        end = self.content.find(b"\n")
        first = self.content[: end if end >= 0 else len(self.content)]
        return first.removeprefix(UTF8_BOM).decode("utf-8", "replace").rstrip("\r")

    def text(self, line_no: int) -> str:
        """A line, with what is no text replaced; "" for one that is not there."""
        for chunk in self.chunks:
            if chunk.first_line <= line_no < chunk.first_line + chunk.line_count:
                raw = bytes(self.content[chunk.starts : chunk.ends])
                return line_at(raw, line_no - chunk.first_line).decode("utf-8", "replace").replace("\0", REPLACED)
        return ""

    def compressed(self, chunk: Chunk) -> bytes:
        """A chunk's bytes, compressed with zstd."""
        raw = memoryview(self.content)[chunk.starts : chunk.ends]
        return bytes(pa.compress(raw, codec="zstd", asbytes=True))


def split_source(content: Content, name: str) -> SourceLines:
    """Cut a file into lines; a NUL refuses its own line only, a byte that is not UTF-8 is replaced.

    Raises:
        InvalidRequest: very many lines are not text.
    """
    source = SourceLines(name, content, hashlib.sha256(content).hexdigest())
    schema = pa.schema([("line_no", pa.int64()), ("line", pa.large_string())])
    source.lines = table_of_batches(_batches(content, source), schema, len(content))
    return source


def _batches(content: Content, source: SourceLines) -> Iterator[pa.RecordBatch]:
    for starts, ends in _blocks(content):
        cut = pc.split_pattern(pa.array([memoryview(content)[starts:ends]], pa.large_binary()), pattern=b"\n").flatten()
        if content[ends - 1 : ends] == b"\n":
            cut = cut.slice(0, len(cut) - 1)
        first = source.line_count + 1
        source.chunks += _chunks(cut, first, starts, ends)
        source.line_count += len(cut)
        numbers = pc.cumulative_sum(pa.repeat(pa.scalar(1, pa.int64()), len(cut)), start=first - 1)
        damaged = content.find(b"\0", starts, ends) >= 0
        for at in range(0, len(cut), _BATCH_LINES):  # a damaged line makes Python look at its batch only
            yield from _text(numbers.slice(at, _BATCH_LINES), cut.slice(at, _BATCH_LINES), damaged, source)
        if len(source.unreadable) + len(source.replaced) > MOST_UNREADABLE:
            raise InvalidRequest(
                f"{source.name}：超过 {MOST_UNREADABLE:,} 行不是文本，不像记账文件，没有读入；请核对文件",
                code="usage.not_text",
            )


def _blocks(content: Content) -> Iterator[tuple[int, int]]:
    starts = len(UTF8_BOM) if content[: len(UTF8_BOM)] == UTF8_BOM else 0
    while starts < len(content):
        ends = content.find(b"\n", min(starts + BLOCK_BYTES, len(content)))
        ends = len(content) if ends < 0 else ends + 1
        yield starts, ends
        starts = ends


def _chunks(cut: pa.Array, first: int, starts: int, ends: int) -> Iterator[Chunk]:
    """Chunks of a block. Arrow has put the lines end to end; each has lost one line end."""
    offsets = cut.buffers()[1]
    for k in range(0, len(cut), CHUNK_LINES):
        last = min(k + CHUNK_LINES, len(cut))
        lies = [starts + struct.unpack_from("<q", offsets, 8 * (cut.offset + i))[0] + i for i in (k, last)]
        yield Chunk(first + k, last - k, lies[0], min(lies[1], ends))


def _text(numbers: pa.Array, cut: pa.Array, damaged: bool, source: SourceLines) -> list[pa.RecordBatch]:
    """The lines that are text, in batches that several threads can share; the others go to `unreadable`."""
    try:
        if damaged:
            raise pa.ArrowInvalid("NUL")
        lines = cut.cast(pa.large_string())
    except pa.ArrowInvalid:
        good: list[str | None] = [
            _line(int(n), raw, source) for n, raw in zip(numbers.to_pylist(), cut.to_pylist(), strict=True)
        ]
        lines = pa.array(good, pa.large_string())
        kept = lines.is_valid()
        numbers, lines = numbers.filter(kept), lines.filter(kept)
    table = pa.table({"line_no": numbers, "line": lines})
    batches: list[pa.RecordBatch] = table.to_batches(max_chunksize=_BATCH_LINES)
    return batches


def _line(number: int, raw: bytes, source: SourceLines) -> str | None:
    if b"\0" in raw:
        source.unreadable.append((number, "含 NUL 字节；文件可能在传输或断电时损坏，请重新导出这一行"))
        return None
    try:
        return raw.decode()
    except UnicodeDecodeError:
        source.replaced[number] = bytes_sha256(raw)
        return raw.decode("utf-8", "replace")


def line_at(raw: bytes, offset: int) -> bytes:
    """The line at `offset` (0 is the first) of a chunk's bytes, without its LF."""
    return raw.split(b"\n")[offset]
