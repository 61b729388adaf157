"""What an interrupted backup left: which of its members are whole and can be kept.

Only content that never changes is kept (evidence and sealed months, each under a name of its own for ever), and only
where its bytes in the unfinished file and in the home have one SHA-256 now. The database is one snapshot of one moment
and the settings and keys may have changed since, so these are always written anew.
"""

from __future__ import annotations

import hashlib
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from huisuan.base.hashing import file_sha256
from huisuan.serving.backup.archive import ARCHIVE_BLOCK_BYTES, FILES, Member, ReusableMembers

_IMMUTABLE_FOLDERS = ("evidence", "seals")  # folders of the home


def is_immutable(relative: Path) -> bool:
    """Whether the file of that name within the home never changes once it is there."""
    return len(relative.parts) > 1 and relative.parts[0] in _IMMUTABLE_FOLDERS


def find_reusable_members(part: IO[bytes], home: Path) -> ReusableMembers:
    """The longest run of members from the beginning of an unfinished backup that still are what the home holds."""
    kept: dict[str, Member] = {}
    end = 0
    for name, member, after in _whole_members(part):
        relative = Path(name.removeprefix(FILES))
        if name in kept or not (name.startswith(FILES) and is_immutable(relative)) or ".." in relative.parts:
            break
        source = home / relative
        if source.is_symlink() or not source.is_file() or file_sha256(source) != member.sha256:
            break
        kept[name], end = member, after
    return ReusableMembers(kept, end)


def _whole_members(part: IO[bytes]) -> Iterator[tuple[str, Member, int]]:
    """Name, size with SHA-256, and the byte after its padding, of each member up to the place of the interruption."""
    part.seek(0, 2)
    size = part.tell()
    part.seek(0)
    try:
        with tarfile.open(fileobj=part, mode="r:") as members:
            for member in members:
                after = member.offset_data + -(-member.size // tarfile.BLOCKSIZE) * tarfile.BLOCKSIZE
                content = members.extractfile(member)
                if content is None or after > size:
                    return
                hashed = hashlib.sha256()
                while block := content.read(ARCHIVE_BLOCK_BYTES):
                    hashed.update(block)
                yield member.name, Member(member.size, hashed.hexdigest()), after
    except (tarfile.TarError, EOFError, ValueError):  # the place of the interruption
        return
