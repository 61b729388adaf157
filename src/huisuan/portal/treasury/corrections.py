"""Amounts that the newest settlement does not say: by which use and facts they differ; re-based here by the office."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from huisuan.base.errors import NotFound, Refused
from huisuan.parties.models import Person
from huisuan.parties.route_access import allow, viewer_of
from huisuan.portal.programmes.inbox import applicant_name
from huisuan.portal.programmes.words import application_state, programme_title, refusal_status
from huisuan.portal.ui.columns import Choice, Column, Empty, Kind, Text
from huisuan.portal.ui.number_format import card_hours, yuan
from huisuan.portal.ui.refusals import refusal_html
from huisuan.portal.ui.state_labels import Word
from huisuan.portal.ui.table import Table, render_tables
from huisuan.programmes.corrections.outdated import Correction, find_outdated, list_outdated, outdated_to_dict
from huisuan.programmes.corrections.rebasing import rebase
from huisuan.programmes.models import Application
from huisuan.programmes.workflow.queries import get_application

_READERS = ("province", "department", "treasury", "auditor")
_ACTORS = ("province", "department", "treasury")
_WAYS = {
    Correction.OFFER: Word(_("重定（未批准）"), "wait"), Correction.AWARD: Word(_("重定（未付清）"), "wait"),
    Correction.SUPPLEMENT: Word(_("补发"), "wait"), Correction.RECOVERY: Word(_("追回"), "bad"),
    Correction.LATER: Word(_("追回中"), "wait"),
}  # fmt: skip
_REBASED = frozenset({Correction.OFFER, Correction.AWARD, Correction.SUPPLEMENT})


def _table(request: HttpRequest) -> Table:
    found = {one.application.pk: one for one in list_outdated(viewer_of(request))}

    def prepare(rows: Sequence[Any]) -> None:
        for row in rows:
            row.outdated = found[row.pk]

    def ways(_rows: QuerySet[Any]) -> Sequence[tuple[str, Text]]:
        present = {one.correction for one in found.values()}
        return [(way.value, word.label) for way, word in _WAYS.items() if way in present]

    def narrow(rows: QuerySet[Any], way: str) -> QuerySet[Any]:
        return rows.filter(pk__in=[pk for pk, one in found.items() if one.correction == way])

    return Table(
        request,
        Application.objects.filter(pk__in=found).select_related("party", "city", "edition"),
        [
            Column("number", _("编号"), "number", Kind.CODE, "number", link=_address),
            Column("programme", _("申报程序"), lambda row: programme_title(row.edition), sort="edition__key"),
            Column("party", _("申报单位"), applicant_name, sort="party__name"),
            Column("state", _("状态"), lambda row: application_state(row.state, "province"), Kind.STATE, minor=True),
            Column("way", _("怎样办"), lambda row: _WAYS[row.outdated.correction], Kind.STATE),
            Column("stands", _("现行金额"), lambda row: row.outdated.basis.stands_fen, Kind.FEN),
            Column("owed", _("应得"), lambda row: row.outdated.basis.owed_fen, Kind.FEN),
            Column("paid", _("已支付"), lambda row: row.outdated.paid.paid_fen, Kind.FEN),
        ],
        file="corrections",
        order="number",
        search=("number", "party__name", "party__uscc"),
        choices=[Choice("way", _("怎样办"), ways, narrow)],
        empty=Empty(_("没有要更正的：每件的金额都与最近一次结算、与市的凭证一致。")),
        prepare=prepare,
    )


def _address(row: Any) -> str:
    return reverse("correction", args=[row.number])


@allow(*_READERS)
def correction_list(request: HttpRequest) -> HttpResponseBase:
    """What differs, and what it leads to."""
    return render_tables(request, "portal/treasury/corrections.html", {"here": "corrections"}, [_table(request)])


@allow(*_READERS)
@require_http_methods(["GET", "POST"])
def correction_page(request: HttpRequest, number: str) -> HttpResponseBase:
    """One of them with the lines of use that made the difference; POST re-bases it, with the reason."""
    try:
        application = get_application(viewer_of(request), number)
    except NotFound:
        raise Http404 from None
    if request.method != "POST":
        return _one(request, application)
    assert isinstance(request.user, Person)
    try:
        done = rebase(number, request.POST.get("reason", ""), request.user, timezone.now())
    except Refused as refusal:
        return _one(request, application, refusal)
    messages.success(
        request,
        _t("{number}：原 {before} 元，{now} 现为 {fen} 元。").format(
            number=number, before=yuan(done.before_fen), now=done.application.number, fen=yuan(done.amount_fen)
        ),
    )
    return redirect("application", number=done.application.number)


def _one(request: HttpRequest, application: Application, refused: Refused | None = None) -> HttpResponse:
    found = next(iter(find_outdated([application])), None)
    about = outdated_to_dict(found) if found else {}
    may = request.user.role in _ACTORS  # type: ignore[union-attr]
    context = {
        "here": "corrections",
        "application": application,
        "title": programme_title(application.edition),
        "applicant": applicant_name(application),
        "found": found,
        "word": _WAYS[found.correction] if found else None,
        "about": about,
        "use": [
            each | {
                "before": card_hours(each["card_seconds_before"]), "after": card_hours(each["card_seconds_after"]),
            }
            for each in about.get("use", ())
        ],
        "may_rebase": may and found is not None and found.correction in _REBASED,
        "may_recover": may and found is not None and found.correction is Correction.RECOVERY,
        "reason": request.POST.get("reason", ""),
        "refused": refusal_html(refused) if refused else "",
    }  # fmt: skip
    status = refusal_status(refused) if refused else 200
    return render(request, "portal/treasury/correction.html", context, status=status)
