"""The federation in figures: per city, per vendor and model, per centre; each in a few queries, whatever the size."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from django.db.models import Count, Q, QuerySet, Sum

from huisuan.compute.capacity.capacity import TFLOPS_PER_P
from huisuan.compute.centres.online import AGENT_SILENT
from huisuan.compute.models import Accelerator, Centre, CentreNode, Job, JobState, Partition
from huisuan.parties.models import Region
from huisuan.parties.viewer import Viewer

LATELY = timedelta(minutes=10)  # an older sight of the nodes tells nothing of now
_PROVINCE = "340000"  # itself, not a city of it


@dataclass
class ComputeTotals:
    """Cards and P: registered, seen by the agents lately, in use now (by anyone, as the schedulers show it)."""

    cards: int = 0
    p: Decimal = Decimal(0)
    seen: int = 0
    seen_p: Decimal = Decimal(0)
    used: int = 0
    used_p: Decimal = Decimal(0)

    def claim(self, cards: int, tflops: Decimal) -> None:
        """Add registered cards."""
        self.cards, self.p = self.cards + cards, self.p + cards * tflops / TFLOPS_PER_P

    def see(self, cards: int, used: int, tflops: Decimal) -> None:
        """Add cards that an agent saw."""
        self.seen, self.seen_p = self.seen + cards, self.seen_p + cards * tflops / TFLOPS_PER_P
        self.used, self.used_p = self.used + used, self.used_p + used * tflops / TFLOPS_PER_P

    @property
    def permille(self) -> int:
        """Cards in use, per mille of those seen; 0 where none were."""
        return self.used * 1000 // self.seen if self.seen else 0


@dataclass
class CityRow:
    """One city: its centres, their size, and the work of its parties that waits."""

    region: Region
    size: ComputeTotals = field(default_factory=ComputeTotals)
    centres: int = 0
    online: int = 0
    waiting: int = 0
    waiting_cards: int = 0


@dataclass
class ModelRow:
    """One model over all centres."""

    accelerator: Accelerator
    size: ComputeTotals = field(default_factory=ComputeTotals)
    centres: set[int] = field(default_factory=set)


@dataclass
class Federation:
    """All of it. `cities` are those of the province, in the order of their codes."""

    cities: list[CityRow]
    models: list[ModelRow]
    total: ComputeTotals
    centres: int
    online: int
    waiting: int
    running: int

    @property
    def vendors(self) -> list[tuple[str, ComputeTotals]]:
        """The sizes by vendor, the largest first."""
        found: dict[str, ComputeTotals] = defaultdict(ComputeTotals)
        for row in self.models:
            into = found[row.accelerator.vendor]
            into.claim(row.size.cards, row.accelerator.tflops_fp16)
            into.see(row.size.seen, row.size.used, row.accelerator.tflops_fp16)
        return sorted(found.items(), key=lambda each: (-each[1].p, each[0]))


def federation(viewer: Viewer, now: datetime) -> Federation:
    """What the viewer may see of the centres, and of the work that waits."""
    centres = Centre.objects.filter(viewer.centres()).select_related("agent")
    cities = {
        region.code: CityRow(region) for region in Region.objects.filter(code__startswith="34").exclude(code=_PROVINCE)
    }
    models: dict[int, ModelRow] = {}
    total = ComputeTotals()
    homes = _homes(centres, cities, now)
    for partition in Partition.objects.filter(centre__in=homes).select_related("accelerator"):
        row = models.setdefault(partition.accelerator_id, ModelRow(partition.accelerator))
        row.centres.add(partition.centre_id)
        for size in _sizes(homes[partition.centre_id], cities, row, total):
            size.claim(partition.cards, partition.accelerator.tflops_fp16)
    for node in _nodes(homes, now):
        assert node.accelerator is not None  # the query asks for those that have one
        row = models.setdefault(node.accelerator.pk, ModelRow(node.accelerator))
        for size in _sizes(homes[node.centre_id], cities, row, total):
            size.see(node.cards, node.used, node.accelerator.tflops_fp16)
    _count_jobs(viewer, cities)
    ordered = sorted(models.values(), key=lambda each: (-each.size.p, each.accelerator.model))
    return Federation(
        cities=sorted(cities.values(), key=lambda each: each.region.code),
        models=ordered,
        total=total,
        centres=len(homes),
        online=sum(row.online for row in cities.values()),
        waiting=sum(row.waiting for row in cities.values()),
        running=Job.objects.filter(viewer.centres("centre"), state=JobState.RUNNING).count(),
    )


def _homes(centres: QuerySet[Centre], cities: dict[str, CityRow], now: datetime) -> dict[int, str]:
    """The city of every centre; centres are counted on the way, and those whose agent calls."""
    homes = {}
    for centre in centres:
        homes[centre.pk] = centre.region_id
        row = cities.get(centre.region_id)
        if row is None:  # not setdefault: it would fetch the region of every centre
            row = cities[centre.region_id] = CityRow(centre.region)
        row.centres += 1
        agent = getattr(centre, "agent", None)
        row.online += agent is not None and agent.last_seen_at > now - AGENT_SILENT
    return homes


def _sizes(
    city: str, cities: dict[str, CityRow], model: ModelRow, total: ComputeTotals
) -> tuple[ComputeTotals, ComputeTotals, ComputeTotals]:
    return cities[city].size, model.size, total


def _nodes(homes: dict[int, str], now: datetime) -> Iterable[CentreNode]:
    """The nodes seen lately, each once, in however many partitions it stands."""
    seen: set[tuple[int, str, str]] = set()
    rows = CentreNode.objects.filter(centre__in=homes, seen_at__gt=now - LATELY, accelerator__isnull=False)
    for node in rows.select_related("accelerator"):
        key = (node.centre_id, node.name, node.local_card)
        if key not in seen:
            seen.add(key)
            yield node


def _count_jobs(viewer: Viewer, cities: dict[str, CityRow]) -> None:
    waits = Q(state__in=(JobState.WAITING, JobState.PLACED, JobState.QUEUED))
    rows = Job.objects.filter(viewer.parties("party"), waits).order_by().values_list("party__region")
    for code, jobs, cards in rows.annotate(jobs=Count("pk"), wanted=Sum("cards")):
        if code in cities:
            cities[code].waiting, cities[code].waiting_cards = jobs, cards
