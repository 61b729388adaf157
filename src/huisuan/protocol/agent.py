"""What an agent and the platform tell each other: one endpoint, both ways idempotent, every request signed.

The request's body is signed with the agent's Ed25519 key; the headers say whose and how (`AGENT`, `SIGNATURE`).
"""

from __future__ import annotations

import json
from typing import Annotated, Literal, Self

from pydantic import AwareDatetime, Base64Bytes, Field, model_validator

from huisuan.protocol.agent_files import FileAnswer, FileQuestion, OutputsReport
from huisuan.protocol.resources import JobStateName, RequestModel, ResponseModel

AGENT, SIGNATURE = "Huisuan-Agent", "Huisuan-Signature"  # header: the agent's name; Ed25519 over the body, hex
#: the version of what is exchanged here: goes up by one with a change that the other side must know of. The platform
#: accepts it and the one before (compute.agent_gateway.protocol_version); fields with a default are no such change.
PROTOCOL = 1
LOG_LIMIT = 16 * 1024 * 1024  # bytes of a job's output that are sent; the rest stays at the centre
PIECE_BYTES = 1024 * 1024  # of an upload in one reply, all together
BATCH_LINES = 1000
HUGE_CARDS = 1_000_000  # of a node, a run or a centre: more than any centre on earth holds, so a slip of the pen
LineText = Annotated[str, Field(pattern=r"^[^\x00-\x1f]*$")]
Hex64 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Hex128 = Annotated[str, Field(pattern=r"^[0-9a-f]{128}$")]


class Capability(RequestModel):
    """Whether an engine can do something, and why (not)."""

    able: bool
    why: LineText = Field(max_length=300)


class SeenNode(RequestModel):
    """A node as the centre's scheduler shows it: cards of one kind (`local_card`, the scheduler's word)."""

    name: LineText = Field(max_length=120)
    partition: LineText = Field(default="", max_length=60)
    local_card: LineText = Field(default="", max_length=60)
    cards: int = Field(ge=0, le=HUGE_CARDS)
    used: int = Field(ge=0, le=HUGE_CARDS)
    state: Literal["up", "down", "drained"] = "up"


class Observed(RequestModel):
    """How one run of a job stands at the centre; times in whole seconds, by the centre's clock."""

    uid: LineText = Field(max_length=32)
    run: int = Field(default=0, ge=0, lt=2**15)
    lease: int = Field(ge=1, lt=2**31)
    state: Literal["starting", "queued", "running", "completed", "failed", "cancelled", "timeout", "lost", "expired"]
    reason: LineText = Field(default="", max_length=1000)
    expected_start: AwareDatetime | None = Field(default=None, description="the scheduler's own estimate")
    started_at: AwareDatetime | None = None
    ended_at: AwareDatetime | None = None
    exit_code: int | None = Field(default=None, ge=-(2**31), lt=2**31)

    @model_validator(mode="after")
    def runs_forward(self) -> Self:
        """Nothing ends before it starts."""
        if self.ended_at and self.started_at and self.ended_at < self.started_at:
            raise ValueError(f"{self.uid}: 结束早于开始")
        return self

    @property
    def final(self) -> bool:
        """Whether the run is over there."""
        return self.state not in ("starting", "queued", "running")


class SentLog(RequestModel):
    """A piece of a job's output at its place in bytes."""

    uid: LineText = Field(max_length=32)
    offset: int = Field(ge=0, lt=2**62)
    content: Base64Bytes


