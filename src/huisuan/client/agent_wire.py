"""What an agent and the platform tell each other: one endpoint, both ways idempotent."""

from __future__ import annotations

import json
from typing import Annotated, Literal, Self

from pydantic import AwareDatetime, Base64Bytes, Field, model_validator

from huisuan.client.wire import Asked, JobStateName, Wire

LOG_LIMIT = 16 * 1024 * 1024  # bytes of a job's output that are sent; the rest stays at the centre
Line = Annotated[str, Field(pattern=r"^[^\x00-\x1f]*$")]


class Observed(Asked):
    """How a job stands at the centre; `state` as the engine names it, times in whole seconds."""

    uid: Line = Field(max_length=32)
    state: Literal["starting", "running", "completed", "failed", "cancelled", "timeout", "lost"]
    reason: Line = Field(default="", max_length=1000)
    started_at: AwareDatetime | None = None
    ended_at: AwareDatetime | None = None
    exit_code: int | None = Field(default=None, ge=-(2**31), lt=2**31)

    @model_validator(mode="after")
    def runs_forward(self) -> Self:
        """Nothing ends before it starts."""
        if self.ended_at and (self.started_at is None or self.ended_at < self.started_at):
            raise ValueError(f"{self.uid}: 结束早于开始")
        return self

    @property
    def final(self) -> bool:
        """Whether the job is over there."""
        return self.state not in ("starting", "running")


class SentLog(Asked):
    """A piece of a job's output at its place in bytes."""

    uid: Line = Field(max_length=32)
    offset: int = Field(ge=0, lt=2**62)
    content: Base64Bytes


class UsageLine(Asked):
    """One run as its engine measured it: the raw line, in JSON, that a usage record goes back to."""

    uid: Line = Field(max_length=32)
    run: int = Field(ge=0, lt=2**31)
    node: Line = Field(max_length=120)
    cards: int = Field(ge=1, lt=2**31)
    slots: list[int] = Field(max_length=4096)
    started_at: AwareDatetime
    ended_at: AwareDatetime
    elapsed_ns: int = Field(ge=0)
    processor_us: int = Field(ge=0)
    peak_memory_bytes: int = Field(ge=0)
    state: Literal["completed", "failed", "cancelled", "timeout"]
    exit_code: int = Field(ge=-(2**31), lt=2**31)
    collector: Line = Field(max_length=60)

    def written(self) -> str:
        """The line: keys in order, nothing superfluous, so that the same run always gives the same bytes."""
        return json.dumps(self.model_dump(mode="json"), ensure_ascii=False, sort_keys=True, separators=(",", ":"))


class SyncRequest(Asked):
    """What an agent saw: its word on jobs, new output, usage lines not yet acknowledged."""

    agent: Line = Field(min_length=8, max_length=36)
    host: Line = Field(max_length=120)
    version: Line = Field(max_length=40)
    engine: Line = Field(max_length=20)
    centre: Line | None = Field(default=None, max_length=40)
    observed: list[Observed] = Field(default_factory=list, max_length=5000)
    logs: list[SentLog] = Field(default_factory=list, max_length=5000)
    usage: list[Annotated[Line, Field(max_length=8000)]] = Field(default_factory=list, max_length=500)


class DesiredJob(Wire):
    """A job that the platform wants to run at the centre, or, with `cancel`, to end."""

    uid: str
    command: list[str]
    environment: dict[str, str]
    cards: int
    time_limit_seconds: int
    state: JobStateName
    cancel: bool


class UsageAnswer(Wire):
    """What became of a usage line, named by its SHA-256: taken (now or before), or refused with the reason."""

    sha256: str
    refused: str = ""


class SyncReply(Wire):
    """What the platform wants, and what it has received. `centre` None: nothing to serve, `message` says why."""

    centre: str | None
    message: str = ""
    desired: list[DesiredJob] = Field(default_factory=list)
    settled: list[str] = Field(default_factory=list, description="jobs spoken of that are over for the platform")
    log_offsets: dict[str, int] = Field(default_factory=dict, description="how much of a job's output it has")
    usage: list[UsageAnswer] = Field(default_factory=list)
