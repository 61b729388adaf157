"""Opening what lies in a folder that somebody else writes: name by name, and no link is ever followed.

Between a look and the opening a job may replace any name. So every step opens relative to the folder before it, with
O_NOFOLLOW, and what was opened is looked at, not the name.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from huisuan.protocol.file_names import names_to_path

PathNames = tuple[bytes, ...]
FOLDER_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC  # a pipe put there meanwhile must not hold us up
_SHOWN = 200  # characters of a path in a message
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
        super().__init__("：".join(filter(None, (shortened_path(names_to_path(names)), _WORDS[kind], more))))
        self.kind = kind


def shortened_path(path: str) -> str:
    """A path for a message: of a long one the end, which tells more."""
    return path if len(path) <= _SHOWN else f"…{path[-_SHOWN:]}"


@contextmanager
def open_folder(root: Root, names: PathNames) -> Iterator[int]:
    """A descriptor of a folder below `root`.

    Raises:
        FileProblem: it is not there, or not a folder, or a link is on the way.
    """
    with _in_words(names):
        handle = os.open(root.path, FOLDER_FLAGS)
    try:
        for count, name in enumerate((*root.inside, *names), start=1):
            here = names[: max(count - len(root.inside), 0)]
            with _in_words(here):
                _refuse_link(handle, name, here)
                below = os.open(name, FOLDER_FLAGS, dir_fd=handle)
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
    return version_in(os.fstat(handle))


def version_in(found: os.stat_result) -> str:
    """The version of the file that was looked at."""
    return f"{found.st_ino:x}-{found.st_size:x}-{found.st_mtime_ns:x}"


def make_folder(root: Root, names: PathNames) -> None:
    """Make the folders of a path below `root` that are not there yet.

    Raises:
        FileProblem: something else is there: a link, a file.
        OSError: it cannot be made.
    """
    for count, name in enumerate(names, start=1):
        with open_folder(root, names[: count - 1]) as above, suppress(FileExistsError):
            os.mkdir(name, dir_fd=above)
    with open_folder(root, names):
        pass


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
