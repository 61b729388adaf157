"""The account of an application over HTTP: given by the applicant, a change answered by whoever pays."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.http import HttpRequest
from ninja import Field, Router, Schema

from huisuan.parties.api_errors import status_by_kind
from huisuan.parties.route_access import Allow, viewer_of
from huisuan.programmes.payments.payees import answer_payee_change, give_payee, given_payee_to_dict
from huisuan.programmes.people import find_person

router = Router(tags=["资金"])


class PayeeBody(Schema):
    """Where the money is to go; `name` only from a city, `reason` only with a change."""

    account: str = Field(max_length=60)
    bank: str = Field(max_length=200)
    name: str = Field("", max_length=200, description="户名；只有市填写，单位的即其名称")
    reason: str = Field("", max_length=300, description="变更的理由")


class PayeeAnswerBody(Schema):
    """Whether a change of the account that waits is accepted."""

    accept: bool


@router.post("/applications/{number}/payee", auth=Allow("user", "city", scope="submit"), summary="填写或变更收款账户")
def payee(request: HttpRequest, number: str, body: PayeeBody) -> dict[str, Any]:
    """The first counts at once, a change once it is accepted (null: it waits); the same again changes nothing."""
    with status_by_kind():
        given = give_payee(
            number, find_person(viewer_of(request).name), body.account, body.bank, datetime.now(UTC),
            name=body.name, reason=body.reason,
        )  # fmt: skip
    return given_payee_to_dict(given)


@router.post(
    "/applications/{number}/payee/answer",
    auth=Allow("province", "department", "treasury", scope="submit"),
    summary="确认或驳回收款账户的变更",
)
def payee_answer(request: HttpRequest, number: str, body: PayeeAnswerBody) -> dict[str, Any]:
    """By a post that pays the application, never by who gave the account."""
    with status_by_kind():
        answered = answer_payee_change(number, body.accept, find_person(viewer_of(request).name), datetime.now(UTC))
    return given_payee_to_dict(answered)
