"""Checks and flags of applications over HTTP: asked and answered by those who handle them, never by who applies."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Field, Path, Router, Schema

from huisuan.parties.api_errors import status_by_kind
from huisuan.parties.route_access import Allow, viewer_of
from huisuan.programmes.check_desk.checking import (
    check_application,
    check_where_nobody_has,
    checks_to_dicts,
    list_checks,
)
from huisuan.programmes.check_desk.consents import (
    confirm_consent,
    consents_to_dicts,
    give_consent,
    withdraw_consent,
)
from huisuan.programmes.check_desk.flag_answers import give_flag_answer, list_flags
from huisuan.programmes.people import find_person
from huisuan.programmes.workflow.permission import is_applicant
from huisuan.programmes.workflow.queries import get_application

router = Router(tags=["申报"])
_OFFICIALS = ("city", "province", "department", "treasury")


class FlagAnswerBody(Schema):
    """Why a flag stops nothing."""

    reason: str = Field(max_length=1000)


class CheckedNumbersBody(Schema):
    """Some applications."""

    numbers: list[str] = Field(min_length=1, max_length=1000)


@router.get(
    "/applications/{number}/checks",
    auth=Allow(*_OFFICIALS, "auditor", scope="read"),
    summary="一件申报最近一次核对：每一项是否通过、理由、看到了什么",
)
def checks(request: HttpRequest, number: str) -> dict[str, Any]:
    """None where nobody has asked; never for who applies."""
    with status_by_kind():
        return {"checks": list_checks(viewer_of(request), number)}


@router.post("/applications/{number}/checks", auth=Allow(*_OFFICIALS, scope="submit"), summary="核对一件申报并存下")
def ask_checks(request: HttpRequest, number: str) -> dict[str, Any]:
    """By whoever may check it; the act "check" rests on what is stored here."""
    with status_by_kind():
        found = check_application(number, find_person(viewer_of(request).name), datetime.now(UTC))
    return {"checks": checks_to_dicts(found)}


@router.post("/checks", auth=Allow(*_OFFICIALS, scope="submit"), summary="核对多件申报中还没有核对过的")
def ask_checks_of_many(request: HttpRequest, body: CheckedNumbersBody) -> dict[str, Any]:
    """What one may not check is left as it is; the act that follows says why."""
    check_where_nobody_has(body.numbers, find_person(viewer_of(request).name), datetime.now(UTC))
    return {"asked": len(dict.fromkeys(body.numbers))}


@router.get(
    "/applications/{number}/flags",
    auth=Allow(*_OFFICIALS, "auditor", scope="read"),
    summary="一件申报的疑点和答复",
)
def flags(request: HttpRequest, number: str) -> dict[str, Any]:
    """With what was seen where one may see the other application, too; never for who applies."""
    with status_by_kind():
        return {"flags": list_flags(viewer_of(request), number)}


@router.post(
    "/applications/{number}/flags/{flag}/answer",
    auth=Allow(*_OFFICIALS, scope="submit"),
    summary="答复一个疑点：由核验人以外的人，写明理由",
)
def answer_flag(
    request: HttpRequest, number: str, flag: Annotated[int, Path(ge=1, le=10**15)], body: FlagAnswerBody
) -> dict[str, Any]:
    """All flags of the application afterwards; once they are answered it can move on."""
    viewer = viewer_of(request)
    with status_by_kind():
        give_flag_answer(number, flag, find_person(viewer.name), body.reason, datetime.now(UTC))
        return {"flags": list_flags(viewer, number)}


class ConsentBody(Schema):
    """Who agreed: the name alone, by which paper, on which day."""

    name: str = Field(max_length=80)
    paper: str = Field(max_length=200)
    given_on: date


class WithdrawalBody(Schema):
    """By which paper, and on which day, the person took the consent back."""

    paper: str = Field(max_length=200)
    withdrawn_on: date


@router.get(
    "/applications/{number}/consents", auth=Allow("user", *_OFFICIALS, "auditor", scope="read"),
    summary="申报所涉个人的同意：何日同意、何日撤回",
)  # fmt: skip
def consents(request: HttpRequest, number: str) -> dict[str, Any]:
    """Names in full for the applicant alone; of those withdrawn none."""
    with status_by_kind():
        application = get_application(viewer_of(request), number)
        own = is_applicant(find_person(viewer_of(request).name), application)
        return {"consents": consents_to_dicts(application, whole_names=own)}


@router.post(
    "/applications/{number}/consents", auth=Allow("user", "city", scope="submit"), summary="登记本人同意，由申报单位"
)
def consent(request: HttpRequest, number: str, body: ConsentBody) -> dict[str, Any]:
    """All of the application afterwards."""
    with status_by_kind():
        person = find_person(viewer_of(request).name)
        give_consent(number, body.name, body.paper, body.given_on, person, datetime.now(UTC))
    return consents(request, number)


@router.post(
    "/applications/{number}/consents/{consent}/confirmation", auth=Allow(*_OFFICIALS, scope="submit"),
    summary="确认撤回之后重新登记的本人同意，由核验岗位",
)  # fmt: skip
def confirmation(request: HttpRequest, number: str, consent: Annotated[int, Path(ge=1, le=10**15)]) -> dict[str, Any]:
    """All of the application afterwards."""
    with status_by_kind():
        confirm_consent(number, consent, find_person(viewer_of(request).name), datetime.now(UTC))
    return consents(request, number)


@router.post(
    "/applications/{number}/consents/{consent}/withdrawal", auth=Allow("user", *_OFFICIALS, scope="submit"),
    summary="登记本人撤回同意：姓名即删去，申报停办",
)  # fmt: skip
def withdrawal(
    request: HttpRequest, number: str, consent: Annotated[int, Path(ge=1, le=10**15)], body: WithdrawalBody
) -> dict[str, Any]:
    """All of the application afterwards."""
    with status_by_kind():
        person = find_person(viewer_of(request).name)
        withdraw_consent(number, consent, body.paper, body.withdrawn_on, person, datetime.now(UTC))
    return consents(request, number)
