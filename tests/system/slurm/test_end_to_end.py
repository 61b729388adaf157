"""From an engineer's sbatch script to a sealed month that an auditor checks offline: a real platform, two agents, two
engines, one of them a real Slurm.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from huisuan.base.months import SHANGHAI, Month
from huisuan.client import Client
from huisuan.compute import engines
from huisuan.compute.agent_gateway.enrolment import invite_agent
from huisuan.compute.centres.services import CentrePlan, add_centre
from huisuan.compute.centres.tariffs import set_tariff
from huisuan.compute.jobspec.detect import parse_job_file
from huisuan.compute.metering.audit.verify import verify_export
from huisuan.compute.metering.exports.evidence_bundle import export_ledger
from huisuan.compute.metering.seals.queries import list_seals
from huisuan.compute.metering.seals.seal_month import seal_month
from huisuan.compute.models import CentreNode, JobEvent, MeterFlag, PlacementDecision, UsageRecord
from huisuan.compute.site_agent.backoff import Pace
from huisuan.compute.site_agent.config import JOBS, KEY, STATE_FILE, Config
from huisuan.compute.site_agent.link import AgentLink
from huisuan.compute.site_agent.loop import Agent
from huisuan.compute.site_agent.process import join, next_boot_id
from huisuan.compute.site_agent.state import AgentState
from huisuan.protocol.resources import Job as ShownJob
from huisuan.protocol.signatures import load_key
from support.accounts import make_token
from support.jobs import party
from support.slurm_cluster import Cluster
from support.slurm_site import until

pytestmark = pytest.mark.django_db(transaction=True)
A100, NPU, SLOT = "A100-SXM4-80GB", "Ascend-910B3", "CPU-SLOT"
SBATCH = """#!/bin/bash
#SBATCH --job-name="$(touch /tmp/pwned);'微调'"
#SBATCH --nodes=2 --gpus-per-node=4
#SBATCH --time=00:10:00
echo "$SLURM_JOB_NUM_NODES 节点"; sleep 2
"""


class Station:
    """One centre's agent, stepped by the test."""

    def __init__(self, url: str, folder: Path, code: str, engine: str, options: Mapping[str, str]) -> None:
        join(
            folder,
            Config(url=url, engine=engine, options=dict(options)),
            invite_agent(code, "test", datetime.now(UTC))[1],
        )
        self.state = AgentState(folder / STATE_FILE)
        self.link = AgentLink(url)
        runs = engines.load(engine, folder / JOBS, options)
        self.agent = Agent(
            self.link, runs, engine, self.state, load_key(folder / KEY), folder,
            boot=next_boot_id(self.state, folder), now=time.time, pace=Pace(lambda: 1.0), log=lambda _: None,
        )  # fmt: skip

    def close(self) -> None:
        """Let go of the platform and of the agent's file."""
        self.link.close()
        self.state.close()


class Province:
    """The platform with two centres: `ah` on Slurm, `hf` on this machine's processors."""

    def __init__(self, url: str, cluster: Cluster, options: Mapping[str, str]) -> None:
        self.client = Client(url, make_token("province", "test")[1])
        plans = {
            "ah": ("slurm", (f"a100={A100}:2x8:a100", f"ascend={NPU}:1x8:910b3"), options),
            "hf": ("local", (f"cpu={SLOT}:1x4",), {"slots": "4", "grace_seconds": "0.2"}),
        }
        for code, (engine, partitions, _) in plans.items():
            operator = party(99, "centre_operator").uscc
            add_centre(code, CentrePlan(code, operator, "340100", engine=engine, partitions=partitions))
        for code, model, fen in (("ah", A100, 1180), ("ah", NPU, 950), ("hf", SLOT, 12)):
            set_tariff(code, model, str(fen), date(2024, 1, 1))
        self.folder = cluster.folder
        self.stations = [
            Station(url, self._folder(code), code, engine, given) for code, (engine, _, given) in plans.items()
        ]

    def _folder(self, code: str) -> Path:
        made = self.folder / f"agent-{code}-{time.monotonic_ns()}"  # on the cluster's file system
        made.mkdir(mode=0o755)
        return made

    def step(self) -> None:
        """Every agent calls once."""
        for station in self.stations:
            station.agent.step()

    def submit(self, command: list[str] | None = None, **rest: Any) -> ShownJob:
        """A job of party 1."""
        return self.client.submit_job(command or [], party=party().uscc, **rest)

    def until(self, uid: str, *states: str) -> ShownJob:
        """The job once it is in one of these states."""

        def look() -> ShownJob | None:
            self.step()
            job = self.client.job(uid)
            return job if job.state in states else None

        return until(look, f"{uid} {states}", within=90)

    def metered(self, uid: str) -> list[UsageRecord]:
        """The job's records once the scheduler's accounting has come."""

        def look() -> list[UsageRecord] | None:
            self.step()
            return list(UsageRecord.objects.filter(job_id=uid).order_by("sequence")) or None

        return until(look, f"records of {uid}", within=90)


