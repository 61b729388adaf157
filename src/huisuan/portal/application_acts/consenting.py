"""Consents of persons on the page of an application: who agreed and when; given and withdrawn there."""

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
from huisuan.programmes.check_desk.consents import confirm_consent, give_consent, withdraw_consent


@allow(*ACTORS)
@require_POST
def give_consent_page(request: HttpRequest, number: str) -> HttpResponseBase:
    """Enter that a person agreed; then the page again."""
    application, asked = application_or_404(request, number), request.POST
    assert isinstance(request.user, Person)
    try:
        name, paper, day = asked.get("name", ""), asked.get("paper", ""), _day(asked.get("given_on", ""))
        give_consent(number, name, paper, day, request.user, timezone.now())
    except Refused as refusal:
        return show_refused(request, application, refusal)
    messages.success(request, _t("{number}：本人同意已登记。").format(number=number))
    return redirect(f"/applications/{number}#consents")


@allow(*ACTORS)
@require_POST
def withdraw_consent_page(request: HttpRequest, number: str, consent: int) -> HttpResponseBase:
    """Enter that a person took the consent back; then the page again."""
    application, asked = application_or_404(request, number), request.POST
    assert isinstance(request.user, Person)
    try:
        day = _day(asked.get("withdrawn_on", ""))
        withdraw_consent(number, consent, asked.get("paper", ""), day, request.user, timezone.now())
    except Refused as refusal:
        return show_refused(request, application, refusal)
    messages.success(request, _t("{number}：同意已撤回，姓名已删去。").format(number=number))
    return redirect(f"/applications/{number}#consents")


@allow(*ACTORS)
@require_POST
def confirm_consent_page(request: HttpRequest, number: str, consent: int) -> HttpResponseBase:
    """Confirm a consent that was given again; then the page again."""
    application = application_or_404(request, number)
    assert isinstance(request.user, Person)
    try:
        confirm_consent(number, consent, request.user, timezone.now())
    except Refused as refusal:
        return show_refused(request, application, refusal)
    messages.success(request, _t("{number}：重新登记的同意已确认。").format(number=number))
    return redirect(f"/applications/{number}#consents")


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        raise InvalidRequest("日期写成 2025-01-31", code="consent.day_malformed") from None
