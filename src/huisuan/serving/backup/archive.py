"""The file of a backup: a tar whose last member, the manifest, names every other with its size and SHA-256.

A file without its manifest was not finished; one member changed by a bit is found. No database is needed to check one.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import io
import json
import os
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any

from huisuan.base.errors import Conflict, InvalidRequest

_FORMAT = "huisuan-backup-1"
MANIFEST = "manifest.json"
DATABASE = "database.dump"
FILES = "files/"
PART = ".part"  # behind the name of a backup that is not finished
ARCHIVE_BLOCK_BYTES = 1024 * 1024
_MAX_MANIFEST_BYTES = 256 * 1024 * 1024
CountBytes = Callable[[int], None]


@dataclass(frozen=True)
class Member:
    """One file of a backup: bytes and SHA-256."""

    size: int
    sha256: str


@dataclass(frozen=True)
class ReusableMembers:
    """The members of an unfinished backup that are kept, and the byte of its file after the last of them."""

    members: dict[str, Member]
    end: int


class BackupWriter:
    """Writes a backup beside its place, and puts it there only when it is whole and on the disk.

    What an interrupted one had written is taken over as far as `keep` vouches for it.

    Raises:
        Conflict: another process is writing this backup.
    """

    def __init__(self, path: Path, count: CountBytes, keep: Callable[[IO[bytes]], ReusableMembers]) -> None:
        self.path, self.count = path, count
        self.part = path.with_name(f"{path.name}{PART}")
        self._file = os.fdopen(_open_locked(self.part), "r+b")
        kept = keep(self._file)
        self.kept = frozenset(kept.members)
        self.members = dict(kept.members)
        count(sum(member.size for member in kept.members.values()))
        self._file.truncate(kept.end)
        self._file.seek(kept.end)
        self._tar = tarfile.open(fileobj=self._file, mode="w", format=tarfile.PAX_FORMAT)  # noqa: SIM115

    def add(self, name: str, source: Path) -> None:
        """Add a file under a name, as it is now."""
        with source.open("rb") as file:
            member = tarfile.TarInfo(name)
            member.size, member.mode = os.fstat(file.fileno()).st_size, 0o600
            reader = _Hashing(file, self.count)
            self._tar.addfile(member, reader)
            self.members[name] = Member(member.size, reader.hash.hexdigest())
        self._file.flush()  # what is written survives a kill

    def finish(self, manifest: dict[str, Any]) -> None:
        """Add the manifest and put the file in its place."""
        members = {name: [each.size, each.sha256] for name, each in sorted(self.members.items())}
        content = json.dumps({"kind": _FORMAT, **manifest, "members": members}, ensure_ascii=False, indent=1).encode()
        member = tarfile.TarInfo(MANIFEST)
        member.size, member.mode = len(content), 0o600
        self._tar.addfile(member, io.BytesIO(content))
        self._tar.close()
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        self.part.replace(self.path)
        sync_folder(self.path.parent)

    def leave(self) -> None:
        """Stop here: the next attempt goes on from what is written."""
        with contextlib.suppress(OSError):
            self._file.close()

    def abandon(self) -> None:
        """Leave nothing behind."""
        self.part.unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # what it still holds does not fit on a full disk
            self._file.close()


def _open_locked(part: Path) -> int:
    """The unfinished file, opened, and no other process's as long as it stays open.

    Raises:
        Conflict: another process is writing it.
    """
    descriptor = os.open(part, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if not part.exists() or not os.path.samestat(os.fstat(descriptor), part.stat()):  # just finished, and renamed
            raise BlockingIOError
        os.fchmod(descriptor, 0o600)  # one that a killed backup left may have been opened to others since
    except BlockingIOError:
        os.close(descriptor)
        raise Conflict(f"另一个 huisuan backup 正在写 {part}：请等它结束", code="backup.already_running") from None
    return descriptor


class _Hashing(io.RawIOBase):
    """Reads from a file, and knows the SHA-256 of what was read."""

    def __init__(self, file: IO[bytes], count: CountBytes) -> None:
        self.file, self.count, self.hash = file, count, hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        """The next bytes."""
        block = self.file.read(size)
        self.hash.update(block)
        self.count(len(block))
        return block


def read_backup(
    path: Path, count: CountBytes, put: Callable[[str, Iterator[bytes]], None] | None = None
) -> dict[str, Any]:
    """Read a backup to its end, check every member against the manifest, and give the manifest.

    `put` takes each member's name and content as they come; what it wrote counts only once this has returned.

    Raises:
        Refused: it is no backup, not whole, or changed; names the member.
    """
    found: dict[str, Member] = {}
    manifest: dict[str, Any] | None = None
    try:
        with tarfile.open(path, "r:") as members:
            for member in members:
                if manifest is not None or member.name in found or not _is_proper(member):
                    raise InvalidRequest(
                        f"{path} 不是完好的备份：其中的 {member.name!r} 不该出现", code="backup.member_unexpected"
                    )
                file = members.extractfile(member)
                assert file is not None  # it is a regular file
                if member.name == MANIFEST:
                    manifest = json.loads(file.read(_MAX_MANIFEST_BYTES))
                else:
                    found[member.name] = _consume_member(member.name, file, count, put)
    except (tarfile.TarError, EOFError, ValueError, OSError) as error:
        raise InvalidRequest(f"{path} 不是完好的备份，读不了：{error}", code="backup.unreadable") from None
    if manifest is None or manifest.get("kind") != _FORMAT:
        raise InvalidRequest(
            f"{path} 没有清单 {MANIFEST}：备份没有写完，或不是 huisuan backup 写的", code="backup.manifest_missing"
        )
    listed = {name: Member(size, sha256) for name, (size, sha256) in manifest["members"].items()}
    wrong = sorted(name for name in listed.keys() | found.keys() if listed.get(name) != found.get(name))
    if wrong:
        raise InvalidRequest(
            f"{path} 与它的清单不符，不能用：{'、'.join(wrong[:5])}{' 等' if len(wrong) > 5 else ''}",
            code="backup.manifest_mismatch",
        )
    return manifest


def _is_proper(member: tarfile.TarInfo) -> bool:
    """Whether it is a regular file by a name that stays where it is put."""
    parts = PurePosixPath(member.name).parts
    proper = member.name in (MANIFEST, DATABASE) or (len(parts) > 1 and member.name.startswith(FILES))
    return member.isreg() and proper and ".." not in parts and "\0" not in member.name


def _consume_member(
    name: str, file: IO[bytes], count: CountBytes, put: Callable[[str, Iterator[bytes]], None] | None
) -> Member:
    hashed, size = hashlib.sha256(), 0

    def blocks() -> Iterator[bytes]:
        nonlocal size
        while block := file.read(ARCHIVE_BLOCK_BYTES):
            hashed.update(block)
            size += len(block)
            count(len(block))
            yield block

    if put is None:
        for _ in blocks():
            pass
    else:
        put(name, blocks())
    return Member(size, hashed.hexdigest())


def sync_folder(folder: Path) -> None:
    """The names in a folder are on the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
