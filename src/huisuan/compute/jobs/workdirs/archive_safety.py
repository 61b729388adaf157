"""Whether a packed working directory (tar.gz) is safe to unpack anywhere: checked before it is stored. Pure.

Nothing in it may reach outside the folder into which it is unpacked, be anything but files, folders and links, or
unfold to more than a centre would take in.
"""

from __future__ import annotations

import tarfile
import zlib
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import IO

from huisuan.base.errors import InvalidRequest

MOST_PACKED_BYTES = 200 * 1024 * 1024  # packed
MOST_UNPACKED = 2 * 1024 * 1024 * 1024
MOST_ENTRIES = 100_000
MOST_HEADER = 64 * 1024  # of an entry's extended header, which tarfile reads whole
LONGEST_PATH = 1000  # bytes
LONGEST_PART = 255
_CHUNK_BYTES = 256 * 1024
GZIP = 31  # to zlib: a gzip header, and a checksum at the end
TOO_LARGE = f"工作目录展开后超过 {MOST_UNPACKED // 2**30} GiB：请把数据放到中心，用 --data-at 说明"
_REMEDY = "请用 huisuan job submit --workdir 打包"


def check(file: IO[bytes]) -> None:
    """Look through a tar.gz from its present place to its end.

    Raises:
        Refused: it is not one, not whole, or not safe; says which entry and why.
    """
    unpacked = _Unpacked(file)
    try:
        with tarfile.open(fileobj=unpacked, mode="r:") as archive:  # type: ignore[call-overload]
            _Entries().check(archive)
        unpacked.drain()
    except (tarfile.TarError, zlib.error, EOFError, UnicodeError, ValueError) as error:
        raise InvalidRequest(f"工作目录不是完整的 tar.gz（{error}）：{_REMEDY}", code="workdir.not_a_tar_gz") from None


class _Unpacked:
    """What comes out of the gzip, never held as a whole: only headers are read, contents are passed over.

    Not `gzip.GzipFile`, which passes over in steps of 8 KiB, each through Python.
    """

    def __init__(self, source: IO[bytes]) -> None:
        self.source = source
        self.unpacker = zlib.decompressobj(GZIP)
        self.packed = b""  # read, not yet unpacked
        self.held = memoryview(b"")  # unpacked, not yet read
        self.place = 0

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= MOST_HEADER:
            raise InvalidRequest(
                f"工作目录里有 {size} 字节的扩展头，最多 {MOST_HEADER}：{_REMEDY}", code="workdir.header_too_large"
            )
        found = bytearray()
        while len(found) < size and (piece := self._next(size - len(found))):
            found += piece
        return bytes(found)

    def seek(self, offset: int, whence: int = 0) -> int:
        if whence or offset < self.place:
            raise ValueError("the archive goes backwards")
        if offset > MOST_UNPACKED:
            raise InvalidRequest(TOO_LARGE, code="workdir.too_large")
        while self.place < offset and self._next(offset - self.place):
            pass
        return self.place

    def tell(self) -> int:
        return self.place

    def drain(self) -> None:
        """Read on to the end: only there the checksum tells whether all of it came."""
        while self._next(MOST_HEADER):
            pass

    def _next(self, most: int) -> memoryview:
        """What follows, at most so much; nothing at the end."""
        while not self.held:
            self.packed = self.packed or self.unpacker.unconsumed_tail or self.source.read(_CHUNK_BYTES)
            if self.unpacker.eof:  # one gzip after the other is one gzip
                self.packed = self.unpacker.unused_data + self.packed
                if not self.packed:
                    return self.held
                self.unpacker = zlib.decompressobj(GZIP)
            elif not self.packed:
                raise EOFError("不完整")
            self.held = memoryview(self.unpacker.decompress(self.packed, _CHUNK_BYTES))
            self.packed = b""
        piece, self.held = self.held[:most], self.held[most:]
        self.place += len(piece)
        if self.place > MOST_UNPACKED:
            raise InvalidRequest(TOO_LARGE, code="workdir.too_large")
        return piece


