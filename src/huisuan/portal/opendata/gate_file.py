"""One file at the gate: where it stands, its findings in their rows, its columns, the recipe and its cost, its history.

Who judges does it here, who releases, too: buttons stand where the file waits for whoever looks.
"""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from huisuan.base.errors import InvalidRequest, NotFound, Refused
from huisuan.opendata.gate.judging import GivenJudgement, judge_findings
from huisuan.opendata.gate.queries import get_file, list_findings, list_product_findings
from huisuan.opendata.gate.releasing import release_file, withdraw_file
from huisuan.opendata.gate.remaking import remake_file
from huisuan.opendata.gate.rescanning import reopen_file, rescan_file
from huisuan.opendata.gate.worklist import count_kinds, found_columns, lines_around, rows_around, waits_for
from huisuan.opendata.gate_arrows import GateDuty, GateState
from huisuan.opendata.models import GateFile, GateRelease, JudgeAction, ScanWork
from huisuan.opendata.names.lac_model import model_name
from huisuan.parties.models import Person
from huisuan.parties.route_access import allow, viewer_of
from huisuan.portal.opendata.desk import GATE_ROLES, GATE_STATE_WORDS, WAITING_WORDS, signed_in_steward
from huisuan.portal.opendata.gate_labels import ACTION_LABELS, DUTY_LABELS, FINDING_LABELS, STEP_LABELS
from huisuan.portal.ui.refusals import refusal_html

_PAGE = 20  # findings
_RUNNING = (GateState.RECEIVED, GateState.READING, GateState.REMADE)
_DONE = {
    "judge": _("已记下判断。"), "remake": _("已重制，正在复查。"), "rescan": _("已请求再检查。"),
    "reopen": _("已请求重新判断，正在按现行规则检查。"),
    "release": _("已放行。"), "withdraw": _("已撤回，立即不再提供。"),
}  # fmt: skip


@allow(*GATE_ROLES)
def gate_file_page(request: HttpRequest, number: int) -> HttpResponseBase:
    """One file of one's city, or of the province: looked at, and acted on."""
    try:
        file = get_file(viewer_of(request), number)
    except NotFound as wrong:
        raise Http404 from wrong
    if request.method != "POST":
        return _page(request, file)
    action = request.POST.get("do", "")
    try:
        _act(request, action, number, signed_in_steward(request))
    except Refused as refusal:
        return _page(request, get_file(viewer_of(request), number), refused=refusal_html(refusal), status=422)
    messages.success(request, str(_DONE[action]))
    answer = redirect("gate-file", number=number)
    answer["Location"] += f"?page={page}" if (page := request.POST.get("page", "")).isdecimal() else ""
    return answer


def _act(request: HttpRequest, action: str, number: int, person: Person) -> None:
    given, now = request.POST, timezone.now()
    reason = given.get("reason", "").strip()
    if action == "judge":
        scope = given.get("scope", "")
        finding = _number(given.get("finding", ""))
        made = GivenJudgement(finding, given.get("action", ""), reason, scope == "column", scope == "everywhere")
        judge_findings(number, made, person, now)
    elif action == "remake":
        remake_file(number, person, now, given.get("part", "").strip())
    elif action == "rescan":
        rescan_file(number, person, now)
    elif action == "reopen":
        reopen_file(number, person, now, reason)
    elif action == "release":
        older = given.get("supersedes", "")
        release_file(number, person, now, _number(older) if older else None)
    elif action == "withdraw":
        withdraw_file(number, reason, person, now)
    else:
        raise InvalidRequest("没有这样的办理", code="gate.action_unknown")


def _number(text: str) -> int:
    if not text.isdecimal() or len(text) > 12:
        raise InvalidRequest("没有这样的编号", code="gate.number_malformed")
    return int(text)


