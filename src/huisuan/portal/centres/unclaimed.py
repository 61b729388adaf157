"""Accounts of a centre that nobody has claimed: whose they may be, a person confirms, and can take it back."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from huisuan.base.errors import Refused
from huisuan.compute.metering.imports.claims import ClaimReport, claim_account, undo_claim
from huisuan.compute.metering.imports.suggestions import suggest_claims
from huisuan.compute.models import AccountClaim
from huisuan.parties.route_access import allow, viewer_of
from huisuan.portal.ui import number_format
from huisuan.portal.ui.refusals import refusal_html
from huisuan.portal.visible import centres as queries

_MANAGERS = ("centre", "province")
_SHOWN = 100
_WHY = {"elsewhere": _("别的中心这样对应"), "uscc": _("名字里有信用代码"), "likeness": _("名称相近")}


@allow("centre", "city", "province", "auditor")
def unclaimed_page(request: HttpRequest, code: str) -> HttpResponseBase:
    """The accounts with the largest use first, each with whose it may be; the claims made so far."""
    viewer = viewer_of(request)
    centre = get_object_or_404(queries.centres(viewer), code=code)
    accounts = suggest_claims(viewer, code)
    claims = AccountClaim.objects.filter(centre=centre)
    listed = list(claims.select_related("party", "previous")[:_SHOWN])
    of_names = claims.filter(name__in=[one.name for one in listed]).order_by("kind", "name", "-pk")
    newest = set(of_names.distinct("kind", "name").values_list("pk", flat=True))
    context = {
        "here": "centres",
        "centre": centre,
        "accounts": [
            (each, [(one.party, _WHY[one.why], f"{one.likeness:.0%}") for one in each.suggestions])
            for each in accounts[:_SHOWN]
        ],
        "left_out": max(len(accounts) - _SHOWN, 0),
        "card_seconds": sum(each.card_seconds for each in accounts),
        "claims": [(one, one.pk in newest) for one in listed],
        "claims_left_out": max(claims.count() - _SHOWN, 0) if len(listed) == _SHOWN else 0,
        "may_claim": viewer.role in _MANAGERS,
    }
    return render(request, "portal/centres/unclaimed.html", context)


@allow(*_MANAGERS)
@require_POST
def claim(request: HttpRequest, code: str) -> HttpResponse:
    """Map an account to the party chosen."""
    viewer, given = viewer_of(request), request.POST
    get_object_or_404(queries.centres(viewer), code=code)
    uscc = given.get("other", "").strip() or given.get("uscc", "")
    try:
        done = claim_account(
            code, given.get("kind", ""), given.get("name", "").replace("\0", ""), uscc.replace("\0", ""), viewer.name,
            timezone.now(),
        )  # fmt: skip
        messages.success(request, _told(done))
    except Refused as refusal:
        messages.error(request, refusal_html(refusal))
    return redirect("unclaimed", code=code)


@allow(*_MANAGERS)
@require_POST
def undo(request: HttpRequest, code: str, number: int) -> HttpResponse:
    """Take a claim back."""
    viewer = viewer_of(request)
    get_object_or_404(queries.centres(viewer), code=code)
    try:
        messages.success(request, _told(undo_claim(number, viewer.name, timezone.now(), code)))
    except Refused as refusal:
        messages.error(request, refusal_html(refusal))
    return redirect("unclaimed", code=code)


def _told(done: ClaimReport) -> str:
    text = ngettext(
        "已记录。重新计量了 %(n)s 条记录。", "已记录。重新计量了 %(n)s 条记录。", done.records
    ) % {"n": number_format.format_integer(done.records)}  # fmt: skip
    if done.waiting:
        text += ngettext(
            "有 %(n)s 条更正等省专班确认，见疑点。", "有 %(n)s 条更正等省专班确认，见疑点。", done.waiting
        ) % {"n": number_format.format_integer(done.waiting)}  # fmt: skip
    if done.not_read:
        text += _t("跟踪数据的读法没有存下，请带 --tenants 再导入：") + " ".join(done.not_read)
    return text
