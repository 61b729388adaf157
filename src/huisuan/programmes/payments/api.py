"""Over HTTP: the account that is paid, what cities paid, the end of a budget's year, and where the money stands."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Field, File, Query, Router, Schema, UploadedFile

from huisuan.base.csv_lines import LARGEST_CSV
from huisuan.base.errors import InvalidRequest
from huisuan.parties.api_errors import status_by_kind
from huisuan.parties.route_access import Allow, viewer_of
from huisuan.programmes.payments.budget import carry_over_budget, lapse_budget
from huisuan.programmes.payments.city_vouchers import (
    get_payment,
    import_vouchers,
    lower_voucher,
    reverse_voucher,
    shares_of_project,
    visible_payments,
)
from huisuan.programmes.payments.payees import answer_payee_change, give_payee, given_payee_to_dict
from huisuan.programmes.people import find_person
from huisuan.treasury.line_queries import get_budget_line
from huisuan.treasury.statements import GroupedBy, load_money_statement

router = Router(tags=["资金"])
_READERS = ("city", "province", "treasury", "auditor")
_MONEY_READERS = ("province", "department", "treasury", "auditor")
_MONEY_KEEPERS = ("province", "department", "treasury")
_MOST = 1000


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


class CutBody(Schema):
    """How much is taken off, and why."""

    amount_fen: int = Field(gt=0, le=10**15)
    reason: str = Field(max_length=300)


class ReversalBody(Schema):
    """Why all that is left is taken off."""

    reason: str = Field(max_length=300)


@router.get("/city-payments", auth=Allow(*_READERS, scope="read"), summary="市级拨付，按凭证")
def city_payments(request: HttpRequest, project: str = "", offset: int = 0, limit: int = 100) -> dict[str, Any]:
    """A city's own, or all."""
    found = visible_payments(viewer_of(request), datetime.now(UTC)).order_by("-pk")
    found = found.filter(project=project) if project else found
    offset, limit = max(0, min(offset, 10**9)), max(1, min(limit, _MOST))
    return {"total": found.count(), "payments": [_to_dict(one) for one in found[offset : offset + limit]]}


@router.get("/city-payments/{number}", auth=Allow(*_READERS, scope="read"), summary="一笔市级拨付和省级分担")
def city_payment(request: HttpRequest, number: int) -> dict[str, Any]:
    """With what was taken off it, and the applications that claim the province's share of its project."""
    with status_by_kind():
        found = get_payment(viewer_of(request), number, datetime.now(UTC))
    cuts = [
        {"amount_fen": cut.amount_fen, "reason": cut.reason, "by": cut.by, "at": cut.at} for cut in found.cuts.all()
    ]
    shares = [
        {"application": one.application.number, "owed_fen": one.owed_fen, "granted_fen": one.granted_fen,
         "kept_fen": one.kept_fen, "excess_fen": one.excess_fen}
        for one in shares_of_project(found)
    ]  # fmt: skip
    return _to_dict(found) | {"cuts": cuts, "shares": shares}


@router.post("/city-payments", auth=Allow("city", scope="submit"), summary="从 CSV 登记本市的拨付；好行留下")
def enter_city_payments(request: HttpRequest, file: File[UploadedFile]) -> dict[str, Any]:
    """Good lines are kept, each bad one is named; the same file again changes nothing."""
    with status_by_kind():
        if (file.size or 0) > LARGEST_CSV:
            raise InvalidRequest("文件太大：请分成几个再导入", code="file.too_large")
        person = find_person(viewer_of(request).name)
        return import_vouchers(file.read(), file.name or "CSV", person, datetime.now(UTC)).as_json()


@router.post("/city-payments/{number}/lower", auth=Allow("city", scope="submit"), summary="核减一笔本市的拨付")
def lower_city_payment_by(request: HttpRequest, number: int, body: CutBody) -> dict[str, Any]:
    """The amount entered stays on record; what is left counts."""
    person, now = find_person(viewer_of(request).name), datetime.now(UTC)
    with status_by_kind():
        lower_voucher(number, body.amount_fen, body.reason, person, now)
    return _to_dict(get_payment(viewer_of(request), number, now))


@router.post("/city-payments/{number}/reverse", auth=Allow("city", scope="submit"), summary="冲销一笔本市的拨付")
def reverse_city_payment_by(request: HttpRequest, number: int, body: ReversalBody) -> dict[str, Any]:
    """All that is left of it."""
    person, now = find_person(viewer_of(request).name), datetime.now(UTC)
    with status_by_kind():
        reverse_voucher(number, body.reason, person, now)
    return _to_dict(get_payment(viewer_of(request), number, now))


class CarryOverBody(Schema):
    """Into the line of which year."""

    year: int = Field(ge=2000, le=2200)


@router.post(
    "/treasury/lines/{number}/carry-over",
    auth=Allow(*_MONEY_KEEPERS, scope="submit"),
    summary="年末结转：已承诺而未开支付令的，连同资金转到以后年度",
)
def carry_over(request: HttpRequest, number: int, body: CarryOverBody) -> dict[str, Any]:
    """How many instalments moved; by a post that commits."""
    person, now = find_person(viewer_of(request).name), datetime.now(UTC)
    with status_by_kind():
        line = get_budget_line(number)
        moved = carry_over_budget(line, body.year, person, now)
    return {"line": str(line), "into": body.year, "instalments": moved}


@router.post(
    "/treasury/lines/{number}/lapse",
    auth=Allow(*_MONEY_KEEPERS, scope="submit"),
    summary="年末收回：没有承诺的余额",
)
def lapse(request: HttpRequest, number: int) -> dict[str, Any]:
    """How much that was; by a post that commits."""
    with status_by_kind():
        line = get_budget_line(number)
        fen = lapse_budget(line, find_person(viewer_of(request).name), datetime.now(UTC))
    return {"line": str(line), "lapsed_fen": fen}


@router.get(
    "/treasury/statement",
    auth=Allow(*_MONEY_READERS, scope="read"),
    summary="资金到哪一步了：按条款、部门、年度、市或主体合计",
)
def statement(
    request: HttpRequest,
    policy: Annotated[str, Query(max_length=60)],
    by: GroupedBy = "sentence",
    year: Annotated[int | None, Query(ge=2000, le=2200)] = None,
) -> dict[str, Any]:
    """Of one policy, of one year's lines or all, in fen."""
    return {"rows": [row.to_dict() for row in load_money_statement(by, policy, year)]}


def _to_dict(payment: Any) -> dict[str, Any]:
    return {
        "id": payment.pk, "city": payment.city_id, "voucher": payment.voucher, "project": payment.project,
        "payee": payment.payee.uscc if payment.payee else None, "paid_day": payment.paid_day,
        "amount_fen": payment.amount_fen, "left_fen": payment.left_fen, "known_from": payment.known_from,
        "by": payment.by,
    }  # fmt: skip
