"""Answers the platform's questions about files, beside the loop: a slow disk must not silence the agent.

Pieces, lists, hashes and measures have a thread each, so that none waits for what takes longer. Nothing is remembered
but the hashes: a question that was not answered, because the agent was killed say, comes again.
"""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from pathlib import Path

from huisuan.base.text_length import shortened
from huisuan.compute.site_agent.files.hashing import FileHasher
from huisuan.compute.site_agent.files.kept import KeptOutputs
from huisuan.compute.site_agent.files.listing import list_folder
from huisuan.compute.site_agent.files.tree import FileProblem, PathNames, Root, open_file, version_of
from huisuan.compute.site_agent.files.work_thread import WorkThread
from huisuan.protocol.agent_files import ANSWERED_BYTES, FILE_PIECE_BYTES, LISTED, FileAnswer, FileQuestion
from huisuan.protocol.file_names import BadPath, path_to_names

FindWorkdir = Callable[[str, int], Path | None]
_MOST_ANSWERS = 64  # as many as one request takes
_SENT_BYTES = ANSWERED_BYTES // 3 * 4  # of answers in one request, as they are sent: in base 64
_LARGEST_ANSWER = (
    8 * 1024 * 1024
)  # as it is sent; one that the platform would not take must not be sent again and again
_LONGEST_MESSAGE = 1000
_MEASURE_AGAIN = 60.0  # seconds after a failure: a full disk, say


class FileDesk:
    """Takes questions and gives answers; `find_workdir` gives a run's working directory while it is there."""

    def __init__(
        self, kept: KeptOutputs, find_workdir: FindWorkdir, log: Callable[[str], None],
        *, steady: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        self.kept, self._find_workdir, self._steady = kept, find_workdir, steady
        self._pieces, self._lists, self._measures = (WorkThread(name, log) for name in ("pieces", "lists", "measures"))
        self._hasher = FileHasher(WorkThread("hashes", log), self._find, self._give, self._forget)
        self._lock = threading.Lock()
        self._open: dict[int, str] = {}  # questions that are being answered, or whose answer was not sent: their action
        self._measuring: dict[tuple[str, int], float] = {}  # since when by the steady clock
        self._answers: deque[tuple[int, FileAnswer]] = deque()

    @property
    def is_busy(self) -> bool:
        """Whether somebody waits for an answer that does not take long."""
        return any(action != "hash" for action in list(self._open.values()))

    def take(self, questions: Iterable[FileQuestion]) -> None:
        """Begin to answer what is not being answered yet; `questions` are all that are asked now."""
        asked = list(questions)
        self._hasher.keep_only({question.id for question in asked})
        with self._lock:
            fresh = [question for question in asked if question.id not in self._open]
            self._open |= {question.id: question.action for question in fresh}
        for question in fresh:
            if question.action == "hash":
                self._hasher.ask(question)
            else:
                thread = self._lists if question.action == "list" else self._pieces
                thread.do(lambda asked=question: self._give(asked, lambda: self._look(asked)))  # type: ignore[misc]

    def measure_kept(self) -> None:
        """Begin to measure results that were kept and not measured yet; what failed, again after a while."""
        unmeasured = self.kept.unmeasured()
        now = self._steady()
        self._measuring = {key: since for key, since in self._measuring.items() if key in unmeasured}
        for key in unmeasured:
            if key not in self._measuring:
                self._measuring[key] = float("inf")
                self._measures.do(lambda key=key: self._measure(*key))  # type: ignore[misc]
            elif now - self._measuring[key] > _MEASURE_AGAIN:
                del self._measuring[key]

    def answers(self) -> list[FileAnswer]:
        """What is answered and not sent yet, as much as one request takes. Sent is gone: a lost one is asked again."""
        found: list[FileAnswer] = []
        room = _SENT_BYTES
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

    def _forget(self, number: int) -> None:
        with self._lock:
            self._open.pop(number, None)

    def _measure(self, uid: str, run: int) -> None:
        try:
            self.kept.measure(uid, run)
        finally:
            self._measuring[uid, run] = self._steady()

    def _give(self, question: FileQuestion, look: Callable[[], FileAnswer | None]) -> bool:
        """Keep what `look` finds until it is sent; why it finds nothing is an answer too. False: not yet."""
        try:
            answer = look()
            if answer is None:
                return False
        except FileProblem as problem:
            answer = _problem(question, problem.kind, str(problem))
        except BadPath as problem:
            answer = _problem(question, "bad_path", str(problem))
        except Exception as error:
            answer = _problem(question, "unreadable", f"{type(error).__name__}: {error}")
        size = _sent_bytes(answer)
        if size > _LARGEST_ANSWER:
            answer = _problem(question, "unreadable", f"回答有 {size:,} 字节，太大")
        with self._lock:
            self._answers.append((size, answer))
        return True

    def _find(self, question: FileQuestion) -> tuple[Root, PathNames]:
        return self._root(question), path_to_names(question.path)

    def _look(self, question: FileQuestion) -> FileAnswer:
        root, names = self._find(question)
        if question.action == "list":
            found = list_folder(root, names, path_to_names(question.after), deep=question.deep, most=LISTED)
            return FileAnswer(
                id=question.id,
                entries=found.entries,
                more=found.more,
                message=shortened(found.remark, _LONGEST_MESSAGE),
            )
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


def _read(question: FileQuestion, root: Root, names: PathNames) -> FileAnswer:
    with open_file(root, names) as handle:
        version = version_of(handle)
        if question.version and question.version != version:
            raise FileProblem("changed", names)
        content = os.pread(handle, min(question.length, FILE_PIECE_BYTES), question.offset)
        size = os.fstat(handle).st_size
        if version_of(handle) != version:
            raise FileProblem("changed", names)
    answer = FileAnswer(id=question.id, size=size, version=version)
    return answer.model_copy(update={"content": content})  # as it is: encoded once, when it is sent


def _problem(question: FileQuestion, kind: str, words: str) -> FileAnswer:
    shown = words if len(words) <= _LONGEST_MESSAGE else f"{words[: _LONGEST_MESSAGE - 1]}…"
    return FileAnswer.model_validate({"id": question.id, "problem": kind, "message": shown})


def _sent_bytes(answer: FileAnswer) -> int:
    """How large an answer is as it is sent: its content in base 64, all else in JSON."""
    rest = answer.model_dump_json(exclude={"content"}, exclude_defaults=True)
    return len(rest.encode()) + len(answer.content) * 4 // 3
