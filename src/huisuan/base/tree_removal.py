"""Removing folders that somebody else filled: of any depth, by any names, whoever took from himself the right to look.

A job can leave a tree deeper than a path may be long or a recursion go. So no path is made and nothing is recursive:
every folder below is moved up beside the others, emptied there and removed, with two descriptors open however deep the
tree is. Nothing is ever done through a link.
"""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import threading
from collections.abc import Callable
from pathlib import Path
from queue import SimpleQueue

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_SEEN_ONLY = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
TRASH_FOLDER = "trash"  # beside what is discarded into it, on the same file system
log = logging.getLogger(__name__)


def remove_tree(folder: Path) -> bool:
    """Remove a folder with all that is in it; whether it is gone. What is another user's stays, and its folders."""
    try:
        top = _open_folder(os.fsencode(folder), None)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    try:
        while _empty(top, lambda name: _remove_below(top, name)):
            pass  # folders were moved up meanwhile
    finally:
        os.close(top)
    with contextlib.suppress(OSError):
        folder.rmdir()
    return not os.path.lexists(folder)


def _empty(handle: int, remove_folder: Callable[[bytes], int]) -> int:
    """Remove the files of a folder, and hand each folder to that function; the sum of what it gives."""
    moved = 0
    with os.scandir(handle) as entries:
        for entry in entries:
            name = os.fsencode(entry.name)
            with contextlib.suppress(OSError):  # another user's, or gone already
                if entry.is_dir(follow_symlinks=False):
                    moved += remove_folder(name)
                else:
                    os.unlink(name, dir_fd=handle)
    return moved


def _remove_below(top: int, name: bytes) -> int:
    """Remove a folder in `top`; how many folders were moved out of it into `top`."""
    try:
        handle = _open_folder(name, top)
        try:
            moved = _empty(handle, lambda inner: _move_up(handle, inner, top))
        finally:
            os.close(handle)
    except OSError:
        moved = 0
    with contextlib.suppress(OSError):
        os.rmdir(name, dir_fd=top)
    return moved


def _move_up(handle: int, name: bytes, top: int) -> int:
    with contextlib.suppress(OSError):
        os.rmdir(name, dir_fd=handle)  # an empty one needs no second look
        return 0
    _rename(name, os.fsencode(f".{secrets.token_hex(8)}"), handle, top)
    return 1


def _rename(name: bytes, target: bytes, source_fd: int | None, target_fd: int | None) -> None:
    """Rename a folder, also where its owner may not write it: that is asked of who moves it elsewhere.

    Raises:
        OSError: it cannot be.
    """
    try:
        os.rename(name, target, src_dir_fd=source_fd, dst_dir_fd=target_fd)
    except PermissionError:
        _take_rights(name, source_fd)
        os.rename(name, target, src_dir_fd=source_fd, dst_dir_fd=target_fd)


def _open_folder(name: bytes, above: int | None) -> int:
    """A descriptor of a folder in which its owner may do everything, whatever he may have done to it.

    Raises:
        OSError: it is none, is not there, or is another user's.
    """
    try:
        handle = os.open(name, _FOLDER, dir_fd=above)
    except PermissionError:
        _take_rights(name, above)
        handle = os.open(name, _FOLDER, dir_fd=above)
    with contextlib.suppress(OSError):
        os.fchmod(handle, 0o700)
    return handle


def _take_rights(name: bytes, above: int | None) -> None:
    """Give its owner every right to a folder that may not be opened; a link is never followed.

    Raises:
        OSError: it is no folder, or another user's.
    """
    handle = os.open(name, _SEEN_ONLY, dir_fd=above)
    try:
        Path(f"/proc/self/fd/{handle}").chmod(0o700)
    finally:
        os.close(handle)


# --- beside whoever has no time


class _Remover:
    """The one thread of this process that removes what was moved aside."""

    def __init__(self) -> None:
        self._queue: SimpleQueue[Path] = SimpleQueue()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._pid = 0

    def put(self, folder: Path) -> None:
        """Have it removed soon."""
        with self._lock:
            if self._thread is None or self._pid != os.getpid():  # a fork has no threads
                self._pid, self._queue = os.getpid(), SimpleQueue()
                self._thread = threading.Thread(target=self._work, name="removals", daemon=True)
                self._thread.start()
        self._queue.put(folder)

    def _work(self) -> None:
        queue = self._queue
        while True:
            folder = queue.get()
            try:
                if not remove_tree(folder):
                    log.warning("%s could not be removed whole: parts of it are another user's", folder)
                with contextlib.suppress(OSError):
                    folder.parent.rmdir()  # the last one; else it is not empty
            except Exception:
                log.exception("%s could not be removed", folder)


_remover = _Remover()


def discard_tree(folder: Path, trash: Path) -> bool:
    """Move a folder into `trash`, on the same file system, in an instant; a thread removes it. Whether it is gone.

    One that is not there is gone. One that cannot be moved stays, which is logged.
    """
    target = trash / secrets.token_hex(8)
    for _ in range(3):  # the thread may just have removed the empty trash
        try:
            trash.mkdir(mode=0o700, exist_ok=True)
            _rename(os.fsencode(folder), os.fsencode(target), None, None)
        except FileNotFoundError:
            if not os.path.lexists(folder):
                return True
        except OSError as error:
            log.warning("%s could not be moved away: %s", folder, error.strerror or error)
            return False
        else:
            _remover.put(target)
            return True
    return False


def empty_trash(trash: Path) -> int:
    """Have the thread remove what an earlier process moved aside and did not get to; how many folders."""
    try:
        left = [place for place in trash.iterdir() if not place.is_symlink() and place.is_dir()]
    except OSError:
        return 0
    for place in left:
        _remover.put(place)
    return len(left)
