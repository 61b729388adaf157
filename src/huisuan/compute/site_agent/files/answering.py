"""Answers the platform's questions about files, beside the loop: a slow disk must not silence the agent.

Two threads: one for lists and pieces, one for what takes long (hashes, measuring). Nothing is remembered but the
hashes: a question that was not answered, because the agent was killed say, comes again.
"""

from __future__ import annotations

import base64
import hashlib
import os
import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable
from pathlib import Path
from queue import SimpleQueue

from huisuan.compute.site_agent.files.kept import KeptOutputs
from huisuan.compute.site_agent.files.tree import FileProblem, PathNames, Root, list_folder, open_file, version_of
from huisuan.protocol.agent_files import ANSWERED_BYTES, FILE_PIECE_BYTES, LISTED, FileAnswer, FileQuestion
from huisuan.protocol.file_names import BadPath, path_to_names

FindWorkdir = Callable[[str, int], Path | None]
_HASHES_KEPT = 10_000
_READ_BYTES = 1024 * 1024
_MOST_ANSWERS = 64  # as many as one request takes


class FileDesk:
    """Takes questions and gives answers; `find_workdir` gives a run's working directory while it is there."""

    def __init__(self, kept: KeptOutputs, find_workdir: FindWorkdir) -> None:
        self.kept, self._find_workdir = kept, find_workdir
        self._quick: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._slow: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._started = False
        self._lock = threading.Lock()
        self._open: dict[int, str] = {}  # questions that are being answered, or whose answer was not sent: their action
        self._measuring: set[tuple[str, int]] = set()
        self._answers: deque[tuple[int, FileAnswer]] = deque()
        self._hashes: OrderedDict[str, str] = OrderedDict()

    @property
    def is_busy(self) -> bool:
        """Whether somebody waits for an answer that does not take long."""
        return any(action != "hash" for action in list(self._open.values()))

    def take(self, questions: Iterable[FileQuestion]) -> None:
        """Begin to answer what is not being answered yet."""
        for question in questions:
            with self._lock:
                if question.id in self._open:
                    continue
                self._open[question.id] = question.action
            queue = self._slow if question.action == "hash" else self._quick
            self._do(queue, lambda asked=question: self._answer(asked))  # type: ignore[misc]

    def measure_kept(self) -> None:
        """Begin to measure results that were kept and not measured yet."""
        for key in self.kept.unmeasured():
            if key not in self._measuring:
                self._measuring.add(key)
                self._do(self._slow, lambda key=key: self._measure(*key))  # type: ignore[misc]

    def answers(self) -> list[FileAnswer]:
        """What is answered and not sent yet, as much as one request takes. Sent is gone: a lost one is asked again."""
        found: list[FileAnswer] = []
        room = ANSWERED_BYTES
        with self._lock:
            while self._answers and len(found) < _MOST_ANSWERS:
                size, answer = self._answers[0]
                if found and size > room:
                    break
                self._answers.popleft()
                self._open.pop(answer.id, None)
                found.append(answer)
                room -= size
        return found

    def _do(self, queue: SimpleQueue[Callable[[], None]], work: Callable[[], None]) -> None:
        if not self._started:
            self._started = True
            for each in (self._quick, self._slow):
                threading.Thread(target=_work_off, args=[each], daemon=True).start()
        queue.put(work)

    def _measure(self, uid: str, run: int) -> None:
        try:
            self.kept.measure(uid, run)
        finally:
            self._measuring.discard((uid, run))

    def _answer(self, question: FileQuestion) -> None:
        try:
            answer = self._look(question)
        except FileProblem as problem:
            answer = FileAnswer.model_validate({"id": question.id, "problem": problem.kind, "message": str(problem)})
        except BadPath as problem:
            answer = FileAnswer(id=question.id, problem="bad_path", message=str(problem)[:1000])
        except Exception as error:
            answer = FileAnswer(id=question.id, problem="unreadable", message=f"{type(error).__name__}: {error}"[:1000])
        size = len(answer.content) + sum(len(entry.path) + len(entry.target) for entry in answer.entries)
        with self._lock:
            self._answers.append((size, answer))

    def _look(self, question: FileQuestion) -> FileAnswer:
        root, names = self._root(question), path_to_names(question.path)
        if question.action == "list":
            after = path_to_names(question.after)
            entries, more = list_folder(root, names, after, deep=question.deep, most=LISTED)
            return FileAnswer(id=question.id, entries=entries, more=more)
        if question.action == "hash":
            return self._hash(question, root, names)
        return _read(question, root, names)

    def _root(self, question: FileQuestion) -> Root:
        """Where an area begins: kept results, or the working directory of a run that goes on.

        Raises:
            FileProblem: it is not there (any more).
        """
        if question.area == "outputs" and (kept := self.kept.find(question.uid, question.run)) is not None:
            return Root(kept)
        workdir = self._find_workdir(question.uid, question.run)
        if workdir is None or not workdir.is_dir():
            raise FileProblem("missing", (), "运行的文件夹不在了，或还没有建立")
        return Root(workdir, path_to_names(question.folder) if question.area == "outputs" else ())

    def _hash(self, question: FileQuestion, root: Root, names: PathNames) -> FileAnswer:
        digest = hashlib.sha256()
        with open_file(root, names) as handle:
            version = _checked_version(question, handle, names)
            key = f"{os.fstat(handle).st_dev:x}-{version}"
            if key not in self._hashes:
                offset = 0
                while chunk := os.pread(handle, _READ_BYTES, offset):
                    digest.update(chunk)
                    offset += len(chunk)
                if version_of(handle) != version:
                    raise FileProblem("changed", names)
                self._hashes[key] = digest.hexdigest()
                while len(self._hashes) > _HASHES_KEPT:
                    self._hashes.popitem(last=False)
            size = os.fstat(handle).st_size
            return FileAnswer(id=question.id, size=size, version=version, sha256=self._hashes[key])


def _read(question: FileQuestion, root: Root, names: PathNames) -> FileAnswer:
    with open_file(root, names) as handle:
        version = _checked_version(question, handle, names)
        content = os.pread(handle, min(question.length, FILE_PIECE_BYTES), question.offset)
        size = os.fstat(handle).st_size
        if version_of(handle) != version:
            raise FileProblem("changed", names)
    return FileAnswer(id=question.id, size=size, version=version, content=base64.b64encode(content))


def _checked_version(question: FileQuestion, handle: int, names: PathNames) -> str:
    version = version_of(handle)
    if question.version and question.version != version:
        raise FileProblem("changed", names)
    return version


def _work_off(queue: SimpleQueue[Callable[[], None]]) -> None:
    while True:
        queue.get()()
