"""A centre's scheduler as a model: it outlives every agent, runs what it was given once the gate opens, and accounts.

Its time is passed in, so that a day goes by in a moment. What it was asked to do, it remembers by the run's name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from huisuan.compute.engines.common.start_gate import gate_of, lease_ends
from huisuan.compute.engines.interface import Ability, JobSpec, NodeSeen, Observation, RunState, RunUsage
from huisuan.compute.engines.local.engine import LOCAL_ABILITIES

SLOTS = 8


@dataclass
class Program:
    """What a run does: how long it waits in the queue and runs, in seconds, and how it ends."""

    waits: int
    runs: int
    exit_code: int = 0


@dataclass
class Began:
    """A run that really began: for the reckoning at the end."""

    uid: str
    run: int
    centre: str
    cards: int
    start: int
    end: int | None = None


@dataclass
class Held:
    """A run as the scheduler has it."""

    job: JobSpec
    program: Program
    submitted: int
    state: RunState = RunState.QUEUED
    began: Began | None = None
    ended: int | None = None
    cancelled: bool = False


@dataclass
class Scheduler:
    """One centre's scheduler. `begun` is the book of the whole world, kept by nobody who can be killed."""

    centre: str
    programs: Mapping[str, Program]
    begun: list[Began]
    now: int = 0
    runs: dict[str, Held] = field(default_factory=dict)

    def tick(self, now: int) -> None:
        """Let the time pass."""
        self.now = now
        for held in self.runs.values():
            if not held.state.final:
                self._on(held, now)

    def _on(self, held: Held, now: int) -> None:
        job = held.job
        assert job.lease_file is not None
        if held.began is None and held.cancelled:
            held.state, held.ended = RunState.CANCELLED, now
        elif held.began is None and now >= held.submitted + held.program.waits:
            held.state = RunState.RUNNING  # at the gate
            if gate_of(job.lease_file, job.name).exists():
                held.began = Began(job.uid, job.run, self.centre, job.cards, now)
                self.begun.append(held.began)
            elif now > lease_ends(job.lease_file):
                held.state, held.ended = RunState.EXPIRED, now
        if held.began is not None and (held.cancelled or now >= held.began.start + held.program.runs):
            ended = now if held.cancelled else held.began.start + held.program.runs
            held.began.end = held.ended = max(ended, held.began.start + 1)
            good = RunState.COMPLETED if held.program.exit_code == 0 else RunState.FAILED
            held.state = RunState.CANCELLED if held.cancelled and ended < held.began.start + held.program.runs else good

    def output(self, name: str) -> bytes:
        """What a run has written so far: a line each minute that it ran."""
        began = self.runs[name].began
        if began is None:
            return b""
        seconds = (began.end or self.now) - began.start
        return b"".join(f"{name} {minute}\n".encode() for minute in range(seconds // 60 + 1))

    # --- as an engine

    def abilities(self) -> Mapping[str, Ability]:
        return LOCAL_ABILITIES

    def capacity(self) -> Sequence[NodeSeen]:
        used = sum(held.job.cards for held in self.runs.values() if not held.state.final)
        return (NodeSeen(f"{self.centre}-n1", "", "CPU-SLOT", SLOTS, min(used, SLOTS)),)

    def submit(self, job: JobSpec) -> None:
        self.runs.setdefault(job.name, Held(job, self.programs[job.uid], self.now))

    def observe(self, names: Sequence[str]) -> Mapping[str, Observation]:
        return {name: self._seen(name, self.runs[name]) for name in names if name in self.runs}

    def _seen(self, name: str, held: Held) -> Observation:
        began = held.began
        over = held.state.final and began is not None
        return Observation(
            name, held.state,
            started_at=_moment(began.start) if began else None,
            ended_at=_moment(held.ended) if held.ended else None,
            exit_code=(143 if held.state is RunState.CANCELLED else held.program.exit_code) if over else None,
        )  # fmt: skip

    def cancel(self, name: str, reason: str = "") -> None:
        if name in self.runs:
            self.runs[name].cancelled = True

    def logs(self, name: str, offset: int, limit: int) -> bytes:
        return self.output(name)[offset : offset + limit] if name in self.runs else b""

    def usage(self, names: Sequence[str]) -> Mapping[str, tuple[RunUsage, ...]]:
        return {
            name: (self._used(name, self.runs[name], began),)
            for name in names
            if name in self.runs and (began := self.runs[name].began) is not None
        }

    def _used(self, name: str, held: Held, began: Began) -> RunUsage:
        return RunUsage(
            name=name, restart=0, nodes=f"{self.centre}-n1", node_count=1, cards=began.cards, local_card="CPU-SLOT",
            started_at=_moment(began.start), ended_at=_moment(began.end) if began.end else None, state=held.state,
        )  # fmt: skip

    def forget(self, name: str) -> None:
        self.runs.pop(name, None)

    def diagnose(self) -> Sequence[tuple[str, bool, str]]:
        return ()


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