class UsageLine(RequestModel):
    """A slice of one run as its engine accounts for it: the line, in JSON, that a usage record goes back to.

    A run that goes on is cut at every full hour: its slices meet end to start and sum to what it held. A line with
    `corrects` replaces an earlier one of the same run and start.
    """

    uid: LineText = Field(max_length=32)
    run: int = Field(ge=0, lt=2**15)
    lease: int = Field(ge=1, lt=2**31)
    slice: int = Field(ge=0, lt=2**31, description="of the run, from 0")
    corrects: bool = False
    nodes: LineText = Field(max_length=2000)
    node_count: int = Field(ge=1, lt=2**20)
    local_card: LineText = Field(default="", max_length=60)
    cards: int = Field(ge=1, le=HUGE_CARDS)
    started_at: AwareDatetime
    ended_at: AwareDatetime
    suspended_seconds: int = Field(default=0, ge=0)
    state: Literal["running", "completed", "failed", "cancelled", "timeout", "lost"]
    exit_code: int | None = Field(default=None, ge=-(2**31), lt=2**31)
    measured: dict[str, int] = Field(default_factory=dict, description="further figures, the unit in the name")
    raw: LineText = Field(default="", max_length=4000, description="the engine's own accounting line")
    collector: LineText = Field(max_length=60)

    def to_json_line(self) -> str:
        """The line: keys in order, nothing superfluous, so that the same slice always gives the same bytes."""
        return json.dumps(self.model_dump(mode="json"), ensure_ascii=False, sort_keys=True, separators=(",", ":"))


class SignedBatch(RequestModel):
    """Usage lines in the agent's own chain: numbered from 1, each naming the digest of the one before, signed.

    `digest` of a batch and what is signed: `huisuan.protocol.batch_chain`.
    """

    number: int = Field(ge=1, lt=2**62)
    previous: Hex64
    lines: list[Annotated[LineText, Field(max_length=8000)]] = Field(min_length=1, max_length=BATCH_LINES)
    signature: Hex128


class SealWord(RequestModel):
    """The agent's signature under a seal, or why it will not sign."""

    month: LineText = Field(pattern=r"^\d{4}-\d{2}$")
    statement_sha256: Hex64
    signature: Hex128 | None = None
    refused: LineText = Field(default="", max_length=500)


class Wanted(RequestModel):
    """A piece of an upload that the agent lacks."""

    sha256: Hex64
    offset: int = Field(ge=0, lt=2**62)


class HealthCheck(RequestModel):
    """One check of the agent's self-check: what was looked at, whether it is well, and the remedy where it is not."""

    what: LineText = Field(max_length=500)
    well: bool
    remedy: LineText = Field(default="", max_length=1000)


class SyncRequest(RequestModel):
    """What an agent saw and the platform has not acknowledged; `enrol` only the first time."""

    protocol: int = Field(default=1, ge=1, lt=2**15, description="the agent's `PROTOCOL`; version 1 does not say it")
    agent: LineText = Field(min_length=8, max_length=36)
    number: int = Field(ge=1, lt=2**62, description="grows with every request of this agent: an old one is a replay")
    boot: str = Field(
        pattern=r"^[0-9a-f]{24}\.[0-9]{1,11}$",
        description="place and start: one place (folder and machine) runs one process at a time, so that a later start "
        "there says that the ones before are over",
    )
    host: LineText = Field(max_length=120)
    version: LineText = Field(max_length=40)
    engine: LineText = Field(max_length=20)
    sent_at: AwareDatetime
    probe: bool = Field(default=False, description="only ask whether this agent is let in, and which one serves")
    enrol: Annotated[str, Field(max_length=200)] | None = Field(default=None, description="the invitation's word")
    public_key: Hex64 | None = Field(default=None, description="with `enrol`")
    capabilities: dict[str, Capability] = Field(default_factory=dict)
    nodes: list[SeenNode] | None = Field(default=None, max_length=20_000, description="None: as last told")
    nodes_same: bool = Field(default=False, description="they were looked at just now, and are as last told")
    held: Hex64 | None = Field(
        default=None, description="digest of the jobs wanted, as the agent knows them; None: not at all"
    )
    observed: list[Observed] = Field(default_factory=list, max_length=20_000)
    logs: list[SentLog] = Field(default_factory=list, max_length=5000)
    batches: list[SignedBatch] = Field(default_factory=list, max_length=20)
    seals: list[SealWord] = Field(default_factory=list, max_length=24)
    wants: list[Wanted] = Field(default_factory=list, max_length=16)
    files: list[FileAnswer] = Field(default_factory=list, max_length=64)
    outputs: list[OutputsReport] = Field(default_factory=list, max_length=100)
    health: list[HealthCheck] = Field(
        default_factory=list, max_length=200, description="its self-check; sent only where the platform asked for it"
    )

    @property
    def is_quiet(self) -> bool:
        """Whether it tells nothing but that its agent is there."""
        told = self.observed or self.logs or self.batches or self.seals or self.nodes or self.capabilities
        return not (told or self.files or self.outputs or self.health)


