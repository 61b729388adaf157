"""The contract on the page of an application, the acts on it, and the list of milestones that are waited for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from huisuan.base.errors import InvalidRequest, Refused
from huisuan.base.money import parse_typed_yuan
from huisuan.parties.models import Person
from huisuan.parties.route_access import allow
from huisuan.portal.programmes.application_page import ACTORS, application_or_404, show_refused
from huisuan.portal.programmes.contract_forms import typed_amendment, typed_contract, typed_count, typed_plan
from huisuan.programmes.contract_desk.accepting import decide_milestone, evaluate_project
from huisuan.programmes.contract_desk.amending import amend_contract
from huisuan.programmes.contract_desk.drawing_up import draw_up_contract
from huisuan.programmes.contract_desk.panel import leave_acceptance_seat
from huisuan.programmes.contract_desk.panel_drawing import draw_acceptance_panel
from huisuan.programmes.contract_desk.planning import file_plan, planned_terms
from huisuan.programmes.contract_desk.reporting import file_report
from huisuan.programmes.contract_desk.site_checks import confirm_site_check, record_site_check
from huisuan.programmes.models import Application


@dataclass(frozen=True)
class ContractRequest:
    """An act on a contract as it was typed: by whom, when, on what."""

    application: Application
    person: Person
    now: datetime
    asked: Mapping[str, str]

    @property
    def milestone(self) -> int:
        """The milestone that is meant."""
        return typed_count(self.asked, "milestone") or 0

    def said(self, name: str) -> str:
        """A field as text."""
        return self.asked.get(name, "").strip()


def _plan(one: ContractRequest) -> None:
    file_plan(one.application.number, typed_plan(one.said("targets")), one.person, one.now)


def _draw_up(one: ContractRequest) -> None:
    said = typed_contract(one.asked, planned_terms(one.application))
    draw_up_contract(one.application.number, said, one.person, one.now)


def _amend(one: ContractRequest) -> None:
    amend_contract(one.application.number, typed_amendment(one.asked), one.person, one.now)


def _report(one: ContractRequest) -> None:
    reached = {name.removeprefix("reached."): text for name, text in one.asked.items() if name.startswith("reached.")}
    file_report(one.application.number, one.milestone, one.said("text"), dict(reached), one.person, one.now)


def _check_site(one: ContractRequest) -> None:
    try:
        day = date.fromisoformat(one.said("day"))
    except ValueError:
        raise InvalidRequest("现场核查的日期写成 2025-01-31", code="contract.day_malformed") from None
    record_site_check(
        one.application.number, one.milestone, day, (one.said("first"), one.said("second")), one.said("text"),
        one.person, one.now, holds=not one.said("differs"),
    )  # fmt: skip


def _confirm_site(one: ContractRequest) -> None:
    check, differs = typed_count(one.asked, "check") or 0, one.said("differs")
    confirm_site_check(one.application.number, check, one.person, one.now, agrees=not differs, text=one.said("text"))


def _accept(one: ContractRequest) -> None:
    verdict = {"yes": True, "no": False}.get(one.said("verdict"))
    decide_milestone(
        one.application.number, one.milestone, one.said("reason"), one.person, one.now, accepted=verdict,
        score=typed_count(one.asked, "score"),
    )  # fmt: skip


def _draw_panel(one: ContractRequest) -> None:
    draw_acceptance_panel(one.application.number, one.milestone, one.said("seed"), one.person, one.now)


def _leave(one: ContractRequest) -> None:
    leave_acceptance_seat(
        one.application.number, one.milestone, one.said("expert"), one.said("reason"), one.person, one.now
    )


def _evaluate(one: ContractRequest) -> None:
    score, written = typed_count(one.asked, "score"), one.said("final_cost")
    cost = parse_typed_yuan(written) if written else None
    if written and cost is None:
        raise InvalidRequest(f'"{written[:40]}" 不是金额（元）', code="contract.amount_malformed")
    evaluate_project(
        one.application.number, -1 if score is None else score, one.said("reason"), one.person, one.now,
        final_cost_fen=cost,
    )  # fmt: skip


#: each act with what is said when it is done
_ACTS: Mapping[str, tuple[Callable[[ContractRequest], None], Any]] = {
    "plan": (_plan, _("计划指标已提交。")),
    "draw-up": (_draw_up, _("合同已拟定：请办“签订合同”。")),
    "amend": (_amend, _("合同变更已登记。")),
    "report": (_report, _("报告已提交。")),
    "check-site": (_check_site, _("现场核查已登记，另一人确认之后算数。")),
    "confirm-site": (_confirm_site, _("您对现场核查的意见已登记。")),
    "accept": (_accept, _("验收结果已登记。")),
    "draw-panel": (_draw_panel, _("验收专家已抽取。")),
    "leave": (_leave, _("已由候补递补。")),
    "evaluate": (_evaluate, _("项目评价已登记。")),
}


@allow(*ACTORS)
@require_POST
def contract_act(request: HttpRequest, number: str, act: str) -> HttpResponseBase:
    """One act on the contract of an application; then its page again."""
    application = application_or_404(request, number)
    if act not in _ACTS:
        raise Http404
    assert isinstance(request.user, Person)
    done, said = _ACTS[act]
    asked = {name: request.POST.get(name, "") for name in request.POST}
    try:
        done(ContractRequest(application, request.user, timezone.now(), asked))
    except Refused as refusal:
        return show_refused(request, application, refusal)
    messages.success(request, f"{number} {said}")
    return redirect(f"/applications/{number}#contract")
