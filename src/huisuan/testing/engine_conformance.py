"""What every engine must do: subclass EngineConformance, give it a `bench` fixture, and its tests run on your engine.

All runs are submitted at once and shared by the tests, so that a scheduler that takes seconds to start a job is asked
once. The bench has class scope; docs/new-engine.md shows one. Needs pytest.
"""

from __future__ import annotations

import json
import secrets
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from huisuan.compute.engines.common.start_gate import gate_of
from huisuan.compute.engines.interface import (
    ABILITIES,
    OPTIONAL_ABILITIES,
    Engine,
    JobSpec,
    Observation,
    RunState,
    RunUsage,
)

NASTY = ["$HOME", "$(id)", "`id`", "; echo hacked", "a b", "*", "'\"", "$$", "%n", "汉字", "", "-n", "a\nb"]
_SHOW = "import json, os, sys; print(json.dumps([sys.argv[1:], os.environ['GREETING']]))"
LINES = "import sys\nfor n in range(2000): print('line', n)\nprint('end', file=sys.stderr)"
REASON = "用户取消：'; rm -rf /"


@dataclass
class Bench:
    """An engine under test.

    Attributes:
        engine: makes the engine anew on the same folder, as after a restart of the agent.
        spec: what this engine needs of every job (image, card, partition).
        patience: seconds to wait for a job.
        python: the interpreter that jobs run with.
        cards: accelerators of each job.
        shortest_limit: the shortest time limit that the engine honours, in seconds; above 10 the timeout is not tried.
        waits: further fields that keep a job from beginning for now; None where there are none.
        lease: a lease file in a folder that may hold start gates, for engines that wait at them.
        runs: the jobs by their label.
    """

    engine: Callable[[], Engine]
    spec: dict[str, Any]
    patience: float = 60
    python: str = sys.executable
    cards: int = 1
    shortest_limit: int = 1
    waits: dict[str, Any] | None = None
    lease: Path | None = None
    runs: dict[str, JobSpec] = field(default_factory=dict)

    def job(self, label: str, *command: str, **more: Any) -> JobSpec:
        """Make a job of that label; its uid is new each time, since a cluster may outlive one bench."""
        uid = f"01{secrets.token_hex(5)}{label}"[:26].ljust(26, "0")
        fields = {"cards": self.cards, "time_limit_seconds": 600, **self.spec, **more}
        self.runs[label] = JobSpec(uid, command=command, **fields)
        return self.runs[label]

    def until(self, label: str, wanted: Callable[[Observation], bool]) -> Observation:
        """Wait until the run is as wanted; its observation then."""
        name, engine, deadline = self.runs[label].name, self.engine(), time.monotonic() + self.patience
        while True:
            seen = engine.observe([name])
            if name in seen and wanted(seen[name]):
                return seen[name]
            assert time.monotonic() < deadline, f"{label}: {seen.get(name)}"
            time.sleep(0.1)

    def wait_for_end(self, label: str) -> Observation:
        """Wait until the run is over; its last observation."""
        return self.until(label, lambda seen: seen.state.final)

    def used(self, label: str) -> tuple[RunUsage, ...]:
        """The usage of the run, in order; empty where the engine reports none."""
        name = self.runs[label].name
        return tuple(self.engine().usage([name]).get(name, ()))

    def output(self, label: str) -> bytes:
        """Everything the run wrote."""
        return self.engine().logs(self.runs[label].name, 0, 10_000_000)


def used_seconds(usage: tuple[RunUsage, ...]) -> int:
    """The time that ended slices cover, in seconds."""
    return sum(int((piece.ended_at - piece.started_at).total_seconds()) for piece in usage if piece.ended_at)


