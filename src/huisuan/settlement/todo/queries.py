"""What waits for a viewer, each kind in one or two statements, whatever the number of centres."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Count, Min, Q

from huisuan.base.months import SHANGHAI, Month
from huisuan.compute.centres.online import AGENT_SILENT
from huisuan.compute.metering.checks.anomaly import FlagKind
from huisuan.compute.metering.seals.queries import months_to_seal
from huisuan.compute.metering.seals.register import SETTLING_DAYS
from huisuan.compute.models import Centre, MeterFlag, SiteAgent, UsageTally
from huisuan.parties.viewer import Viewer
from huisuan.settlement.adoption.queries import list_proposals
from huisuan.settlement.todo.items import TodoItem, TodoKind
from huisuan.settlement.todo.settlements import outdated_years

#: who reads what waits
TODO_ROLES = ("centre", "city", "province", "auditor")


class _Desk:
    """The centres of a viewer, read once, and the day."""

    def __init__(self, viewer: Viewer, now: datetime) -> None:
        self.viewer, self.now, self.today = viewer, now, now.astimezone(SHANGHAI).date()
        self.centres = {centre.pk: centre for centre in Centre.objects.filter(viewer.centres())}
        self.months = months_to_seal(list(self.centres), self.today)

    def of_centre(self, kind: TodoKind, centre: int, **more: Any) -> TodoItem:
        """An item about a centre."""
        found = self.centres[centre]
        return TodoItem(kind, found.code, found.name, found.name_en, found.region_id, **more)

    def seal_due(self, centre: int) -> date | None:
        """By when the centre's first month that waits should be sealed; None where none waits."""
        return seal_due_day(self.months[centre][0]) if centre in self.months else None


def list_todo(viewer: Viewer, now: datetime) -> list[TodoItem]:
    """Everything that waits where the viewer looks: what they do first, then by the day it is due, then by kind."""
    desk = _Desk(viewer, now)
    found = [item for find in _FINDERS for item in find(desk)]
    order = {kind: at for at, kind in enumerate(TodoKind)}
    return sorted(
        found, key=lambda item: (not item.acts(viewer.role), item.due or date.max, order[item.kind], item.about)
    )


def count_todo(items: list[TodoItem], role: str) -> int:
    """How many things of a list somebody of this role does."""
    return sum(1 for item in items if item.acts(role))


def seal_due_day(month: Month) -> date:
    """The last day on which the seal of a month still comes before its entry in the public register is made."""
    return month.following.first_day + timedelta(days=SETTLING_DAYS - 1)


def _proposals(desk: _Desk) -> Iterator[TodoItem]:
    """Of settings, to be adopted by somebody else before the day from which they are to hold."""
    if not desk.viewer.sees_everything:
        return
    for proposal in list_proposals().filter(end__isnull=True).order_by("valid_from", "pk"):
        own = proposal.proposed_by.lower() == desk.viewer.name.lower()
        yield TodoItem(
            TodoKind.PROPOSAL, str(proposal.pk), proposal.title, since=proposal.proposed_at, due=proposal.valid_from,
            own=own, detail=(proposal.policy, proposal.proposed_by),
        )  # fmt: skip


def _flags(desk: _Desk) -> Iterator[TodoItem]:
    """Open flags by centre, which keep its month from being sealed; corrections apart, for with them a record waits."""
    correction = Q(kind=FlagKind.CORRECTION)
    rows = MeterFlag.objects.filter(answered_at__isnull=True, centre__in=desk.centres).order_by().values("centre")
    for row in rows.annotate(
        flags=Count("pk", filter=~correction), corrections=Count("pk", filter=correction),
        first_flag=Min("flagged_at", filter=~correction), first_correction=Min("flagged_at", filter=correction),
    ):  # fmt: skip
        due = desk.seal_due(row["centre"])
        for kind, count, since in (
            (TodoKind.CORRECTION, row["corrections"], row["first_correction"]),
            (TodoKind.FLAG, row["flags"], row["first_flag"]),
        ):
            if count:
                yield desk.of_centre(kind, row["centre"], count=count, since=since, due=due)


def _seals(desk: _Desk) -> Iterator[TodoItem]:
    """Months that are over, have use and are not sealed."""
    for centre, (first, last) in desk.months.items():
        months = (last.year - first.year) * 12 + last.number - first.number + 1
        yield desk.of_centre(
            TodoKind.SEAL, centre, count=months, due=seal_due_day(first), detail=(str(first), str(last)),
        )  # fmt: skip


def _settlements(desk: _Desk) -> Iterator[TodoItem]:
    """Years to settle."""
    if not desk.viewer.sees_everything:
        return
    for outdated in outdated_years(desk.today):
        yield TodoItem(
            TodoKind.SETTLEMENT, str(outdated.year), outdated.policy,
            since=outdated.run.made_at if outdated.run else None,
            detail=outdated.reasons,
        )  # fmt: skip


def _unclaimed(desk: _Desk) -> Iterator[TodoItem]:
    """Use of accounts that belong to no party yet: no bill is made of it."""
    rows = UsageTally.objects.filter(centre__in=desk.centres, unclaimed_card_seconds__gt=0).order_by(
        "-unclaimed_card_seconds"
    )
    for centre, records, seconds in rows.values_list("centre", "unclaimed_records", "unclaimed_card_seconds"):
        yield desk.of_centre(TodoKind.UNCLAIMED, centre, count=records, card_seconds=seconds)


def _agents(desk: _Desk) -> Iterator[TodoItem]:
    """Agents that stopped calling and may still call."""
    silent = SiteAgent.objects.filter(
        centre__in=desk.centres, last_seen_at__lt=desk.now - AGENT_SILENT, key__revoked_at__isnull=True
    )
    for centre, seen, host in silent.order_by("last_seen_at").values_list("centre", "last_seen_at", "host"):
        yield desk.of_centre(TodoKind.AGENT, centre, since=seen, detail=(host,))


_FINDERS: tuple[Callable[[_Desk], Iterator[TodoItem]], ...] = (
    _proposals, _flags, _seals, _settlements, _unclaimed, _agents,
)  # fmt: skip
