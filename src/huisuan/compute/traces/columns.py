"""What the columns of public job traces are called."""

from __future__ import annotations

from dataclasses import dataclass

#: as in the traces of Philly, Helios, Venus, Acme and Alibaba's openb
KNOWN_NAMES = {
    "job": ("job_id", "jobid", "job"),
    "user": ("user", "user_id", "username"),
    "account": ("vc", "virtual_cluster", "cluster", "account"),
    "submit": (
        "submit_time", "timestamp", "submit_s", "submit", "submitted", "submitted_at", "submission_time",
        "creation_time",
    ),
    "start": ("start_time", "start_s", "start", "started", "started_at", "scheduled_time"),
    "end": ("end_time", "end_s", "end", "ended", "ended_at", "finish_time", "deletion_time"),
    "duration": ("duration", "duration_s", "run_time", "runtime"),
    "cards": ("num_gpus", "gpu_num", "gpus", "cards", "num_gpu", "gpu_count"),
    "state": ("state", "status", "pod_phase"),
    "limit": ("time_limit", "timelimit", "limit_s", "requested_time"),
    "models": ("gpu_spec",),
    "milli": ("gpu_milli",),  # openb: thousandths of each card, where several jobs share one
}  # fmt: skip

#: the fields of the Standard Workload Format, in order, as `--...-column` names them
SWF_FIELDS = (
    "job", "submit", "wait", "run", "allocated", "cpu", "memory", "requested", "limit", "requested_memory", "status",
    "user", "group", "executable", "queue", "partition", "preceding", "think",
)  # fmt: skip

#: how traces write that there is nothing, in small letters
MISSING_VALUES = ("", "none", "null", "nat", "nan", "unknown")


@dataclass(frozen=True)
class TraceColumns:
    """Which column of the file says what; None: recognised by its name (SWF: by its place)."""

    submit: str | None = None
    start: str | None = None
    end: str | None = None
    duration: str | None = None
    cards: str | None = None
    user: str | None = None
    account: str | None = None
    job: str | None = None
    state: str | None = None

    def named(self, what: str) -> str | None:
        """The column that was named for a thing, if one was; some things are only recognised."""
        found = getattr(self, what, None)
        return found if isinstance(found, str) else None