class EngineConformance:
    """The behaviours every engine has in common. A subclass provides the fixture `bench`, with class scope."""

    @pytest.fixture(scope="class")
    @classmethod
    def runs(cls, bench: Bench) -> Iterator[Bench]:
        """The bench with every run under way; the one that is to be cancelled running runs."""
        engine, python = bench.engine(), bench.python
        jobs = [
            bench.job("words", python, "-c", _SHOW, *NASTY, environment={"GREETING": "你好 $(id) $HOME"}),
            bench.job("twice", "sh", "-c", "echo ran"),
            bench.job("fails", "sh", "-c", "exit 3"),
            bench.job("script", script='#!/bin/sh\necho "$GREETING from a script"\n', environment={"GREETING": "hi"}),
            bench.job("lines", python, "-c", LINES),
            bench.job("running", "sh", "-c", "echo started; sleep 300"),
            bench.job("another", "sh", "-c", "echo again", run=3),
        ]
        if bench.shortest_limit <= 10:
            jobs.append(bench.job("slow", "sleep", "300", time_limit_seconds=bench.shortest_limit))
        if bench.waits is not None:
            jobs.append(bench.job("never", "sh", "-c", "echo never", **bench.waits))
        if bench.lease is not None:
            gate_of(bench.lease, "x").parent.mkdir(parents=True, exist_ok=True)
            bench.lease.write_text(str(int(time.time()) + 600))
            over = bench.lease.parent / "over" / "lease"
            gate_of(over, "x").parent.mkdir(parents=True, exist_ok=True)
            over.write_text("1000")
            jobs.append(bench.job("admitted", "sh", "-c", "echo in", lease_file=bench.lease))
            jobs.append(bench.job("expired", "sh", "-c", "echo in", lease_file=over))
        for job in jobs:
            engine.submit(job)
        bench.engine().submit(bench.runs["twice"])
        yield bench
        for job in jobs:
            engine.cancel(job.name, "test over")
        for label in bench.runs:
            bench.wait_for_end(label)
            engine.forget(bench.runs[label].name)

    def test_it_says_of_every_ability_whether_and_why(self, bench: Bench) -> None:
        abilities = bench.engine().abilities()
        assert set(abilities) - set(OPTIONAL_ABILITIES) == set(ABILITIES)
        assert all(ability.why for ability in abilities.values())

    def test_its_nodes_have_cards_and_no_more_in_use_than_there_are(self, bench: Bench) -> None:
        nodes = bench.engine().capacity()
        assert nodes
        assert all(0 <= node.used <= node.cards and node.state in ("up", "down", "drained") for node in nodes)

    def test_what_is_well_and_what_is_not_is_said_with_a_remedy(self, bench: Bench) -> None:
        findings = bench.engine().diagnose()
        assert findings
        assert all(what and (well or remedy) for what, well, remedy in findings)

    def test_a_run_that_nobody_submitted_is_not_there(self, bench: Bench) -> None:
        engine, stranger = bench.engine(), "01m8558jnns7cryxk3r3r51yjp-9"
        assert engine.observe([stranger]) == {}
        assert not engine.usage([stranger])
        assert engine.logs(stranger, 0, 100) == b""
        engine.cancel(stranger, "nobody")
        engine.forget(stranger)

    def test_a_run_with_neither_command_nor_script_is_refused(self, bench: Bench) -> None:
        job = bench.job("empty")
        del bench.runs["empty"]
        with pytest.raises(ValueError, match=r"script|脚本"):
            bench.engine().submit(job)

    def test_a_run_that_is_cancelled_while_it_runs_ends_and_keeps_the_reason(self, runs: Bench) -> None:
        runs.until("running", lambda seen: seen.state is RunState.RUNNING and b"started" in runs.output("running"))
        (used,) = runs.used("running")
        assert (used.ended_at, used.state, used.cards) == (None, RunState.RUNNING, runs.cards)
        assert sum(node.used for node in runs.engine().capacity()) >= runs.cards
        runs.engine().cancel(runs.runs["running"].name, REASON)
        seen = runs.wait_for_end("running")
        assert (seen.state, seen.reason) == (RunState.CANCELLED, REASON)
        (used,) = runs.used("running")
        assert (used.state, used.ended_at) == (RunState.CANCELLED, seen.ended_at)

    def test_a_run_that_is_cancelled_before_it_begins_never_does(self, runs: Bench) -> None:
        if runs.waits is None:
            pytest.skip("this bench has no way to keep a run waiting")
        runs.until("never", lambda seen: not seen.state.final)
        runs.engine().cancel(runs.runs["never"].name, REASON)
        seen = runs.wait_for_end("never")
        assert (seen.state, seen.reason, seen.started_at) == (RunState.CANCELLED, REASON, None)
        assert runs.used("never") == ()
        assert b"never\n" not in runs.output("never")

    def test_arguments_and_environment_reach_the_program_as_they_are(self, runs: Bench) -> None:
        assert runs.wait_for_end("words").state is RunState.COMPLETED, runs.output("words")
        printed = next(line for line in runs.output("words").decode().splitlines() if line.startswith("[["))
        assert json.loads(printed) == [NASTY, "你好 $(id) $HOME"]

    def test_a_run_that_went_well_is_metered_to_its_end(self, runs: Bench) -> None:
        seen = runs.wait_for_end("lines")
        assert (seen.state, seen.exit_code) == (RunState.COMPLETED, 0)
        used = runs.used("lines")
        assert {(usage.cards, usage.node_count) for usage in used} == {(runs.cards, 1)}
        assert all(usage.nodes and usage.raw for usage in used)
        assert (used[0].started_at, used[-1].ended_at) == (seen.started_at, seen.ended_at)
        assert 1 <= used_seconds(used) <= runs.patience
        assert (used[-1].state, used[-1].exit_code) == (RunState.COMPLETED, 0)
        assert all(moment.tzinfo is UTC and not moment.microsecond for moment in _moments(used))

    def test_a_run_that_fails_keeps_its_exit_code_and_is_metered(self, runs: Bench) -> None:
        assert (runs.wait_for_end("fails").state, runs.wait_for_end("fails").exit_code) == (RunState.FAILED, 3)
        assert (runs.used("fails")[-1].exit_code, used_seconds(runs.used("fails")) >= 1) == (3, True)

    def test_a_run_that_is_submitted_twice_runs_once(self, runs: Bench) -> None:
        assert runs.wait_for_end("twice").state is RunState.COMPLETED
        assert runs.output("twice").splitlines().count(b"ran") == 1
        runs.engine().submit(runs.runs["twice"])
        assert runs.wait_for_end("twice").state is RunState.COMPLETED
        assert len({usage.started_at for usage in runs.used("twice")}) == len(runs.used("twice")) > 0

    def test_a_later_run_of_a_job_is_a_run_of_its_own(self, runs: Bench) -> None:
        assert runs.runs["another"].name.endswith("-3")
        assert runs.wait_for_end("another").state is RunState.COMPLETED
        assert b"again\n" in runs.output("another")

    def test_a_script_runs_by_its_first_line(self, runs: Bench) -> None:
        assert runs.wait_for_end("script").state is RunState.COMPLETED, runs.output("script")
        assert b"hi from a script\n" in runs.output("script")

    def test_output_is_read_from_any_offset(self, runs: Bench) -> None:
        runs.wait_for_end("lines")
        whole, name = runs.output("lines"), runs.runs["lines"].name
        assert b"line 1999\n" in whole
        assert b"end\n" in whole
        assert runs.engine().logs(name, 1000, 500) == whole[1000:1500]
        assert runs.engine().logs(name, len(whole), 500) == b""
        assert runs.engine().logs(name, len(whole) + 1000, 500) == b""

    def test_a_run_over_its_time_limit_is_ended_and_says_so(self, runs: Bench) -> None:
        if "slow" not in runs.runs:
            pytest.skip("the shortest time limit here is too long for a test")
        seen = runs.wait_for_end("slow")
        assert seen.state is RunState.TIMEOUT
        assert seen.reason
        assert used_seconds(runs.used("slow")) >= runs.shortest_limit

    def test_a_run_waits_at_its_gate_and_begins_when_it_opens(self, runs: Bench) -> None:
        if runs.lease is None:
            pytest.skip("this engine has no gate")
        job = runs.runs["admitted"]
        waiting = runs.until("admitted", lambda seen: seen.state is RunState.RUNNING)
        assert waiting.started_at is None
        assert not runs.used("admitted")
        gate_of(runs.lease, job.name).touch()
        assert runs.wait_for_end("admitted").state is RunState.COMPLETED
        assert b"in\n" in runs.output("admitted")

    def test_a_run_that_is_not_admitted_leaves_without_having_begun(self, runs: Bench) -> None:
        if runs.lease is None:
            pytest.skip("this engine has no gate")
        seen = runs.wait_for_end("expired")
        assert (seen.state, seen.started_at) == (RunState.EXPIRED, None)
        assert runs.used("expired") == ()
        assert b"in\n" not in runs.output("expired")

    def test_whatever_is_over_is_metered_to_its_end_or_never_began(self, runs: Bench) -> None:
        """The agent asks again for the use of a run that is over until it has one of these."""
        for label in set(runs.runs) - {"running", "never", "admitted"}:
            seen, used = runs.wait_for_end(label), runs.used(label)
            if seen.started_at is None or seen.state in (RunState.LOST, RunState.EXPIRED):
                assert used == ()
            else:
                assert (used[0].started_at, used[-1].ended_at, used[-1].state) == (
                    seen.started_at, seen.ended_at, seen.state,
                )  # fmt: skip

    def test_a_run_that_is_forgotten_is_gone(self, runs: Bench) -> None:
        runs.wait_for_end("another")
        name = runs.runs.pop("another").name
        for _ in range(2):
            runs.engine().forget(name)
            assert runs.engine().observe([name]) == {}
            assert not runs.engine().usage([name])
            assert runs.engine().logs(name, 0, 100) == b""


def _moments(used: tuple[RunUsage, ...]) -> list[datetime]:
    return [moment for usage in used for moment in (usage.started_at, usage.ended_at) if moment is not None]
