"""Offers, awards and the treasury's desk over HTTP, by the person who asks and under that person's posts.

What is asked twice is done once: a confirmation by its key; an order, a file of returns, a receipt and a document by
what they are. The acts "commit" and "pay" of applications go through `/applications/{number}/acts/{action}`.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from django.http import HttpRequest, HttpResponse
from ninja import Field, File, Header, Query, Router, Schema, UploadedFile

from huisuan.base.months import SHANGHAI
from huisuan.parties.api_errors import status_by_kind
from huisuan.parties.models import Person
from huisuan.parties.route_access import Allow, viewer_of
from huisuan.programmes.awards.queries import (
    award_to_dict,
    describe_award,
    get_award,
    offer_to_dict,
    offers_to_confirm,
    visible_awards,
)
from huisuan.programmes.corrections.outdated import list_outdated, outdated_to_dict
from huisuan.programmes.corrections.rebasing import rebase
from huisuan.programmes.corrections.receipts import debt_to_dict, get_debt, receive_repayment
from huisuan.programmes.corrections.recommitting import commit_again
from huisuan.programmes.offers.services import confirm_offer
from huisuan.programmes.payments.bank_queries import bank_file_to_dict, get_bank_file, list_bank_files, list_orders
from huisuan.programmes.payments.budget import appropriate_budget
from huisuan.programmes.payments.returns import import_bank_returns, order_again, resolve_return, send_orders
from huisuan.programmes.people import find_person
from huisuan.programmes.workflow import act
from huisuan.programmes.workflow.queries import describe_application
from huisuan.protocol.resources import IDEMPOTENCY_KEY
from huisuan.treasury.line_queries import get_return_line, list_lines, unmatched_lines, unmatched_to_dict
from huisuan.treasury.recoveries import open_debts

router = Router(tags=["资金"])
_READERS = ("user", "city", "province", "department", "treasury", "auditor")
_MONEY_READERS = ("province", "department", "treasury", "auditor")
_OFFICIALS = ("province", "department", "treasury")
_MOST = 1000
_Key = Annotated[str, Header(alias=IDEMPOTENCY_KEY, max_length=80, description="幂等键：同一键只办一次")]
_Numbers = Annotated[list[str], Field(min_length=1, max_length=1000)]


class ConfirmationBody(Schema):
    """The account that is paid, and that what is offered rests on what is true."""

    account: str = Field(max_length=60)
    bank: str = Field(max_length=200)
    truthful: bool


class ReasonBody(Schema):
    """Why something is done."""

    reason: str = Field(max_length=1000)


class RecoveryBody(ReasonBody):
    """What was paid above is taken back; `owed_fen` only where nothing computes it."""

    owed_fen: int | None = Field(None, ge=0, le=10**15)
    facts: dict[str, str] | None = Field(None, description="更正的事实：名 → 文字")
    repayments: list[tuple[int, str]] | None = Field(None, max_length=60, description="分期退款：金额（分）、日期")


class ReceiptBody(Schema):
    """Money that came back, by its voucher."""

    debt: str = Field(max_length=80)
    amount_fen: int = Field(ge=1, le=10**15)
    voucher: str = Field(max_length=80)


class AppropriationBody(Schema):
    """Money for the line of a programme in a year; negative: taken back. A document counts once."""

    policy: str = Field(max_length=60)
    programme: str = Field(max_length=60)
    year: int = Field(ge=2000, le=2200)
    amount_fen: int = Field(ge=-(10**15), le=10**15)
    document: str = Field(max_length=80)


class NumbersBody(Schema):
    """Applications; `budget_year` only where they are committed again."""

    numbers: _Numbers
    budget_year: int = Field(0, ge=0, le=2200)


def _person(request: HttpRequest) -> Person:
    return find_person(viewer_of(request).name)


@router.get("/offers", auth=Allow("user", scope="read"), summary="可以领取、只待确认的")
def offers(request: HttpRequest) -> dict[str, Any]:
    """Those of the party, the newest first."""
    return {"offers": [offer_to_dict(one) for one in offers_to_confirm(viewer_of(request))]}


@router.post("/offers/{number}/confirmation", auth=Allow("user", scope="submit"), summary="确认：账户和内容属实")
def confirm(request: HttpRequest, number: str, body: ConfirmationBody, key: _Key = "") -> dict[str, Any]:
    """The application after it; asked again with the same key nothing more is done."""
    with status_by_kind():
        step = confirm_offer(
            number, _person(request), body.account, body.bank, datetime.now(UTC), truthful=body.truthful, key=key
        )
    return describe_application(type(step.application).objects.get(pk=step.application_id))


@router.get("/awards", auth=Allow(*_READERS, scope="read"), summary="批准了什么，新的在前")
def awards(
    request: HttpRequest,
    offset: Annotated[int, Query(ge=0, le=10**9)] = 0,
    limit: Annotated[int, Query(ge=1, le=_MOST)] = 100,
) -> dict[str, Any]:
    """A party's own, a city's own and its parties', or all."""
    found = visible_awards(viewer_of(request))
    return {"total": found.count(), "awards": [award_to_dict(one) for one in found[offset : offset + limit]]}


