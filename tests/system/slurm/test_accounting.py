"""What is metered is what Slurm's accounting says, to the second: restarts, suspensions, ends of every kind."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from huisuan.compute.engines.interface import RunState
from support.slurm_site import until

if TYPE_CHECKING:
    from support.slurm_site import Site

FIELDS = "JobIDRaw,State,Start,End,Suspended,AllocTRES,NodeList,ExitCode"


def sacct(site: Site, name: str) -> list[list[str]]:
    """The runs of that name as an operator sees them: local time, no steps."""
    asked = ("-n", "-X", "-P", "--duplicates", "--allusers", f"--name={name}", "-S", "now-1days", "-o", FIELDS)
    return [line.split("|") for line in site.cluster.command("sacct", *asked).splitlines()]


def utc(local: str) -> datetime:
    """Of a time of the operator's, who lives at UTC+8."""
    return datetime.fromisoformat(f"{local}+08:00").astimezone(UTC)


def test_a_run_is_metered_while_it_runs_without_its_steps(plain_site: Site) -> None:
    spec = plain_site.run("sh", "-c", "srun --ntasks=1 --gres=gpu:a100:1 sleep 60", cards=2)
    until(lambda: ".0" in plain_site.cluster.command("sacct", "-n", "-o", "JobID", f"--name={spec.name}"), "its step")
    (used,) = plain_site.usage(spec.name)
    assert (used.cards, used.ended_at, used.state, used.exit_code) == (2, None, RunState.RUNNING, None)
    assert abs(datetime.now(UTC) - used.started_at) < timedelta(minutes=1)


def span(start: str, end: str) -> tuple[datetime, datetime]:
    """What a run counts: Slurm cuts off parts of a second, one counts at least."""
    return utc(start), max(utc(end), utc(start) + timedelta(seconds=1))


def requeue(site: Site, name: str) -> None:
    """Have Slurm start the job again, without the two minutes that it waits by itself.

    Some wait there has to be: Slurm takes the word of the first run's end for the second's if that comes at once.
    """
    job = str(*site.jobs(name))
    site.cluster.command("scontrol", "requeue", job)
    requeued = time.monotonic()
    until(lambda: site.seen(name).state is RunState.QUEUED, "the job in the queue again")
    until(lambda: not any(f"[{job}." in line for line in site.cluster.running()), "the end of its first run")
    until(lambda: time.monotonic() - requeued > 3, "what is still said of the first run")
    site.cluster.command("scontrol", "update", f"JobId={job}", "StartTime=now")


def test_a_requeued_job_is_metered_run_by_run(plain_site: Site) -> None:
    site = plain_site
    spec = site.run("sh", "-c", "echo run ${SLURM_RESTART_COUNT:-0}; sleep 7", cards=2)
    until(lambda: site.log(spec.name) == "run 0\n", "the first run's output")
    requeue(site, spec.name)
    until(lambda: "run 1\n" in site.log(spec.name), "the second run's output")
    during = until(lambda: used if len(used := site.usage(spec.name)) == 2 else None, "the second run's row")
    assert [(one.restart, one.ended_at is None) for one in during] == [(0, False), (1, True)]
    site.done(spec.name)
    first, second = site.usage(spec.name)
    assert (first.restart, first.state, second.restart, second.state) == (
        *(0, RunState.CANCELLED, 1, RunState.COMPLETED),
    )
    assert first.ended_at is not None
    assert second.started_at >= first.ended_at
    rows = sacct(site, spec.name)
    assert [row[1] for row in rows] == ["REQUEUED", "COMPLETED"]
    assert [(one.started_at, one.ended_at) for one in (first, second)] == [span(row[2], row[3]) for row in rows]
    assert "run 0" in site.log(spec.name)  # the output goes on, it does not begin again


