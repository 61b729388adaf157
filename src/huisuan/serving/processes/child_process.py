"""One child process of the platform: started, watched, restarted with patience, ended."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from huisuan.serving.processes.log_files import copy_to_log

_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 30.0
_STEADY_SECONDS = 30  # who lived that long starts anew with the shortest pause
_WRITER_SECONDS = 5.0
_TAIL_BYTES = 2000


@dataclass
class Child:
    """A process in a session of its own, so that the terminal's Ctrl-C reaches only its supervisor."""

    name: str
    arguments: Sequence[str]
    log: Path
    secret: str = field(default="", repr=False)
    environment: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None
    writer: threading.Thread | None = None
    started_at: float = 0.0
    pause: float = _FIRST_PAUSE
    due_at: float | None = None

    def start(self) -> None:
        """Start it; its output goes to its log."""
        self._close_log()
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "huisuan.serving.processes.child_main", self.name, *self.arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, **self.environment},
            start_new_session=True,
        )
        assert self.process.stdout is not None
        self.writer = copy_to_log(self.process.stdout, self.log)
        self.started_at, self.due_at = time.monotonic(), None
        assert self.process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # it died at once: the watch will see it
            self.process.stdin.write(f"{self.secret}\n".encode())
            self.process.stdin.flush()

    @property
    def pid(self) -> int | None:
        """Its process, if it runs."""
        return self.process.pid if self.process and self.process.poll() is None else None

    def look_after(self, say: Callable[[str], None]) -> None:
        """Restart it if it died, each time after a longer pause."""
        if self.pid is not None or self.process is None:
            return
        now = time.monotonic()
        if self.due_at is None:
            self._sweep()
            if now - self.started_at > _STEADY_SECONDS:
                self.pause = _FIRST_PAUSE
            self.due_at = now + self.pause
            say(f"{self.name} 意外退出（{self._how()}），{self.pause:g} 秒后重新启动；日志：{self.log}")
            self.pause = min(self.pause * 2, _LONGEST_PAUSE)
        elif now >= self.due_at:
            self.start()

    def stop(self, patience_seconds: float) -> None:
        """Ask it to end, wait, and end it."""
        if self.process is None:
            return
        self._signal(signal.SIGTERM)
        try:
            self.process.wait(patience_seconds)
        except subprocess.TimeoutExpired:
            pass
        finally:
            self._sweep()
            self.process.wait()
            self._close_log()
            if self.process.stdin:
                self.process.stdin.close()
            self.process = None

    def last_words(self) -> str:
        """The end of its log."""
        try:
            return self.log.read_bytes()[-_TAIL_BYTES:].decode(errors="replace").strip()
        except FileNotFoundError:
            return ""

    def _close_log(self) -> None:
        """Have what the process said written to its end: a file has one writer."""
        if self.writer is not None:
            self.writer.join(_WRITER_SECONDS)
            self.writer = None
        if self.process is not None and self.process.stdout is not None:
            self.process.stdout.close()

    def _signal(self, number: int) -> None:
        if self.pid is not None:
            os.kill(self.pid, number)

    def _sweep(self) -> None:
        """End what it left behind: a web server's own workers would keep the port."""
        assert self.process is not None
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)

    def _how(self) -> str:
        code = self.process.returncode if self.process else 0
        return f"信号 {-code}" if code < 0 else f"退出码 {code}"
