"""Taking back what is not owed: `recover` notifies what was paid above it as debts, `recovered` ends it.

Paid minus owed to the fen, by the line that paid. What was set aside and is not owed is released with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from huisuan.base.errors import Conflict, InvalidRequest, Refused
from huisuan.base.money import yuan
from huisuan.programmes.awards.allotted import because_of_figures
from huisuan.programmes.awards.closing import paid_so_far
from huisuan.programmes.awards.owed import Owed, owed_now
from huisuan.programmes.awards.paying import is_payable
from huisuan.programmes.awards.shares import because_of_vouchers
from huisuan.programmes.awards.standing import commitments_of, standing_awards, treasury_act
from huisuan.programmes.models import Application, ApplicationStep, Award
from huisuan.programmes.step_conditions import AskedStep
from huisuan.treasury.commitments import release_instalment
from huisuan.treasury.ledger import Act
from huisuan.treasury.models import Commitment, Debt
from huisuan.treasury.recoveries import PlannedRepayment, claim_back, unclaimed_fen

_MOST_REPAYMENTS = 60


def owe_back(applications: Sequence[Application], asked: AskedStep) -> Mapping[int, Refused]:
    """Each is owed less than was paid or granted, the bank has answered for all, and the repayments add up."""
    owed, committed = owed_now(applications, asked), commitments_of(applications)
    awards = standing_awards(applications)
    refused: dict[int, Refused] = {}
    for one in applications:
        due, so_far = owed[one.pk], paid_so_far(committed.get(one.pk, []))
        if isinstance(due, Refused):
            refused[one.pk] = due
        elif so_far.ordered_fen:
            refused[one.pk] = order_under_way(one.number, so_far.ordered_fen)
        elif due.fen >= max(so_far.kept_fen, awards[one.pk].amount_fen if one.pk in awards else 0):
            refused[one.pk] = Conflict(
                f"{one.number}：已付 {yuan(so_far.kept_fen)} 元，应得 {yuan(due.fen)} 元：没有多付，不追回",
                code="award.nothing_to_recover",
            )
        elif wrong := _wrong_repayments(one, asked.payload, max(0, so_far.kept_fen - due.fen)):
            refused[one.pk] = wrong
    return refused


def order_under_way(number: str, fen: int) -> Conflict:
    """The refusal while the bank has not answered for an order."""
    return Conflict(f"{number}：{yuan(fen)} 元的支付令等银行回单，回单之后再办", code="award.order_under_way")


def claim_back_paid(steps: Sequence[ApplicationStep]) -> None:
    """The award is what is owed from here on; what was paid above it is owed back, what is not owed is released."""
    applications = [step.application for step in steps]
    asked = AskedStep("recover", steps[0].person, steps[0].at, None, steps[0].payload)
    owed, committed, awards = owed_now(applications, asked), commitments_of(applications), standing_awards(applications)
    for step in steps:
        due, before = owed[step.application_id], awards[step.application_id]
        assert isinstance(due, Owed)  # `owe_back` was asked first, under the same lock
        reason = with_vouchers(step.application, step.reason, before.granted_at)
        made = supersede(before, due, step, reason)
        commitments = committed[step.application_id]
        excess = paid_so_far(commitments).kept_fen - due.fen
        act = treasury_act(step.person, step.at)
        release_open(commitments, act, f"{made.key} {reason}", keep=-excess)
        _claim_back(made, commitments, max(0, excess), read_repayments(step.payload), act)


def supersede(award: Award, due: Owed, step: ApplicationStep, reason: str) -> Award:
    """The award that a step makes of another."""
    number = award.number + 1
    return Award.objects.create(
        application_id=award.application_id, number=number, key=f"{step.application.number}.{number}",
        amount_fen=due.fen, entitlement=due.entitlement, supersedes=award, reason=reason[:1000], by=step.person,
        granted_at=step.at,
    )  # fmt: skip


def with_vouchers(application: Application, reason: str, since: datetime) -> str:
    """A reason together with the city's vouchers that were lowered since, or the figures that were frozen again."""
    because = because_of_vouchers(application, since) or because_of_figures(application, since)
    return f"{because}；{reason}" if because else reason