def _page(request: HttpRequest, file: GateFile, *, refused: str = "", status: int = 200) -> HttpResponse:
    person = signed_in_steward(request)
    waiting = waits_for(file, person)
    sealed = file.state == GateState.SEALED
    findings = list_findings(file)
    remake = file.remakes.last()
    context: dict[str, Any] = {
        "here": "opendata", "file": file, "state": GATE_STATE_WORDS[file.state],
        "refused": refused, "given": request.POST, "names_model": model_name(),
        "waiting": WAITING_WORDS[waiting] if waiting else None, "sealed": sealed,
        "may_judge": not sealed and waiting in ("judge", "remake"), "may_release": waiting == "release",
        "work": ScanWork.objects.filter(file=file).first() if file.state in _RUNNING else None,
        "columns": [] if sealed else _columns(file, findings), "remake": remake, "actions": _actions(),
        "history": [
            (step, DUTY_LABELS[GateDuty(step.duty)], STEP_LABELS[step.action], GATE_STATE_WORDS[step.to_state])
            for step in file.steps.select_related("person")
        ],
        "releases": GateRelease.objects.filter(file=file).select_related("product"),
        "is_out": file.state in (GateState.RELEASED, GateState.SUSPENDED, GateState.SUPERSEDED),
        "may_rescan": file.state in (*_RUNNING, GateState.TO_JUDGE, GateState.READY, GateState.SUSPENDED),
        "may_reopen": file.state == GateState.SUSPENDED
        and not file.duties.filter(person=person).exclude(duty=GateDuty.JUDGE).exists(),
        **_of_findings(request, file, findings),
    }  # fmt: skip
    if remake is not None:
        context |= _cost(file, findings)
    if context["may_release"]:
        context["older"] = GateFile.objects.filter(
            entry=file.entry, state__in=[GateState.RELEASED, GateState.SUSPENDED]
        ).order_by("-pk")
    return render(request, "portal/opendata/gate_file.html", context, status=status)


def _actions() -> list[tuple[int, str, str]]:
    """The key, the action and its name."""
    return [(key, action, str(ACTION_LABELS[action])) for key, action in enumerate(JudgeAction.values, start=1)]


def _columns(file: GateFile, findings: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {
            "found": each, "kind": FINDING_LABELS[each.kind],
            "judged": [(ACTION_LABELS[action], count) for action, count in sorted(each.judged.items())],
        }
        for each in found_columns(findings)
    ]  # fmt: skip


def _of_findings(request: HttpRequest, file: GateFile, findings: list[dict[str, Any]]) -> dict[str, Any]:
    """A page of the findings, those that nobody judged first, each in its row."""
    ordered = sorted(findings, key=lambda one: (bool(one["judged"]), one["number"]))
    asked = request.GET.get("page", "1")
    page = Paginator(ordered, _PAGE).get_page(asked)
    rows = {} if file.state == GateState.SEALED else rows_around(file, list(page), findings)
    lines = {} if file.state == GateState.SEALED else lines_around(file, list(page), findings)
    shown = [
        {
            **one, "line": "" if one["column"] else lines.get((one["part"], one["row"]), ""),
            "kind_name": FINDING_LABELS[one["kind"]], "cells": rows.get((one["part"], one["row"]), []),
            "judged_name": ACTION_LABELS.get(one["judged"], ""),
        }
        for one in page
    ]  # fmt: skip
    wrong = [f"page={asked}"] if "page" in request.GET and asked != str(page.number) else []
    return {
        "findings": shown, "page": page, "left": sum(not one["judged"] for one in findings), "total": len(findings),
        "not_used": wrong,
    }  # fmt: skip


def _cost(file: GateFile, findings: list[dict[str, Any]]) -> dict[str, Any]:
    """What the recipe costs: findings before and after by kind, rows and columns kept."""
    before, after = count_kinds(findings), count_kinds(list_product_findings(file))
    names = {str(one["kind_zh"]): FINDING_LABELS[one["kind"]] for one in [*findings, *list_product_findings(file)]}
    return {
        "cost": [(names[kind], before[kind], after[kind]) for kind in sorted(before | after)],
        "products": file.remakes.latest("id").products.all(),
    }
