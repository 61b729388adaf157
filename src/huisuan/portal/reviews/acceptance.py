"""Milestones that an expert is to accept: the list on the bench, and what is looked at before the vote."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from huisuan.parties.models import Person
from huisuan.parties.route_access import viewer_of
from huisuan.parties.viewer import Viewer
from huisuan.portal.programmes.words import programme_title
from huisuan.portal.ui.columns import Column, Empty, Kind
from huisuan.portal.ui.state_labels import Word, local_name
from huisuan.portal.ui.table import Table
from huisuan.programmes.contract_desk.panel import why_barred
from huisuan.programmes.contract_desk.queries import acceptance_seats, describe_seat
from huisuan.programmes.models import AcceptanceSeat

_ACCEPTED, _VOTED, _TO_VOTE = Word(_("已验收"), "good"), Word(_("已投票"), "good"), Word(_("待投票"), "wait")
_REFUSED = Word(_("未通过，待再报告"), "wait")
_MOST_SHOWN = 20  # whose material stands on the page; the list has all


@dataclass(frozen=True)
class WaitingAcceptance:
    """A milestone that waits for the reader's vote; where a tie has come up, `bar` says so and nothing is shown."""

    number: str
    title: str
    party: str
    milestone: int
    bar: str
    found: dict[str, Any] | None


def acceptance_table(request: HttpRequest) -> Table:
    """The seats of the reader in panels that accept milestones."""
    named = "milestone__contract__application__"
    return Table(
        request,
        acceptance_seats(viewer_of(request)),
        [
            Column(
                "number", _("编号"), "milestone.contract.application.number", Kind.CODE, f"{named}number",
                link=lambda row: f"#accept-{row.pk}" if _word(row) is _TO_VOTE else "",
            ),
            Column("programme", _("申报程序"), lambda row: programme_title(row.milestone.contract.application.edition)),
            Column("party", _("承担单位"), lambda row: local_name(row.milestone.contract.application.party)),
            Column("milestone", _("节点"), lambda row: f"{row.milestone.number} {row.milestone.title}"),
            Column("due", _("到期"), "milestone.due_on", Kind.DAY, sort="milestone__due_on"),
            Column("state", _("状态"), _word, Kind.STATE),
        ],
        file="acceptances",
        name="acceptance",
        order="-number",
        search=(f"{named}number", f"{named}party__name", "milestone__title"),
        empty=Empty(_("没有要您验收的节点：抽签抽到您，或候补递补之后，列在这里。")),
    )  # fmt: skip


def waiting_acceptances(person: Person, now: datetime) -> list[tuple[AcceptanceSeat, WaitingAcceptance]]:
    """What waits for a vote of a person, with the material; the newest first."""
    rows = acceptance_seats(Viewer.for_person(person)).filter(Q(voted=False, done=False, refused=False))
    return [(row, _waiting(row, now)) for row in rows[:_MOST_SHOWN]]


def _waiting(row: AcceptanceSeat, now: datetime) -> WaitingAcceptance:
    application, bar = row.milestone.contract.application, why_barred(row, now)
    return WaitingAcceptance(
        application.number, programme_title(application.edition), local_name(application.party), row.milestone.number,
        bar, None if bar else describe_seat(row, now),
    )  # fmt: skip


def _word(row: Any) -> Word:
    if row.done:
        return _ACCEPTED
    if row.refused:
        return _REFUSED
    return _VOTED if row.voted else _TO_VOTE
