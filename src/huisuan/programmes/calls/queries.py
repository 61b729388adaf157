"""Reading calls and submissions: calls are public, what was handed in is seen by whoever sees its application."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet

from huisuan.base.months import SHANGHAI
from huisuan.parties.viewer import Viewer
from huisuan.programmes.calls.services import unknown_call
from huisuan.programmes.models import ApplicationSubmission, Call
from huisuan.programmes.submissions.window import CallWindow
from huisuan.programmes.workflow.queries import get_application


def list_calls(now: datetime, *, only_open: bool = False, policy: str = "", programme: str = "") -> QuerySet[Call]:
    """Calls, the newest first; `only_open`: those that take applications at that instant."""
    found = Call.objects.select_related("edition", "line")
    wanted = Q()
    if only_open:
        today = now.astimezone(SHANGHAI).date()
        wanted &= Q(first_day__lte=today, last_day__gte=today)
    if policy:
        wanted &= Q(edition__policy=policy)
    if programme:
        wanted &= Q(edition__key=programme)
    return found.filter(wanted)


def get_call(number: str) -> Call:
    """One call.

    Raises:
        NotFound: none of that number.
    """
    found = Call.objects.select_related("edition", "line", "opened_by").filter(number=number).first()
    if found is None:
        raise unknown_call(number)
    return found


def call_to_dict(call: Call, now: datetime) -> dict[str, Any]:
    """A line of a list of calls; both instants, at Asia/Shanghai."""
    window = CallWindow(call.first_day, call.last_day)
    return {
        "number": call.number, "policy": call.edition.policy, "programme": call.edition.key, "year": call.year,
        "title": call.title, "first_day": call.first_day.isoformat(), "last_day": call.last_day.isoformat(),
        "opens_at": window.opens_at.isoformat(), "closes_at": window.closes_at.isoformat(),
        "state": window.state(now).value,
    }  # fmt: skip


def describe_call(call: Call, now: datetime) -> dict[str, Any]:
    """A call with all that was known before it opened, and its amendments in order."""
    line = call.line
    return {
        **call_to_dict(call, now),
        "line": {"id": line.pk, "sentence": line.sentence, "year": line.year, "office": line.office},
        "shortage": call.shortage, "ties": call.ties, "evidence": call.evidence, "tasks": call.tasks,
        "object_kinds": call.object_kinds, "opened_by": call.opened_by.name,
        "opened_at": call.opened_at.astimezone(SHANGHAI).isoformat(), "procedure": call.edition.digest,
        "amendments": [
            {
                "text": made.text, "last_day": made.last_day.isoformat() if made.last_day else None,
                "at": made.at.astimezone(SHANGHAI).isoformat(),
            }
            for made in call.amendments.all()
        ],
    }  # fmt: skip


def list_submissions(viewer: Viewer, number: str) -> list[ApplicationSubmission]:
    """What an application said, version by version.

    Raises:
        NotFound: no application of that number, as far as the viewer may know.
    """
    return list(get_application(viewer, number).submissions.select_related("by"))


def submission_to_dict(made: ApplicationSubmission) -> dict[str, Any]:
    """A submission as JSON carries it; the time at Asia/Shanghai."""
    return {
        "version": made.version, "at": made.at.astimezone(SHANGHAI).isoformat(), "by": made.by.username,
        "facts": made.facts, "known": made.known, "evidence": made.evidence, "task": made.task, "named": made.named,
        "law": made.law, "read_on": made.read_on.isoformat(), "hash": made.hash,
    }  # fmt: skip
