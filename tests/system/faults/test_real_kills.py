"""Real processes and a real kill -9: the web server, the agent, in the middle of real jobs."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
from django.db import connection
from stdnum.cn import uscc

from huisuan.compute.agent_gateway.enrolment import invite_agent
from huisuan.compute.engines.local import LocalEngine
from huisuan.compute.jobs.services import submit_job
from huisuan.compute.metering.usage.records import current_usage
from huisuan.compute.models import FINAL_STATES, Accelerator, Centre, Job, MeterFlag, Partition
from huisuan.compute.site_agent.config import JOBS, Config
from huisuan.compute.site_agent.process import join
from huisuan.parties.models import Party
from huisuan.parties.viewer import Viewer
from huisuan.protocol.resources import JobRequest
from support.ports import free_port

pytestmark = pytest.mark.django_db(transaction=True)
JOBS_AT_ONCE, SLOTS = 6, 4
AGENT = "from huisuan.compute.site_agent.commands import app; app()"


class Machine:
    """A machine with the platform's web server and a centre's agent, each of which can be killed and started."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        database = connection.settings_dict
        socket_folder = quote(str(database["HOST"]), safe="")
        self.environment = {
            **os.environ, "HUISUAN_AGENT_HOME": str(folder / "agent"),
            "DATABASE_URL": f"postgresql://postgres@/{database['NAME']}?host={socket_folder}",
        }  # fmt: skip
        self.running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str) -> None:
        """Start the web server or the agent."""
        words = {
            "web": ["-m", "huisuan.serving.processes.child_main", "web", "127.0.0.1", str(self.port)],
            "agent": ["-c", AGENT, "run"],
        }
        self.running[name] = subprocess.Popen(
            [sys.executable, *words[name]], env=self.environment, stdin=subprocess.PIPE, start_new_session=True,
            stdout=(self.folder / f"{name}.log").open("ab"), stderr=subprocess.STDOUT,
        )  # fmt: skip
        if name == "web":
            line = self.running[name].stdin
            assert line is not None
            line.write(b"\n")  # its supervisor's line: no secret for this child
            line.flush()

    def kill(self, name: str) -> None:
        """kill -9, with all that belongs to it."""
        os.killpg(self.running[name].pid, signal.SIGKILL)
        self.running[name].wait()

    def answers(self) -> bool:
        """Whether the web server does."""
        try:
            return httpx.get(f"{self.url}/healthz", trust_env=False, timeout=2).is_success
        except httpx.TransportError:
            return False


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    made = Machine(tmp_path)
    yield made
    for name in made.running:
        made.kill(name)
    LocalEngine(tmp_path / "agent" / JOBS).end_all("test over", 5)


def eventually(look: Callable[[], bool], within: float = 120) -> None:
    deadline = time.monotonic() + within
    while not look():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


def test_jobs_run_once_and_are_billed_once_though_web_and_agent_are_killed_again_and_again(
    machine: Machine, tmp_path: Path
) -> None:
    code = "91340100MA2T00001"
    party = Party.objects.create(
        uscc=code + uscc.calc_check_digit(code), name="用户", kind="enterprise", region_id="340100"
    )
    centre = Centre.objects.create(code="hf", name="hf", operator=party, region_id="340100", engine="local")
    slot = Accelerator.objects.get(model="CPU-SLOT")
    Partition.objects.create(centre=centre, name="cpu", accelerator=slot, nodes=1, cards_per_node=SLOTS)
    machine.start("web")
    eventually(machine.answers)
    word = invite_agent("hf", "test", datetime.now(UTC))[1]
    join(tmp_path / "agent", Config(machine.url, "local", {"slots": str(SLOTS), "grace_seconds": "0.2"}), word)
    machine.start("agent")

    viewer, chance = Viewer(role="user", name="用户", party_id=party.pk), random.Random(11)
    uids = []
    for number in range(JOBS_AT_ONCE):
        script = f"echo x >> {tmp_path}/{number}; sleep {chance.choice([0.2, 1.2, 3])}; echo done"
        asked = JobRequest(command=["sh", "-c", script], cards=chance.randint(1, 2), model="CPU-SLOT")
        uids.append(submit_job(asked, viewer, datetime.now(UTC), number.to_bytes(10)).uid)
    for name in chance.sample(["agent"] * 6 + ["web"] * 2, 8):
        time.sleep(chance.uniform(0.1, 0.8))
        machine.kill(name)
        machine.start(name)
    eventually(lambda: not Job.objects.exclude(state__in=FINAL_STATES).exists())
    eventually(lambda: {record.job_id for record in current_usage()} == set(uids))

    assert [(tmp_path / str(number)).read_text() for number in range(JOBS_AT_ONCE)] == ["x\n"] * JOBS_AT_ONCE
    jobs = {job.uid: job for job in Job.objects.all()}
    assert {job.state for job in jobs.values()} == {"done"}
    billed = {record.job_id: record.card_seconds for record in current_usage()}
    assert len(list(current_usage())) == JOBS_AT_ONCE
    for uid, job in jobs.items():
        assert job.started_at is not None
        assert job.ended_at is not None
        assert billed[uid] == job.cards * int((job.ended_at - job.started_at).total_seconds())
    assert not list(MeterFlag.objects.values_list("kind", "text", "key"))
