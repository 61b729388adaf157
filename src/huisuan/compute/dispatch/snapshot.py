"""A snapshot of the database for placement: pools, tenants, cities, running and waiting jobs.

Nothing is written here. `take_snapshot` reads everything in a number of queries that does not grow with the jobs.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Q, Sum

from huisuan.base.months import SHANGHAI
from huisuan.compute.budgets.room import BudgetClaim, BudgetRoom
from huisuan.compute.centres.restoration import may_be_placed
from huisuan.compute.dispatch.net_price import Subsidies
from huisuan.compute.dispatch.pools import pools
from huisuan.compute.dispatch.runtime_estimates import PeerGroup, predict_runtimes, waiting_peer_groups
from huisuan.compute.models import AT_CENTRE, CityQuota, HeldCancel, Job, JobState, TenantShare, UsageRecord
from huisuan.compute.placement.evaluate import PoolEvaluation, evaluate_pools
from huisuan.compute.placement.fair_share import decayed_use
from huisuan.compute.placement.prediction import revised_estimate_s, upper_bound_s
from huisuan.compute.placement.types import City, Needs, PlacementRequest, PlacementTenant, Pool, Running, epoch
from huisuan.compute.placement.weights import Weights, weights_on
from huisuan.parties.models import Party

HALF_LIVES = 6  # older use has decayed below a fiftieth


# --- whose work


def tenants(parties: Iterable[Party], now: datetime, weights: Weights) -> list[PlacementTenant]:
    """These parties as placement knows them; the price that counts is the net price after the law's subsidy."""
    wanted = list(parties)
    shares = {share.party_id: share for share in TenantShare.objects.filter(party__in=wanted)}
    held = dict(
        Job.objects.filter(state__in=AT_CENTRE, party__in=wanted)
        .order_by()
        .values_list("party")
        .annotate(cards=Sum("cards"))
    )
    use, subsidies = _use(now, weights), Subsidies(now.astimezone(SHANGHAI).date())
    backs = subsidies.of(wanted)
    found = []
    for party in wanted:
        share, back = shares.get(party.pk), backs[party.uscc]
        found.append(
            PlacementTenant(
                code=party.uscc, city=party.region_id, weight=share.weight if share else 100,
                use=use.get(party.pk, 0), most_cards=share.most_cards if share else None,
                held=held.get(party.pk, 0), subsidy=back.elsewhere.share, no_subsidy_at=back.nothing_at,
                subsidy_at=back.something_at,
            )
        )  # fmt: skip
    return found


def _use(now: datetime, weights: Weights) -> dict[int, int]:
    """By party its use of late, by days, normalised by the cards' TFLOPS and decayed."""
    since = now - timedelta(seconds=HALF_LIVES * weights.order.half_life_s)
    rows = (
        UsageRecord.objects.filter(ended_at__gt=since, party__isnull=False)
        .order_by()
        .values_list("party", "accelerator__tflops_fp16", "ended_at__date")
        .annotate(used=Sum("card_seconds"))
    )
    by_party: dict[int, list[tuple[int, int, Decimal]]] = defaultdict(list)
    for party, tflops, day, used in rows:
        ended = min(epoch(datetime.combine(day, datetime.min.time(), SHANGHAI)) + 86_400, epoch(now))
        by_party[party].append((ended, used, tflops))
    return {party: decayed_use(use, epoch(now), weights.order.half_life_s) for party, use in by_party.items()}


def cities() -> list[City]:
    """Cities with a quota, and the cards that their parties hold."""
    held: Counter[str] = Counter(
        dict(
            Job.objects.filter(state__in=AT_CENTRE).order_by().values_list("party__region").annotate(cards=Sum("cards"))
        )
    )
    return [City(quota.region_id, quota.most_cards, held[quota.region_id]) for quota in CityQuota.objects.all()]


# --- what runs and what waits


def running(now: datetime) -> list[Running]:
    """The jobs that hold cards at the centres, with their expected ends."""
    rows = Job.objects.filter(state__in=AT_CENTRE).values_list(
        "uid", "centre__code", "accelerator__model", "cards", "nodes", "started_at", "time_limit_seconds",
        "predicted_seconds",
    )  # fmt: skip
    now_s = epoch(now)
    found = []
    for uid, centre, model, cards, nodes, started, limit, predicted in rows:
        began_s = epoch(started) if started else now_s
        lasts_s = limit if predicted is None else revised_estimate_s(predicted, max(now_s - began_s, 0), limit)
        found.append(Running(uid, centre, model, cards, nodes, began_s + lasts_s))
    return found


#: what decides where a job can run, beside its `card_models`
NEEDS_COLUMNS = (
    "cards", "nodes", "takes_slots", "vendor", "min_memory_gib", "min_tflops_fp16", "wanted_centre__code",
    "wanted_city_id", "data_centre__code", "data_city_id", "price_ceiling_fen", "image", "workdir_id", "outputs",
    "session_kind",
)  # fmt: skip
#: what is read of a job that waits: no more, for there may be a hundred thousand
_REQUEST_COLUMNS = (
    "uid", "party__uscc", "card_models", *NEEDS_COLUMNS, "submitted_at", "time_limit_seconds", "deadline", "party_id",
    "submitted_by", "project_id",
)  # fmt: skip


