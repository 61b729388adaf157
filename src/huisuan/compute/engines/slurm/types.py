"""What is read from Slurm and handed to it, by commands or by REST. Times in seconds since 1970, None for none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from huisuan.compute.engines.interface import NodeSeen
from huisuan.compute.engines.slurm.config import UnixUser

CardKind = tuple[str, str]  # family and type of a card: ("gpu", "a100"), ("npu", "910b3"), ("gpu", "") without a type

WAITING = frozenset({"PENDING", "REQUEUE_FED", "REQUEUE_HOLD", "SPECIAL_EXIT", "RESV_DEL_HOLD"})
LIVE = WAITING | {"CONFIGURING", "RUNNING", "SUSPENDED", "COMPLETING", "STOPPED", "SIGNALING", "STAGE_OUT", "RESIZING"}


@dataclass(frozen=True)
class Queued:
    """A job as the controller shows it; `ran_seconds` without the time it was suspended. `raw`: its own line."""

    id: int
    name: str
    state: str
    reason: str = ""
    start: int | None = None
    end: int | None = None
    ran_seconds: int = 0
    exit_code: int | None = None
    restart: int = 0
    node_count: int = 1
    nodes: str = ""
    tres: str = ""
    raw: str = ""

    @property
    def live(self) -> bool:
        """Whether it waits or runs."""
        return self.state in LIVE

    @property
    def never_taken(self) -> bool:
        """Slurm keeps a submission that it refused as a failed job: it is none."""
        return self.state == "FAILED" and self.reason == "BadConstraints"


@dataclass(frozen=True)
class Accounted:
    """One run of a job in Slurm's accounting; a requeued job has several, `restart` tells them apart."""

    id: int
    name: str
    restart: int
    state: str
    cancelled_by: str
    start: int | None
    end: int | None
    suspended_seconds: int
    tres: str
    node_count: int
    nodes: str
    exit_code: int | None
    processor_us: int
    peak_memory_bytes: int
    raw: str

    @property
    def over(self) -> bool:
        """Whether it ended and the accounting knows when."""
        return self.state not in LIVE and (self.end is not None or self.start is None)


def as_accounted(job: Queued) -> Accounted:
    """What the controller knows of a job, for an accounting that lost it or has not heard of it yet."""
    began = job.start is not None and job.tres != ""
    over = not job.live
    held = (job.end or 0) - (job.start or 0)
    return Accounted(
        id=job.id,
        name=job.name,
        restart=job.restart,
        state=job.state,
        cancelled_by="",
        start=job.start if began else None,
        end=(max(job.end, job.start + 1) if began and job.start and job.end else job.end) if over else None,
        suspended_seconds=max(0, held - job.ran_seconds) if began and over else 0,
        tres=job.tres,
        node_count=job.node_count,
        nodes=job.nodes,
        exit_code=job.exit_code,
        processor_us=0,
        peak_memory_bytes=0,
        raw=job.raw,
    )


@dataclass(frozen=True)
class SlurmNode:
    """A node with its cards by kind, those in use, its state's words and the partitions in which it stands."""

    name: str
    host: str
    cards: Mapping[CardKind, int]
    used: Mapping[CardKind, int]
    words: frozenset[str]
    partitions: tuple[str, ...]

    @property
    def state(self) -> str:
        """Up, down, or drained: kept from new work by a person."""
        if self.words & {"DOWN", "ERROR", "FAIL", "FAILING", "NOT_RESPONDING", "UNKNOWN", "INVALID_REG", "INVAL"}:
            return "down"
        if self.words & {"DRAIN", "DRAINED", "DRAINING", "MAINT", "MAINTENANCE"}:
            return "drained"
        return "up"


@dataclass(frozen=True)
class SlurmPartition:
    """A partition; `longest_minutes` and `most_nodes` None where it sets no limit."""

    name: str
    up: bool
    longest_minutes: int | None
    most_nodes: int | None


@dataclass(frozen=True)
class Request:
    """A job as it is handed to Slurm: nothing in it was written by the user but where it runs and for how long."""

    name: str
    script: str
    partition: str
    gres: str
    nodes: int
    minutes: int
    folder: str
    output: str
    person: UnixUser
    environment: Mapping[str, str]
    account: str = ""
    qos: str = ""
    cpus: int = 0
    memory_mib: int = 0


class SlurmClient(Protocol):
    """A way to speak with the controller. All raise EngineError when it does not answer."""

    def submit(self, request: Request) -> int:
        """The id of the new job.

        Raises:
            ValueError: it can never run here.
        """

    def jobs(self) -> Sequence[Queued]:
        """All jobs of the user that the controller still holds, those that ended lately too."""

    def end(self, ids: Sequence[int]) -> None:
        """Have these jobs end; one that has ended stays as it is."""

    def nodes(self) -> Sequence[SlurmNode]:
        """All nodes."""

    def partitions(self) -> Sequence[SlurmPartition]:
        """All partitions."""

    def clock(self) -> int:
        """The controller's time."""


def seen_cards(node: SlurmNode, partition: str) -> list[NodeSeen]:
    """A node as it is reported to the platform, one entry for each kind of card. Cards without a type have no name."""
    return [
        NodeSeen(node.name, partition, kind[1].lower(), count, min(node.used.get(kind, 0), count), node.state)
        for kind, count in sorted(node.cards.items())
    ]
