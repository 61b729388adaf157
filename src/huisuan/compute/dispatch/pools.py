"""The pools of cards that the platform's jobs may use, as the database has them now: there, free, and priced."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta

from django.db import connection
from django.db.models import Q

from huisuan.base.months import SHANGHAI
from huisuan.compute import engines
from huisuan.compute.accelerators import PROCESSOR_SLOT
from huisuan.compute.budgets.room import PoolKey
from huisuan.compute.centres.online import is_online
from huisuan.compute.centres.windows import NO_WINDOWS, load_windows
from huisuan.compute.engines.interface import ABILITIES
from huisuan.compute.models import AT_CENTRE, Centre, CentreNode, Job, Partition, Tariff
from huisuan.compute.placement.nodes import bins_without
from huisuan.compute.placement.types import Pool

NODES_STALE = timedelta(minutes=10)  # nodes not seen for so long say nothing; the nameplate does
HISTORY = timedelta(days=7)
#: What an engine can really run on: a job for Ascend cards would run on a processor and be billed as Ascend.
#: An engine that is not named runs on whatever its centre declares.
RUNS_ON = {"local": frozenset({PROCESSOR_SLOT})}
_SeenNode = tuple[int, int, bool, str]  # cards, free cards, whether it is up, partition


def prices_on(now: datetime) -> dict[PoolKey, int]:
    """Fen per card-hour by centre code and model, on that day in Shanghai."""
    day = now.astimezone(SHANGHAI).date()
    valid = Tariff.objects.filter(Q(valid_to__isnull=True) | Q(valid_to__gt=day), valid_from__lte=day)
    rows = valid.values_list("centre__code", "accelerator__model", "fen_per_card_hour")
    return {(centre, model): price for centre, model, price in rows}


def pools(now: datetime) -> list[Pool]:
    """Every pool of cards that the platform's jobs may use: what is free there, today's price, the wait there."""
    centres = (
        Centre.objects.filter(engine__in=engines.installed())
        .select_related("agent")
        .prefetch_related("partitions__accelerator")
    )
    prices, waits, (seen, seen_at), held = prices_on(now), _waits(now), _seen_nodes(now), _held()
    windows = load_windows(now)
    found = []
    for centre in centres:
        abilities, own = _abilities(centre), windows.get(centre.pk, NO_WINDOWS)
        for model, registered in _by_model(centre).items():
            key, partitions = (centre.code, model), own.open_partitions(registered, now)
            card, shut_off = (
                partitions[0].accelerator,
                {each.name for each in registered} - {each.name for each in partitions},
            )
            sizes, _all = _bins(registered, None)  # also where no work goes for now: a large job waits for that
            _open, bins = _bins(partitions, _in_others(seen.get(key), shut_off))
            bins += (0,) * (len(sizes) - len(bins))
            looked = _looked(centre, seen_at.get(key))
            for cards, nodes, since, partition in held.get(key, ()):
                if partition in shut_off:
                    continue
                # what ran when the nodes were looked at is in the scheduler's own figures already
                if since is None or looked is None or since > looked:
                    bins = bins_without(bins, cards, nodes)
            found.append(
                Pool(
                    centre=centre.code, city=centre.region_id, model=model, vendor=card.vendor,
                    memory_gib=card.memory_gib, tflops_fp16=card.tflops_fp16, bins=bins, sizes=sizes,
                    fen_per_card_hour=prices.get(key), online=is_online(centre, now), abilities=abilities,
                    wait_s=waits.get(centre.code, 0), shut=own.shut(partitions),
                )
            )  # fmt: skip
    return found


def _in_others(seen: list[_SeenNode] | None, shut_off: set[str]) -> list[tuple[int, int, bool]] | None:
    """The nodes seen outside these partitions; None: none of the model were seen."""
    if seen is None:
        return None
    return [(cards, free, up) for cards, free, up, partition in seen if partition not in shut_off]


def _looked(centre: Centre, seen_at: datetime | None) -> datetime | None:
    """When nodes were last seen, or said to be the same as then; None: none were seen lately."""
    told: datetime | None = getattr(getattr(centre, "agent", None), "nodes_at", None)
    return max(seen_at, told) if seen_at and told else seen_at


def _abilities(centre: Centre) -> frozenset[str]:
    """What the engine there can do, as its agent said; all of it where none has joined yet: work waits for that."""
    agent = getattr(centre, "agent", None)
    if agent is None:
        return frozenset(ABILITIES)
    return frozenset(name for name, (able, _) in agent.capabilities.items() if able)


def _by_model(centre: Centre) -> dict[str, list[Partition]]:
    models: dict[str, list[Partition]] = defaultdict(list)
    for partition in centre.partitions.all():
        if partition.accelerator.model in RUNS_ON.get(centre.engine, {partition.accelerator.model}):
            models[partition.accelerator.model].append(partition)
    return models


def _bins(partitions: list[Partition], seen: list[tuple[int, int, bool]] | None) -> tuple[tuple[int, ...], ...]:
    """Nodes by their cards, and nodes that are up by their free cards; never more than the partitions offer."""
    offered = sorted((each.cards_per_node for each in partitions for _ in range(each.nodes)), reverse=True)
    size = offered[0]
    sizes, bins = [0] * (size + 1), [0] * (size + 1)
    nodes = [(each, each, True) for each in offered]
    if seen is not None:
        pairs = zip(offered, sorted(seen, reverse=True), strict=False)
        nodes = [(min(most, cards), min(most, free), up) for most, (cards, free, up) in pairs]
    for cards, free, up in nodes:
        sizes[cards] += 1
        if up:
            bins[free] += 1
    return tuple(sizes), tuple(bins)


def _seen_nodes(now: datetime) -> tuple[dict[PoolKey, list[_SeenNode]], dict[PoolKey, datetime]]:
    """By centre and model the nodes that its agent saw lately; and when."""
    rows = CentreNode.objects.filter(seen_at__gt=now - NODES_STALE, accelerator__isnull=False, cards__gt=0)
    found: dict[PoolKey, dict[str, _SeenNode]] = defaultdict(dict)
    at: dict[PoolKey, datetime] = {}
    for centre, model, name, cards, used, state, seen_at, partition in rows.values_list(
        "centre__code", "accelerator__model", "name", "cards", "used", "state", "seen_at", "partition"
    ):
        found[centre, model][name] = (cards, max(cards - used, 0), state == "up", partition)
        at[centre, model] = seen_at  # an agent tells all its nodes at once
    return {key: list(nodes.values()) for key, nodes in found.items()}, at


def _held() -> dict[PoolKey, list[tuple[int, int, datetime | None, str]]]:
    """By centre and model what the jobs there hold: cards, nodes, since when they run (None: not yet), partition."""
    rows = Job.objects.filter(state__in=AT_CENTRE).values_list(
        "centre__code", "accelerator__model", "cards", "nodes", "running_since", "partition"
    )
    found: dict[PoolKey, list[tuple[int, int, datetime | None, str]]] = defaultdict(list)
    for centre, model, cards, nodes, since, partition in rows:
        found[centre, model].append((cards, nodes, since, partition))
    return found


def _waits(now: datetime) -> dict[str, int]:
    """By centre the median seconds that its jobs of the last days waited in its own queue."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.code, percentile_disc(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM started_at - placed_at))"
            " FROM compute_job j JOIN compute_centre c ON c.id = j.centre_id"
            " WHERE j.started_at > %s AND j.placed_at IS NOT NULL AND j.started_at >= j.placed_at GROUP BY c.code",
            [now - HISTORY],
        )
        return {code: int(seconds) for code, seconds in cursor.fetchall()}
