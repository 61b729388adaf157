"""A thread that does one thing after the other for as long as the agent lives, whatever comes of each."""

from __future__ import annotations

import threading
import traceback
from collections.abc import Callable
from queue import SimpleQueue


class WorkThread:
    """A daemon thread, started with the first work. `log` hears of what failed: a thread must not die of a file."""

    def __init__(self, name: str, log: Callable[[str], None]) -> None:
        self.name, self._log = name, log
        self._queue: SimpleQueue[Callable[[], object]] = SimpleQueue()
        self._thread: threading.Thread | None = None

    def do(self, work: Callable[[], object]) -> None:
        """Have something done after what was given before. Called by one thread only, or by this one itself."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._work_off, name=self.name, daemon=True)
            self._thread.start()
        self._queue.put(work)

    def _work_off(self) -> None:
        while True:
            work = self._queue.get()
            try:
                work()
            except Exception as error:
                where = traceback.extract_tb(error.__traceback__)[-1]
                self._log(f"文件线程 {self.name}：{type(error).__name__}: {error}（{where.name}:{where.lineno}）")