@router.get("/awards/outdated", auth=Allow(*_READERS, scope="read"), summary="金额与最新结算不同的，为何，怎样办")
def outdated(
    request: HttpRequest,
    after: Annotated[int, Query(ge=0, le=10**15)] = 0,
    limit: Annotated[int, Query(ge=1, le=_MOST)] = 100,
) -> dict[str, Any]:
    """With the lines of use that made the difference; `next` is the `after` of the next page, null at the end."""
    found = list_outdated(viewer_of(request), limit + 1, after=after)
    shown = found[:limit]
    return {
        "outdated": [outdated_to_dict(one) for one in shown],
        "next": shown[-1].application.pk if len(found) > limit else None,
    }


@router.get("/awards/{number}", auth=Allow(*_READERS, scope="read"), summary="一件批准：依据、账户、分期、支付令")
def award(request: HttpRequest, number: str) -> dict[str, Any]:
    """The one that stands of an application."""
    with status_by_kind():
        return describe_award(get_award(viewer_of(request), number))


@router.post("/awards/{number}/rebase", auth=Allow(*_OFFICIALS, scope="submit"), summary="按最新结算重定")
def rebase_award(request: HttpRequest, number: str, body: ReasonBody) -> dict[str, Any]:
    """Asked again nothing differs any more."""
    with status_by_kind():
        done = rebase(number, body.reason, _person(request), datetime.now(UTC))
    return {
        "number": done.application.number, "correction": done.correction.value, "before_fen": done.before_fen,
        "amount_fen": done.amount_fen,
    }  # fmt: skip


@router.post("/awards/{number}/recovery", auth=Allow(*_OFFICIALS, scope="submit"), summary="启动追回：已付减应得")
def recover(request: HttpRequest, number: str, body: RecoveryBody, key: _Key = "") -> dict[str, Any]:
    """The application after it; its debts are at `/treasury/debts`."""
    said = body.dict(exclude_none=True, exclude={"reason"})
    with status_by_kind():
        step = act(number, "recover", _person(request), datetime.now(UTC), reason=body.reason, payload=said, key=key)
    return describe_application(type(step.application).objects.get(pk=step.application_id))


@router.get("/treasury/lines", auth=Allow(*_MONEY_READERS, scope="read"), summary="预算一条条")
def lines(
    request: HttpRequest, policy: Annotated[str, Query(max_length=60)] = "", unused: bool = False
) -> dict[str, Any]:
    """What stands on each; on request only what was not used for two years."""
    return {"lines": [row.to_dict() for row in list_lines(policy, datetime.now(UTC), unused_only=unused)]}


@router.post("/treasury/appropriations", auth=Allow(*_OFFICIALS, scope="submit"), summary="下达预算；一个文号只记一次")
def appropriate(request: HttpRequest, body: AppropriationBody) -> dict[str, Any]:
    """The line is opened if there is none."""
    with status_by_kind():
        line = appropriate_budget(
            body.policy, body.programme, body.year, body.amount_fen, body.document, _person(request),
            datetime.now(UTC),
        )  # fmt: skip
    return {"line": str(line), "id": line.pk}


@router.post("/treasury/commitments", auth=Allow(*_OFFICIALS, scope="submit"), summary="金额重定的，重新下达资金")
def recommit(request: HttpRequest, body: NumbersBody) -> dict[str, Any]:
    """All or none; asked again they are committed as they stand."""
    with status_by_kind():
        found = commit_again(body.numbers, _person(request), datetime.now(UTC), body.budget_year)
    return {"awards": [{"award": one.key, "amount_fen": one.amount_fen} for one in found]}


@router.get("/treasury/orders", auth=Allow(*_MONEY_READERS, scope="read"), summary="支付令；可只看未送银行的")
def orders(
    request: HttpRequest,
    waiting: bool = False,
    offset: Annotated[int, Query(ge=0, le=10**9)] = 0,
    limit: Annotated[int, Query(ge=1, le=_MOST)] = 100,
) -> dict[str, Any]:
    """The newest first; of an account number the last four digits."""
    total, rows = list_orders(_person(request), datetime.now(UTC), waiting=waiting, offset=offset, limit=limit)
    return {"total": total, "orders": rows}