def test_a_suspended_job_is_metered_without_the_time_it_was_suspended(plain_site: Site) -> None:
    site = plain_site
    # many short sleeps: one long one would go on while it is suspended
    steps = "echo up; for n in 1 2 3 4 5 6; do sleep 0.5; done"
    spec = site.run("sh", "-c", steps, time_limit_seconds=6)
    until(lambda: site.log(spec.name) == "up\n", "its output")
    job = str(*site.jobs(spec.name))
    site.cluster.command("scontrol", "suspend", job)
    seen = until(lambda: one if (one := site.seen(spec.name)).reason else None, "the suspension")
    assert (seen.state, seen.reason) == (RunState.RUNNING, "被中心暂停")
    until(lambda: (used := site.usage(spec.name)) and used[0].suspended_seconds >= 4, "four seconds of suspension")
    site.cluster.command("scontrol", "resume", job)
    site.done(spec.name)  # its own limit is not over: suspended time does not count
    (used,) = site.usage(spec.name)
    ((_, _, start, end, suspended, *_),) = sacct(site, spec.name)
    assert (used.started_at, used.ended_at) == (utc(start), utc(end))
    assert suspended == f"00:00:{used.suspended_seconds:02}"
    assert used.ended_at is not None
    assert 2 <= (used.ended_at - used.started_at).total_seconds() - used.suspended_seconds <= 6


def test_what_is_metered_equals_sacct_to_the_second_whatever_the_end(plain_site: Site) -> None:
    site = plain_site
    specs = [
        site.run("true"),
        site.run("false", cards=8),
        site.run("sleep", "1", cards=2, nodes=2),
        site.run("sleep", "60", time_limit_seconds=1),
        site.run("true", partition="ascend", local_card="910b3", cards=3),
    ]
    site.engine.cancel(specs[2].name)
    for spec in specs:
        site.ended(spec.name)
    used = site.engine.usage([spec.name for spec in specs])
    for spec in specs:
        rows = [row for row in sacct(site, spec.name) if row[5]]
        assert len(used.get(spec.name, ())) == len(rows)
        for one, (job, _, start, end, suspended, tres, nodes, _) in zip(used.get(spec.name, ()), rows, strict=True):
            assert (one.started_at, one.ended_at) == span(start, end)
            assert (one.nodes, suspended, one.suspended_seconds) == (nodes, "00:00:00", 0)
            assert f"gres/{'npu' if one.local_card == '910b3' else 'gpu'}:{one.local_card}={one.cards}" in tres
            assert one.raw.startswith(f"{job}|{spec.name}|")
            assert tres in one.raw


def test_a_node_that_fails_ends_or_restarts_its_jobs(plain_site: Site) -> None:
    site = plain_site
    spec = site.run("sleep", "60", partition="ascend", local_card="910b3")
    site.until(spec.name, RunState.RUNNING)
    site.cluster.command("scontrol", "update", f"JobId={site.jobs(spec.name)[0]}", "Requeue=0")
    site.cluster.command("scontrol", "update", "nodename=npu01", "state=down", "reason=test")
    try:
        ended = site.ended(spec.name)
    finally:
        site.cluster.works("scontrol", "update", "nodename=npu01", "state=resume")  # it may be back by itself
    assert (ended.state, ended.reason) == (RunState.FAILED, "计算节点故障")
    assert len(site.usage(spec.name)) == 1


def test_a_job_that_is_preempted_has_failed_and_says_so(plain_site: Site) -> None:
    site = plain_site
    spec = site.run("sleep", "60", cards=16, nodes=2)
    site.until(spec.name, RunState.RUNNING)
    site.run("true", partition="urgent", cards=8)
    ended = site.ended(spec.name)
    assert (ended.state, ended.reason) == (RunState.FAILED, "被更优先的作业抢占")


def test_a_job_that_the_centre_cancels_says_who_did(plain_site: Site) -> None:
    spec = plain_site.run("sleep", "60")
    plain_site.until(spec.name, RunState.RUNNING)
    plain_site.cluster.command("scancel", *map(str, plain_site.jobs(spec.name)))
    ended = plain_site.ended(spec.name)
    assert (ended.state, ended.reason) == (RunState.CANCELLED, "由中心取消（uid 0）")


def test_a_job_past_its_deadline_has_run_out_of_time(plain_site: Site) -> None:
    site = plain_site
    site.run("sleep", "60", partition="ascend", local_card="910b3", cards=8)
    spec = site.run("true", partition="ascend", local_card="910b3", time_limit_seconds=1)
    job = site.jobs(spec.name)[0]
    site.cluster.command("scontrol", "update", f"JobId={job}", "Deadline=now+70")
    site.cluster.command("scontrol", "update", f"JobId={job}", "TimeLimit=2")
    ended = site.ended(spec.name)
    assert (ended.state, ended.reason, ended.started_at) == (RunState.TIMEOUT, "到了截止时间，被 Slurm 结束", None)
