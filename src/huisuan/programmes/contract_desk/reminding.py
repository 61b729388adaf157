"""Reminding of the reports that are waited for: applicants once when the day comes near and once when it has passed,
the offices that signed the contract once when it has passed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from django.db import transaction

from huisuan.base.months import SHANGHAI
from huisuan.messages.notify import Notice, notify_all
from huisuan.messages.recipients import Recipients, people_of_city, people_of_firm, this_person
from huisuan.programmes.contract_desk.reporting import DueMilestone, describe_due, open_milestones
from huisuan.programmes.models import ProcedureEdge
from huisuan.programmes.offices.services import every_post_in_force
from huisuan.programmes.workflow.permission import acting_for


@transaction.atomic
def remind_of_reports(now: datetime) -> int:
    """Remind of every report that is near or overdue; told before, nothing happens. Returns how many there are."""
    waiting = [each for each in describe_due(open_milestones(), now) if each.remind or each.overdue]
    late = [each for each in waiting if each.overdue]
    notify_all([*(_notice(each) for each in waiting), *_to_offices(late, now)], now)
    return len(waiting)


def _to_offices(late: Sequence[DueMilestone], now: datetime) -> list[Notice]:
    """To whoever holds a post today by which the contract is signed."""
    applications = {each.milestone.contract.application for each in late}
    edges = ProcedureEdge.objects.filter(edition__in={one.edition_id for one in applications}, action="contract")
    signing: dict[int, set[tuple[str, str]]] = defaultdict(set)
    for edition, office, duty in edges.values_list("edition", "office", "duty"):
        signing[edition].add((office, duty))
    offices = {
        one.pk: {(name, duty) for office, duty in signing[one.edition_id] for name in acting_for(one, office)}
        for one in applications
    }
    day, holders = now.astimezone(SHANGHAI).date(), defaultdict[tuple[str, str], list[Recipients]](list)
    asked = {name for held in offices.values() for name, _ in held}
    for post in every_post_in_force(day).filter(office__name__in=asked).select_related("office", "person"):
        holders[post.office.name, post.duty].append(this_person(post.person))
    found = []
    for each in late:
        pairs = sorted(offices[each.milestone.contract.application_id])
        to = tuple(dict.fromkeys(one for pair in pairs for one in holders[pair]))
        found.append(replace(_notice(each), code="report_overdue", to=to, key=f"late report:{each.milestone.pk}"))
    return found


def _notice(each: DueMilestone) -> Notice:
    milestone, application = each.milestone, each.milestone.contract.application
    ends = each.report_due.ends_at if each.report_due else None
    day = (ends or datetime.combine(milestone.due_on, datetime.min.time(), SHANGHAI)).astimezone(SHANGHAI)
    to = (
        people_of_firm(application.party_id)
        if application.party_id is not None
        else people_of_city(str(application.city_id))
    )
    values: dict[str, str | int] = {
        "number": application.number, "milestone": milestone.number, "title": milestone.title,
        "day": day.strftime("%Y-%m-%d %H:%M"),
    }  # fmt: skip
    key = f"report:{milestone.pk}:{'overdue' if each.overdue else 'near'}"
    return Notice("report_waits", values, (to,), key, f"/applications/{application.number}")
