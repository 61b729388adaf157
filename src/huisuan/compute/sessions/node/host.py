"""The job itself: starts the session's program on a Unix socket of its own folder, and ends it when nobody uses it.

It ends with 0 when the session's hours are over, when it was idle for too long, or when its user ended the program;
with the program's exit code when that failed. What it says stands in the job's output.
"""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import shutil
import signal
import socket
import sys
import time
from pathlib import Path
from typing import Any, Dict, List, Optional

from huisuan.compute.sessions.node.bridge import ACTIVE_FILE, SECRET, SOCKET, is_own_folder, run_bridge, session_folder
from huisuan.compute.sessions.node.foreground import is_terminal_busy
from huisuan.compute.sessions.node.terminal import Terminal

LOOK_SECONDS = 5.0
_END_SECONDS = 10.0
_MISSING = 127
_LONGEST_SOCKET = 100  # bytes of its path; Linux takes 107
_ABANDONED_SECONDS = 3600.0  # one that is only starting does not listen yet


def say(text: str) -> None:
    """Write a line into the job's output."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def remove_abandoned() -> None:
    """Remove this user's folders of sessions that were killed: old ones, on whose socket nobody listens."""
    for folder in Path("/tmp").glob(session_folder("*").name):  # noqa: S108 - each is checked
        try:
            if not is_own_folder(folder) or time.time() - folder.stat().st_mtime < _ABANDONED_SECONDS:
                continue
            with socket.socket(socket.AF_UNIX) as trial:
                if trial.connect_ex(str(folder / SOCKET)):
                    shutil.rmtree(str(folder), ignore_errors=True)
        except OSError:
            continue


def _short_socket(folder: Path) -> List[str]:
    """Where code-server's own socket goes, if below HOME (the job's folder) its name would be longer than a socket's.

    It does not start then. Older versions do not know the option, so it is not given without need.
    """
    data = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    usual = data / "code-server" / "code-server-ipc.sock"
    return ["--session-socket=" + str(folder / "editor")] if len(os.fsencode(usual)) > _LONGEST_SOCKET else []


def program(kind: str, folder: Path, prepare: str) -> List[str]:
    """The words that start JupyterLab or VS Code on the session's socket; `prepare` is run by bash before them."""
    place = str(folder / SOCKET)
    if kind == "jupyter":
        words = [
            *("jupyter", "lab", "--no-browser", "--ServerApp.sock=" + place, "--ServerApp.sock_mode=0600"),
            # every host asks the same thing of us: the relay, which checked who is asking
            *("--ServerApp.allow_remote_access=True", "--ServerApp.root_dir=" + str(Path.cwd())),
            *("--ServerApp.quit_button=True", "--ServerApp.allow_root=True", "--ServerApp.open_browser=False"),
        ]
    else:
        words = ["code-server", "--auth=none", "--socket=" + place, "--socket-mode=600", "--disable-telemetry"]
        words += ["--disable-update-check", *_short_socket(folder), str(Path.cwd())]
    if prepare:
        words = ["/bin/bash", "-c", prepare + '\nexec "$@"', "bash", *words]
    return words


