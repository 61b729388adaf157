"""A platform with its relay, and a centre whose agent runs sessions: real processes, stepped by the test."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

from django.db import connection

from huisuan.client import Client
from huisuan.compute import engines
from huisuan.compute.agent_gateway.enrolment import invite_agent
from huisuan.compute.jobs.relay_address import PORT
from huisuan.compute.sessions.node.bridge import session_folder
from huisuan.compute.site_agent.backoff import Pace
from huisuan.compute.site_agent.config import JOBS, KEY, STATE_FILE, Config
from huisuan.compute.site_agent.link import AgentLink
from huisuan.compute.site_agent.loop import Agent
from huisuan.compute.site_agent.process import join, next_boot_id
from huisuan.compute.site_agent.state import AgentState
from huisuan.protocol.resources import Job
from huisuan.protocol.sessions import Session, SessionRequest
from huisuan.protocol.signatures import load_key
from support.accounts import make_token
from support.jobs import party
from support.ports import free_port
from support.slurm_cluster import listens

T = TypeVar("T")
SOON = 60.0


class RelayProcess:
    """The relay as `huisuan up` starts it, on the database of this test."""

    def __init__(self) -> None:
        self.port = free_port()
        settings = connection.settings_dict
        url = f"postgresql://{settings['USER']}@/{settings['NAME']}?host={quote(settings['HOST'], safe='')}"
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("HUISUAN_", "DATABASE_"))}
        self.environment = {
            **kept,
            "HUISUAN_HOME": os.environ["HUISUAN_HOME"],
            "DATABASE_URL": url,
            PORT: str(self.port),
        }
        self.log = tempfile.TemporaryFile()  # noqa: SIM115 - read when a test fails
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and wait until it listens."""
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-m", "huisuan.serving.processes.child_main", "relay"),
                *("127.0.0.1", str(self.port)),
            ],
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=self.log,
            stderr=self.log,
            start_new_session=True,
        )
        assert self.process.stdin is not None
        self.process.stdin.write(b"\n")
        self.process.stdin.flush()
        until(lambda: listens(self.port), f"the relay: {self.output()}")

    def kill(self) -> None:
        """End it as a power cut would."""
        if self.process is not None:
            os.killpg(self.process.pid, 9)
            self.process.wait()
            assert self.process.stdin is not None
            self.process.stdin.close()
            self.process = None

    def output(self) -> str:
        """What it wrote."""
        return os.pread(self.log.fileno(), 100_000, 0).decode(errors="replace")


class SessionSite:
    """One centre and its agent; the party's person starts sessions."""

    def __init__(self, url: str, folder: Path, code: str, engine: str, options: Mapping[str, str]) -> None:
        self.url, self.folder, self.engine_name, self.options = url, folder, engine, dict(options)
        folder.chmod(0o755)
        join(
            folder,
            Config(url=url, engine=engine, options=self.options),
            invite_agent(code, "test", datetime.now(UTC))[1],
        )
        self.messages: list[str] = []
        self.started, self.lost = set[str](), set[str]()
        self.agent = self._start()
        self.agent.step()
        self.token = make_token("user", "test", party=party().uscc)[1]
        self.client = Client(url, self.token)

    def _start(self) -> Agent:
        state = AgentState(self.folder / STATE_FILE)
        return Agent(
            AgentLink(self.url), engines.load(self.engine_name, self.folder / JOBS, self.options), self.engine_name,
            state, load_key(self.folder / KEY), self.folder, boot=next_boot_id(state, self.folder), now=time.time,
            pace=Pace(lambda: 1.0), log=self.messages.append,
        )  # fmt: skip

    def stop_agent(self) -> None:
        """End the agent, its tunnels with it; what runs goes on."""
        self.agent.tunnels.close()
        self.agent.link.close()
        self.agent.state.close()

    def start_agent(self) -> None:
        """Start it anew, on the same folder."""
        self.agent = self._start()

    def start(self, kind: str, **more: Any) -> Session:
        """A session that has been started; it need not run yet."""
        session = self.client.start_session(SessionRequest.model_validate({"kind": kind, **more}))
        self.started.add(session.uid)
        return session

    def ready(self, uid: str, within: float = SOON) -> Session:
        """The session once its program answers."""

        def look() -> Session | None:
            self.agent.step()
            session = self.client.session(uid)
            assert not session.final, (session, self.log(uid), self.messages)
            return session if session.ready else None

        try:
            return until(look, f"{uid} ready", within)
        except AssertionError as late:
            raise AssertionError(f"{late}: {self.client.session(uid)} {self.log(uid)} {self.messages}") from late

    def ended(self, uid: str, within: float = SOON) -> Job:
        """The session's job once it is over."""

        def look() -> Job | None:
            self.agent.step()
            job = self.client.job(uid)
            return job if job.final else None

        return until(look, f"the end of {uid}", within)

    def log(self, uid: str) -> str:
        """What the session's job wrote, as far as it has arrived."""
        return self.client.job_log(uid).text.decode(errors="replace")

    def close(self) -> None:
        """End what runs."""
        self.agent.end_jobs("the test is over")
        until(lambda: not self.agent.has_running_jobs, "the end of all sessions")
        for uid in self.started - self.lost:
            until(lambda uid=uid: not session_folder(uid).exists(), f"the end of {uid}'s folder")  # type: ignore[misc]
        for uid in self.lost:  # nobody was left to remove it
            shutil.rmtree(session_folder(uid), ignore_errors=True)
        self.stop_agent()
        self.client.close()


def until(there: Callable[[], T | None], what: str, within: float = SOON) -> T:
    """What is there in the end."""
    deadline = time.monotonic() + within
    while not (found := there()):
        assert time.monotonic() < deadline, f"{what} did not come within {within} s"
        time.sleep(0.05)
    return found
