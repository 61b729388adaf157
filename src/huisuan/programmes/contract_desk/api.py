"""Contracts over HTTP: read by who may see the application, each act by the person who asks."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Field, Query, Router, Schema

from huisuan.parties.api_errors import status_by_kind
from huisuan.parties.models import Person
from huisuan.parties.route_access import Allow, viewer_of
from huisuan.programmes.contract_desk.accepting import decide_milestone, evaluate_project
from huisuan.programmes.contract_desk.amending import amend_contract
from huisuan.programmes.contract_desk.drawing_up import draw_up_contract
from huisuan.programmes.contract_desk.panel import leave_acceptance_seat, vote_on_milestone
from huisuan.programmes.contract_desk.panel_drawing import draw_acceptance_panel
from huisuan.programmes.contract_desk.planning import file_plan
from huisuan.programmes.contract_desk.queries import describe_contract
from huisuan.programmes.contract_desk.reporting import file_report, milestones_due
from huisuan.programmes.contract_desk.site_checks import confirm_site_check, record_site_check
from huisuan.programmes.people import find_person

router = Router(tags=["合同"])
_READERS = ("user", "city", "province", "department", "treasury", "auditor")
_OFFICIALS = ("city", "province", "department")
_APPLICANTS = ("user", "city")


class PlanBody(Schema):
    """The targets of a plan."""

    targets: list[dict[str, Any]] = Field(min_length=1, max_length=50)


class ContractBody(Schema):
    """A contract with its milestones; days as YYYY-MM-DD, `amount_fen` or `percent` for each."""

    code: str = Field(max_length=80)
    signed_on: date
    milestones: list[dict[str, Any]] = Field(min_length=1, max_length=24)


class ContractAmendmentBody(Schema):
    """A supplementary agreement; each target as {milestone, code, figure}."""

    code: str = Field(max_length=80)
    agreed_on: date
    reason: str = Field(max_length=1000)
    targets: list[dict[str, Any]] = Field(min_length=1, max_length=50)


class ReportBody(Schema):
    """A report on a milestone; `reached` by code of the target, figures as text."""

    text: str = Field(max_length=4000)
    reached: dict[str, str] = {}


class ConfirmBody(Schema):
    """Whether the other of the two found the same; else what was otherwise."""

    agrees: bool = True
    text: str = Field("", max_length=1000)


class SiteCheckBody(Schema):
    """What two persons found on site."""

    day: date
    first: str = Field(max_length=150)
    second: str = Field(max_length=150)
    text: str = Field(max_length=4000)
    holds: bool = True


class SeedBody(Schema):
    """The word that was committed to for the call, if any, to be checked; it decides nothing."""

    seed: str = Field("", max_length=200)


class VoteBody(Schema):
    """What an expert says of a milestone."""

    accepts: bool
    score: int = Field(ge=0, le=100)
    reason: str = Field(max_length=1000)


class LeaveBody(Schema):
    """Who leaves a panel and why."""

    expert: str = Field(max_length=150)
    reason: str = Field(max_length=1000)


class ResultBody(Schema):
    """Whether a milestone is accepted; without a word of one's own where a panel votes."""

    reason: str = Field(max_length=1000)
    accepted: bool | None = None
    score: int | None = Field(None, ge=0, le=100)


class EvaluationBody(Schema):
    """The evaluation of a project; with the audited cost (fen) where the procedure asks for it."""

    score: int = Field(ge=0, le=100)
    reason: str = Field(max_length=1000)
    final_cost_fen: int | None = Field(None, ge=0, le=10**15)


@router.get("/milestones", auth=Allow(*_READERS, scope="read"), summary="还没有验收的节点，先到期的在前")
def due(
    request: HttpRequest,
    soon: bool = False,
    offset: Annotated[int, Query(ge=0, le=10**9)] = 0,
    limit: Annotated[int, Query(ge=1, le=1000)] = 500,
) -> dict[str, Any]:
    """Those that one may see; `soon`: reminded of or overdue. `next`: where the page after begins, null at the end."""
    found = milestones_due(viewer_of(request), datetime.now(UTC), soon_only=soon, offset=offset, limit=limit + 1)
    return {
        "milestones": [one.to_dict() for one in found[:limit]],
        "next": offset + limit if len(found) > limit else None,
    }


@router.get(
    "/applications/{number}/contract",
    auth=Allow(*_READERS, scope="read"),
    summary="一件申报的计划指标、合同、节点、验收、评价",
)
def contract(request: HttpRequest, number: str) -> dict[str, Any]:
    """All of it that one may see."""
    with status_by_kind():
        return describe_contract(viewer_of(request), number, datetime.now(UTC))


@router.post(
    "/applications/{number}/contract/plan", auth=Allow(*_APPLICANTS, scope="submit"), summary="提交计划指标，一次"
)
def plan(request: HttpRequest, number: str, body: PlanBody) -> dict[str, Any]:
    """What a contract may not go below."""
    with status_by_kind():
        file_plan(number, body.targets, _person(request), datetime.now(UTC))
    return contract(request, number)


