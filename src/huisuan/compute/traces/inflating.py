"""Files that may be compressed with gzip, unpacked piece by piece up to a bound: a small file can hold terabytes."""

from __future__ import annotations

import gzip
import io
import zlib

from huisuan.console import Refused

MAGIC = b"\x1f\x8b"
MOST_BYTES = 2 << 30
PIECE = 1 << 20


def inflate(content: bytes, name: str, most: int = MOST_BYTES) -> bytes:
    """The bytes of a file, unpacked where it is gzip (all of its members); others as they are.

    Raises:
        Refused: damaged or cut off, or more than `most` bytes when unpacked.
    """
    if content[:2] != MAGIC:
        return content
    found = bytearray()
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(content)) as unpacked:
            while piece := unpacked.read(PIECE):
                found += piece
                if len(found) > most:
                    raise Refused(f"{name}：解压后超过上限 {most:,} 字节，没有读入；请拆成几个文件")
    except (OSError, EOFError, zlib.error) as error:
        raise Refused(f"{name}：gzip 文件损坏或不完整：{error}；请重新传一次") from None
    return bytes(found)
