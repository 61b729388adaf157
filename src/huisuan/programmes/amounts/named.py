"""What a decision may name: what is computed as it is, and an amount of its own only where the law leaves it to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from huisuan.base.errors import Conflict, InvalidRequest, Refused
from huisuan.law.model import RuleKind
from huisuan.programmes.amounts.sources import computed_amounts, kind_of
from huisuan.programmes.checks.payable import payable_answers
from huisuan.programmes.models import Application
from huisuan.programmes.step_conditions import AskedStep


def name_an_amount(applications: Sequence[Application], asked: AskedStep) -> Mapping[int, Refused]:
    """What is computed is named as it is, or not at all; only case by case an amount above nothing is named."""
    computed = computed_amounts(applications)
    found = {one.pk: _wrong(one, computed.get(one.pk), asked.amount_fen) for one in applications}
    return {pk: refused for pk, refused in found.items() if refused is not None}


def _wrong(one: Application, computed: int | None, named: int | None) -> Refused | None:
    if computed is not None:
        return None if named in (None, computed) else InvalidRequest(
            f"{one.number}：金额由平台核算，为 {computed} 分，批准时不写或照写", code="award.amount_is_computed"
        )  # fmt: skip
    kind = kind_of(one)
    if kind is RuleKind.ENTITLES:
        return None if named is None else InvalidRequest(
            f"{one.number}：此项不涉及资金，批准时不写金额", code="award.no_money"
        )  # fmt: skip
    if kind is RuleKind.PAYS and one.call_id is not None:
        if any(found.fen is None and found.answer.amount_fen for found in payable_answers([one]).values()):
            return Conflict(
                f"{one.number}：与同一支出的其他申报怎样叠加尚未确定，可付多少算不出；先采用叠加的解释口径，再批准",
                code="award.stacking_undecided",
            )
        return InvalidRequest(f"{one.number}：按政策和所提交的事实没有应得金额，不能批准", code="award.nothing_owed")
    if not named:
        return InvalidRequest(f"{one.number}：批准须写明大于 0 的金额（分）", code="award.amount_missing")
    return None
