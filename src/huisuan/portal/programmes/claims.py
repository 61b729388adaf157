"""An applicant's home: what can be claimed now, what came back and why, what is under way and who has it."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from huisuan.law.model import LawError
from huisuan.law.procedure import CLOSING_STATES, Duty, State
from huisuan.parties.route_access import allow, viewer_of
from huisuan.parties.viewer import Viewer
from huisuan.portal.applications.form import other_claimants
from huisuan.portal.programmes.calls import drafts_by_rule, window_word
from huisuan.portal.programmes.inbox import due_word
from huisuan.portal.programmes.words import application_state, duty_label, programme_title
from huisuan.portal.ui.list_filters import first_rows
from huisuan.programmes.applications.queries import claimant
from huisuan.programmes.awards.queries import offers_to_confirm
from huisuan.programmes.calls.queries import list_calls
from huisuan.programmes.models import Application
from huisuan.programmes.submissions.content import law_of
from huisuan.programmes.submissions.window import CallWindow, show_instant
from huisuan.programmes.workflow.due import due_counts
from huisuan.programmes.workflow.queries import own_applications

_LISTED = 50


@allow("user", "city")
def claims_page(request: HttpRequest) -> HttpResponse:
    """All of it, of the viewer's own party or city."""
    viewer, now = viewer_of(request), timezone.now()
    own = own_applications(viewer).exclude(state__in=[State.DRAFT.value])
    living = own.exclude(state__in=[state.value for state in CLOSING_STATES])
    returned, more_returned = first_rows(living.filter(state=State.RETURNED.value).prefetch_related("steps"), _LISTED)
    going, more_going = first_rows(
        living.exclude(state=State.RETURNED.value).prefetch_related("edition__edges"), _LISTED
    )
    due = due_counts(going)
    offers, more_offers = first_rows(offers_to_confirm(viewer), _LISTED) if viewer.role == "user" else ([], 0)
    calls = _open_calls(viewer)
    context = {
        "here": "claims",
        "offers": [(offer, programme_title(offer.application.edition)) for offer in offers],
        "calls": calls[:_LISTED],
        "more_claims": more_offers + max(0, len(calls) - _LISTED),
        "more_returned": more_returned,
        "more_going": more_going,
        "returned": [(one, programme_title(one.edition), list(one.steps.all())[-1]) for one in returned],
        "going": [(one, programme_title(one.edition), application_state(one.state, viewer.role), _whom(one),
                   due_word(due[one.pk], now)) for one in going],
        "over": own.filter(state__in=[state.value for state in CLOSING_STATES]).count(),
    }  # fmt: skip
    return render(request, "portal/programmes/claims.html", context)


def _open_calls(viewer: Viewer) -> list[dict[str, Any]]:
    """The open calls that are for such a party, with its drafts of each."""
    now, party, own = timezone.now(), claimant(viewer), drafts_by_rule(viewer)
    found = []
    for call in list_calls(now, only_open=True):
        try:
            _policy, rule = law_of(call)
        except LawError:
            continue
        if party is None or not other_claimants(rule, party):
            closes = show_instant(CallWindow(call.first_day, call.last_day).closes_at)
            found.append({
                "call": call, "title": programme_title(call.edition), "closes": closes, "word": window_word(call, now),
                "drafts": own.get((call.edition.policy, call.edition.rule_key), []),
            })  # fmt: skip
    return found


def _whom(application: Application) -> list[tuple[str, str]]:
    """The offices that have it, with the duty of each."""
    edges = [edge for edge in application.edition.edges.all() if edge.from_state == application.state]
    return list(dict.fromkeys((edge.office, duty_label(edge.duty)) for edge in edges if edge.duty != Duty.APPLY))