class SessionHost:
    """One session, from its start to its end. `settings`: kind, seconds, idle_seconds, prepare."""

    def __init__(self, settings: Dict[str, Any]) -> None:
        self.settings = settings
        self.folder = session_folder(os.environ["HUISUAN_JOB_UID"])
        self.ending = asyncio.Event()
        self.why = ""
        self.terminal: Optional[Terminal] = None
        self.secret = secrets.token_hex(32)

    async def run(self) -> int:
        """Run it; the exit code of the job."""
        loop = asyncio.get_event_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.end, "")
        if not self._make_folder():
            say("无法使用 %s：已被别的用户占用" % self.folder)
            return 1
        try:
            work = self._run_shell() if self.settings["kind"] == "shell" else self._run_program()
            return await work
        finally:
            shutil.rmtree(str(self.folder), ignore_errors=True)

    def end(self, why: str) -> None:
        """Have it end; `why` goes to the output."""
        self.why = self.why or why
        self.ending.set()

    def _make_folder(self) -> bool:
        remove_abandoned()
        if is_own_folder(self.folder):  # of an earlier run of this job, which is over
            shutil.rmtree(str(self.folder))
        try:
            self.folder.mkdir(mode=0o700)
        except FileExistsError:
            return False
        descriptor = os.open(str(self.folder / SECRET), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(self.secret)
        (self.folder / ACTIVE_FILE).touch()
        return True

    async def _run_shell(self) -> int:
        self.terminal = Terminal()
        shell = asyncio.ensure_future(self.terminal.offer(self.folder / SOCKET))
        say("终端已就绪")
        await self._watch(shell)
        if not shell.done():
            self.terminal.hang_up()
            await asyncio.wait([shell], timeout=_END_SECONDS)
        return 0

    async def _run_program(self) -> int:
        words = program(self.settings["kind"], self.folder, self.settings.get("prepare", ""))
        environment = dict(os.environ, JUPYTER_TOKEN=self.secret)
        try:
            process = await asyncio.create_subprocess_exec(*words, env=environment, stdin=asyncio.subprocess.DEVNULL)
        except FileNotFoundError:
            say("节点上没有 %s：请用 --prepare 写出启用它的命令，例如 module load 或 source …/activate" % words[0])
            return _MISSING
        waiting = asyncio.ensure_future(process.wait())
        await self._watch(waiting)
        if not waiting.done():
            process.send_signal(signal.SIGTERM)
            await asyncio.wait([waiting], timeout=_END_SECONDS)
            return 0
        return process.returncode or 0

    async def _watch(self, work: "asyncio.Future[Any]") -> None:
        """Until the program ends, the hours are over, it is idle, or it is told to end."""
        over = time.monotonic() + self.settings["seconds"]
        ended = asyncio.ensure_future(self.ending.wait())
        quiet_since = time.time()
        while not (work.done() or self.ending.is_set()):
            pause = max(0.0, min(LOOK_SECONDS, over - time.monotonic(), self.settings["idle_seconds"] / 4))
            await asyncio.wait([work, ended], timeout=pause, return_when=asyncio.FIRST_COMPLETED)
            quiet_since = max(quiet_since, (self.folder / ACTIVE_FILE).stat().st_mtime)
            if await self._is_busy():
                quiet_since = time.time()
            if time.monotonic() >= over:
                self.end("会话的时间到了，自动结束")
            elif time.time() - quiet_since >= self.settings["idle_seconds"]:
                self.end("会话空闲了 %d 分钟，自动结束" % (self.settings["idle_seconds"] // 60))
        ended.cancel()
        if self.why:
            say(self.why)

    async def _is_busy(self) -> bool:
        """Whether something computes, though nobody is looking."""
        if self.terminal is not None:
            lately = asyncio.get_event_loop().time() - self.terminal.last_output < LOOK_SECONDS
            return self.terminal.is_busy() or (self.terminal.last_output > 0 and lately)
        if is_terminal_busy(os.environ["HUISUAN_JOB_UID"]):
            return True
        return self.settings["kind"] == "jupyter" and await self._has_busy_kernel()

    async def _has_busy_kernel(self) -> bool:
        try:
            reader, writer = await asyncio.open_unix_connection(str(self.folder / SOCKET))
            head = "GET /api/kernels HTTP/1.0\r\nHost: localhost\r\nAuthorization: token %s\r\n\r\n"
            writer.write((head % self.secret).encode())
            answer = await asyncio.wait_for(reader.read(1024 * 1024), 10)
            while piece := await asyncio.wait_for(reader.read(1024 * 1024), 10):
                answer += piece
            writer.close()
            kernels = json.loads(answer.partition(b"\r\n\r\n")[2])
            return any(kernel["execution_state"] == "busy" for kernel in kernels)
        except (OSError, ValueError, TypeError, KeyError, asyncio.TimeoutError):
            return False


def main(settings: Dict[str, Any]) -> int:
    """The script's own beginning: `bridge UID` is a tunnel's end, without words it is the session."""
    if sys.argv[1:2] == ["bridge"]:
        return asyncio.run(run_bridge(sys.argv[2], settings["kind"]))

    async def run() -> int:
        return await SessionHost(settings).run()

    return asyncio.run(run())
