"""What is there now: every pool of cards with what is free, its queue, its price and net price, the wait by size.

Waits are worked out as a preview works them out: from what runs and its expected ends, and the centre's own queue, as
if nothing else waited; how many jobs of the province wait for such cards stands beside them.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Sum

from huisuan.base.errors import InvalidRequest
from huisuan.base.months import SHANGHAI
from huisuan.compute.accelerators import PROCESSOR_SLOT
from huisuan.compute.budgets.room import PoolKey
from huisuan.compute.dispatch.net_price import Subsidies
from huisuan.compute.dispatch.pools import pools
from huisuan.compute.dispatch.snapshot import running
from huisuan.compute.models import AT_CENTRE, Centre, Job, JobState, MaintenanceWindow
from huisuan.compute.placement.evaluate import evaluate_pools
from huisuan.compute.placement.types import Needs, PlacementRequest, PlacementTenant, Pool, Running, ScoredPool, epoch
from huisuan.compute.placement.weights import Weights, weights_on
from huisuan.parties.models import Party
from huisuan.parties.viewer import Viewer
from huisuan.protocol.agent import HUGE_CARDS
from huisuan.protocol.placement import Availability, PoolNow, WindowAhead

SIZES = (1, 8, 16, 32)  # cards for which the wait is told
LONGEST_HOURS = 720
SOON_S = 3600


@dataclass(frozen=True)
class _Asked:
    """Everything that is looked up once for all pools."""

    now: datetime
    weights: Weights
    tenant: PlacementTenant
    has_party: bool
    seconds: int
    running: Mapping[PoolKey, Sequence[Running]]


def availability(
    viewer: Viewer, now: datetime, *, cards: int = 1, model: str | None = None, hours: int = 1
) -> Availability:
    """What a viewer can have now; which pool is cheapest within the hour, which soonest, for a job of that size.

    Raises:
        InvalidRequest: no such number of cards or hours.
    """
    if not 1 <= cards <= HUGE_CARDS:
        raise InvalidRequest(f"cards {cards}：应在 1 至 {HUGE_CARDS} 之间", code="now.cards_out_of_bounds")
    if not 1 <= hours <= LONGEST_HOURS:
        raise InvalidRequest(f"hours {hours}：应在 1 至 {LONGEST_HOURS} 之间", code="now.hours_out_of_bounds")
    asked = _asked(viewer, now, hours)
    found = [pool for pool in pools(now) if model is None or pool.model == model]
    names = {centre.code: centre for centre in Centre.objects.select_related("region")}
    queues, ahead = _queues(), _waiting_for(found)
    rows, options = [], []
    for pool in sorted(found, key=lambda pool: pool.key):
        fits = {size: _fit(pool, size, asked) for size in dict.fromkeys((*SIZES, cards))}
        if (best := fits[cards]) is not None:
            options.append(best)
        rows.append(_row(pool, names[pool.centre], fits, asked, queues, ahead))
    soon = [option for option in options if option.starts_s - epoch(now) <= SOON_S]
    return Availability(
        at=now, cards=cards, hours=hours, sizes=list(dict.fromkeys((*SIZES, cards))), pools=rows,
        waiting_jobs=queues.waiting, waiting_cards=queues.waiting_cards,
        cheapest=_name(min(soon, key=_by_price, default=None)),
        soonest=_name(min(options, key=_by_start, default=None)),
        windows=_windows(now, {pool.centre for pool in found}),
    )  # fmt: skip


def _windows(now: datetime, centres: Collection[str]) -> list[WindowAhead]:
    """The maintenance windows of these centres that are not over, the first first."""
    rows = MaintenanceWindow.objects.filter(ends_at__gt=now, cancelled_at__isnull=True, centre__code__in=centres)
    return [
        WindowAhead(
            centre=row.centre.code, starts_at=row.starts_at, ends_at=row.ends_at, partitions=row.partitions,
            reason=row.reason,
        )
        for row in rows.select_related("centre").order_by("starts_at", "pk")
    ]  # fmt: skip


def _asked(viewer: Viewer, now: datetime, hours: int) -> _Asked:
    day = now.astimezone(SHANGHAI).date()
    own_party = Party.objects.select_related("region").filter(viewer.parties())
    party = own_party.first() if viewer.role == "user" else None
    tenant = PlacementTenant("")
    if party is not None:
        back = Subsidies(day).of([party])[party.uscc]
        tenant = PlacementTenant(
            party.uscc, party.region_id, subsidy=back.elsewhere.share, no_subsidy_at=back.nothing_at,
            subsidy_at=back.something_at,
        )  # fmt: skip
    by_pool: dict[PoolKey, list[Running]] = defaultdict(list)
    for job in running(now):
        by_pool[job.centre, job.model].append(job)
    return _Asked(now, weights_on(day), tenant, party is not None, hours * 3600, by_pool)


def _fit(pool: Pool, cards: int, asked: _Asked) -> ScoredPool | None:
    """How a job of so many cards would fare there, on as few nodes as hold it; None: it cannot be had."""
    nodes = -(-cards // max(pool.cards_per_node, 1))
    needs = Needs(cards=cards, nodes=nodes, takes_slots=pool.model == PROCESSOR_SLOT, models=(pool.model,))
    request = PlacementRequest("", asked.tenant.code, needs, epoch(asked.now), asked.seconds)
    held = asked.running.get(pool.key, ())
    found = evaluate_pools(request, [pool], epoch(asked.now), asked.weights, tenant=asked.tenant, running=held)
    return next(iter((*found.now, *found.later)), None)


def _row(
    pool: Pool,
    centre: Centre,
    fits: Mapping[int, ScoredPool | None],
    asked: _Asked,
    queues: _Queues,
    ahead: Counter[PoolKey],
) -> PoolNow:
    net = next((fit.net_fen for fit in fits.values() if fit is not None), None) if asked.has_party else None
    return PoolNow(
        centre=pool.centre, name=centre.name, name_en=centre.name_en, city=centre.region.name_zh, model=pool.model,
        online=pool.online, cards=pool.cards, free=max(pool.free, 0),
        running_jobs=queues.at[*pool.key, JobState.RUNNING],
        queued_jobs=queues.at[*pool.key, JobState.PLACED] + queues.at[*pool.key, JobState.QUEUED],
        waiting_jobs=ahead[pool.key], fen_per_card_hour=pool.fen_per_card_hour,
        net_fen_per_card_hour=None if net is None else str(net),
        wait_seconds={
            str(size): None if fit is None else max(fit.starts_s - epoch(asked.now), 0) for size, fit in fits.items()
        },
    )  # fmt: skip


@dataclass(frozen=True)
class _Queues:
    """Jobs by centre, model and state where they hold cards; those of the province that wait, and their cards."""

    at: Counter[tuple[str, str, str]]
    waiting: int
    waiting_cards: int


def _queues() -> _Queues:
    rows = Job.objects.filter(state__in=AT_CENTRE).order_by().values_list("centre__code", "accelerator__model", "state")
    at: Counter[tuple[str, str, str]] = Counter()
    for centre, model, state, count in rows.annotate(count=Count("pk")):
        at[centre or "", model or "", state] = count
    waiting = Job.objects.filter(state=JobState.WAITING).aggregate(jobs=Count("pk"), cards=Sum("cards"))
    return _Queues(at, waiting["jobs"], waiting["cards"] or 0)


def _waiting_for(found: Iterable[Pool]) -> Counter[PoolKey]:
    """By pool the waiting jobs that name its model, or any, and neither another centre nor another city."""
    wants = Job.objects.filter(state=JobState.WAITING).order_by()
    groups = wants.values_list("card_models", "wanted_centre__code", "wanted_city", "takes_slots")
    counted = list(groups.annotate(count=Count("pk")))
    ahead: Counter[PoolKey] = Counter()
    for pool in found:
        for models, centre, city, takes_slots, count in counted:
            any_card = not models and (takes_slots or pool.model != PROCESSOR_SLOT)
            if (any_card or pool.model in models) and centre in (None, pool.centre) and city in (None, pool.city):
                ahead[pool.key] += count
    return ahead


def _by_price(option: ScoredPool) -> tuple[bool, object, int, PoolKey]:
    return option.net_fen is None, option.net_fen or 0, option.starts_s, option.pool.key


def _by_start(option: ScoredPool) -> tuple[int, bool, object, PoolKey]:
    return option.starts_s, option.net_fen is None, option.net_fen or 0, option.pool.key


def _name(option: ScoredPool | None) -> list[str] | None:
    return None if option is None else list(option.pool.key)
