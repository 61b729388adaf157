"""Grants of conditional data: those of my firm or my city, one with its ledger; giving, accepting, revoking."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from huisuan.base.errors import InvalidRequest, NotFound, Refused
from huisuan.opendata.access.grants import (
    GivenGrant,
    accept_grant,
    get_grant,
    grant_state,
    revoke_grant,
    visible_grants,
)
from huisuan.opendata.access.ledger import broken_at
from huisuan.opendata.models import AccessWay, DataGrant
from huisuan.parties.route_access import allow, viewer_of
from huisuan.portal.opendata.desk import GATE_ROLES, signed_in_steward
from huisuan.portal.ui.columns import Column, Empty, Kind, Text
from huisuan.portal.ui.refusals import refusal_html
from huisuan.portal.ui.state_labels import Word, local_name
from huisuan.portal.ui.table import Table, render_tables
from huisuan.programmes.registers.data_grants import grant_data_access

_READERS = ("user", "city", "province", "auditor")
_WAYS: Mapping[str, Text] = {
    AccessWay.PAGE: _("网页"), AccessWay.FILE: _("文件"), AccessWay.API: _("接口"), AccessWay.SQL: _("查询"),
}  # fmt: skip
_GIVEN = ("entry", "uscc", "purpose", "licence", "terms", "application")


def grant_word(grant: DataGrant, now: datetime) -> Word:
    """Whether a grant is in force, and why not."""
    return _STATES[grant_state(grant, now)]


_STATES = {
    "revoked": Word(_("已收回"), "bad"), "offered": Word(_("等企业接受条款"), "wait"),
    "ended": Word(_("已到期"), "plain"),
    "in_force": Word(_("有效"), "good"), "to_come": Word(_("还没有开始"), "wait"),
}  # fmt: skip


def _title(row: DataGrant) -> str:
    return row.entry.latest.title if row.entry.latest else row.entry.code


def _columns(now: datetime) -> list[Column]:
    def page(row: DataGrant) -> str:
        return reverse("data-grant", args=[row.pk])

    return [
        Column("number", _("编号"), "pk", Kind.CODE, sort="pk", link=page),
        Column("title", _("目录"), _title, link=page),
        Column("party", _("企业"), lambda row: local_name(row.party), sort="party__name"),
        Column("starts", _("自"), "starts_on", Kind.DAY, sort="starts_on"),
        Column("ends", _("至"), "ends_on", Kind.DAY, sort="ends_on"),
        Column("state", _("状态"), lambda row: grant_word(row, now), Kind.STATE),
    ]


@allow(*_READERS)
def grant_list(request: HttpRequest) -> HttpResponseBase:
    """The grants that one may see; who provides gives another here."""
    viewer, refused = viewer_of(request), ""
    may_give = viewer.role in GATE_ROLES
    if request.method == "POST":
        if not may_give:
            refused = _t("授权由目录所在的市或省专班给予。")
        else:
            try:
                made = grant_data_access(_given(request), signed_in_steward(request), timezone.now())
            except Refused as refusal:
                refused = refusal_html(refusal)
            else:
                messages.success(request, _t("已授权，企业接受条款后生效。"))
                return redirect("data-grant", number=made.pk)
    table = Table(
        request, visible_grants(viewer), _columns(timezone.now()), file="data-grants", order="-number",
        search=("entry__code", "entry__latest__title", "party__name", "party__uscc"), empty=Empty(_("还没有授权。")),
    )  # fmt: skip
    context = {"here": "opendata", "may_give": may_give, "refused": refused, "given": request.POST}
    answer = render_tables(request, "portal/opendata/grants.html", context, [table])
    answer.status_code = 422 if refused else answer.status_code
    return answer


def _given(request: HttpRequest) -> GivenGrant:
    words = {name: request.POST.get(name, "").strip() for name in _GIVEN}
    days = [_day(request.POST.get(name, "")) for name in ("starts_on", "ends_on")]
    return GivenGrant(**words, ground="", starts_on=days[0], ends_on=days[1])


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InvalidRequest("授权须写第一天和最后一天，如 2027-03-31", code="grant.day_malformed") from None


@allow(*_READERS)
def grant_page(request: HttpRequest, number: int) -> HttpResponseBase:
    """One grant with its terms and its ledger; the firm accepts it here, its provider revokes it."""
    try:
        grant = get_grant(viewer_of(request), number)
    except NotFound as wrong:
        raise Http404 from wrong
    if request.method != "POST":
        return _page(request, grant)
    now, person = timezone.now(), signed_in_steward(request)
    try:
        if request.POST.get("do") == "accept":
            accept_grant(number, person, now)
            messages.success(request, _t("已接受条款，授权生效。"))
        else:
            revoke_grant(number, request.POST.get("reason", ""), person, now)
            messages.success(request, _t("已收回，立即不能再读。"))
    except Refused as refusal:
        return _page(request, grant, refused=refusal_html(refusal), status=422)
    return redirect("data-grant", number=number)


def _page(request: HttpRequest, grant: DataGrant, *, refused: str = "", status: int = 200) -> HttpResponseBase:
    viewer, table = viewer_of(request), _ledger(request, grant)
    context = {
        "here": "opendata", "grant": grant, "state": grant_word(grant, timezone.now()), "refused": refused,
        "count": table.everything.count(),
        "broken": broken_at(grant), "given": request.POST,
        "may_accept": viewer.role == "user" and grant.accepted_at is None and grant.revoked_at is None,
        "may_revoke": viewer.role in GATE_ROLES and grant.revoked_at is None,
    }  # fmt: skip
    return render_tables(request, "portal/opendata/grant.html", context, [table], status=status)


def _ledger(request: HttpRequest, grant: DataGrant) -> Table:
    """Every access under a grant, the newest first."""
    return Table(
        request,
        grant.accesses.select_related("person", "release__product"),
        [
            Column("number", _("次"), "number", Kind.INTEGER, sort="number"),
            Column("at", _("时间"), "at", Kind.MOMENT, sort="at"),
            Column("who", _("谁"), "person.name"),
            Column("way", _("经由"), lambda row: _WAYS[row.way]),
            Column("file", _("文件"), lambda row: f"{row.release.product.get_format_display()} r{row.release_id}"),
            Column("detail", _("范围"), lambda row: row.detail or "—", Kind.CODE),
        ],
        file=f"data-grant-{grant.pk}-accesses",
        order="-number",
        search=("person__username", "detail"),
        empty=Empty(_("还没有读取过。")),
    )