@router.post("/applications/{number}/contract", auth=Allow(*_OFFICIALS, scope="submit"), summary="拟定合同和节点")
def draw_up(request: HttpRequest, number: str, body: ContractBody) -> dict[str, Any]:
    """Once; the act "contract" signs it."""
    with status_by_kind():
        draw_up_contract(number, body.model_dump(), _person(request), datetime.now(UTC))
    return contract(request, number)


@router.post(
    "/applications/{number}/contract/amendments",
    auth=Allow(*_OFFICIALS, scope="submit"),
    summary="合同变更：按补充协议改指标，原数值留存",
)
def amend(request: HttpRequest, number: str, body: ContractAmendmentBody) -> dict[str, Any]:
    """Of milestones that are not accepted."""
    with status_by_kind():
        amend_contract(number, body.model_dump(), _person(request), datetime.now(UTC))
    return contract(request, number)


@router.post(
    "/applications/{number}/milestones/{milestone}/reports",
    auth=Allow(*_APPLICANTS, scope="submit"),
    summary="报告一个节点",
)
def report(request: HttpRequest, number: str, milestone: int, body: ReportBody) -> dict[str, Any]:
    """By the applicant, until it is accepted."""
    with status_by_kind():
        file_report(number, milestone, body.text, body.reached, _person(request), datetime.now(UTC))
    return contract(request, number)


@router.post(
    "/applications/{number}/milestones/{milestone}/site-checks",
    auth=Allow(*_OFFICIALS, scope="submit"),
    summary="登记两个人的现场核查",
)
def site_check(request: HttpRequest, number: str, milestone: int, body: SiteCheckBody) -> dict[str, Any]:
    """What the two found."""
    with status_by_kind():
        record_site_check(
            number, milestone, body.day, (body.first, body.second), body.text, _person(request), datetime.now(UTC),
            holds=body.holds,
        )  # fmt: skip
    return contract(request, number)


@router.post(
    "/applications/{number}/site-checks/{check}/confirmation",
    auth=Allow(*_OFFICIALS, scope="submit"),
    summary="到场的另一人确认现场核查，一次",
)
def confirm_check(request: HttpRequest, number: str, check: int, body: ConfirmBody) -> dict[str, Any]:
    """Until then the check does not count."""
    with status_by_kind():
        confirm_site_check(
            number, check, _person(request), datetime.now(UTC), agrees=body.agrees, text=body.text
        )  # fmt: skip
    return contract(request, number)


@router.post(
    "/applications/{number}/milestones/{milestone}/panel",
    auth=Allow(*_OFFICIALS, scope="submit"),
    summary="抽取一个节点的验收专家",
)
def panel(request: HttpRequest, number: str, milestone: int, body: SeedBody) -> dict[str, Any]:
    """Where the procedure declares a panel."""
    with status_by_kind():
        draw_acceptance_panel(number, milestone, body.seed, _person(request), datetime.now(UTC))
    return contract(request, number)


@router.post(
    "/applications/{number}/milestones/{milestone}/votes", auth=Allow("expert", scope="submit"), summary="验收专家投票"
)
def vote(request: HttpRequest, number: str, milestone: int, body: VoteBody) -> dict[str, Any]:
    """Once, by who sits in the panel and is not tied."""
    with status_by_kind():
        vote_on_milestone(number, milestone, body.accepts, body.score, body.reason, _person(request), datetime.now(UTC))
    return {"number": number, "milestone": milestone, "accepts": body.accepts, "score": body.score}


@router.post(
    "/applications/{number}/milestones/{milestone}/recusals",
    auth=Allow(*_OFFICIALS, "expert", scope="submit"),
    summary="验收专家回避，候补递补",
)
def recuse(request: HttpRequest, number: str, milestone: int, body: LeaveBody) -> dict[str, Any]:
    """The next alternate sits; an expert leaves the own seat only."""
    with status_by_kind():
        leave_acceptance_seat(number, milestone, body.expert, body.reason, _person(request), datetime.now(UTC))
    if viewer_of(request).role == "expert":
        return {"number": number, "milestone": milestone, "left": body.expert}
    return contract(request, number)


@router.post(
    "/applications/{number}/milestones/{milestone}/results",
    auth=Allow(*_OFFICIALS, scope="submit"),
    summary="验收一个节点，通过或不通过",
)
def result(request: HttpRequest, number: str, milestone: int, body: ResultBody) -> dict[str, Any]:
    """By the office with a score, or as the panel voted."""
    with status_by_kind():
        decide_milestone(
            number, milestone, body.reason, _person(request), datetime.now(UTC), accepted=body.accepted,
            score=body.score,
        )  # fmt: skip
    return contract(request, number)


@router.post("/applications/{number}/evaluation", auth=Allow(*_OFFICIALS, scope="submit"), summary="项目评价，一次")
def evaluation(request: HttpRequest, number: str, body: EvaluationBody) -> dict[str, Any]:
    """The next claim of its party sees it."""
    with status_by_kind():
        evaluate_project(
            number, body.score, body.reason, _person(request), datetime.now(UTC), final_cost_fen=body.final_cost_fen
        )
    return contract(request, number)


def _person(request: HttpRequest) -> Person:
    return find_person(viewer_of(request).name)
