"""What runs jobs at a centre: one small interface, found by the entry point group `huisuan.engines`.

Light on purpose: the runner of every job imports this package, and its memory counts as the job's floor.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Protocol, cast

GROUP = "huisuan.engines"


class RunState(StrEnum):
    """Where one run of a job stands at the centre."""

    STARTING = "starting"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    TIMEOUT = "timeout"
    LOST = "lost"

    @property
    def final(self) -> bool:
        """Whether the run is over."""
        return self not in (RunState.STARTING, RunState.RUNNING)


@dataclass(frozen=True)
class JobSpec:
    """What an engine is asked to run; `command` is a list of words that no shell sees."""

    uid: str
    command: tuple[str, ...]
    cards: int
    time_limit_seconds: int
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Observation:
    """What an engine sees of a job; times in UTC, whole seconds, None for a run that never began."""

    uid: str
    state: RunState
    reason: str = ""
    started_at: datetime | None = None
    ended_at: datetime | None = None
    exit_code: int | None = None


@dataclass(frozen=True)
class RunUsage:
    """What one run used, measured: integers with their units, times in UTC, whole seconds."""

    uid: str
    run: int
    node: str
    cards: int
    slots: tuple[int, ...]
    started_at: datetime
    ended_at: datetime
    elapsed_ns: int
    processor_us: int
    peak_memory_bytes: int
    state: RunState
    exit_code: int


class Engine(Protocol):
    """What an agent needs of whatever runs jobs at its centre. Every call may be repeated without harm."""

    def capacity(self) -> int:
        """Cards that the machine itself could hold at once; what the centre offers may be less."""

    def submit(self, job: JobSpec) -> None:
        """Have the job run, once and never twice."""

    def observe(self, uid: str) -> Observation | None:
        """How the job stands; None for one that was never submitted here."""

    def cancel(self, uid: str, reason: str = "") -> None:
        """Ask the job to end: SIGTERM, and SIGKILL after a grace."""

    def logs(self, uid: str, offset: int, limit: int) -> bytes:
        """At most `limit` bytes of its output from `offset` on."""

    def usage(self, uid: str) -> tuple[RunUsage, ...]:
        """What its runs used, once they are over; nothing for a run that never began or whose end nobody saw."""


def load(name: str, folder: Path) -> Engine:
    """The engine of that name, keeping its files under `folder`.

    Raises:
        LookupError: no installed package offers it.
    """
    from importlib.metadata import entry_points

    for point in entry_points(group=GROUP, name=name):
        return cast(Engine, point.load()(folder))
    raise LookupError(f"没有名为 {name} 的执行引擎；已安装：{'、'.join(installed()) or '无'}")


def installed() -> tuple[str, ...]:
    """Names of the engines that installed packages offer."""
    from importlib.metadata import entry_points

    return tuple(sorted({point.name for point in entry_points(group=GROUP)}))