class DesiredJob(ResponseModel):
    """A run that the platform wants at the centre, or, with `cancel`, ended. `lease` counts its placements."""

    uid: str
    run: int
    lease: int
    command: list[str]
    script: str
    image: str
    environment: dict[str, str]
    workdir: str | None
    cards: int
    nodes: int
    model: str
    partition: str
    local_card: str
    time_limit_seconds: int
    state: JobStateName
    cancel: bool
    log_base: int = Field(default=0, description="bytes of output that earlier runs of the job left")
    session: bool = Field(default=False, description="an interactive session: once it runs, the agent tunnels to it")
    outputs: str = Field(default="", description="folder in its working directory whose files are kept")


class BatchAnswer(ResponseModel):
    """What became of a batch: `receipt` (the platform's signature over its ledger's chain), or why it is not taken.

    `flagged` says, by line from 0, which lines are kept as doubtful instead of being metered, and why.
    """

    number: int
    receipt: str = ""
    chain: str = ""
    refused: str = ""
    flagged: dict[int, str] = Field(default_factory=dict)


class SealAsked(ResponseModel):
    """A seal that wants the centre's signature: the statement, as signed by the platform."""

    month: str
    statement: str
    signature: str


class Piece(ResponseModel):
    """Bytes of an upload from an offset on; `size` is the whole."""

    sha256: str
    offset: int
    size: int
    content: Base64Bytes


class Serving(ResponseModel):
    """The agent that serves a centre, as the platform last heard it."""

    agent: str
    host: str
    boot: str
    last_seen_at: AwareDatetime
    skew_ms: int


class SyncReply(ResponseModel):
    """What the platform wants, and what it has received. `centre` None: nothing to serve, `message` says why.

    `stop`: another copy of this agent serves, this one has to end. `desired` None: as the agent holds it, without the
    runs whose end is acknowledged here and with those `added`; what it then holds has the digest `held`.
    """

    centre: str | None
    message: str = ""
    stop: bool = False
    serving: Serving | None = Field(default=None, description="for a probe")
    now: AwareDatetime
    lease_seconds: int = Field(
        description="a run that has not begun must not begin later than this after the last sync"
    )
    clock_seconds: int = Field(
        default=300, description="by how much the agent's clock may differ from `now`: beyond it nothing is taken"
    )
    platform_key: str = Field(default="", description="the platform's public key, in hex")
    desired: list[DesiredJob] | None = None
    added: list[DesiredJob] = Field(default_factory=list)
    held: str = Field(default="", description="digest of the jobs wanted (client.holding)")
    acknowledged: list[tuple[str, int]] = Field(default_factory=list, description="uid and lease whose word is taken")
    settled: list[str] = Field(default_factory=list, description="jobs spoken of that are over for the platform")
    log_offsets: dict[str, int] = Field(default_factory=dict, description="how much of a job's output it has")
    last_batch: int = Field(default=0, description="number of the agent's last batch that it has")
    batches: list[BatchAnswer] = Field(default_factory=list)
    seals: list[SealAsked] = Field(default_factory=list)
    behind: bool = Field(
        default=False, description="restored from a backup, nobody has looked yet: runs it does not know go on"
    )
    pieces: list[Piece] = Field(default_factory=list)
    relay: str = Field(
        default="", description="where tunnels of sessions go: an address, or :port of the host called; empty: nowhere"
    )
    questions: list[FileQuestion] = Field(default_factory=list, description="about files; unanswered, asked again")
    outputs_noted: list[tuple[str, int]] = Field(default_factory=list, description="uid and run of reports it has")
    health_wanted: bool = Field(default=False, description="a self-check (`health`) is wanted with a later request")
