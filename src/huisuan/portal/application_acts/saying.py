"""Saying on the page of an application who issued a file, once, by whoever checks it."""

from __future__ import annotations

from datetime import date

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _t
from django.views.decorators.http import require_POST

from huisuan.base.errors import InvalidRequest, Refused
from huisuan.parties.models import Person
from huisuan.parties.route_access import allow
from huisuan.portal.programmes.application_page import ACTORS, application_or_404, show_refused
from huisuan.programmes.struck.issuers import record_issuer


@allow(*(role for role in ACTORS if role != "user"))
@require_POST
def say_issuer(request: HttpRequest, number: str) -> HttpResponseBase:
    """Who issued a file, and when where that is known; then the page again."""
    application, asked = application_or_404(request, number), request.POST
    assert isinstance(request.user, Person)
    try:
        day = asked.get("issued_on", "").strip()
        issued_on = _day(day) if day else None
        record_issuer(
            number, asked.get("file", ""), asked.get("issuer", ""), issued_on, request.user, timezone.now()
        )  # fmt: skip
    except Refused as refusal:
        return show_refused(request, application, refusal)
    messages.success(request, _t("{number}：出具机构已登记。").format(number=number))
    return redirect(f"/applications/{number}#issuers")


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InvalidRequest("出具日期写成 2025-01-31", code="struck.day_malformed") from None
