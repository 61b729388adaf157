"""What placement is decided from, as the database has it now: pools, tenants, cities, what runs, what waits.

Nothing is written here. `registers` reads everything in a number of queries that does not grow with the jobs.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Sum

from huisuan.base.months import SHANGHAI
from huisuan.compute.centres.restoration import may_be_placed
from huisuan.compute.dispatch.net_price import Subsidies
from huisuan.compute.dispatch.pools import pools
from huisuan.compute.dispatch.runtime_estimates import Kind, expected, kinds_waiting
from huisuan.compute.models import AT_CENTRE, CityQuota, Job, JobState, TenantShare, UsageRecord
from huisuan.compute.placement.evaluate import Considered, consider
from huisuan.compute.placement.fair_share import decayed
from huisuan.compute.placement.runtime_predictor import over_by_s, still_thought_s
from huisuan.compute.placement.types import Ask, City, Needs, Pool, Running, Tenant, epoch
from huisuan.compute.placement.weights import Weights, weights_on
from huisuan.parties.models import Party

HALF_LIVES = 6  # older use has decayed below a fiftieth


# --- whose work


def tenants(parties: Iterable[Party], now: datetime, weights: Weights) -> list[Tenant]:
    """These parties as placement weighs them; the price that counts is what is left after the law's subsidy."""
    wanted = list(parties)
    shares = {share.party_id: share for share in TenantShare.objects.filter(party__in=wanted)}
    held = dict(
        Job.objects.filter(state__in=AT_CENTRE, party__in=wanted)
        .order_by()
        .values_list("party")
        .annotate(cards=Sum("cards"))
    )
    use, subsidies = _use(now, weights), Subsidies(now.astimezone(SHANGHAI).date())
    own = subsidies.own_centres(wanted)
    found = []
    for party in wanted:
        share = shares.get(party.pk)
        found.append(
            Tenant(
                code=party.uscc, city=party.region_id, weight=share.weight if share else 100,
                use=use.get(party.pk, 0), most_cards=share.most_cards if share else None,
                held=held.get(party.pk, 0), subsidy=subsidies.of(party).share,
                no_subsidy_at=own.get(party.uscc, frozenset()),
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
    return {party: decayed(use, epoch(now), weights.order.half_life_s) for party, use in by_party.items()}


def cities() -> list[City]:
    """Cities with a quota, and what their parties hold."""
    held: Counter[str] = Counter(
        dict(
            Job.objects.filter(state__in=AT_CENTRE).order_by().values_list("party__region").annotate(cards=Sum("cards"))
        )
    )
    return [City(quota.region_id, quota.most_cards, held[quota.region_id]) for quota in CityQuota.objects.all()]


# --- what runs and what waits


def running(now: datetime) -> list[Running]:
    """What holds cards at the centres, and until when as far as is thought."""
    rows = Job.objects.filter(state__in=AT_CENTRE).values_list(
        "uid", "centre__code", "accelerator__model", "cards", "nodes", "started_at", "time_limit_seconds",
        "predicted_seconds",
    )  # fmt: skip
    now_s = epoch(now)
    found = []
    for uid, centre, model, cards, nodes, started, limit, predicted in rows:
        began_s = epoch(started) if started else now_s
        lasts_s = limit if predicted is None else still_thought_s(predicted, max(now_s - began_s, 0), limit)
        found.append(Running(uid, centre, model, cards, nodes, began_s + lasts_s))
    return found


#: what decides where a job can run, beside its `card_models`
NEEDED = (
    "cards", "nodes", "takes_slots", "vendor", "min_memory_gib", "min_tflops_fp16", "wanted_centre__code",
    "wanted_city_id", "data_centre__code", "data_city_id", "price_ceiling_fen", "image", "workdir_id",
)  # fmt: skip
#: what is read of a job that waits: no more, for there may be a hundred thousand
ASKED = (
    "uid", "party__uscc", "card_models", *NEEDED, "submitted_at", "time_limit_seconds", "deadline", "party_id",
    "submitted_by",
)  # fmt: skip


def waiting(now: datetime) -> Iterator[Ask]:
    """The jobs that wait for cards, in the order in which they came."""
    predicted = expected(kinds_waiting(), now)
    rows = Job.objects.filter(may_be_placed(), state=JobState.WAITING).order_by("submitted_at", "uid").values(*ASKED)
    known: dict[tuple[object, ...], Needs] = {}
    for row in rows.iterator(chunk_size=5000):
        yield _ask(row, known, predicted)


def ask_of(job: Job, now: datetime) -> Ask:
    """What one job (saved or not) needs."""
    return _ask(
        {
            **{name: getattr(job, name) for name in ASKED if "__" not in name},
            "party__uscc": job.party.uscc,
            "wanted_centre__code": job.wanted_centre.code if job.wanted_centre else None,
            "data_centre__code": job.data_centre.code if job.data_centre else None,
        },
        {},
        expected([Kind(job.party_id, job.submitted_by, job.cards)], now),
    )


def _ask(row: Mapping[str, Any], known: dict[tuple[object, ...], Needs], predicted: Mapping[Kind, int]) -> Ask:
    """An ask out of a row; equal needs become one object, for placement judges them once."""
    key = (tuple(row["card_models"]), *(row[name] for name in NEEDED))
    needs = known.get(key)
    if needs is None:
        needs = known[key] = _needs(row)
    deadline, limit_s = row["deadline"], int(row["time_limit_seconds"])
    predicted_s = predicted.get(Kind(row["party_id"], row["submitted_by"], row["cards"]))
    return Ask(
        uid=str(row["uid"]),
        tenant=str(row["party__uscc"]),
        needs=needs,
        submitted_s=epoch(row["submitted_at"]),
        limit_s=over_by_s(limit_s, predicted_s),
        deadline_s=epoch(deadline) if isinstance(deadline, datetime) else None,
        predicted_s=None if predicted_s is None else min(predicted_s, limit_s),
    )


def _needs(row: Mapping[str, Any]) -> Needs:
    wants = {"containers": row["image"], "workdir": row["workdir_id"]}
    return Needs(
        cards=row["cards"], takes_slots=row["takes_slots"], nodes=row["nodes"], models=tuple(row["card_models"]),
        vendor=row["vendor"],
        min_memory_gib=row["min_memory_gib"], min_tflops_fp16=row["min_tflops_fp16"],
        centre=row["wanted_centre__code"], city=row["wanted_city_id"], data_centre=row["data_centre__code"],
        data_city=row["data_city_id"], price_ceiling_fen=row["price_ceiling_fen"],
        abilities=frozenset(name for name, given in wants.items() if given),
    )  # fmt: skip


@dataclass(frozen=True)
class Registers:
    """Everything that one pass of placement reads."""

    asks: list[Ask]
    pools: list[Pool]
    tenants: list[Tenant]
    cities: list[City]
    running: list[Running]


def registers(now: datetime, weights: Weights) -> Registers:
    """Read all of it."""
    asks = list(waiting(now))
    parties = Party.objects.filter(uscc__in={ask.tenant for ask in asks}).select_related("region")
    return Registers(asks, pools(now), tenants(parties, now, weights), cities(), running(now))


def considered_now(ask: Ask, party: Party, now: datetime) -> Considered:
    """Every pool for one job of a party, as things stand and as if nothing else waited."""
    weights = weights_on(now.astimezone(SHANGHAI).date())
    (tenant,) = tenants([party], now, weights)
    return consider(ask, pools(now), epoch(now), weights, tenant=tenant, running=running(now))
