"""What goes wrong at a centre: daemons that die, agents that are killed, an accounting that is away."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from huisuan.compute.engines.interface import EngineError, JobSpec, RunState
from huisuan.compute.engines.slurm.engine import SKEW_SECONDS
from huisuan.compute.engines.slurm.types import Request
from huisuan.protocol.job_uid import job_uid
from support.slurm_site import until

if TYPE_CHECKING:
    from support.slurm_site import Site

#: an agent that is killed at a point: right before sbatch, while it runs, or before its answer is noted
KILLED = """
import json, os, signal, sys, threading
from pathlib import Path
from huisuan.compute.engines.interface import JobSpec
from huisuan.compute.engines.slurm import SlurmEngine, engine
from huisuan.compute.engines.slurm.command_client import CommandClient

folder, options, spec, point = json.loads(sys.argv[1])
spec["command"] = tuple(spec["command"])
spec["lease_file"] = Path(spec["lease_file"])
made = SlurmEngine(Path(folder), options)
real = CommandClient.submit

def submit(self, request):
    if point == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    if point == "during":
        threading.Timer(0.01, os.kill, (os.getpid(), signal.SIGKILL)).start()
    found = real(self, request)
    os.kill(os.getpid(), signal.SIGKILL)

CommandClient.submit = submit
made.submit(JobSpec(**spec))
"""


@contextmanager
def without(site: Site, daemon: str) -> Iterator[None]:
    """A daemon is away meanwhile."""
    # the accounting is given time to write down what it has said to have: killed, it would lose a second of that
    site.cluster.kill(daemon) if daemon == "slurmctld" else site.cluster.end(daemon)
    try:
        yield
    finally:
        site.cluster.start_controller() if daemon == "slurmctld" else site.cluster.start_accounting()
        site.again()  # the old one would not ask for a while
        until(lambda: answers(site), "the engine's first answer")


def answers(site: Site) -> bool:
    """Whether both controller and accounting do."""
    try:
        site.engine.observe([job_uid(datetime.now(UTC), os.urandom(10))])
    except EngineError:
        return False
    return True


@pytest.mark.parametrize("point", ["before", "during", "after"])
def test_an_agent_killed_while_it_submits_starts_the_run_once(plain_site: Site, point: str) -> None:
    import json

    site = plain_site
    spec = site.spec("sh", "-c", "echo ran; sleep 1")
    told = {"uid": spec.uid, "command": spec.command, "partition": spec.partition, "local_card": spec.local_card}
    told["lease_file"] = str(spec.lease_file)
    asked = json.dumps([str(site.folder / "jobs"), site.options, told, point])
    killed = subprocess.run([sys.executable, "-c", KILLED, asked], check=False, capture_output=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    site.again().submit(spec)
    site.done(spec.name)
    until(lambda: not site.cluster.command("squeue", "-h", f"--name={spec.name}").strip(), "the end of all of it")
    assert site.log(spec.name) == "ran\n"
    assert len(site.usage(spec.name)) == 1
    if point != "during":  # else the sbatch that outlived its agent may have come second, and was not let in
        assert len(site.jobs(spec.name)) == 1


def test_of_two_jobs_of_one_name_one_is_let_in_and_followed(plain_site: Site) -> None:
    site = plain_site
    spec = site.run("sh", "-c", "echo ran on $SLURM_JOB_ID; sleep 3", gate=False)
    site.until(spec.name, RunState.RUNNING)
    first = site.jobs(spec.name)[0]
    second = site.engine.session.commands.submit(again(site, spec))
    site.open(spec.name)
    site.done(spec.name)
    until(lambda: not site.cluster.command("squeue", "-h", f"--name={spec.name}").strip(), "the end of both")
    assert site.jobs(spec.name) == [first, second]
    assert site.log(spec.name) in (f"ran on {first}\n", f"ran on {second}\n")
    (used,) = site.usage(spec.name)
    assert site.log(spec.name) == f"ran on {used.raw.split('|')[0]}\n"
    assert site.seen(spec.name).state is RunState.COMPLETED


def again(site: Site, spec: JobSpec) -> Request:
    """The request of a run once more, as an sbatch that outlived its agent would bring it."""
    place = site.engine.folder / spec.name
    return Request(
        name=spec.name,
        script=f"#!/bin/sh\nexec /bin/sh '{place}/launch'\n",
        partition="a100",
        gres="gpu:a100:1",
        nodes=1,
        minutes=5,
        folder=str(place / "work"),
        output=str(place / "output.log"),
        person=site.engine.session.person,
        environment={"PATH": os.environ["PATH"]},
        account="anhui",
    )


def test_a_controller_that_dies_and_returns_loses_no_run(site: Site) -> None:
    running = site.run("sh", "-c", "sleep 12; echo survived", cards=8)
    site.run("sleep", "1", cards=8)
    waiting = site.run("echo", "ran", cards=16, nodes=2)
    site.until(running.name, RunState.RUNNING)
    site.cluster.written_down(lambda: site.run("true"))
    with without(site, "slurmctld"):
        late = site.spec("echo", "late")
        before = time.monotonic()
        for ask in (
            lambda: site.engine.observe([running.name]),
            lambda: site.engine.submit(late),
            site.engine.capacity,
        ):
            with pytest.raises(EngineError, match=r"slurm|Slurm"):
                ask()
        assert time.monotonic() - before < 30  # it is not asked again and again
    site.engine.submit(late)
    site.done(running.name)
    assert site.log(running.name) == "survived\n"
    for spec in (waiting, late):
        site.done(spec.name)
        assert len(site.jobs(spec.name)) == 1


def test_a_run_that_the_controller_forgot_may_be_submitted_again(
    plain_site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed within seconds of a submission that it acknowledged, slurmctld has not written it down: seen here."""
    site = plain_site
    site.until(site.run("sleep", "60", cards=16, nodes=2).name, RunState.RUNNING)
    site.cluster.written_down(lambda: site.run("true"))
    written = {path: path.read_bytes() for path in (site.cluster.folder / "ctld").glob("job_state*")}
    spec = site.run("echo", "ran")
    with without(site, "slurmctld"):
        for path, content in written.items():
            path.write_bytes(content)
    seen = site.seen(spec.name)
    assert (seen.state, seen.reason) == (RunState.STARTING, "Slurm 暂时查不到此作业")
    site.engine.submit(spec)
    assert site.cluster.command("squeue", "-h", f"--name={spec.name}") == ""  # not yet: it may only be late
    monkeypatch.setattr("huisuan.compute.engines.slurm.observe.VANISHED_SECONDS", 0)
    assert site.engine.observe([spec.name]) == {}
    site.clear()  # makes room
    site.engine.submit(spec)
    site.done(spec.name)
    assert site.log(spec.name) == "ran\n"


