"""What goes over the wire, once for both sides: integers with their units, times as ISO 8601."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

JobStateName = Literal["submitted", "placed", "running", "done", "failed", "cancelled", "lost"]
FINAL = ("done", "failed", "cancelled", "lost")


class Wire(BaseModel):
    """A message; what the other side adds in a later version is kept, not refused."""

    model_config = ConfigDict(extra="allow")


class Asked(BaseModel):
    """A request; a field that nobody knows is a slip, and refused."""

    model_config = ConfigDict(extra="forbid")


# --- signing in


class Credentials(Asked):
    """A person's name and password, exchanged for a token."""

    username: str = Field(max_length=80)
    password: str = Field(max_length=1000)
    label: str = Field(default="huisuan login", max_length=40)


class Identity(Wire):
    """Whom a token stands for."""

    role: str
    name: str
    party: str | None = Field(default=None, description="统一社会信用代码")
    city: str | None = None


class Granted(Identity):
    """A new token; its secret is shown this once."""

    token: str


# --- jobs


class JobRequest(Asked):
    """A job to run; `command` is a list of words that no shell sees."""

    command: list[str]
    name: str = ""
    cards: int = 1
    model: str | None = None
    centre: str | None = None
    time_limit_seconds: int = 3600
    environment: dict[str, str] = Field(default_factory=dict)
    party: str | None = Field(default=None, description="统一社会信用代码；只有专班可替主体提交")


class Job(Wire):
    """A job and where it stands. Of its environment only the names are shown."""

    uid: str
    name: str
    party: str
    party_name: str
    submitted_by: str
    command: list[str]
    environment: list[str]
    cards: int
    model: str | None
    time_limit_seconds: int
    centre: str | None
    wanted_centre: str | None
    reasons: list[str]
    state: JobStateName
    submitted_at: AwareDatetime
    placed_at: AwareDatetime | None
    started_at: AwareDatetime | None
    ended_at: AwareDatetime | None
    cancel_requested_at: AwareDatetime | None
    exit_code: int | None

    @property
    def final(self) -> bool:
        """Whether the job is over."""
        return self.state in FINAL


class JobPage(Wire):
    """Some jobs, newest first; `next` continues (as `before`), None at the end."""

    items: list[Job]
    next: str | None


class LogPiece(Wire):
    """Output of a job from an offset on; `complete`: the job is over and nothing follows."""

    text: bytes
    next_offset: int
    complete: bool


# --- centres


class CardPool(Wire):
    """Cards of one model at a centre; price in fen per card-hour today, None where none is set."""

    model: str
    cards: int
    free: int
    fen_per_card_hour: int | None


class CentreInfo(Wire):
    """A centre as its users see it; `pools` are the cards that the platform's jobs may use there."""

    code: str
    name: str
    city: str
    engine: str
    online: bool
    capacity_p: str = Field(description="P：稠密 FP16 PFLOPS")
    pools: list[CardPool]


# --- usage, entitlements, the law: money is an integer number of fen


class UsageRecord(Wire):
    """One run of one job on cards of one model; centre/sequence is its name."""

    centre: str
    sequence: int
    supersedes: int | None
    job_id: str
    run: int
    user: str
    account: str
    party: str | None
    partition: str
    model: str
    requested_cards: int | None
    cards: int
    card_seconds: int
    start: AwareDatetime
    end: AwareDatetime
    suspended_seconds: int
    state: str


class UsagePage(Wire):
    """Some usage records; `next` continues (as `after`), None at the end."""

    items: list[UsageRecord]
    next: str | None


class Entitlement(Wire):
    """What the law owes a party for a year."""

    id: str
    party: str
    name: str
    year: int
    policy: str
    sentence: str
    status: str
    amount_fen: int
    facts: dict[str, Any]
    reasons: list[Any]


class Fact(Wire):
    """A fact that a sentence asks for."""

    name: str
    type: str
    unit: str | None
    label: str
    evidence: str | None
    options: list[str]
    sentence: str


class Explanation(Wire):
    """The answer of an article for given facts."""

    status: str
    amount_fen: int | None
    reasons: list[Any]
    steps: list[Any]