def waiting(now: datetime, room: BudgetRoom | None = None) -> Iterator[PlacementRequest]:
    """The jobs that wait for cards, in the order of submission; what the budgets leave no `room` for is marked."""
    predicted = predict_runtimes(waiting_peer_groups(), now)
    rows = (
        Job.objects.filter(may_be_placed(), ~Q(pk__in=held_back()), state=JobState.WAITING)
        .order_by("submitted_at", "uid")
        .values(*_REQUEST_COLUMNS)
    )
    known: dict[tuple[object, ...], Needs] = {}
    for row in rows.iterator(chunk_size=5000):
        yield _request_from_row(row, known, predicted, room)


def claim_of(row: Mapping[str, Any]) -> BudgetClaim:
    """What a job, as a row with these columns, may use at most."""
    return BudgetClaim(row["party_id"], row["project_id"], row["cards"] * row["time_limit_seconds"])


def held_back() -> list[str]:
    """Jobs that are about to be cancelled, unless somebody undoes it in time."""
    held = HeldCancel.objects.filter(undone_at__isnull=True, sent_at__isnull=True)
    return [uid for uids in held.values_list("uids", flat=True) for uid in uids]


def placement_request(job: Job, now: datetime, room: BudgetRoom | None = None) -> PlacementRequest:
    """The placement request of one job, saved or not."""
    return _request_from_row(
        {
            **{name: getattr(job, name) for name in _REQUEST_COLUMNS if "__" not in name},
            "party__uscc": job.party.uscc,
            "wanted_centre__code": job.wanted_centre.code if job.wanted_centre else None,
            "data_centre__code": job.data_centre.code if job.data_centre else None,
        },
        {},
        predict_runtimes([PeerGroup(job.party_id, job.submitted_by, job.cards)], now),
        room,
    )


def _request_from_row(
    row: Mapping[str, Any],
    known: dict[tuple[object, ...], Needs],
    predicted: Mapping[PeerGroup, int],
    room: BudgetRoom | None,
) -> PlacementRequest:
    """A request from a row; equal needs become one object, for placement evaluates them once."""
    too_dear = room.too_dear(claim_of(row)) if room is not None and room.standings else frozenset()
    key = (tuple(row["card_models"]), *(row[name] for name in NEEDS_COLUMNS), too_dear)
    needs = known.get(key)
    if needs is None:
        needs = known[key] = _needs(row, too_dear)
    deadline, limit_s = row["deadline"], int(row["time_limit_seconds"])
    predicted_s = predicted.get(PeerGroup(row["party_id"], row["submitted_by"], row["cards"]))
    return PlacementRequest(
        uid=str(row["uid"]),
        tenant=str(row["party__uscc"]),
        needs=needs,
        submitted_s=epoch(row["submitted_at"]),
        limit_s=upper_bound_s(limit_s, predicted_s),
        deadline_s=epoch(deadline) if isinstance(deadline, datetime) else None,
        predicted_s=None if predicted_s is None else min(predicted_s, limit_s),
        time_limit_s=limit_s,
    )


def _needs(row: Mapping[str, Any], too_dear: frozenset[tuple[str, str]]) -> Needs:
    wants = {
        "containers": row["image"], "workdir": row["workdir_id"], "outputs": row["outputs"],
        "sessions": row["session_kind"],
    }  # fmt: skip
    return Needs(
        cards=row["cards"], takes_slots=row["takes_slots"], nodes=row["nodes"], models=tuple(row["card_models"]),
        vendor=row["vendor"],
        min_memory_gib=row["min_memory_gib"], min_tflops_fp16=row["min_tflops_fp16"],
        centre=row["wanted_centre__code"], city=row["wanted_city_id"], data_centre=row["data_centre__code"],
        data_city=row["data_city_id"], price_ceiling_fen=row["price_ceiling_fen"],
        abilities=frozenset(name for name, given in wants.items() if given), too_dear=too_dear,
    )  # fmt: skip


@dataclass(frozen=True)
class Snapshot:
    """Everything that one scheduling cycle reads."""

    requests: list[PlacementRequest]
    pools: list[Pool]
    tenants: list[PlacementTenant]
    cities: list[City]
    running: list[Running]


def take_snapshot(now: datetime, weights: Weights, room: BudgetRoom | None = None) -> Snapshot:
    """Read everything that one scheduling cycle needs."""
    requests = list(waiting(now, room))
    parties = Party.objects.filter(uscc__in={request.tenant for request in requests}).select_related("region")
    return Snapshot(requests, pools(now), tenants(parties, now, weights), cities(), running(now))


def evaluate_now(request: PlacementRequest, party: Party, now: datetime) -> PoolEvaluation:
    """Evaluate every pool for one job of a party, by the present state and as if nothing else waited."""
    weights = weights_on(now.astimezone(SHANGHAI).date())
    (tenant,) = tenants([party], now, weights)
    return evaluate_pools(request, pools(now), epoch(now), weights, tenant=tenant, running=running(now))
