"""The session's script as a node runs it: it ends by itself, and says why."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from huisuan.compute.sessions.node.bridge import SOCKET, session_folder
from huisuan.compute.sessions.node.foreground import is_terminal_busy
from huisuan.compute.sessions.node.host import program
from huisuan.compute.sessions.node_script import session_script
from huisuan.protocol.job_uid import job_uid
from support.jobs import eventually

pytestmark = pytest.mark.slow

#: a program that listens, computes nothing, and goes when it is told to
LISTENS = """#!{python}
import socket, sys
path = next(word.split("=", 1)[1] for word in sys.argv if word.startswith("--ServerApp.sock="))
listening = socket.socket(socket.AF_UNIX)
listening.bind(path)
listening.listen()
while True:
    listening.accept()[0].close()
"""

#: a program with a terminal in which something computes for a while, as in JupyterLab's or VS Code's
OPENS_A_TERMINAL = """#!{python}
import os, pty, sys
shell, master = pty.fork()
if shell == 0:
    os.execvp("bash", ["bash", "--norc", "-i"])
os.write(master, b"sleep 4; echo done > computed\\n")
while os.read(master, 1000):
    pass
"""


class Node:
    """A job's folder, and the script in it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.uid = folder, job_uid(datetime.now(UTC), os.urandom(10))
        self.place = session_folder(self.uid)
        self.process: subprocess.Popen[str] | None = None

    def start(self, **settings: Any) -> None:
        """Run a session; a minute at most."""
        script = self.folder / "script"
        script.write_text(session_script({"kind": "shell", "seconds": 60, "idle_seconds": 60, **settings}))
        self.process = subprocess.Popen(
            [sys.executable, str(script)], cwd=self.folder, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            env={"PATH": f"{self.folder}:/usr/bin:/bin", "HUISUAN_JOB_UID": self.uid}, stdin=subprocess.DEVNULL,
        )  # fmt: skip

    def has(self, name: str, text: str) -> None:
        """Put a program onto the node."""
        (self.folder / name).write_text(text.replace("{python}", sys.executable))
        (self.folder / name).chmod(0o755)

    def listening(self) -> None:
        """Wait until the session takes connections."""
        deadline = time.monotonic() + 20
        while not (self.place / SOCKET).exists():
            assert time.monotonic() < deadline
            time.sleep(0.02)

    def ended(self) -> tuple[int, str]:
        """How it ended, and what it said."""
        assert self.process is not None
        said, _ = self.process.communicate(timeout=40)
        return self.process.returncode, said


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    made = Node(tmp_path)
    yield made
    if made.process is not None:
        made.process.kill()
        made.process.wait()


def test_a_session_that_nobody_uses_ends(node: Node) -> None:
    node.has("jupyter", LISTENS)
    node.start(kind="jupyter", idle_seconds=1)
    code, said = node.ended()
    assert code == 0
    assert "会话空闲" in said
    assert not node.place.exists()


def test_a_session_ends_with_its_hours_though_it_is_used(node: Node) -> None:
    node.start(seconds=1)
    code, said = node.ended()
    assert code == 0
    assert "会话的时间到了" in said


def test_a_cancelled_session_takes_its_folder_along(node: Node) -> None:
    node.start()
    node.listening()
    assert node.place.stat().st_mode & 0o777 == 0o700
    assert node.process is not None
    node.process.send_signal(signal.SIGTERM)
    assert node.ended()[0] == 0
    assert not node.place.exists()


def test_a_program_that_the_node_has_not_is_named_with_the_remedy(node: Node) -> None:
    node.start(kind="vscode")
    code, said = node.ended()
    assert code == 127
    assert "code-server" in said
    assert "--prepare" in said


def test_a_program_in_a_terminal_keeps_the_session_though_nobody_looks(node: Node) -> None:
    node.has("jupyter", OPENS_A_TERMINAL)
    node.start(kind="jupyter", idle_seconds=1)
    code, said = node.ended()
    assert (code, "会话空闲" in said) == (0, True)
    assert (node.folder / "computed").read_text() == "done\n"  # and the shell at rest did not keep it


def test_a_terminal_whose_shell_is_the_program_itself_is_busy(tmp_path: Path) -> None:
    uid = job_uid(datetime.now(UTC), os.urandom(10))
    assert not is_terminal_busy(uid)
    task, master = pty.fork()
    if task == 0:
        os.execve("/bin/sleep", ["sleep", "60"], {"HUISUAN_JOB_UID": uid})
    eventually(lambda: is_terminal_busy(uid))
    assert not is_terminal_busy(uid[:-1])  # another session's
    os.kill(task, signal.SIGKILL)
    os.waitpid(task, 0)
    os.close(master)
    assert not is_terminal_busy(uid)


def test_what_prepares_the_node_runs_before_the_program_and_its_failure_is_the_sessions(node: Node) -> None:
    node.has("jupyter", '#!/bin/sh\necho "with $MODULE: $*"\nexit 3\n')
    node.start(kind="jupyter", prepare="export MODULE='conda; rm'")
    code, said = node.ended()
    assert code == 3
    assert "with conda; rm: lab --no-browser" in said


def test_what_a_killed_session_left_goes_with_a_later_one(node: Node) -> None:
    node.start()
    node.listening()
    assert node.process is not None
    node.process.kill()
    node.process.communicate(timeout=20)
    assert node.place.exists()
    os.utime(node.place, (time.time() - 7200, time.time() - 7200))
    later = Node(node.folder)
    later.start(seconds=1)
    assert later.ended()[0] == 0
    assert not node.place.exists()


def test_a_folder_that_somebody_else_made_first_is_not_used(node: Node) -> None:
    node.place.mkdir(mode=0o777)
    node.place.chmod(0o777)
    try:
        node.start()
        code, said = node.ended()
        assert code == 1
        assert "已被别的用户占用" in said
    finally:
        node.place.rmdir()


def test_code_server_starts_where_the_jobs_folder_has_a_long_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its options are those of code-server 4.96; its own socket must not lie too deep to be one."""
    folder = session_folder("0" * 26)
    monkeypatch.setenv("XDG_DATA_HOME", "/var/lib/agent/jobs/x/work")
    short = program("vscode", folder, "")
    assert short[:3] == ["code-server", "--auth=none", f"--socket={folder / SOCKET}"]
    assert not any(word.startswith("--session-socket") for word in short)
    monkeypatch.setenv("XDG_DATA_HOME", f"/home/{'a' * 80}")
    (option,) = set(program("vscode", folder, "")) - set(short)
    assert option == f"--session-socket={folder}/editor"
    assert len(option) < 107
