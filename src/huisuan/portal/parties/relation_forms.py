"""Relations and successions of a party on pages: entered, ended, corrected and taken back, as files of one line."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from huisuan.base.csv_lines import LineFault
from huisuan.base.errors import Refused
from huisuan.base.months import SHANGHAI
from huisuan.parties.models import Party, SuccessionKind
from huisuan.parties.relation_history import relations_known
from huisuan.parties.route_access import allow, viewer_of
from huisuan.portal.ui import state_labels
from huisuan.portal.ui.columns import Text
from huisuan.portal.ui.forms import choices
from huisuan.portal.ui.refusals import refusal_html
from huisuan.settlement.impact.register_requests import RegisterLines, enter_at_once, request_register_file

_RELATION = ("owner", "owned", "share", "control", "valid_from", "valid_to", "withdrawn")
_SUCCESSION = ("old", "new", "kind", "carries", "valid_from")
_LABELS: dict[str, Text] = {
    "owner": _("持有或控制的一方"), "owned": _("被持有或控制的一方"), "share": _("持股"), "control": _("控制"),
    "valid_from": _("自"), "valid_to": _("至（不含）"), "withdrawn": _("登记错了"), "old": _("原主体"),
    "new": _("承继主体"), "kind": _("方式"), "carries": _("承接申报与限额"),
}  # fmt: skip


@allow("province")
def relation_form(request: HttpRequest, uscc: str) -> HttpResponseBase:
    """Enter a relation of a party; one that the address names (`owner`, `owned`, `from`) is ended or corrected."""
    party = get_object_or_404(Party, uscc=uscc.upper())
    if request.method == "POST":
        return _hand_in(request, party, "relations", _RELATION, _relation_page)
    return _relation_page(request, party, _standing(request, party))


def _standing(request: HttpRequest, party: Party) -> dict[str, str]:
    """The relation that the address names, as the form says it; else an empty one of this party."""
    asked = {name: request.GET.get(name, "").replace("\0", "") for name in ("owner", "owned", "from")}
    today = timezone.now().astimezone(SHANGHAI).date()
    for row in relations_known(today).select_related("owner", "owned"):
        known = {"owner": row.owner.uscc, "owned": row.owned.uscc, "from": row.valid_from.isoformat()}
        if known == asked:
            percent, rest = divmod(row.share_permille, 10)
            return {
                "owner": row.owner.uscc, "owned": row.owned.uscc, "valid_from": row.valid_from.isoformat(),
                "share": f"{percent}.{rest}%" if rest else f"{percent}%",
                "control": "true" if row.control else "", "stands": "true",
                "valid_to": row.valid_to.isoformat() if row.valid_to else "",
            }  # fmt: skip
    return {"owner": party.uscc}


def _relation_page(
    request: HttpRequest, party: Party, asked: Mapping[str, str], refused: str = "", fault: LineFault | None = None
) -> HttpResponseBase:
    return _page(request, "portal/parties/relation_form.html", party, asked, refused, fault, {})


@allow("province")
def succession_form(request: HttpRequest, uscc: str) -> HttpResponseBase:
    """Enter who took a party's place, or whose place it took; what is entered stays."""
    party = get_object_or_404(Party, uscc=uscc.upper())
    if request.method == "POST":
        return _hand_in(request, party, "successions", _SUCCESSION, _succession_page)
    return _succession_page(request, party, {"old": party.uscc, "carries": "true"})


def _succession_page(
    request: HttpRequest, party: Party, asked: Mapping[str, str], refused: str = "", fault: LineFault | None = None
) -> HttpResponseBase:
    kinds = [(kind, str(state_labels.SUCCESSION[kind])) for kind in SuccessionKind.values]
    more = {"kinds": choices(kinds, asked.get("kind", ""))}
    return _page(request, "portal/parties/succession_form.html", party, asked, refused, fault, more)


def _hand_in(request: HttpRequest, party: Party, kind: str, names: Sequence[str], show: Any) -> HttpResponseBase:
    """By the rules of the file, as a file of one line; where it may change past results the worker looks ahead."""
    asked = {name: request.POST.get(name, "").replace("\0", "").strip() for name in names}
    if kind == "successions" and not asked["carries"]:
        asked["carries"] = "false"
    buffer = io.StringIO()
    csv.writer(buffer).writerows([names, [asked[name] for name in names]])
    file = RegisterLines(kind, buffer.getvalue().encode(), "网页", party.uscc)
    by, now = viewer_of(request).name, timezone.now()
    try:
        report = enter_at_once(file, by, now)
        if report is None:
            return redirect("register-file", number=request_register_file(file, by, now).pk)
    except Refused as refusal:
        return show(request, party, asked, refused=refusal_html(refusal))  # type: ignore[no-any-return]
    if report.faults:
        return show(request, party, asked, fault=report.faults[0])  # type: ignore[no-any-return]
    messages.success(request, _t("已登记。") if report.new else _t("已更改。") if report.changed else _t("没有变化。"))
    return redirect("party", uscc=party.uscc)


def _page(
    request: HttpRequest, template: str, party: Party, asked: Mapping[str, str], refused: str,
    fault: LineFault | None, more: Mapping[str, Any],
) -> HttpResponseBase:  # fmt: skip
    context = {
        "here": "parties", "party": party, "asked": asked, "refused": refused, "fault": fault,
        "fault_label": _LABELS.get(fault.column, fault.column) if fault else "", **more,
    }  # fmt: skip
    return render(request, template, context, status=422 if refused or fault else 200)
