"""Issuers that lost their standing: entered here, with every application that rests on their reports."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST

from huisuan.base.errors import InvalidRequest, Refused
from huisuan.parties.models import Person
from huisuan.parties.route_access import allow, viewer_of
from huisuan.portal.programmes.words import application_state, programme_title, refusal_status
from huisuan.portal.ui.columns import Column, Empty, Kind
from huisuan.portal.ui.refusals import refusal_html
from huisuan.portal.ui.state_labels import local_name
from huisuan.portal.ui.table import Table, render_tables
from huisuan.programmes.awards.closing import paid_so_far
from huisuan.programmes.awards.standing import commitments_of
from huisuan.programmes.models import EvidenceIssuer, StruckIssuer
from huisuan.programmes.struck.issuers import parse_issuer_code
from huisuan.programmes.struck.lifting import lift_strike
from huisuan.programmes.struck.striking import (
    StruckConsequence,
    consequence_of,
    handled_applications,
    may_strike,
    strike_issuer,
    strikes_in_force,
    struck_files,
)

_READERS = ("city", "province", "department", "treasury", "auditor")
CONSEQUENCES: dict[StruckConsequence, Promise | str] = {
    StruckConsequence.ANSWER: _("未决定：重新核对，答复疑点后才能往下办"),
    StruckConsequence.REVOKE: _("已决定未付：重新核对，不成立的撤销批准"),
    StruckConsequence.RECOVER: _("已付：按更正的事实重算，多付的追回"),
    StruckConsequence.NOTHING: _("已结束，没有资金"),
}


def _prepare(rows: Sequence[EvidenceIssuer]) -> None:
    """What is paid of each, and who struck its issuer, for a page of rows at once."""
    committed = commitments_of([row.application for row in rows])
    struck = StruckIssuer.objects.in_bulk([row.struck for row in rows])  # type: ignore[attr-defined]
    for row in rows:
        paid = paid_so_far(committed.get(row.application_id, [])).kept_fen
        row.__dict__.update(
            paid_fen=paid, by_whom=struck[row.__dict__["struck"]], follows=consequence_of(row.application, paid)
        )


def _table(request: HttpRequest) -> Table:
    seen = handled_applications(viewer_of(request)).values("pk")
    rows = struck_files().filter(application__in=seen)
    return Table(
        request,
        rows.select_related("application__party", "application__city", "application__edition"),
        [
            Column(
                "number", _("申报"), "application.number", Kind.CODE, "application__number",
                link=lambda row: reverse("application", args=[row.application.number]),
            ),
            Column("programme", _("申报程序"), lambda row: programme_title(row.application.edition)),
            Column("party", _("单位"), lambda row: local_name(row.application.party or row.application.city)),
            Column(
                "state", _("状态"), lambda row: application_state(row.application.state, request.user.role), Kind.STATE  # type: ignore[union-attr]
            ),
            Column("issuer", _("出具机构"), lambda row: f"{row.by_whom.name} {row.uscc}", sort="uscc"),
            Column("since", _("失去资格"), lambda row: row.by_whom.since, Kind.DAY),
            Column("issued", _("出具日期"), "issued_on", Kind.DAY, sort="issued_on"),
            Column("paid", _("已付"), lambda row: row.paid_fen, Kind.FEN),
            Column("follows", _("拟办"), lambda row: str(CONSEQUENCES[row.follows])),
        ],
        file="struck",
        order="number",
        search=("application__number", "application__party__name", "uscc"),
        prepare=_prepare,
        empty=Empty(_("没有申报依据已失去资格的机构出具的材料。")),
    )  # fmt: skip


def _issued_table(request: HttpRequest) -> Table:
    """Every file of which somebody said who issued it: what rests on an issuer, struck or not."""
    seen = handled_applications(viewer_of(request)).values("pk")
    rows = EvidenceIssuer.objects.filter(application__in=seen)
    return Table(
        request,
        rows.select_related("application__party", "application__city", "application__edition"),
        [
            Column("issuer", _("出具机构"), "uscc", Kind.CODE, sort="uscc"),
            Column(
                "number", _("申报"), "application.number", Kind.CODE, "application__number",
                link=lambda row: reverse("application", args=[row.application.number]),
            ),
            Column("party", _("单位"), lambda row: local_name(row.application.party or row.application.city)),
            Column(
                "state", _("状态"), lambda row: application_state(row.application.state, request.user.role), Kind.STATE  # type: ignore[union-attr]
            ),
            Column("file", _("材料"), lambda row: row.sha256[:8], Kind.CODE),
            Column("issued", _("出具日期"), "issued_on", Kind.DAY, sort="issued_on"),
        ],
        file="issuers",
        name="issuer",
        order="issuer",
        search=("uscc", "application__number", "application__party__name"),
        empty=Empty(_("还没有登记材料的出具机构：在申报件的页面上登记。")),
    )  # fmt: skip


def _strikes_table(request: HttpRequest) -> Table:
    """Every issuer that was struck, and whether somebody took that back."""
    return Table(
        request,
        StruckIssuer.objects.select_related("by", "lift__by"),
        [
            Column("name", _("机构"), "name", sort="name"),
            Column("uscc", _("统一社会信用代码"), "uscc", Kind.CODE, sort="uscc"),
            Column("since", _("失去资格"), "since", Kind.DAY, sort="since"),
            Column("source", _("出处"), "source", Kind.SENTENCE),
            Column("by", _("登记"), "by.username", Kind.CODE),
            Column("lifted", _("撤销"), _lifted),
        ],
        file="struck-issuers",
        name="strikes",
        order="-since",
        search=("uscc", "name", "source"),
        empty=Empty(_("没有登记失去资格的机构。")),
    )  # fmt: skip


def _lifted(row: StruckIssuer) -> str:
    if not hasattr(row, "lift"):
        return ""
    return f"{timezone.localdate(row.lift.at)} {row.lift.by.username}：{row.lift.reason}"


@allow("province", "department")
@require_POST
def lift_page(request: HttpRequest) -> HttpResponseBase:
    """Take a strike back; then the page again."""
    assert isinstance(request.user, Person)
    asked = request.POST
    try:
        code, _sep, day = asked.get("strike", "").partition(" ")
        lift_strike(code, _since(day), asked.get("reason", ""), request.user, timezone.now())
    except Refused as refusal:
        context = {"here": "applications", "refused": refusal_html(refusal)}
        return _shown(request, context, refusal_status(refusal))
    messages.success(request, _t("{uscc}：登记已撤销。").format(uscc=code))
    return redirect("struck")


def _shown(request: HttpRequest, context: dict[str, Any], status: int) -> HttpResponseBase:
    tables = [_table(request), _strikes_table(request), _issued_table(request)]
    assert isinstance(request.user, Person)
    of_others = strikes_in_force().exclude(by=request.user).order_by("-since")
    may_lift = request.user.role in ("province", "department")
    strikes = may_strike(request.user, timezone.now())
    context |= {"liftable": list(of_others) if may_lift and strikes else [], "may_strike": strikes}
    return render_tables(request, "portal/struck/struck.html", context, tables, status)


@allow(*_READERS)
@require_http_methods(["GET", "POST"])
def struck_page(request: HttpRequest) -> HttpResponseBase:
    """What rests on struck reports; POST enters an issuer."""
    context: dict[str, Any] = {"here": "applications", "typed": request.POST, "refused": ""}
    status = 200
    if request.method == "POST":
        assert isinstance(request.user, Person)
        try:
            made = _strike(request, request.user)
        except Refused as refusal:
            context["refused"], status = refusal_html(refusal), refusal_status(refusal)
        else:
            messages.success(request, _t("{name} 已登记：依据它的材料的申报列在下面。").format(name=made.name))
            return redirect("struck")
    return _shown(request, context, status)


def _strike(request: HttpRequest, person: Person) -> StruckIssuer:
    asked = request.POST
    since = _since(asked.get("since", ""))
    code = parse_issuer_code(asked.get("uscc", ""))
    return strike_issuer(
        code, asked.get("name", ""), since, asked.get("source", ""), asked.get("reason", ""), person, timezone.now()
    )


def _since(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InvalidRequest("失去资格的日期写成 2025-01-31", code="struck.day_malformed") from None
