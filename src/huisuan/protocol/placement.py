"""Placement over the wire: where a job could run, where it does, and why."""

from __future__ import annotations

from typing import Any

from pydantic import AwareDatetime, Field

from huisuan.protocol.resources import JobStateName, ResponseModel


class PlaceOption(ResponseModel):
    """A pool that could take a job. Money in fen, for the whole time limit; `parts`: its score, less is better."""

    centre: str
    model: str
    starts_in_seconds: int
    fen_per_card_hour: int | None
    net_fen_per_card_hour: str | None = Field(description="补助之后，分，精确分数")
    cost_fen: int | None
    subsidy_fen: int | None
    parts: dict[str, int]


class PlaceBarred(ResponseModel):
    """A pool that does not take the job, and why."""

    centre: str
    model: str
    code: str
    text: str


class SubsidyShare(ResponseModel):
    """What share of the spend comes back under which sentence; why nothing does."""

    share: str
    policy: str
    sentence: str
    status: str
    why: str


class ReadRequest(ResponseModel):
    """What was understood of a job: its size, which cards will do (`models` empty: any), how long, how often.

    `cards` are those of one job, `cards_per_node` of each of its nodes; `takes_slots`: no card was asked for, so that a
    processor slot will do. `jobs` of an array with these indices.
    """

    name: str
    source_format: str
    cards: int
    nodes: int
    cards_per_node: int
    takes_slots: bool
    models: list[str]
    vendor: str
    min_memory_gib: int
    min_tflops_fp16: str
    time_limit_seconds: int
    retries: int
    jobs: int
    array: list[int]


class Preview(ResponseModel):
    """Where a job could run: now, later, never; and what it would cost. `weights`: the set that decided.

    `request` is what was read; costs are those of one job, also where it is one of an array.

    `expected_seconds`: how long it is thought to run, by what jobs like it did; None: not known yet.
    """

    request: ReadRequest | None = None
    possible: bool
    now: list[PlaceOption]
    later: list[PlaceOption]
    barred: list[PlaceBarred]
    reasons: list[str]
    subsidy: SubsidyShare
    weights: str
    expected_seconds: int | None = None


class Decision(ResponseModel):
    """A choice of a centre, as it was made."""

    at: AwareDatetime
    run: int
    lease: int
    centre: str
    model: str
    weights: str
    parts: dict[str, int]
    reasons: list[str]
    runners_up: list[dict[str, Any]]


class Why(ResponseModel):
    """Why a job is where it is: what was decided; and, while it waits, what every pool says to it."""

    uid: str
    state: JobStateName
    reasons: list[str]
    decisions: list[Decision]
    waiting: Preview | None


class PoolNow(ResponseModel):
    """Cards of one model at a centre as they are now. Prices in fen per card-hour; `net`: what is left after subsidy.

    `running_jobs`, `queued_jobs`: of the platform, there; `waiting_jobs`: of the province that such cards would suit.
    `wait_seconds` by number of cards, as if nothing else waited; None: that many cannot be had there.
    """

    centre: str
    name: str
    name_en: str
    city: str
    model: str
    online: bool
    cards: int
    free: int
    running_jobs: int
    queued_jobs: int
    waiting_jobs: int
    fen_per_card_hour: int | None
    net_fen_per_card_hour: str | None = Field(description="补助之后，分，精确分数；不是使用方则没有")
    wait_seconds: dict[str, int | None] = Field(description="卡数 → 预计等待秒数")


class WindowAhead(ResponseModel):
    """A maintenance window that is not over: no job of the platform runs in these partitions (none named: in all)."""

    centre: str
    starts_at: AwareDatetime
    ends_at: AwareDatetime
    partitions: list[str]
    reason: str


class Availability(ResponseModel):
    """What is there now. For a job of `cards` and `hours`: the `cheapest` pool that begins within the hour, the
    `soonest`; each a centre and a model, None where there is none.
    """

    at: AwareDatetime
    cards: int
    hours: int
    sizes: list[int]
    pools: list[PoolNow]
    waiting_jobs: int
    waiting_cards: int
    cheapest: list[str] | None
    soonest: list[str] | None
    windows: list[WindowAhead] = Field(default_factory=list, description="还没有结束的维护窗口")
