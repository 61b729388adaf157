"""The account that an application is paid to: given by the applicant, changed only with a second person.

Whom a city names is accepted by a second person from the first account on: nothing else says that it is the city's.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction

from huisuan.base.errors import Conflict, InvalidRequest, NotAllowed
from huisuan.base.text_length import check_length
from huisuan.law.procedure import Duty, State
from huisuan.parties.models import Person
from huisuan.programmes.flags.found_between import look_for_flags
from huisuan.programmes.models import PAYEE_WAITS, Application, DutyHeld, PayeeAccount
from huisuan.programmes.workflow.permission import Permissions, is_applicant, unknown_application
from huisuan.treasury.orders import parse_payee


@transaction.atomic
def give_payee(
    number: str, person: Person, account_number: str, bank: str, now: datetime, *, name: str = "", reason: str = ""
) -> PayeeAccount:
    """Say where an application's money is to go; the first account counts at once, a change once it is accepted.

    The account is the applicant's own; only a city names an account holder, and then the first is accepted, too. The
    same account again changes nothing.

    Raises:
        NotFound: no such application, as far as the person may know.
        NotAllowed: somebody other than the applicant.
        InvalidRequest: a malformed account, another holder than the applicant, a change without a reason.
        Conflict: a change waits already.
    """
    application = Application.objects.select_for_update(no_key=True, of=("self",)).filter(number=number).first()
    if application is None or not is_applicant(person, application):
        raise unknown_application(number)
    if person.machine or person.widest_scope == "read":
        raise NotAllowed("收款账户由申报单位的人员填写（只读成员除外）", code="award.payee_by_applicant")
    payee = parse_payee(_holder(application, name), account_number, bank)
    rows = list(PayeeAccount.objects.filter(application=application).order_by("number"))
    said = payee.name, payee.account_number, payee.bank
    standing = next((row for row in reversed(rows) if row.counts or (row.first_waits and row.accepted is None)), None)
    if standing and (standing.name, standing.account_number, standing.bank) == said:
        return standing
    if rows and not rows[-1].counts and rows[-1].accepted is None:
        raise Conflict(f"{number}：已有一项账户变更等第二人确认", code="award.payee_change_waits")
    reason = check_length(reason.strip(), 300, "理由")
    if rows and not reason:
        raise InvalidRequest("变更收款账户须写明理由", code="award.payee_reason_missing")
    made = PayeeAccount.objects.create(
        application=application, number=len(rows) + 1, name=payee.name, account_number=payee.account_number,
        bank=payee.bank, given_by=person, given_at=now, reason=reason if rows else "",
        first_waits=not rows and application.city_id is not None,
    )  # fmt: skip
    if application.state != State.DRAFT:
        look_for_flags(application, now)
    return made


def _holder(application: Application, name: str) -> str:
    if application.party is None:
        return name
    if name.strip() and name.strip() != application.party.name:
        raise InvalidRequest(f"收款人须与申报单位同名（{application.party.name}）", code="award.payee_is_the_applicant")
    return application.party.name


def given_payee_to_dict(given: PayeeAccount) -> dict[str, Any]:
    """As JSON carries it: of the account its end alone; `accepted` null is a change that waits."""
    return {
        "number": given.application.number, "account": f"…{given.account_number[-4:]}", "bank": given.bank,
        "name": given.name, "accepted": given.accepted if given.number > 1 or given.first_waits else True,
    }  # fmt: skip


def may_answer_payee_change(application: Application, waiting: PayeeAccount, person: Person, now: datetime) -> bool:
    """Whether the person may answer this change: holds the post to pay, and did not ask for it."""
    refusal = Permissions.load(person, "pay", "", [application], now).ask_duty(application)
    return refusal is None and waiting.given_by_id != person.pk


@transaction.atomic
def answer_payee_change(number: str, accept: bool, person: Person, now: datetime) -> PayeeAccount:
    """Accept or turn down the change of an account that waits; by whoever pays, never by who gave it.

    Raises:
        NotFound: no such application, as far as the person may know.
        NotAllowed: no post to pay it in force that day, or the person gave the account.
        Conflict: no change waits.
    """
    application = Application.objects.select_for_update(no_key=True, of=("self",)).filter(number=number).first()
    if application is None:
        raise unknown_application(number)
    refusal = Permissions.load(person, "pay", "", [application], now).ask_duty(application)
    if refusal is not None:
        raise refusal
    waiting = PayeeAccount.objects.filter(PAYEE_WAITS, application=application).first()
    if waiting is None:
        raise Conflict(f"{number}：没有等确认的账户变更", code="award.no_payee_change")
    if waiting.given_by_id == person.pk:
        raise NotAllowed("收款账户的变更须由另一人确认", code="award.payee_change_by_another")
    waiting.accepted, waiting.answered_by, waiting.answered_at = accept, person, now
    waiting.save(update_fields=["accepted", "answered_by", "answered_at"])
    DutyHeld.objects.bulk_create(
        [DutyHeld(application=application, person=person, duty=Duty.PAY.value)], ignore_conflicts=True
    )
    return waiting
