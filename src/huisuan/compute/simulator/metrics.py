"""What came of a replay: how long jobs waited, how busy the cards were, how evenly tenants were served, the cost."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from typing import Any

from huisuan.compute.simulator.cluster import World
from huisuan.compute.simulator.replay import ReplayedJob

_HOUR = 3600


@dataclass(frozen=True)
class Measures:
    """Seconds unless the name says otherwise; shares between 0 and 1; fen are exact sums, rounded once per tenant.

    `mean_jct_s`: from submission to the end. `utilisation`: card-seconds used of those there were from the first
    submission to the last end. `fairness`: Jain's index over tenants of the part of their time in the system, weighted
    by cards, in which their work ran: 1 when all are served alike. `cost_fen`, `subsidy_fen`: None without any price.
    """

    policy: str
    jobs: int
    mean_jct_s: float
    mean_queue_s: float
    median_queue_s: float
    p99_queue_s: float
    max_queue_s: int
    utilisation: float
    fairness: float
    tenants: int
    card_seconds: int
    span_s: int
    cost_fen: int | None
    subsidy_fen: int | None
    simulated_s: float
    jobs_per_s: int

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def replay_measures(policy: str, ran: Sequence[ReplayedJob], world: World, simulated_s: float) -> Measures:
    """Sum a replay up."""
    waits = sorted(job_run.waited_s for job_run in ran)
    spent = sum(job_run.job.duration_s for job_run in ran)
    card_seconds = sum(job_run.job.duration_s * job_run.job.cards for job_run in ran)
    span_s = max(job_run.ended_s for job_run in ran) - min(job_run.job.submitted_s for job_run in ran)
    served = _served(ran)
    cost, subsidy = _cost(ran, world) if world.priced else (None, None)
    return Measures(
        policy=policy,
        jobs=len(ran),
        mean_jct_s=round((spent + sum(waits)) / len(ran), 1),
        mean_queue_s=round(sum(waits) / len(ran), 1),
        median_queue_s=round(quantile(waits, 50), 1),
        p99_queue_s=round(quantile(waits, 99), 1),
        max_queue_s=waits[-1],
        utilisation=round(card_seconds / (world.cards * span_s), 4) if span_s else 0.0,
        fairness=round(jain(served.values()), 4),
        tenants=len(served),
        card_seconds=card_seconds,
        span_s=span_s,
        cost_fen=cost,
        subsidy_fen=subsidy,
        simulated_s=round(simulated_s, 3),
        jobs_per_s=round(len(ran) / simulated_s) if simulated_s else 0,
    )


def quantile(ordered: Sequence[int], percent: int) -> float:
    """The value below which so many per cent lie; between two values it grows evenly."""
    place, part = divmod((len(ordered) - 1) * percent, 100)
    lower, upper = ordered[place], ordered[min(place + 1, len(ordered) - 1)]
    return lower + (upper - lower) * part / 100


def jain(shares: Iterable[float]) -> float:
    """Jain's index of fairness: 1 when all are alike, 1/n when one has everything."""
    found = list(shares)
    squares = sum(share * share for share in found)
    return sum(found) ** 2 / (len(found) * squares) if squares else 1.0


def busy(ran: Iterable[ReplayedJob], since_s: int, until_s: int, step_s: int) -> list[int]:
    """Card-seconds used in each step between two moments."""
    found = [0] * -(-(until_s - since_s) // step_s)
    for job_run in ran:
        at, end = job_run.started_s - since_s, job_run.ended_s - since_s
        while at < end:
            place = at // step_s
            until = min((place + 1) * step_s, end)
            found[place] += (until - at) * job_run.job.cards
            at = until
    return found


def _served(ran: Iterable[ReplayedJob]) -> dict[str, float]:
    held: defaultdict[str, int] = defaultdict(int)
    there: defaultdict[str, int] = defaultdict(int)
    for job_run in ran:
        held[job_run.job.tenant] += job_run.job.duration_s * job_run.job.cards
        there[job_run.job.tenant] += (job_run.job.duration_s + job_run.waited_s) * job_run.job.cards
    return {tenant: held[tenant] / there[tenant] for tenant in there if there[tenant]}


def _cost(ran: Iterable[ReplayedJob], world: World) -> tuple[int, int]:
    """What all tenants pay before subsidy and what comes back: each tenant's sum is cut to whole fen once."""
    bills: defaultdict[str, Fraction] = defaultdict(Fraction)
    seconds: defaultdict[tuple[str, int], int] = defaultdict(int)
    for job_run in ran:
        if job_run.pool.fen_per_card_hour is not None:
            seconds[job_run.job.tenant, job_run.pool.fen_per_card_hour] += job_run.job.duration_s * job_run.job.cards
    for (tenant, price), spent in seconds.items():
        bills[tenant] += Fraction(price * spent, _HOUR)
    cost = subsidy = 0
    for code, bill in bills.items():
        terms = world.tenant(code)
        back = int(bill * terms.subsidy)
        cost += int(bill)
        subsidy += back if terms.remaining_fen is None else min(back, terms.remaining_fen)
    return cost, subsidy
