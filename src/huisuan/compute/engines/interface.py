"""What every engine offers: runs started once, observed, ended, accounted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Protocol, runtime_checkable


class RunState(StrEnum):
    """Where one run of a job stands at the centre."""

    STARTING = "starting"
    QUEUED = "queued"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    TIMEOUT = "timeout"
    LOST = "lost"
    EXPIRED = "expired"  # its lease was over before it began: it never ran

    @property
    def final(self) -> bool:
        """Whether the run is over."""
        return self not in (RunState.STARTING, RunState.QUEUED, RunState.RUNNING)


@dataclass(frozen=True)
class JobSpec:
    """What an engine is asked to run. Its `name` is how everyone calls this run, the centre's scheduler too.

    `command` is a list of words, `script` a whole script with its line #!: neither ever becomes part of a shell's
    line. `workdir` is a folder already unpacked, in which it starts. `lease_file`: once it has its cards, the run waits
    at the gate (common.start_gate) and begins only when that opens; not released until the lease is over, it leaves
    without having begun (state EXPIRED). While it waits it is RUNNING to `observe`: that is how the agent learns of it.
    """

    uid: str
    command: tuple[str, ...] = ()
    script: str = ""
    image: str = ""
    run: int = 0
    cards: int = 1
    nodes: int = 1
    model: str = ""
    partition: str = ""
    local_card: str = ""
    time_limit_seconds: int = 3600
    environment: Mapping[str, str] = field(default_factory=dict)
    workdir: Path | None = None
    lease_file: Path | None = None

    @property
    def name(self) -> str:
        """The run's name: the job's uid, with the run's number from the second on."""
        return run_name(self.uid, self.run)


def run_name(uid: str, run: int) -> str:
    """What a run is called at the centre."""
    return f"{uid}-{run}" if run else uid


@dataclass(frozen=True)
class Observation:
    """What an engine sees of a run; times in UTC, whole seconds, None for one that never began."""

    name: str
    state: RunState
    reason: str = ""
    expected_start: datetime | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    exit_code: int | None = None


@dataclass(frozen=True)
class RunUsage:
    """What one run held, by the engine's own accounting: integers with their units, times in UTC, whole seconds.

    A requeued run has several: `restart` tells them apart. `ended_at` None: it still holds its cards. `measured`:
    further figures, the unit in the name (processor_us, peak_memory_bytes). `raw`: the accounting's own line.
    """

    name: str
    restart: int
    nodes: str
    node_count: int
    cards: int
    local_card: str
    started_at: datetime
    ended_at: datetime | None
    suspended_seconds: int = 0
    state: RunState = RunState.RUNNING
    exit_code: int | None = None
    measured: Mapping[str, int] = field(default_factory=dict)
    raw: str = ""


@dataclass(frozen=True)
class NodeSeen:
    """A node with its cards of one kind, as the scheduler shows it now; `state` is up, down or drained."""

    name: str
    partition: str
    local_card: str
    cards: int
    used: int
    state: str = "up"


@dataclass(frozen=True)
class Ability:
    """Whether an engine can do something, and why (not): what breaks without it."""

    able: bool
    why: str


#: what an engine has to say of itself in `abilities`
ABILITIES = ("gang", "containers", "workdir", "live_logs", "accounting", "lease", "suspend")
#: what it may say besides; left out, it cannot. `sessions`: it reaches the node of a run (ReachesRuns); `outputs`: the
#: agent sees what runs write in their working directory
OPTIONAL_ABILITIES = ("sessions", "outputs")


@dataclass(frozen=True)
class BridgeCommand:
    """How the agent starts a program beside a run, on its node: the words, as which user (None: the agent's own)."""

    words: tuple[str, ...]
    environment: Mapping[str, str]
    user: int | None = None
    group: int | None = None


#: for `huisuan agent doctor`: what was checked, whether it is well, and the remedy where it is not
CheckResult = tuple[str, bool, str]


class EngineError(Exception):
    """The scheduler could not be asked, or refused; the message says what it said and what to do."""


@runtime_checkable
class ShowsWorkdir(Protocol):
    """An engine that has a run start in a folder of its own making, where it brings none, and can show it."""

    def working_folder(self, name: str) -> Path:
        """The folder in which a run without an uploaded directory starts; it need not be there (yet)."""


@runtime_checkable
class MountsWorkdir(Protocol):
    """An engine whose jobs see their working directory under another path than the agent does."""

    workdir_inside: str


class Engine(Protocol):
    """What an agent needs of whatever runs jobs at its centre. Every call may be repeated without harm.

    A run is named by `JobSpec.name`. Calls that ask a scheduler take many names at once: one question for all of
    them, not one each. They raise EngineError when the scheduler cannot be asked: nothing is then known, which is
    not the same as nothing being there.
    """

    def abilities(self) -> Mapping[str, Ability]:
        """What it can do, by the names of ABILITIES."""

    def capacity(self) -> Sequence[NodeSeen]:
        """The nodes with their cards."""

    def submit(self, job: JobSpec) -> None:
        """Have the run begin, once and never twice: one that is there by its name is found, not started again.

        Raises:
            ValueError: it can never run here; says why.
            EngineError: the scheduler did not take it now.
        """

    def observe(self, names: Sequence[str]) -> Mapping[str, Observation]:
        """How these runs stand; one that was never submitted here is left out."""

    def cancel(self, name: str, reason: str = "") -> None:
        """Ask the run to end: SIGTERM, and SIGKILL after a grace; one that has not begun never will."""

    def logs(self, name: str, offset: int, limit: int) -> bytes:
        """At most `limit` bytes of its output from `offset` on."""

    def usage(self, names: Sequence[str]) -> Mapping[str, tuple[RunUsage, ...]]:
        """What these runs held so far, by the accounting; nothing for one that never began whose end is unknown."""

    def forget(self, name: str) -> None:
        """The platform has everything of this run: files that were kept for it may go."""

    def diagnose(self) -> Sequence[CheckResult]:
        """For `huisuan agent doctor`: what was checked, whether it is well, and the remedy."""


@runtime_checkable
class ReachesRuns(Protocol):
    """An engine whose running sessions can be reached (its ability `sessions`)."""

    def bridge_command(self, name: str) -> BridgeCommand:
        """What runs the script of that run once more, beside it and as its user, with the words `bridge UID`.

        Its standard input and output are the two ways of a tunnel (compute.sessions.node.bridge).

        Raises:
            EngineError: the run does not run, or the scheduler cannot be asked now.
        """
