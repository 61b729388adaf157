"""Giving the opinion of an office on the page of an application that is decided one by one."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _t
from django.views.decorators.http import require_POST

from huisuan.base.errors import InvalidRequest, Refused
from huisuan.base.money import parse_typed_yuan
from huisuan.parties.models import Person
from huisuan.parties.route_access import allow
from huisuan.portal.programmes.application_page import application_or_404, show_refused
from huisuan.programmes.review_desk.opinions import give_opinion


@allow("city", "province", "department", "treasury")
@require_POST
def give_opinion_page(request: HttpRequest, number: str) -> HttpResponseBase:
    """Enter what an office says; then the page again."""
    application, asked = application_or_404(request, number), request.POST
    assert isinstance(request.user, Person)
    office, text = asked.get("office", ""), asked.get("opinion", "")
    try:
        fen = _fen(asked.get("proposed", "").strip())
        give_opinion(number, office, text, request.user, timezone.now(), amount_fen=fen)
    except Refused as refusal:
        return show_refused(request, application, refusal)
    messages.success(request, _t("{number}：{office}的意见已登记。").format(number=number, office=office))
    return redirect(f"/applications/{number}#opinions")


def _fen(typed: str) -> int | None:
    fen = parse_typed_yuan(typed) if typed else None
    if typed and fen is None:
        raise InvalidRequest("金额读不出：以元填写，至多两位小数，如 1234567.85", code="opinion.amount_malformed")
    return fen
