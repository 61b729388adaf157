"""The parts of a ZIP, read within limits: the size that counts is what comes out, not what the archive says."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator

from huisuan.opendata.scanning.readers.blocks import ReadBudget, Unreadable, UnreadPart

_CHUNK = 1024 * 1024


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
            continue
        if name in seen:
            yield UnreadPart(name, "压缩包里有两个同名的部件")
        if name.startswith(("/", "\\")) or ".." in name.replace("\\", "/").split("/") or name[1:2] == ":":
            yield UnreadPart(name, "部件的路径指向压缩包之外")
        seen.add(name)
        yield info


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
