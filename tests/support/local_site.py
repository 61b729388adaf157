"""A centre on this machine: a real agent that is stepped by the test, with the local engine, at a served platform."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
from django.db import connections

from huisuan.client import Client
from huisuan.compute.agent_gateway.enrolment import invite_agent
from huisuan.compute.engines.local import LocalEngine
from huisuan.compute.models import JobOutputs
from huisuan.compute.site_agent.backoff import Pace
from huisuan.compute.site_agent.config import JOBS, KEY, STATE_FILE, Config
from huisuan.compute.site_agent.link import AgentLink
from huisuan.compute.site_agent.loop import Agent
from huisuan.compute.site_agent.process import join, next_boot_id
from huisuan.compute.site_agent.state import AgentState
from huisuan.protocol.resources import Job as ShownJob
from huisuan.protocol.signatures import load_key
from support.accounts import make_token
from support.jobs import centre, eventually, party

OPTIONS = {"slots": "4", "grace_seconds": "0.2"}


def joined(url: str, folder: Path, code: str = "hf-local") -> Config:
    """An agent's folder that joined for the centre."""
    config = Config(url=url, engine="local", options=OPTIONS)
    join(folder, config, invite_agent(code, "test", datetime.now(UTC))[1])
    return config


class Site:
    """A centre's machine: an agent that can be restarted, and what it says. `client` is the province's."""

    def __init__(self, url: str, token: str, folder: Path) -> None:
        self.url, self.folder = url, folder
        self.said: list[str] = []
        self.client = Client(url, token)
        self.start()

    def start(self, transport: httpx.BaseTransport | None = None) -> None:
        """Start the agent."""
        self.engine = LocalEngine(self.folder / JOBS, OPTIONS)
        self.state = AgentState(self.folder / STATE_FILE)
        self.link = AgentLink(self.url, transport=transport)
        self.agent = Agent(
            self.link, self.engine, "local", self.state, load_key(self.folder / KEY), self.folder,
            boot=next_boot_id(self.state, self.folder), now=time.time, pace=Pace(lambda: 1.0), log=self.said.append,
        )  # fmt: skip

    def stop(self) -> None:
        """Close what the agent holds."""
        self.agent.files.take([])  # a thread that hashes exabytes would outlive the test
        self.link.close()
        self.state.close()

    def restart(self, transport: httpx.BaseTransport | None = None) -> None:
        """Another start of the agent, from the same disk."""
        self.stop()
        self.start(transport)


def results_site(url: str, folder: Path) -> Iterator[Site]:
    """A centre with its agent, as the province's client sees it; what runs is ended with the test."""
    centre()
    joined(url, folder)
    made = Site(url, make_token("province", "test")[1], folder)
    made.agent.step()
    yield made
    made.engine.end_all("test over", 5)
    made.client.close()
    made.stop()


def run_with_results(site: Site, script: str, outputs: str = "results", state: str = "done", **rest: Any) -> str:
    """The uid of a job that ran that script, its results kept and reported."""
    job = submit(site, "sh", "-c", script, outputs=outputs, **rest)
    until(site, job.uid, state)
    eventually(lambda: (site.agent.step(), JobOutputs.objects.filter(job=job.uid).exists())[1])
    return job.uid


@contextmanager
def by_itself(site: Site) -> Iterator[None]:
    """The agent works by itself, in a thread of its own; without it the test steps it."""
    over = threading.Event()

    def work() -> None:
        site.start()
        while not over.is_set():
            over.wait(min(site.agent.step(), 0.05))
        site.stop()
        connections.close_all()

    site.stop()
    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        site.start()


def working(site: Site) -> Callable[[float], object]:
    """For the client's pauses: the agent works instead of the time passing."""
    return lambda _seconds: site.agent.step()


def submit(site: Site, *command: str, **rest: Any) -> ShownJob:
    """Submit a job for the first party."""
    return site.client.submit_job(command, party=party().uscc, **rest)


def until(site: Site, uid: str, state: str) -> ShownJob:
    """Let the agent work until the platform shows the job in that state."""

    def look() -> ShownJob | None:
        site.agent.step()
        job = site.client.job(uid)
        return job if job.state == state else None

    return eventually(look)
