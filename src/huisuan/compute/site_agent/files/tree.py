"""Looking into a folder that somebody else writes: names are opened one by one and no link is ever followed.

Between a look and the opening a job may replace any name. So every step opens relative to the folder before it, with
O_NOFOLLOW, and what was opened is looked at, not the name.
"""

from __future__ import annotations

import errno
import heapq
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from huisuan.protocol.agent_files import LISTED, FileEntry
from huisuan.protocol.file_names import name_to_text, names_to_path

PathNames = tuple[bytes, ...]
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC  # a pipe put there meanwhile must not hold us up
_WORDS = {
    "missing": "没有这个文件或文件夹", "link": "是链接，不跟随：请取它指向的文件",
    "special": "不是普通文件（管道、套接字或设备）", "folder": "是文件夹", "file": "不是文件夹",
    "changed": "在取的过程中变了：请重新取", "unreadable": "读不了",
}  # fmt: skip


@dataclass(frozen=True)
class Root:
    """Where an area begins: a folder of the agent's own making, and the names below it that a job may have replaced."""

    path: Path
    inside: PathNames = ()


class FileProblem(Exception):
    """Why a file cannot be handed out: `kind` as in FileAnswer.problem, words for its user."""

    def __init__(self, kind: str, names: PathNames, more: str = "") -> None:
        super().__init__("：".join(filter(None, (names_to_path(names), _WORDS[kind], more))))
        self.kind = kind


@contextmanager
def open_folder(root: Root, names: PathNames) -> Iterator[int]:
    """A descriptor of a folder below `root`.

    Raises:
        FileProblem: it is not there, or not a folder, or a link is on the way.
    """
    with _in_words(names):
        handle = os.open(root.path, _FOLDER)
    try:
        for count, name in enumerate((*root.inside, *names), start=1):
            here = names[: max(count - len(root.inside), 0)]
            with _in_words(here):
                _refuse_link(handle, name, here)
                below = os.open(name, _FOLDER, dir_fd=handle)
            os.close(handle)
            handle = below
        yield handle
    finally:
        os.close(handle)


@contextmanager
def open_file(root: Root, names: PathNames) -> Iterator[int]:
    """A descriptor of a regular file below `root`.

    Raises:
        FileProblem: it is not there, or no regular file, or a link is on the way.
    """
    if not names:
        raise FileProblem("folder", names)
    with open_folder(root, names[:-1]) as folder, _in_words(names):
        owner = os.fstat(folder).st_uid
        _refuse_link(folder, names[-1], names)
        handle = os.open(names[-1], _FILE, dir_fd=folder)
    try:
        found = os.fstat(handle)
        if stat.S_ISDIR(found.st_mode):
            raise FileProblem("folder", names)
        # a second name of another user's file, made by someone who cannot read it but hopes that the agent can
        if not stat.S_ISREG(found.st_mode) or (found.st_nlink > 1 and found.st_uid != owner):
            raise FileProblem("special", names)
        yield handle
    finally:
        os.close(handle)


def version_of(handle: int) -> str:
    """What changes when the file is written or replaced: inode, size, time of the last write in nanoseconds."""
    return _version(os.fstat(handle))


def _version(found: os.stat_result) -> str:
    return f"{found.st_ino:x}-{found.st_size:x}-{found.st_mtime_ns:x}"


def list_folder(
    root: Root, start: PathNames, after: PathNames, *, deep: bool, most: int = LISTED
) -> tuple[list[FileEntry], bool]:
    """Entries below `start` in order of their bytes, those after `after`; whether there are more.

    However many names a folder has, no more than `most` are held at once. A folder that vanished meanwhile, or into
    which the agent may not look, is listed and has nothing below it.

    Raises:
        FileProblem: `start` is no folder.
    """
    found: list[FileEntry] = []
    tail = after[len(start) :] if after[: len(start)] == start else ()
    with open_folder(root, start) as handle:
        for entry in _walk(handle, start, tail, deep, most + 1):
            found.append(entry)
            if len(found) > most:
                return found[:most], True
    return found, False


def _walk(handle: int, names: PathNames, after: PathNames, deep: bool, most: int) -> Iterator[FileEntry]:
    floor: bytes | None = after[0] if after else None
    while True:
        page = _names_from(handle, floor, most, including=deep and bool(after))
        for name in page:
            known = bool(after) and name == after[0]
            try:
                entry = _entry(handle, name, (*names, name))
            except OSError:
                continue  # it vanished
            if not known:
                yield entry
            if deep and entry.kind == "folder":
                with suppress(OSError):
                    below = os.open(name, _FOLDER, dir_fd=handle)
                    try:
                        yield from _walk(below, (*names, name), after[1:] if known else (), deep, most)
                    finally:
                        os.close(below)
        if len(page) < most:
            return
        floor, after = page[-1], ()


def _names_from(handle: int, floor: bytes | None, most: int, *, including: bool) -> list[bytes]:
    """The first so many names of a folder after `floor`, in order."""
    with os.scandir(handle) as entries:
        names = (os.fsencode(entry.name) for entry in entries)
        if floor is not None:
            names = (name for name in names if name > floor or (including and name == floor))
        return heapq.nsmallest(most, names)


def _entry(folder: int, name: bytes, names: PathNames) -> FileEntry:
    found = os.stat(name, dir_fd=folder, follow_symlinks=False)
    path, changed = names_to_path(names), datetime.fromtimestamp(min(max(int(found.st_mtime), 0), 2**35), UTC)
    if stat.S_ISLNK(found.st_mode):
        target = name_to_text(os.readlink(name, dir_fd=folder))
        return FileEntry(path=path, kind="link", modified_at=changed, target=target[:16_000])
    if stat.S_ISDIR(found.st_mode):
        return FileEntry(path=path, kind="folder", modified_at=changed)
    if not stat.S_ISREG(found.st_mode):
        return FileEntry(path=path, kind="other", modified_at=changed)
    return FileEntry(path=path, kind="file", size=found.st_size, modified_at=changed, version=_version(found))


def _refuse_link(folder: int, name: bytes, names: PathNames) -> None:
    if stat.S_ISLNK(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
        raise FileProblem("link", names)


@contextmanager
def _in_words(names: PathNames) -> Iterator[None]:
    """The system's refusals in the words of this module.

    Raises:
        FileProblem: instead of the OSError.
    """
    try:
        yield
    except (FileNotFoundError, NotADirectoryError) as error:
        raise FileProblem("missing" if isinstance(error, FileNotFoundError) else "file", names) from None
    except OSError as error:
        kinds = {errno.ELOOP: "link", errno.ENXIO: "special", errno.ENODEV: "special"}
        raise FileProblem(kinds.get(error.errno or 0, "unreadable"), names, error.strerror or "") from None
