"""Reminding applicants of the reports that are waited for: once when the day comes near, once when it has passed."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from huisuan.base.months import SHANGHAI
from huisuan.messages.notify import Notice, notify_all
from huisuan.messages.recipients import people_of_city, people_of_firm
from huisuan.programmes.contract_desk.reporting import DueMilestone, describe_due, open_milestones


@transaction.atomic
def remind_of_reports(now: datetime) -> int:
    """Remind of every report that is near or overdue; told before, nothing happens. Returns how many there are."""
    waiting = [each for each in describe_due(open_milestones(), now) if each.remind or each.overdue]
    notify_all([_notice(each) for each in waiting], now)
    return len(waiting)


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
