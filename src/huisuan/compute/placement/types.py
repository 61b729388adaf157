"""What placement reads, and the codes of what it decides.

Units: money in integer fen, times in whole seconds since 1970 (UTC), durations in whole seconds, scores in millionths
(1,000,000 is one whole point of a part before its weight). Nothing here reads a clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from functools import cached_property
from typing import NamedTuple

POINT = 1_000_000


def epoch(at: datetime) -> int:
    """Whole seconds since 1970."""
    return int(at.timestamp())


@dataclass(frozen=True)
class Pool:
    """The cards of one model at one centre that the platform's jobs may use.

    `bins[k]`: nodes that are up and have k cards free, k from 0 to the cards of the largest node. `sizes[k]`: nodes
    with k cards in all, up or not; empty: all nodes of `bins`, each with as many cards as the largest. `wait_s`: how
    long a job that is sent there now still waits in the centre's own queue, by that queue and its history.
    `abilities`: what the engine there can do (engines.ABILITIES). `shut`: maintenance windows, from and until (in
    seconds since 1970): no job may be running then.
    """

    centre: str
    city: str
    model: str
    vendor: str
    memory_gib: int
    tflops_fp16: Decimal
    bins: tuple[int, ...]
    fen_per_card_hour: int | None
    online: bool = True
    abilities: frozenset[str] = frozenset()
    wait_s: int = 0
    sizes: tuple[int, ...] = ()
    shut: tuple[tuple[int, int], ...] = ()

    def is_open(self, begins_s: int, ends_s: int) -> bool:
        """Whether a job may run from `begins_s` until `ends_s`: no maintenance window is in between."""
        return all(ends_s <= from_s or until_s <= begins_s for from_s, until_s in self.shut)

    @cached_property
    def key(self) -> tuple[str, str]:
        """Centre and model, which identify a pool."""
        return self.centre, self.model

    @property
    def free(self) -> int:
        """Cards that are free now."""
        return sum(free * nodes for free, nodes in enumerate(self.bins))

    @cached_property
    def cards_per_node(self) -> int:
        """Cards of the largest node."""
        return len(self.all_sizes) - 1

    @cached_property
    def all_sizes(self) -> tuple[int, ...]:
        """Nodes by their cards, up or not."""
        return self.sizes or (*(0,) * (len(self.bins) - 1), sum(self.bins))

    @cached_property
    def cards(self) -> int:
        """Cards in all, free or not."""
        return sum(size * nodes for size, nodes in enumerate(self.all_sizes))

    def __str__(self) -> str:
        return f"{self.centre} {self.model}"


@dataclass(frozen=True)
class Needs:
    """What a job needs of a pool; jobs with equal needs are evaluated together.

    `takes_slots`: no accelerator was asked for, so that a processor slot will do where `models` names none.
    `cards` are spread over `nodes` nodes as evenly as possible (the first have one more where they do not divide).
    `abilities`: what the engine must be able to do (containers for an image, workdir for an uploaded folder; gang
    is implied by several nodes). `not_at`: centres that refused the job or lost it. `too_dear`: pools (by
    key) where the most that it can cost is more than its budget has left now. `not_now`: pools
    where its time limit would reach into a maintenance window if it began now (`with_open_pools`).
    """

    cards: int = 1
    nodes: int = 1
    takes_slots: bool = False
    models: tuple[str, ...] = ()
    vendor: str = ""
    min_memory_gib: int = 0
    min_tflops_fp16: Decimal = Decimal(0)
    centre: str | None = None
    city: str | None = None
    data_centre: str | None = None
    data_city: str | None = None
    price_ceiling_fen: int | None = None
    abilities: frozenset[str] = frozenset()
    not_at: frozenset[str] = frozenset()
    too_dear: frozenset[tuple[str, str]] = frozenset()
    not_now: frozenset[tuple[str, str]] = frozenset()

    @property
    def cards_on_fullest_node(self) -> int:
        """Cards on the fullest of its nodes."""
        return -(-self.cards // self.nodes)

    @property
    def all_abilities(self) -> frozenset[str]:
        """What the engine must be able to do, gang included."""
        return self.abilities | {"gang"} if self.nodes > 1 else self.abilities


class PlacementRequest(NamedTuple):
    """A job that waits. In seconds: it is predicted to run for `predicted_s`, and for at most `limit_s`.

    `limit_s` is the job's own limit, or the upper bound of its prediction where that is less (`upper_bound_s`).
    `time_limit_s` is the job's own limit in any case, when it is ended: None means `limit_s`.
    """

    uid: str
    tenant: str
    needs: Needs
    submitted_s: int
    limit_s: int
    deadline_s: int | None = None
    predicted_s: int | None = None
    time_limit_s: int | None = None

    @property
    def ended_after_s(self) -> int:
        """The longest that it can run."""
        return self.limit_s if self.time_limit_s is None else self.time_limit_s


def expected_s(request: PlacementRequest) -> int:
    """How long a job is expected to run: as predicted, at most its limit."""
    return request.limit_s if request.predicted_s is None else min(request.predicted_s, request.limit_s)


@dataclass(frozen=True)
class PlacementTenant:
    """The party that a job is for. `use`: decayed card-seconds x TFLOPS (`fair_share`); `held`: cards it holds now.

    `subsidy`: the share of the bill that comes back to it, `remaining_fen` how much of that is left (None: no cap);
    at the centres of `no_subsidy_at`, which are its own (self-built-self-use), nothing does; at those of `subsidy_at`
    (of a city that pays, too) another share.
    """

    code: str
    city: str = ""
    weight: int = 100
    use: int = 0
    most_cards: int | None = None
    held: int = 0
    subsidy: Fraction = Fraction(0)
    remaining_fen: int | None = None
    no_subsidy_at: frozenset[str] = frozenset()
    subsidy_at: tuple[tuple[str, Fraction], ...] = ()


@dataclass(frozen=True)
class City:
    """How many cards all tenants of a city together may hold at once, and hold now."""

    code: str
    most_cards: int
    held: int = 0


@dataclass(frozen=True)
class Running:
    """A job that holds cards (placed, queued at the centre or running), expected to end at `ends_s`.

    `on`: the numbers of its nodes where the caller keeps track of nodes (the simulator does); empty: not known.
    """

    uid: str
    centre: str
    model: str
    cards: int
    nodes: int
    ends_s: int
    on: tuple[int, ...] = ()


class Rejection(StrEnum):
    """Why a pool does not take a job; the last three may pass, the others are permanent."""

    CENTRE = "centre"
    CITY = "city"
    MODEL = "model"
    VENDOR = "vendor"
    MEMORY = "memory"
    TFLOPS = "tflops"
    ABILITY = "ability"
    REFUSED = "refused"
    NO_PRICE = "no_price"
    PRICE = "price"
    SIZE = "size"
    BUDGET = "budget"
    MAINTENANCE = "maintenance"
    OFFLINE = "offline"
    ROOM = "room"

    @property
    def is_permanent(self) -> bool:
        """Whether waiting does not help."""
        return self not in (Rejection.BUDGET, Rejection.MAINTENANCE, Rejection.OFFLINE, Rejection.ROOM)


class WaitReason(StrEnum):
    """Why a job waits."""

    NEVER = "never"  # no pool, even empty, could hold it
    TENANT_NEVER = "tenant_never"  # it alone is more than its tenant may hold
    CITY_NEVER = "city_never"
    BUDGET = "budget"  # every pool that could take it may cost more than its budget has left
    OFFLINE = "offline"  # only centres that are not connected could take it
    MAINTENANCE = "maintenance"  # where it could run, it would reach into a maintenance window
    ROOM = "room"  # no pool has enough free cards
    RESERVED = "reserved"  # the free cards are reserved for jobs that come first
    TENANT_QUOTA = "tenant_quota"
    CITY_QUOTA = "city_quota"
    BEHIND = "behind"  # strict order: the first waiting job holds up all others

    @property
    def is_permanent(self) -> bool:
        """Whether waiting does not help, so that the job should be refused at once."""
        return self in (WaitReason.NEVER, WaitReason.TENANT_NEVER, WaitReason.CITY_NEVER)


@dataclass(frozen=True)
class ScoredPool:
    """A pool that could take a job, with its score by part (less is better; weighted millionths).

    `parts`: start, price, distance, fit, fragmentation. `starts_s`: when the job would begin there by what is known.
    `net_fen`: what is left for the tenant to pay per card-hour after its subsidy, None without a price.
    """

    pool: Pool
    parts: Mapping[str, int]
    starts_s: int
    net_fen: Fraction | None

    @property
    def score(self) -> int:
        """The sum of the parts."""
        return sum(self.parts.values())


class Reservation(NamedTuple):
    """Cards reserved for a job that does not fit now: where, and when they are expected to be free."""

    centre: str
    model: str
    starts_s: int
