"""Lists and measures of folders that somebody else fills: bounded, whatever they hold, and what is left out is told.

A tree can be of any depth, a folder of any number of names, a name of 255 bytes that are no text. None of that may cost
the agent its threads, its descriptors, or an answer that is too large to be sent.
"""

from __future__ import annotations

import heapq
import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from huisuan.compute.site_agent.files.tree import (
    FOLDER_FLAGS,
    FileProblem,
    PathNames,
    Root,
    open_folder,
    shortened_path,
    version_in,
)
from huisuan.protocol.agent_files import LISTED, LISTED_BYTES, FileEntry
from huisuan.protocol.file_names import MOST_DEPTH, MOST_NAME_BYTES, MOST_PATH_BYTES, name_to_text, names_to_path

MOST_NAMES = 1_000_000  # in one folder: to sort more takes longer than anyone waits
_TOO_DEEP, _TOO_MANY = f"超过 {MOST_DEPTH} 层，或路径太长", f"里面超过 {MOST_NAMES:,} 个名字"


@dataclass
class Listing:
    """Entries of a folder in order; whether there are more; folders whose content is not listed, and why."""

    entries: list[FileEntry] = field(default_factory=list)
    more: bool = False
    unlisted: list[tuple[str, str]] = field(default_factory=list)

    @property
    def remark(self) -> str:
        """What is not listed, on one line; "" where everything is."""
        if not self.unlisted:
            return ""
        (path, why), count = self.unlisted[0], len(self.unlisted)
        if count == 1:
            return f"没有列出 {shortened_path(path)} 里的内容：{why}"
        return f"没有列出 {shortened_path(path)} 等 {count} 个文件夹里的内容：{why}"


def list_folder(root: Root, start: PathNames, after: PathNames, *, deep: bool, most: int = LISTED) -> Listing:
    """Entries below `start` in order of their bytes, those after `after`: `most`, and as many as LISTED_BYTES hold.

    However many names a folder has, no more than `most` are held at once. A folder that vanished meanwhile is listed
    and has nothing below it; one that cannot be looked into is told.

    Raises:
        FileProblem: `start` is no folder, or nothing in it could be named.
    """
    found, size = Listing(), 0
    tail = after[len(start) :] if after[: len(start)] == start else ()
    if not _has_room(start):
        raise FileProblem("unreadable", start, _TOO_DEEP)
    with open_folder(root, start) as handle:
        for entry in _walk(handle, start, tail, deep, most + 1, found.unlisted):
            size += len(entry.model_dump_json(exclude_defaults=True).encode()) + 1
            if len(found.entries) >= most or (found.entries and size > LISTED_BYTES):
                found.more = True
                break
            found.entries.append(entry)
    return found


def _has_room(names: PathNames) -> bool:
    """Whether whatever lies in that folder has a path that can be asked for."""
    return len(names) < MOST_DEPTH and sum(map(len, names)) + len(names) + MOST_NAME_BYTES < MOST_PATH_BYTES


def _walk(
    handle: int, names: PathNames, after: PathNames, deep: bool, most: int, unlisted: list[tuple[str, str]]
) -> Iterator[FileEntry]:
    floor: bytes | None = after[0] if after else None
    above = f"{names_to_path(names)}/" if names else ""
    while True:
        page = _names_from(handle, names, floor, most, including=deep and bool(after))
        for name in page:
            known = bool(after) and name == after[0]
            try:
                entry = _entry(handle, name, above + name_to_text(name))
            except OSError:
                continue  # it vanished
            if not known:
                yield entry
            if deep and entry.kind == "folder":
                yield from _below(handle, (*names, name), after[1:] if known else (), most, unlisted)
        if len(page) < most:
            return
        floor, after = page[-1], ()


def _below(
    above: int, names: PathNames, after: PathNames, most: int, unlisted: list[tuple[str, str]]
) -> Iterator[FileEntry]:
    """What lies in a folder that was listed itself."""
    if not _has_room(names):
        unlisted.append((names_to_path(names), _TOO_DEEP))
        return
    try:
        below = os.open(names[-1], FOLDER_FLAGS, dir_fd=above)
    except FileNotFoundError:
        return
    except OSError as error:
        unlisted.append((names_to_path(names), error.strerror or "打不开"))
        return
    try:
        yield from _walk(below, names, after, True, most, unlisted)
    except FileProblem:
        unlisted.append((names_to_path(names), _TOO_MANY))
    finally:
        os.close(below)


def _names_from(handle: int, folder: PathNames, floor: bytes | None, most: int, *, including: bool) -> list[bytes]:
    """The first so many names of a folder after `floor`, in order.

    Raises:
        FileProblem: there are too many to be sorted.
    """

    def names() -> Iterator[bytes]:
        with os.scandir(handle) as entries:
            for count, entry in enumerate(entries):
                if count >= MOST_NAMES:
                    raise FileProblem("unreadable", folder, _TOO_MANY)
                name = os.fsencode(entry.name)
                if floor is None or name > floor or (including and name == floor):
                    yield name

    return heapq.nsmallest(most, names())


def _entry(folder: int, name: bytes, path: str) -> FileEntry:
    found = os.stat(name, dir_fd=folder, follow_symlinks=False)
    changed = datetime.fromtimestamp(min(max(int(found.st_mtime), 0), 2**35), UTC)
    if stat.S_ISLNK(found.st_mode):
        target = name_to_text(os.readlink(name, dir_fd=folder))
        return FileEntry(path=path, kind="link", modified_at=changed, target=target)
    if stat.S_ISDIR(found.st_mode):
        return FileEntry(path=path, kind="folder", modified_at=changed)
    if not stat.S_ISREG(found.st_mode):
        return FileEntry(path=path, kind="other", modified_at=changed)
    return FileEntry(path=path, kind="file", size=found.st_size, modified_at=changed, version=version_in(found))


@dataclass(frozen=True)
class MeasuredTree:
    """Regular files of a tree and their bytes together. `whole`: everything was counted."""

    files: int
    size: int
    whole: bool


def measure_folder(folder: Path, most: int) -> MeasuredTree:
    """Count the regular files below a folder, no link followed: `most` entries at most, and as deep as a path goes.

    Raises:
        OSError: the folder itself cannot be looked into.
    """
    files = size = seen = 0
    whole = True
    stack = [_Level(os.open(folder, FOLDER_FLAGS))]
    try:
        while stack:
            entry = next(stack[-1].entries, None)
            if entry is None:
                stack.pop().close()
                continue
            seen += 1
            if seen > most:
                return MeasuredTree(files, size, False)
            with suppress(OSError):  # it vanished, or cannot be looked into: then nobody can fetch it either
                found = entry.stat(follow_symlinks=False)
                if stat.S_ISREG(found.st_mode):
                    files, size = files + 1, size + found.st_size
                elif stat.S_ISDIR(found.st_mode) and len(stack) >= MOST_DEPTH:
                    whole = False
                elif stat.S_ISDIR(found.st_mode):
                    stack.append(_Level(os.open(entry.name, FOLDER_FLAGS, dir_fd=stack[-1].handle)))
    finally:
        for level in stack:
            level.close()
    return MeasuredTree(files, size, whole)


class _Level:
    """A folder that is being walked through, and its entries.

    Raises:
        OSError: it cannot be looked into; the descriptor is closed.
    """

    def __init__(self, handle: int) -> None:
        try:
            self.handle, self.entries = handle, os.scandir(handle)
        except OSError:
            os.close(handle)
            raise

    def close(self) -> None:
        """Let go of its descriptors."""
        self.entries.close()
        os.close(self.handle)
