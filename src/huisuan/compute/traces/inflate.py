"""Files that may be compressed with gzip, unpacked piece by piece up to a bound: a small file can hold terabytes."""

from __future__ import annotations

import gzip
import io
import mmap
import tempfile
import zlib

from huisuan.base.errors import InvalidRequest
from huisuan.base.large_files import Content, map_or_read
from huisuan.base.paths import spool_folder

_MAGIC = b"\x1f\x8b"
_MOST_BYTES = 2 << 30
_PIECE = 1 << 20


def inflate(content: Content, name: str, most: int = _MOST_BYTES) -> Content:
    """The bytes of a file, unpacked where it is gzip (all of its members); others as they are.

    What came out of memory goes into memory, what lies on the disk is unpacked there.

    Raises:
        InvalidRequest: damaged or cut off, or more than `most` bytes when unpacked.
    """
    if content[:2] != _MAGIC:
        return content
    mapped = isinstance(content, mmap.mmap)
    packed = content if isinstance(content, mmap.mmap) else io.BytesIO(content)
    with tempfile.TemporaryFile(dir=spool_folder()) if mapped else io.BytesIO() as found:
        try:
            with gzip.GzipFile(fileobj=packed) as unpacked:
                while piece := unpacked.read(_PIECE):
                    found.write(piece)
                    if found.tell() > most:
                        raise InvalidRequest(
                            f"{name}：解压后超过上限 {most:,} 字节，没有读入；请拆成几个文件", code="gzip.too_large"
                        )
        except (OSError, EOFError, zlib.error) as error:
            raise InvalidRequest(f"{name}：gzip 文件损坏或不完整：{error}；请重新传一次", code="gzip.damaged") from None
        found.seek(0)
        return map_or_read(found)  # a map outlives the file
