"""An offer (免申即享): one page with the amount and why, one confirmation of account and truthfulness."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _t
from django.views.decorators.http import require_http_methods

from huisuan.base.errors import Refused
from huisuan.law.procedure import State
from huisuan.parties.models import Person
from huisuan.parties.route_access import allow, viewer_of
from huisuan.portal.law.reasoning import reasoning
from huisuan.portal.programmes.words import application_state, programme_title, refusal_status
from huisuan.portal.ui.refusals import refusal_html
from huisuan.programmes.awards.queries import offers_of
from huisuan.programmes.models import Offer
from huisuan.programmes.offers.services import confirm_offer


@allow("user")
@require_http_methods(["GET", "POST"])
def offer_page(request: HttpRequest, number: str) -> HttpResponseBase:
    """What is offered and why; POST confirms it, once."""
    offer = offers_of(viewer_of(request)).filter(application__number=number).first()
    if offer is None:
        raise Http404
    if request.method != "POST":
        return _shown(request, offer, {})
    assert isinstance(request.user, Person)
    typed = {name: request.POST.get(name, "").strip() for name in ("account", "bank", "truthful", "key")}
    try:
        confirm_offer(
            number, request.user, typed["account"], typed["bank"], timezone.now(), truthful=typed["truthful"] == "yes",
            key=typed["key"],
        )  # fmt: skip
    except Refused as refusal:
        return _shown(request, offer, typed, refusal)
    messages.success(request, _t("已确认：以后的每一步都在这一页上。"))
    return redirect("application", number=number)


def _shown(
    request: HttpRequest, offer: Offer, typed: dict[str, str], refused: Refused | None = None
) -> HttpResponse:  # fmt: skip
    application = offer.application
    context: dict[str, Any] = {
        "here": "claims",
        "offer": offer,
        "application": application,
        "title": programme_title(application.edition),
        "sentence": application.edition.content["sentence"],
        "word": application_state(application.state, viewer_of(request).role),
        "open": application.state == State.DRAFT.value,
        "may_confirm": application.state == State.DRAFT.value and viewer_of(request).scope != "read",
        "why": reasoning(offer.entitlement),
        "typed": typed,
        "key": typed.get("key") or uuid4().hex,
        "refused": refusal_html(refused) if refused else "",
    }
    status = refusal_status(refused) if refused else 200
    return render(request, "portal/programmes/offer.html", context, status=status)
