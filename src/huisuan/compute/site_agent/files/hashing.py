"""Hashes of files, counted at turns: a file of any size, one that grows, or a sparse one of exabytes holds nobody up.

Each run has its turn, of so many bytes, and in a run each file. What is counted of a version of a file is kept while
others have theirs, and when its question is dropped because nobody asks any more: asked again, it goes on from there.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Collection
from typing import Any

from huisuan.compute.site_agent.files.tree import FileProblem, PathNames, Root, open_file, version_in
from huisuan.compute.site_agent.files.work_thread import WorkThread
from huisuan.protocol.agent_files import FileAnswer, FileQuestion

TURN_BYTES = 64 * 1024 * 1024
_READ_BYTES = 1024 * 1024
_HASHES_KEPT, _BEGUN_KEPT = 10_000, 64
RunKey = tuple[str, int]  # uid, run


class FileHasher:
    """Hashes on a thread of its own. `find` gives the place of a question's file, `give` takes an answer.

    It is given what looks for one, and says whether there is one: else the question goes on with its run's next turn.
    `drop` hears of questions, by their numbers, that nobody asks any more.
    """

    def __init__(
        self, thread: WorkThread, find: Callable[[FileQuestion], tuple[Root, PathNames]],
        give: Callable[[FileQuestion, Callable[[], FileAnswer | None]], bool], drop: Callable[[int], None],
    ) -> None:  # fmt: skip
        self._thread, self._find, self._give, self._drop = thread, find, give, drop
        self._lock = threading.Lock()
        self._waiting: OrderedDict[RunKey, deque[FileQuestion]] = OrderedDict()
        self._turning = False
        self._asked: Collection[int] | None = None  # None: nobody has said
        self._begun: OrderedDict[str, tuple[Any, int]] = OrderedDict()  # digest so far, bytes counted
        self._known: OrderedDict[str, str] = OrderedDict()

    def ask(self, question: FileQuestion) -> None:
        """Have the hash of a file counted when its run's turn comes."""
        with self._lock:
            self._waiting.setdefault((question.uid, question.run), deque()).append(question)
            if self._turning:
                return
            self._turning = True
        self._thread.do(self._turn)

    def keep_only(self, asked: Collection[int]) -> None:
        """Drop the questions that are not asked any more; one whose turn it is, after that turn."""
        with self._lock:
            self._asked = asked
            dropped = [one.id for queue in self._waiting.values() for one in queue if one.id not in asked]
            left = {key: deque(one for one in queue if one.id in asked) for key, queue in self._waiting.items()}
            self._waiting = OrderedDict((key, queue) for key, queue in left.items() if queue)
        for number in dropped:
            self._drop(number)

    def _turn(self) -> None:
        """One run's turn; then the next one's, until nothing waits."""
        with self._lock:
            if not self._waiting:
                self._turning = False
                return
            key, queue = next(iter(self._waiting.items()))
            question = queue.popleft()
            if queue:
                self._waiting.move_to_end(key)
            else:
                del self._waiting[key]
        self._thread.do(self._turn)  # first, whatever comes of this one
        if not self._give(question, lambda: self._count(question)):
            self._put_back(question)

    def _put_back(self, question: FileQuestion) -> None:
        """It goes on after the other runs' turns, and its own run's other questions; unless nobody asks any more."""
        key = (question.uid, question.run)
        with self._lock:
            dropped = self._asked is not None and question.id not in self._asked
            if not dropped:
                self._waiting.setdefault(key, deque()).append(question)
                self._waiting.move_to_end(key)
        if dropped:
            self._drop(question.id)

    def _count(self, question: FileQuestion) -> FileAnswer | None:
        """The hash, or None after a turn's bytes. Never more is read than the file had when it was opened.

        Raises:
            FileProblem: it is not there, or changed.
        """
        root, names = self._find(question)
        with open_file(root, names) as handle:
            found = os.fstat(handle)
            version, whole = version_in(found), found.st_size
            if question.version and question.version != version:
                raise FileProblem("changed", names)
            key = f"{found.st_dev:x}-{version}"
            if key not in self._known:
                digest, offset = self._begun.pop(key, None) or (hashlib.sha256(), 0)
                begun, offset = offset, _feed(digest, handle, offset, min(whole, offset + TURN_BYTES))
                if version_in(os.fstat(handle)) != version:
                    raise FileProblem("changed", names)
                if begun == offset < whole:
                    raise FileProblem("unreadable", names, f"读到 {offset:,} 字节就到头了")
                if offset < whole:
                    _keep(self._begun, key, (digest, offset), _BEGUN_KEPT)
                    return None
                _keep(self._known, key, digest.hexdigest(), _HASHES_KEPT)
            return FileAnswer(id=question.id, size=whole, version=version, sha256=self._known[key])


def _feed(digest: Any, handle: int, offset: int, end: int) -> int:
    """Count the bytes up to `end`; where it stopped, which is earlier where the file became shorter."""
    while offset < end and (chunk := os.pread(handle, min(_READ_BYTES, end - offset), offset)):
        digest.update(chunk)
        offset += len(chunk)
    return offset


def _keep(held: OrderedDict[str, Any], key: str, value: Any, most: int) -> None:
    held[key] = value
    while len(held) > most:
        held.popitem(last=False)
