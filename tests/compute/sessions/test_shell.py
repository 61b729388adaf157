"""A shell on the local engine, through the relay and the command line in a real terminal: what breaks is made again."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator

import psutil
import pytest

from support.session_site import RelayProcess, SessionSite

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


class CommandLine:
    """`huisuan session …` in a terminal of 100 columns."""

    def __init__(self, site: SessionSite, *words: str) -> None:
        self.site, self.shown = site, b""
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
        self.process = subprocess.Popen(
            [sys.executable, "-c", "from huisuan.cli.main import main; main()", "session", *words],
            env={**os.environ, "HUISUAN_URL": site.url, "HUISUAN_TOKEN": site.token, "TERM": "xterm"},
            stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
        )  # fmt: skip
        os.close(slave)
        os.set_blocking(self.master, False)

    def type(self, text: str) -> None:
        """Press keys."""
        os.write(self.master, text.encode())

    def until(self, text: str, within: float = 60) -> None:
        """Have the agent work until the terminal shows that; what it showed up to there is forgotten."""
        deadline = time.monotonic() + within
        while text.encode() not in self.shown:
            assert time.monotonic() < deadline, (text, self.shown.decode(errors="replace"), self.site.messages)
            self.site.agent.step()
            with contextlib.suppress(BlockingIOError, OSError):
                self.shown += os.read(self.master, 65536)
            time.sleep(0.05)
        self.shown = self.shown.partition(text.encode())[2]

    def code(self) -> int:
        """How the command ended."""
        return self.process.wait(30)


@pytest.fixture
def terminals(site: SessionSite) -> Iterator[list[CommandLine]]:
    """Those that a test opens are gone when it is over."""
    made: list[CommandLine] = []
    yield made
    for one in made:
        one.process.kill()
        one.process.wait()
        os.close(one.master)


def test_a_shell_in_a_terminal_is_left_entered_again_and_ended(site: SessionSite, terminals: list[CommandLine]) -> None:
    terminals.append(first := CommandLine(site, "shell"))
    first.until("已接上终端")
    (session,) = site.client.sessions()
    first.type("until [ \"$(stty size)\" = '30 100' ]; do sleep 0.1; done; stty size; echo $((6*7))-$HUISUAN_JOB_UID\r")
    first.until("\r30 100")
    first.until(f"42-{session.uid}")
    first.type("sh -c 'echo runs-$((3+4)); sleep 300'\r")
    first.until("runs-7")
    first.type("\x03")  # goes to what runs there, and ends nothing here
    first.until("^C")
    first.type("echo still-$((1+1))\r")
    first.until("still-2")
    first.type("kept=yes\r\x1d")
    first.until("已离开")
    assert first.code() == 0
    terminals.append(again := CommandLine(site, "open", session.uid))
    again.until("still-2")  # the last screens are shown again
    again.type("echo $kept-$((2+2))\r")
    again.until("yes-4")
    again.type("exit\r")
    assert again.code() == 0
    job = site.ended(session.uid)
    assert (job.state, job.exit_code) == ("done", 0)


def test_a_shell_outlives_its_agent_and_the_relay(
    site: SessionSite, relay: RelayProcess, terminals: list[CommandLine]
) -> None:
    terminals.append(terminal := CommandLine(site, "shell"))
    terminal.until("已接上终端")
    terminal.type("before=agent; echo set-$((1+1))\r")
    terminal.until("set-2")
    site.stop_agent()
    site.start_agent()
    terminal.until("set-2")  # connected again, it shows its last screens
    terminal.type("echo $before-$((2+2))\r")
    terminal.until("agent-4")
    relay.kill()
    relay.start()
    terminal.until("agent-4")
    terminal.type("echo $before-$((3+3))\r")
    terminal.until("agent-6")


def test_a_shell_whose_node_is_lost_says_so(site: SessionSite, terminals: list[CommandLine]) -> None:
    terminals.append(terminal := CommandLine(site, "shell"))
    terminal.until("已接上终端")
    (session,) = site.client.sessions()
    for process in psutil.process_iter(["cmdline"]):
        if any(str(site.folder) in word for word in process.info["cmdline"] or ()):
            process.send_signal(signal.SIGKILL)  # the runner, the session and the bridge at once, as with a power cut
    site.lost.add(session.uid)
    terminal.until("已经结束")
    assert terminal.code() == 1
    assert site.ended(session.uid).state == "lost"