def test_while_the_accounting_is_away_no_run_is_taken_for_over_or_lost(plain_site: Site) -> None:
    site = plain_site
    ending = site.run("sh", "-c", "sleep 2")
    going = site.run("sleep", "60")
    site.until(ending.name, RunState.RUNNING)
    site.until(going.name, RunState.RUNNING)
    with without(site, "slurmdbd"):
        gone = f"--name={ending.name}"
        until(lambda: not site.cluster.command("squeue", "-h", gone).strip(), "its end")
        with pytest.raises(EngineError, match="sacct"):
            site.engine.usage([going.name])
        seen = site.engine.observe([ending.name, going.name])
        assert {one.state for one in seen.values()} == {RunState.RUNNING}
        assert "等待" in seen[ending.name].reason
        with pytest.raises(EngineError, match="sacct"):  # an agent that was just started knows nothing of it
            site.again().observe([ending.name])
        new = site.spec("true")
        with pytest.raises(EngineError, match="sacct"):  # nothing begins that could not be metered
            site.engine.submit(new)
        assert not site.engine.abilities()["accounting"].able
    site.done(ending.name)
    assert len(site.usage(ending.name)) == 1


def test_an_end_that_the_accounting_lost_is_told_and_metered_by_the_controllers_word(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed at the wrong moment, slurmdbd forgets what it acknowledged: seen on this very cluster."""
    spec = site.run("sh", "-c", "sleep 2; exit 4", cards=8)
    site.until(spec.name, RunState.RUNNING)
    job = site.jobs(spec.name)[0]
    until(lambda: f"{job}|" in site.cluster.command("sacct", "-n", "-X", "-P", "-o", "JobID,State"), "its row")
    until(lambda: "4:0" in site.cluster.command("sacct", "-n", "-X", "-j", str(job), "-o", "ExitCode"), "its end")
    site.cluster.sql(f"DELETE FROM slurm_acct_db.ah_job_table WHERE id_job = {job}")
    seen = site.seen(spec.name)
    assert (seen.state, seen.reason) == (RunState.RUNNING, "已结束，等待 Slurm 记账")
    monkeypatch.setattr("huisuan.compute.engines.slurm.observe.LOST_SECONDS", 0)
    ended = site.seen(spec.name)
    assert (ended.state, ended.exit_code) == (RunState.FAILED, 4)
    (used,) = site.usage(spec.name)
    assert (used.cards, used.local_card, used.state, used.exit_code) == (8, "a100", RunState.FAILED, 4)
    assert (used.started_at, used.ended_at) == (ended.started_at, ended.ended_at)
    assert used.ended_at is not None
    assert 2 <= (used.ended_at - used.started_at).total_seconds() < 20
    assert str(job) in used.raw


def test_a_slurmrestd_that_dies_is_made_up_for_by_the_commands(
    plain_site: Site, by_rest: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    site = plain_site
    engine = site.again(**by_rest)
    assert engine.session.speaker() is engine.session.rest
    site.cluster.kill("slurmrestd")
    try:
        engine = site.again(**by_rest)
        spec = site.run("true")
        site.done(spec.name)
        assert engine.session.speaker() is engine.session.commands
        assert "slurmrestd" in caplog.text
    finally:
        site.cluster.start_rest(site.cluster.rest_port)
    assert site.again(**by_rest).session.speaker() is not engine.session.commands


def test_a_token_that_is_no_more_valid_is_said_and_never_shown(
    plain_site: Site, by_rest: dict[str, str], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    token = "eyJhbGciOiJIUzI1NiJ9.eyJleHAiOjEwMDAsInN1biI6InJvb3QifQ.c2lnbmF0dXJl"
    (tmp_path / "jwt").write_text(f"SLURM_JWT={token}\n")
    options = {key: value for key, value in by_rest.items() if key != "jwt_command"}
    engine = plain_site.again(**(options | {"jwt_file": str(tmp_path / "jwt")}))
    assert engine.session.speaker() is engine.session.commands
    found = {name: (well, why) for name, well, why in engine.diagnose()}
    assert not found["slurmrestd 与令牌"][0]
    assert token not in caplog.text + str(found) + repr(engine.session.options)


def counting(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The commands that are run from now on."""
    asked: list[str] = []
    real = subprocess.run

    def counted(words: list[str], **more: object) -> object:
        asked.append(words[0])
        return real(words, **more)  # type: ignore[call-overload]

    monkeypatch.setattr(subprocess, "run", counted)
    return asked


def test_two_hundred_runs_are_observed_with_one_question(plain_site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site = plain_site
    site.until(site.run("sleep", "600", cards=16, nodes=2).name, RunState.RUNNING)
    site.engine.started -= 2 * SKEW_SECONDS
    specs = [site.run("true", cards=8) for _ in range(200)]
    asked = counting(monkeypatch)
    seen = site.engine.observe([spec.name for spec in specs])
    assert len(seen) == 200
    assert asked == ["squeue"]
    asked.clear()
    assert site.engine.usage([spec.name for spec in specs]) == {}  # nothing of it began
    assert asked.count("sacct") == 1


def test_a_run_that_nobody_can_have_submitted_is_not_looked_for(
    plain_site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = plain_site
    site.engine.capacity()
    asked = counting(monkeypatch)
    site.run("true")
    assert asked == [
        "squeue",
        "sacct",
        "sacct",
        "sbatch",
    ]  # its job may have been made, and lost here, before the engine
    site.engine.started -= 2 * SKEW_SECONDS
    asked.clear()
    spec = site.run("true")
    assert asked == ["sbatch"]
    site.done(spec.name)
    site.engine.forget(spec.name)
    site.engine.submit(spec)
    assert len(site.jobs(spec.name)) == 1