@router.post(
    "/treasury/orders", auth=Allow(*_OFFICIALS, scope="submit"), summary="到期的下一期，或银行退回后重开支付令"
)
def order(request: HttpRequest, body: NumbersBody) -> dict[str, Any]:
    """All or none; an instalment has one living order, however often it is asked for."""
    with status_by_kind():
        made = order_again(body.numbers, _person(request), datetime.now(UTC))
    return {"orders": [one.name for one in made]}


@router.get("/treasury/files", auth=Allow(*_MONEY_READERS, scope="read"), summary="送银行的文件，新的在前")
def files(
    request: HttpRequest,
    offset: Annotated[int, Query(ge=0, le=10**9)] = 0,
    limit: Annotated[int, Query(ge=1, le=_MOST)] = _MOST,
) -> dict[str, Any]:
    """A thousand at a time, and how many there are."""
    found = list_bank_files()
    return {"total": found.count(), "files": [bank_file_to_dict(one) for one in found[offset : offset + limit]]}


@router.post("/treasury/files", auth=Allow(*_OFFICIALS, scope="submit"), summary="把本单位未送的支付令编成一个文件")
def send(request: HttpRequest) -> dict[str, Any]:
    """An order is in one file, ever: asked again there is nothing to send."""
    with status_by_kind():
        return bank_file_to_dict(send_orders(_person(request), datetime.now(UTC)))


@router.get("/treasury/files/{number}", auth=Allow("treasury", scope="read"), summary="文件本身：CSV，逐字节如送出时")
def file(request: HttpRequest, number: str) -> HttpResponse:
    """For whoever pays; it holds account numbers."""
    with status_by_kind():
        found = get_bank_file(number, _person(request), datetime.now(UTC))
    answer = HttpResponse(bytes(found.content), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{found}.csv"'
    return answer


@router.post("/treasury/returns", auth=Allow(*_OFFICIALS, scope="submit"), summary="导入银行回单；同一文件只记一次")
def returns(request: HttpRequest, file: File[UploadedFile]) -> dict[str, Any]:
    """What of it completed applications, and what fitted no order."""
    with status_by_kind():
        done = import_bank_returns(file.read(), file.name or "", _person(request), datetime.now(UTC))
    return {
        "file": str(done.file), "new": done.new, "lines": done.file.lines_count, "completed": list(done.completed),
        "refused": [{"number": number, "code": why.code, "detail": str(why)} for number, why in done.refused.items()],
        "not_entered": [{"number": number, "why": why} for number, why in done.not_entered.items()],
    }  # fmt: skip


@router.get("/treasury/unmatched", auth=Allow(*_MONEY_READERS, scope="read"), summary="对不上支付令的回单行")
def unmatched(request: HttpRequest) -> dict[str, Any]:
    """They wait for a person."""
    return {"unmatched": [unmatched_to_dict(row) for row in unmatched_lines()]}


@router.post("/treasury/unmatched/{number}", auth=Allow(*_OFFICIALS, scope="submit"), summary="处理对不上的一行")
def resolve(request: HttpRequest, number: str, body: ReasonBody) -> dict[str, Any]:
    """`number` as it is listed, a dash for the stroke: 3-2."""
    with status_by_kind():
        entry = resolve_return(get_return_line(number), _person(request), datetime.now(UTC), body.reason)
    return {"line": number, "entry": entry.key}


@router.get("/treasury/debts", auth=Allow(*_MONEY_READERS, scope="read"), summary="还没有退清的追回")
def debts(
    request: HttpRequest,
    offset: Annotated[int, Query(ge=0, le=10**9)] = 0,
    limit: Annotated[int, Query(ge=1, le=_MOST)] = _MOST,
) -> dict[str, Any]:
    """What is left of each, by when, and what came; a thousand at a time, and how many there are."""
    day, found = datetime.now(SHANGHAI).date(), open_debts().select_related("commitment").order_by("pk")
    return {"total": found.count(), "debts": [debt_to_dict(debt, day) for debt in found[offset : offset + limit]]}


@router.post("/treasury/receipts", auth=Allow(*_OFFICIALS, scope="submit"), summary="登记退回的款；一张凭证只记一次")
def receipt(request: HttpRequest, body: ReceiptBody) -> dict[str, Any]:
    """With the last of it the recovery is over."""
    with status_by_kind():
        done = receive_repayment(
            get_debt(body.debt), body.amount_fen, body.voucher, _person(request), datetime.now(UTC)
        )
    return {"debt": body.debt, "left_fen": done.left_fen, "recovered": done.recovered}