def release_open(commitments: Iterable[Commitment], act: Act, reason: str, *, keep: int = 0) -> int:
    """Give back what is neither paid nor under order; returns how much, in fen.

    The first instalments that fit wholly into `keep` stay set aside.
    """
    released = 0
    for commitment in commitments:
        for part in filter(is_payable, commitment.instalments.all()):
            if part.amount_fen <= keep:
                keep -= part.amount_fen
                continue
            keep = 0
            release_instalment(part, act, reason[:300])
            released += part.amount_fen
    return released


def _claim_back(
    award: Award, commitments: Sequence[Commitment], excess: int, planned: Sequence[PlannedRepayment], act: Act
) -> None:
    """Debts of so much in all: of the newest commitment first, by the line that paid, the newest year first."""
    repayments, left, made = list(planned), excess, 0
    for commitment in reversed(commitments):
        for fen in unclaimed_fen(commitment).values():
            part = min(left, fen)
            if part <= 0:
                continue
            mine, repayments = _take(repayments, part)
            left, made = left - part, made + 1
            claim_back(f"{award.key}-{made}", commitment, part, award.reason[:300], act, repayments=mine)
    assert left == 0, (award.key, left)  # no more was paid than its commitments say


def _take(repayments: Sequence[PlannedRepayment], fen: int) -> tuple[list[PlannedRepayment], list[PlannedRepayment]]:
    """The first repayments that make up an amount, and the rest of them; none where none are planned."""
    mine: list[PlannedRepayment] = []
    rest = list(repayments)
    while rest and fen:
        part, due_on = rest.pop(0)
        mine.append((min(part, fen), due_on))
        if part > fen:
            rest.insert(0, (part - fen, due_on))
        fen -= min(part, fen)
    return mine, rest


def read_repayments(payload: Mapping[str, Any]) -> list[PlannedRepayment]:
    """`repayments` of a step: [fen, day in ISO 8601] each; empty where it names none.

    Raises:
        InvalidRequest: they are no amounts with days, in the order of the days.
    """
    rows = payload.get("repayments", [])
    try:
        found = [(fen, date.fromisoformat(day)) for fen, day in rows]
    except (TypeError, ValueError):
        found = []
    sound = all(isinstance(fen, int) and not isinstance(fen, bool) and fen > 0 for fen, _ in found)
    if len(found) != len(rows) or not sound or len(found) > _MOST_REPAYMENTS:
        raise InvalidRequest(
            f"分期退款须逐期写明金额（分）和日期，至多 {_MOST_REPAYMENTS} 期", code="award.repayments_malformed"
        )
    if [day for _, day in found] != sorted(day for _, day in found):
        raise InvalidRequest("分期退款须按日期先后写", code="award.repayments_malformed")
    return list(found)


def _wrong_repayments(one: Application, payload: Mapping[str, Any], excess: int) -> Refused | None:
    try:
        rows = read_repayments(payload)
    except InvalidRequest as wrong:
        return wrong
    total = sum(fen for fen, _ in rows)
    if rows and total != excess:
        return InvalidRequest(
            f"{one.number}：须退 {yuan(excess)} 元，分期合计 {yuan(total)} 元", code="award.repayments_do_not_add_up"
        )
    return None


def debts_of(applications: Iterable[Application]) -> dict[int, list[Debt]]:
    """By application what was claimed back of it, the oldest first."""
    keys = dict(Award.objects.filter(application__in=list(applications)).values_list("key", "application_id"))
    found: dict[int, list[Debt]] = {}
    for debt in Debt.objects.filter(commitment__award__in=keys).select_related("account", "commitment").order_by("pk"):
        found.setdefault(keys[debt.commitment.award], []).append(debt)
    return found


def are_paid_back(applications: Sequence[Application], asked: AskedStep) -> Mapping[int, Refused]:
    """Nothing of its debts is open."""
    debts = debts_of(applications)
    left = {one.pk: sum(debt.account.balance for debt in debts.get(one.pk, [])) for one in applications}
    return {
        one.pk: Conflict(f"{one.number}：还有 {yuan(left[one.pk])} 元没有退回", code="award.not_paid_back")
        for one in applications
        if left[one.pk]
    }