class _Entries:
    """The entries of an archive, each against those before it."""

    def __init__(self) -> None:
        self.kinds: dict[str, str] = {}
        self.total = 0

    def check(self, archive: tarfile.TarFile) -> None:
        """Look at every entry, then at what lies below links.

        Raises:
            Refused: one is not safe.
        """
        for entry in _each(archive):
            self._entry(entry)
        links = {path for path, kind in self.kinds.items() if kind == "link"}
        for path in self.kinds:
            for parent in PurePosixPath(path).parents:
                if str(parent) in links:
                    raise InvalidRequest(
                        f"工作目录里的 {path} 在链接 {parent} 之下，会写到链接所指的地方：{_REMEDY}",
                        code="workdir.path_through_link",
                    )

    def _entry(self, entry: tarfile.TarInfo) -> None:
        path = _safe(entry.name, "路径")
        kind = _kind(entry)
        if path in self.kinds and not (kind == "folder" == self.kinds[path]):
            raise InvalidRequest(f"工作目录里 {path} 出现了两次：{_REMEDY}", code="workdir.path_twice")
        if kind == "link":
            check_link(path, entry.linkname)
        elif entry.islnk() and self.kinds.get(_safe(entry.linkname, "硬链接的目标")) != "file":
            raise InvalidRequest(
                f"工作目录里的硬链接 {path} 所指的 {entry.linkname} 不在它之前：{_REMEDY}",
                code="workdir.hard_link_forward",
            )
        self.kinds[path] = kind
        self.total += entry.size if entry.isreg() else 0
        if self.total > MOST_UNPACKED:
            raise InvalidRequest(TOO_LARGE, code="workdir.too_large")
        if len(self.kinds) > MOST_ENTRIES:
            raise InvalidRequest(
                f"工作目录里超过 {MOST_ENTRIES} 个文件：请用 .huisuanignore 排除不需要的", code="workdir.too_many_files"
            )


def _each(archive: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    """One entry after the other, none of them kept: a hundred thousand would be."""
    while entry := archive.next():
        vars(archive)["members"].clear()
        yield entry


def _kind(entry: tarfile.TarInfo) -> str:
    if entry.isdir():
        return "folder"
    if entry.issym():
        return "link"
    if (entry.isreg() and not entry.issparse()) or entry.islnk():
        return "file"
    raise InvalidRequest(
        f"工作目录里的 {entry.name!r} 不是普通文件、文件夹或链接（设备、管道、稀疏文件不收）",
        code="workdir.not_a_regular_file",
    )


def _safe(name: str, what: str) -> str:
    """The path as it lies below the folder.

    Raises:
        Refused: it leads out of it, or no system could write it.
    """
    path = PurePosixPath(name)
    parts = path.parts
    if path.is_absolute() or ".." in parts or any(ord(sign) < 32 or sign == "\x7f" for sign in name):
        raise InvalidRequest(
            f"工作目录里的{what} {name!r} 指向目录之外，或含有控制字符：{_REMEDY}", code="workdir.path_outside"
        )
    if len(name.encode(errors="surrogateescape")) > LONGEST_PATH or any(
        len(part.encode(errors="surrogateescape")) > LONGEST_PART for part in parts
    ):
        raise InvalidRequest(
            f"工作目录里的{what} {name[:80]!r}… 太长：至多 {LONGEST_PATH} 字节，每级至多 {LONGEST_PART} 字节",
            code="workdir.path_too_long",
        )
    return str(path)


def check_link(path: str, target: str) -> None:
    """Refuse a link that may lead out: it may climb with leading `..` as far as the folder, then only descend.

    With `..` anywhere else it could climb from where another link leads, which no look at the words alone tells.

    Raises:
        Refused: it does otherwise.
    """
    parts = PurePosixPath(target).parts
    climbs = 0
    while climbs < len(parts) and parts[climbs] == "..":
        climbs += 1
    depth = len(PurePosixPath(path).parts) - 1
    if not target or target.startswith("/") or climbs > depth or ".." in parts[climbs:]:
        raise InvalidRequest(
            f"工作目录里的链接 {path} 指向 {target!r}，可能在目录之外：请去掉它，或换成文件",
            code="workdir.link_outside",
        )
