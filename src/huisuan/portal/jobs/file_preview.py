"""What a file looks like by its first (or last) bytes: text, a table, a picture, or nothing that can be shown. Pure."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass, field

SHOWN_BYTES = 64 * 1024  # of a text, whatever the size of the file
MOST_PICTURE_BYTES = 20 * 1024 * 1024
_MOST_ROWS, _MOST_COLUMNS, _MOST_CELL = 100, 30, 200
_PICTURES = {
    b"\x89PNG\r\n\x1a\n": "image/png", b"\xff\xd8\xff": "image/jpeg", b"GIF87a": "image/gif", b"GIF89a": "image/gif",
}  # fmt: skip
PICTURE_TYPES = frozenset({*_PICTURES.values(), "image/webp"})
_SEPARATORS = {"csv": ",", "tsv": "\t"}


@dataclass(frozen=True)
class FilePreview:
    """What is shown of a file: `kind` is text, table, picture or nothing. `skipped`: bytes before what is shown."""

    kind: str
    size: int
    skipped: int = 0
    shown: int = 0
    text: str = ""
    head: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = field(default=())
    rows_left_out: bool = False
    columns_left_out: int = 0
    media: str = ""

    @property
    def left(self) -> int:
        """Bytes after what is shown."""
        return self.size - self.skipped - self.shown


def _picture_type(content: bytes) -> str:
    """The media type of a picture that browsers show without running anything; "" for any other file (SVG runs)."""
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    return next((media for magic, media in _PICTURES.items() if content.startswith(magic)), "")


def preview_of(path: str, content: bytes, offset: int, size: int) -> FilePreview:
    """What is shown of a file of `size` bytes, of which `content` lies at `offset`."""
    if not offset and (media := _picture_type(content)):
        return FilePreview("picture" if size <= MOST_PICTURE_BYTES else "nothing", size, media=media)
    text, skipped = _text_of(content, offset, size)
    if text is None:
        return FilePreview("nothing", size)
    separator = _SEPARATORS.get(path.rpartition(".")[2].lower())
    if separator and not offset and text:
        whole = len(content) == size
        return _table(text, separator, size, len(content), whole=whole)
    return FilePreview("text", size, skipped, len(content) - (skipped - offset), text=text)


def _text_of(content: bytes, offset: int, size: int) -> tuple[str | None, int]:
    """The content as text and where that begins in the file; None where it is none. A cut character is left out."""
    if b"\0" in content:
        return None, offset
    begin = 0
    while offset and begin < 3 and begin < len(content) and content[begin] & 0xC0 == 0x80:
        begin += 1
    body = content[begin:]
    for encoding in ("utf-8", "gb18030"):
        for cut in range(4 if offset + len(content) < size else 1):
            try:
                return body[: len(body) - cut].decode(encoding), offset + begin
            except UnicodeDecodeError:
                continue
    return None, offset


def _table(text: str, separator: str, size: int, shown: int, *, whole: bool) -> FilePreview:
    lines = text.lstrip("\ufeff").splitlines(keepends=True)
    if not whole and len(lines) > 1:
        lines.pop()  # cut in the middle
    rows = []
    try:
        for row in csv.reader(lines, delimiter=separator):
            rows.append(row)
            if len(rows) > _MOST_ROWS + 1:
                break
    except csv.Error:
        return FilePreview("text", size, shown=shown, text=text)
    width = max(map(len, rows), default=0)
    cells = [[_cell(each) for each in row[:_MOST_COLUMNS]] for row in rows[: _MOST_ROWS + 1]]
    filled = [row + [""] * (min(width, _MOST_COLUMNS) - len(row)) for row in cells]
    return FilePreview(
        "table", size, shown=shown, head=filled[0] if filled else (), rows=filled[1:],
        rows_left_out=len(rows) > _MOST_ROWS + 1 or not whole, columns_left_out=max(width - _MOST_COLUMNS, 0),
    )  # fmt: skip


def _cell(text: str) -> str:
    return text if len(text) <= _MOST_CELL else f"{text[:_MOST_CELL]}…"
