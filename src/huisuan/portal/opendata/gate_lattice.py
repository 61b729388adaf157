"""How the columns of a product are made coarser: every combination with what it costs, and a button to pick it."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from huisuan.base.errors import InvalidRequest, NotFound, Refused
from huisuan.opendata.anonymity.lattice import Generalisation
from huisuan.opendata.gate.generalising import PickedLevels, chosen_generalisation, pick_generalisation
from huisuan.opendata.gate.judging import latest_scan
from huisuan.opendata.gate.lattice_choice import TableChoice, measure_choice
from huisuan.opendata.gate.queries import get_file
from huisuan.opendata.gate.worklist import waits_for
from huisuan.opendata.gate_arrows import GateDuty, GateState
from huisuan.opendata.models import GateDutyHeld, GateFile
from huisuan.parties.route_access import allow, viewer_of
from huisuan.portal.opendata.desk import GATE_ROLES, signed_in_steward
from huisuan.portal.ui.columns import Text
from huisuan.portal.ui.number_format import format_integer
from huisuan.portal.ui.refusals import refusal_html

_SHOWN = 60  # combinations; of all others none is cheaper and hides more
_UNREAD = (GateState.RECEIVED, GateState.READING, GateState.REFUSED, GateState.SEALED)
_ROLE_LABELS: dict[str, Text] = {
    "identifier": _("标识"), "quasi_identifier": _("准标识"), "sensitive": _("敏感"), "plain": _("一般"),
}  # fmt: skip


@allow(*GATE_ROLES)
def gate_lattice_page(request: HttpRequest, number: int) -> HttpResponseBase:
    """The combinations for one table of a file; who judges it picks one."""
    try:
        file = get_file(viewer_of(request), number)
    except NotFound as wrong:
        raise Http404 from wrong
    asked = request.POST if request.method == "POST" else request.GET
    part, quasi = asked.get("part", ""), asked.getlist("quasi")
    try:
        k = _k(asked.get("k", "5"))
        if request.method == "POST":
            levels = dict(zip(quasi, asked.getlist("level"), strict=False))
            picked = PickedLevels(part, levels, k, bool(asked.get("leave_out")))
            pick_generalisation(number, picked, signed_in_steward(request), timezone.now())
            messages.success(request, str(_("已选定概化，重制时照办。")))
            return redirect("gate-file", number=number)
        _check_was_read(file)
        found = measure_choice(file, part, quasi, asked.get("sensitive", ""), k)
    except Refused as refusal:
        context = {"here": "opendata", "file": file, "refused": refusal_html(refusal)}
        return render(request, "portal/opendata/gate_lattice.html", context, status=422)
    return _page(request, file, found)


def _check_was_read(file: GateFile) -> None:
    if file.state in _UNREAD:
        raise InvalidRequest("还没有读完，或不能再办理：没有可算的表", code="gate.nothing_to_measure")


def _k(text: str) -> int:
    if not text.isdecimal() or len(text) > 4:
        raise InvalidRequest("k 须是 2 至 1000 的整数", code="anonymity.k_out_of_bounds")
    return int(text)


def _page(request: HttpRequest, file: GateFile, found: TableChoice) -> HttpResponse:
    chosen = chosen_generalisation(latest_scan(file), found.part)
    safe = next((one for one in found.lattice if one.rows_at_risk == 0), None)
    shown = found.lattice[:_SHOWN]
    if safe is not None and safe not in shown:
        shown.append(safe)
    picked = dict(chosen.levels) if chosen else {}
    context: dict[str, Any] = {
        "here": "opendata", "file": file, "found": found, "more": len(found.lattice) - len(shown),
        "rows": [_row(found, one, picked, is_safe=one is safe) for one in shown],
        "roles": [(name, _ROLE_LABELS[role], name in found.quasi) for name, role in found.roles.items()],
        "exact": next((one for one in found.lattice if not any(one.levels)), None), "chosen": chosen,
        "may_pick": _may_pick(request, file),
    }  # fmt: skip
    return render(request, "portal/opendata/gate_lattice.html", context)


def _may_pick(request: HttpRequest, file: GateFile) -> bool:
    person = signed_in_steward(request)
    judges = GateDutyHeld.objects.filter(file=file, person=person, duty=GateDuty.JUDGE).exists()
    return judges or waits_for(file, person) == "remake"


def _row(found: TableChoice, one: Generalisation, picked: dict[str, str], *, is_safe: bool) -> dict[str, Any]:
    levels = dict(zip(found.quasi, one.names, strict=True))
    return {
        "one": one, "levels": list(levels.items()), "is_picked": levels == picked, "is_safe": is_safe,
        "loss": f"{one.loss * 100:.0f}%", "risk": format_integer(one.rows_at_risk),
    }  # fmt: skip