@pytest.fixture
def province(live_server: Any, cluster: Cluster, by_commands: dict[str, str]) -> Iterator[Province]:
    """The platform and its two centres, whose agents have called once."""
    made = Province(live_server.url, cluster, by_commands)
    made.step()
    yield made
    for station in made.stations:
        station.close()
    made.client.close()


def test_an_sbatch_script_runs_as_a_gang_on_slurm_and_is_metered_as_slurm_accounts(
    province: Province, cluster: Cluster
) -> None:
    asked = parse_job_file(SBATCH, "train.sbatch").request
    job = province.client.submit(asked.model_copy(update={"party": party().uscc}))
    done = province.until(job.uid, "done", "failed", "lost")
    assert (done.state, done.centre, done.model, done.exit_code) == ("done", "ah", A100, 0)
    assert b"".join(province.client.follow_log(job.uid)).decode() == "2 节点\n"
    assert not Path("/tmp/pwned").exists()
    records = province.metered(job.uid)
    line = cluster.command(
        "sacct",
        "-n",
        "-P",
        "-X",
        "--allusers",
        f"--name={job.uid}",
        "-S",
        "now-1days",
        "-o",
        "ElapsedRaw,AllocTRES,NNodes",
    )
    elapsed, tres, nodes = line.strip().split("|")
    assert "gres/gpu=8" in tres
    assert sum(record.card_seconds for record in records) == 8 * int(elapsed)
    assert {(record.cards, record.node_count) for record in records} == {(8, int(nodes))}
    assert [event.state for event in JobEvent.objects.filter(job=job.uid)][:2] == ["waiting", "placed"]


def test_two_engines_serve_at_once_and_each_job_goes_where_its_cards_are(province: Province) -> None:
    on_npu = province.submit(["sh", "-c", "echo npu"], models=[NPU], cards=2)
    on_cpu = province.submit(["sh", "-c", "echo cpu"], models=[SLOT], cards=2)
    fails = province.submit(["sh", "-c", "exit 3"], models=[A100])
    ends = {job.uid: province.until(job.uid, "done", "failed", "lost") for job in (on_npu, on_cpu, fails)}
    assert [(end.state, end.centre, end.exit_code) for end in ends.values()] == [
        ("done", "ah", 0), ("done", "hf", 0), ("failed", "ah", 3),
    ], [end.reasons for end in ends.values()]  # fmt: skip
    for uid in ends:
        assert province.metered(uid)[0].party == party()
    assert PlacementDecision.objects.count() == 3
    assert not MeterFlag.objects.exists()


def test_the_agents_tell_what_slurm_shows(province: Province) -> None:
    shown = CentreNode.objects.filter(centre__code="ah").values_list("name", "partition", "cards", "accelerator__model")
    told = {(name, cards, model) for name, _, cards, model in shown}
    assert told == {("gpu01", 8, A100), ("gpu02", 8, A100), ("npu01", 8, NPU)}


def test_a_running_job_is_cancelled_on_slurm_and_what_it_held_is_metered(province: Province) -> None:
    job = province.submit(["sleep", "300"], models=[A100], cards=1)
    until(lambda: province.until(job.uid, "running").started_at, "its own start")  # at its gate it holds nothing yet
    province.client.cancel_job(job.uid)
    assert province.until(job.uid, "cancelled", "done", "lost").state == "cancelled"
    assert province.metered(job.uid)[0].state == "CANCELLED"


def test_the_month_is_sealed_by_both_sides_and_checked_offline(province: Province, tmp_path: Path) -> None:
    job = province.submit(["true"], models=[A100], cards=1)
    province.until(job.uid, "done")
    (record, *_rest) = province.metered(job.uid)
    month = Month.containing(record.ended_at.astimezone(SHANGHAI).date())
    centre = record.centre
    later = datetime.now(UTC) + timedelta(days=40)
    seal_month(centre.code, month, by="test", now=later)

    def countersigned() -> bool:
        province.step()
        return hasattr(list_seals(centre).get(), "countersigned")

    until(countersigned, "the centre's signature", within=30)
    export_ledger(centre.code, tmp_path / "export", None, later)
    verdict = verify_export(tmp_path / "export")
    assert not verdict.findings, verdict
