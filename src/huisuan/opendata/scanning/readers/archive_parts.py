"""The parts of a ZIP, read within limits: the size that counts is what comes out, not what the archive says."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Iterator

from huisuan.opendata.scanning.readers.blocks import Block, ReadBudget, Unreadable, UnreadPart

_CHUNK = 1024 * 1024
_END_MARK, _END_SIZE = b"PK\x05\x06", 22
_HEADER_SIZE, _LENGTHS_AT = 30, 26  # of what stands before the bytes of a part
_AFTER_PART = 24  # bytes of sizes and checksum that may follow a part
_EMPTY_PACKED = 2  # bytes to which nothing is packed
_FONT_MARKS = (b"\x00\x01\x00\x00", b"OTTO", b"ttcf", b"true")


def open_archive(content: bytes) -> zipfile.ZipFile:
    """An archive.

    Raises:
        Unreadable: it is damaged.
    """
    try:
        return zipfile.ZipFile(io.BytesIO(content))
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError) as error:
        raise Unreadable(f"损坏的压缩包（{type(error).__name__}）") from None


def list_parts(archive: zipfile.ZipFile, budget: ReadBudget) -> Iterator[zipfile.ZipInfo | UnreadPart]:
    """Its files; two of one name and a path that leads outside are said, and read nevertheless by the first name.

    Raises:
        LimitReached: too many.
    """
    seen: set[str] = set()
    for info in archive.infolist():
        budget.take_part()
        name = _name(info)
        if info.is_dir():
            if info.file_size or info.compress_size > _EMPTY_PACKED:
                yield UnreadPart(name, "是文件夹，却有内容")
            continue
        if name in seen:
            yield UnreadPart(name, "压缩包里有两个同名的部件")
        if name.startswith(("/", "\\")) or ".." in name.replace("\\", "/").split("/") or name[1:2] == ":":
            yield UnreadPart(name, "部件的路径指向压缩包之外")
        seen.add(name)
        yield info


def read_around(archive: zipfile.ZipFile, content: bytes) -> Iterator[Block | UnreadPart]:
    """What an archive says beside its parts: their names and comments, its own comment; bytes of no part are unread."""
    infos = archive.infolist()
    lines = [
        *archive.comment.decode("utf-8", "replace").splitlines(),
        *archive.comment.decode("gb18030", "replace").splitlines(),
    ]
    for info in infos:
        lines += [_name(info), *info.comment.decode("utf-8", "replace").splitlines(), info.extra.decode("latin-1")]
    yield Block("部件名和注释", [(number, [line]) for number, line in enumerate(filter(None, lines), start=1)])
    if len(content) > content.rfind(_END_MARK) + _END_SIZE + len(archive.comment):
        yield UnreadPart("压缩包之后", "压缩包结束之后还有内容")
    if _has_gap(infos, content, archive.start_dir):
        yield UnreadPart("部件之间", "压缩包里有不属于任何部件的内容")


def _has_gap(infos: list[zipfile.ZipInfo], content: bytes, end: int) -> bool:
    """Whether bytes stand before, between or after the parts that are of none of them."""
    at = most = 0
    for info in sorted(infos, key=lambda info: info.header_offset):
        if info.header_offset > most:
            return True
        if len(content) < info.header_offset + _HEADER_SIZE:
            continue  # reading it fails, and is said
        name, extra = struct.unpack_from("<HH", content, info.header_offset + _LENGTHS_AT)
        at = max(at, info.header_offset + _HEADER_SIZE + name + extra + info.compress_size)
        most = at + (_AFTER_PART if info.flag_bits & 8 else 0)
    return end > most


def is_font(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bool:
    """Whether a part is a font, by what it begins with and whatever its name; one that cannot be read is none."""
    try:
        with archive.open(info) as file:
            return file.read(4) in _FONT_MARKS
    except (zipfile.BadZipFile, ValueError, OSError, EOFError, NotImplementedError, RuntimeError):
        return False


def read_part(archive: zipfile.ZipFile, info: zipfile.ZipInfo, budget: ReadBudget) -> bytes:
    """The bytes of a part.

    Raises:
        Unreadable: encrypted or damaged.
        LimitReached: more comes out than may.
    """
    if info.flag_bits & 1:
        raise Unreadable("已加密")
    pieces, size = [], 0
    try:
        with archive.open(info) as file:
            while piece := file.read(_CHUNK):
                size += len(piece)
                budget.unpack(len(piece), of=size, packed=info.compress_size)
                pieces.append(piece)
    except (zipfile.BadZipFile, ValueError, OSError, EOFError, NotImplementedError, RuntimeError) as error:
        raise Unreadable(f"损坏或不认识的压缩（{type(error).__name__}）") from None
    return b"".join(pieces)


def archive_part_name(info: zipfile.ZipInfo) -> str:
    """The name of a part; of archives made under Chinese Windows, its bytes are GBK."""
    return _name(info)


def _name(info: zipfile.ZipInfo) -> str:
    if info.flag_bits & 0x800:
        return info.filename
    try:
        return info.filename.encode("cp437").decode("gbk")
    except (UnicodeEncodeError, UnicodeDecodeError):
        return info.filename
