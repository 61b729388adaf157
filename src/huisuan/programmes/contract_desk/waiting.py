"""Milestones that wait for somebody: of the posts that sign contracts, and of an applicant."""

from __future__ import annotations

from datetime import datetime

from django.db.models import QuerySet

from huisuan.base.months import SHANGHAI
from huisuan.parties.models import Person
from huisuan.parties.viewer import Viewer
from huisuan.programmes.contract_desk.reporting import describe_due, milestones_due, open_milestones
from huisuan.programmes.models import Milestone
from huisuan.programmes.workflow.inbox import of_posts
from huisuan.programmes.workflow.permission import Permissions

_SIGNING = "contract"


def milestones_of_posts(person: Person, now: datetime) -> QuerySet[Milestone]:
    """Those that wait for the posts of a person that sign contracts: near, overdue, or reported and to be accepted.

    Left out is what the person may not act on: tied to the applicant, or in another duty there.
    """
    mine = of_posts(person, now.astimezone(SHANGHAI).date(), _SIGNING)
    waiting = [
        each
        for each in describe_due(open_milestones().filter(contract__application__in=mine), now)
        if each.remind or each.overdue or each.reported
    ]
    applications = {each.milestone.contract.application_id: each.milestone.contract.application for each in waiting}
    permissions = Permissions.load(person, _SIGNING, "", list(applications.values()), now)
    allowed = {pk for pk, one in applications.items() if permissions.ask_duty(one) is None}
    return _of([each.milestone.pk for each in waiting if each.milestone.contract.application_id in allowed])


def milestones_to_report(viewer: Viewer, now: datetime) -> QuerySet[Milestone]:
    """Those of the applications of a viewer whose report is near or overdue."""
    return _of([each.milestone.pk for each in milestones_due(viewer, now, soon_only=True)])


def _of(keys: list[int]) -> QuerySet[Milestone]:
    return open_milestones().filter(pk__in=keys)
