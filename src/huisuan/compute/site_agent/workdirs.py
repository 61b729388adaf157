"""Working directories at a centre: fetched in pieces with the exchanges, checked, unpacked where a run starts.

What a user packed is never trusted: nothing is unpacked outside its folder, no link leads out of it, no device is made.
"""

from __future__ import annotations

import contextlib
import os
import tarfile
import zlib
from collections.abc import Iterable
from pathlib import Path

from huisuan.base.hashing import file_sha256
from huisuan.base.tree_removal import TRASH_FOLDER, discard_tree, empty_trash
from huisuan.compute.engines.interface import run_name
from huisuan.protocol.agent import Piece, Wanted

MOST_UNPACKED_BYTES = 4 * 2**30  # unpacked
MOST_FILES = 100_000
MOST_LEVELS = 100  # of folders: more than that can be neither made, walked through nor asked for
DRAFT_SECONDS = 24 * 3600  # nothing is unpacked for so long


class UnpackableArchive(Exception):
    """The archive cannot be unpacked; the message says what is wrong with it."""


class WorkdirStore:
    """The archives and unpacked directories under `folder`."""

    def __init__(self, folder: Path) -> None:
        self.archives, self.unpacked, self.trash = folder / "uploads", folder / "work", folder / TRASH_FOLDER
        empty_trash(self.trash)
        for place, mode in ((self.archives, 0o700), (self.unpacked, 0o711)):
            place.mkdir(parents=True, exist_ok=True)
            place.chmod(mode)  # jobs pass through to their own folder, and see neither names nor archives

    def has(self, sha256: str) -> bool:
        """Whether the complete archive is here."""
        return self._complete(sha256).exists()

    def missing_parts(self, hashes: Iterable[str]) -> list[Wanted]:
        """The missing parts of these archives: for each, from which byte on."""
        missing = [sha256 for sha256 in dict.fromkeys(hashes) if not self.has(sha256)]
        return [Wanted(sha256=sha256, offset=_size(self._part(sha256))) for sha256 in missing]

    def receive(self, piece: Piece) -> None:
        """Append a piece if it continues what is here; the complete archive is checked against its SHA-256."""
        part = self._part(piece.sha256)
        if self.has(piece.sha256) or piece.offset != _size(part):
            return
        with part.open("ab") as file:
            file.write(piece.content)
            file.flush()
            os.fsync(file.fileno())
        if piece.offset + len(piece.content) < piece.size:
            return
        if file_sha256(part) == piece.sha256:
            part.replace(self._complete(piece.sha256))
        else:  # damaged on this disk, say: fetched again
            part.unlink()

    def unpack(self, sha256: str, uid: str, run: int) -> Path:
        """The folder in which a run starts, with what the archive holds; unpacked once.

        Raises:
            UnpackableArchive: the archive is damaged, too large, or leads out of its folder.
        """
        place = self.unpacked / run_name(uid, run)
        if place.exists():
            return place
        draft = place.with_name(f".{place.name}")
        discard_tree(draft, self.trash)
        draft.mkdir(mode=0o700)
        try:
            _unpack(self._complete(sha256), draft)
        except BaseException:
            discard_tree(draft, self.trash)
            raise
        draft.rename(place)
        return place

    def make_empty(self, uid: str, run: int) -> Path:
        """A folder for a run that brings none, to start in."""
        place = self.unpacked / run_name(uid, run)
        place.mkdir(mode=0o700, exist_ok=True)
        return place

    def find(self, uid: str, run: int) -> Path | None:
        """The folder of a run, while it is here."""
        place = self.unpacked / run_name(uid, run)
        return place if place.is_dir() else None

    def remove(self, uid: str, run: int) -> None:
        """Remove the folder of a run that is over: at once out of the way, then by and by."""
        discard_tree(self.unpacked / run_name(uid, run), self.trash)

    def remove_drafts(self, now: float) -> None:
        """Remove what a killed agent left half-unpacked; `now` in seconds since 1970."""
        for place in self.unpacked.glob(".*"):
            with contextlib.suppress(FileNotFoundError):
                if now - place.stat().st_mtime > DRAFT_SECONDS:
                    discard_tree(place, self.trash)

    def keep_only(self, hashes: Iterable[str]) -> None:
        """Remove the archives that no run needs any more."""
        kept = set(hashes)
        for path in self.archives.iterdir():
            if path.name.split(".")[0] not in kept:
                path.unlink(missing_ok=True)

    def _part(self, sha256: str) -> Path:
        return self.archives / f"{sha256}.part"

    def _complete(self, sha256: str) -> Path:
        return self.archives / f"{sha256}.tar.gz"


def _unpack(archive: Path, folder: Path) -> None:
    """Unpack, member by member, within the limits.

    Raises:
        UnpackableArchive: see WorkdirStore.unpack.
    """
    files, size = 0, 0
    try:
        with tarfile.open(archive, "r:gz") as members:
            for member in members:
                files, size = files + 1, size + max(member.size, 0)
                if files > MOST_FILES or size > MOST_UNPACKED_BYTES:
                    raise UnpackableArchive(
                        f"工作目录解开后超过 {MOST_FILES:,} 个文件或 {MOST_UNPACKED_BYTES // 2**30} GiB"
                    )
                if member.name.count("/") > MOST_LEVELS:
                    raise UnpackableArchive(f"工作目录里的文件夹多于 {MOST_LEVELS} 层：{member.name[:60]}…")
                _stays_within(member, folder)
                # the filter refuses .., links that lead out, devices; and drops set-uid bits
                members.extract(member, folder, filter="data")
    except tarfile.FilterError as error:
        raise UnpackableArchive(f"工作目录的归档不安全，没有解开：{error}") from None
    except (tarfile.TarError, EOFError, OSError, ValueError, zlib.error) as error:
        if isinstance(error, OSError) and not isinstance(error, EOFError) and error.errno is not None:
            raise  # the disk is full, say: not the archive's fault
        raise UnpackableArchive(f"工作目录的归档已损坏：{error}") from None


def _stays_within(member: tarfile.TarInfo, folder: Path) -> None:
    """Nothing is written (or hard-linked) by an absolute name, or through a link, wherever that may lead by then.

    Raises:
        UnpackableArchive: the name is absolute, or a folder on the way is a link.
    """
    for name in (member.name, member.linkname if member.islnk() else ""):
        if name.startswith("/"):
            raise UnpackableArchive(f"工作目录的归档不安全，没有解开：{name!r} 是绝对路径")
        for parent in (folder / name).parents:
            if parent == folder:
                break
            if parent.is_symlink():
                raise UnpackableArchive(f"工作目录的归档不安全，没有解开：{member.name!r} 要经过链接 {parent.name!r}")


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
