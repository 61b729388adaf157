"""A fund that is too small: who is paid what by the declared way, adding up to the fund to the fen.

Three ways, and which one is an interpretation with an authority (`pays(…, fund=…, short=question)`): everybody pro
rata, who applied first, or who ranks best. Whoever stands at the edge is paid in part; those who stand there together
share what is left in proportion, by largest remainder.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from fractions import Fraction
from itertools import groupby
from typing import Any

from huisuan.law.budget.allotment import largest_remainder
from huisuan.law.explain.limits import limit_on
from huisuan.law.model.errors import LawError
from huisuan.law.model.rules import Rule
from huisuan.law.policy.policy import Policy


class PoolMode(StrEnum):
    """How a fund that is too small is shared out."""

    PRO_RATA = "pro_rata"
    FIRST_COME = "first_come"
    RANK = "rank"


@dataclass(frozen=True)
class PoolClaim:
    """What is owed to an applicant (fen), and what its turn goes by: the day it applied, its rank (1 is first)."""

    name: str
    owed_fen: int
    applied_on: date | None = None
    rank: int | None = None


@dataclass(frozen=True)
class PoolPayment:
    """What an applicant is owed and paid, in fen."""

    name: str
    owed_fen: int
    paid_fen: int


def pay_from_fund(
    policy: Policy, rule: Rule, claims: Sequence[PoolClaim], *, on: date, as_known: date, fund_fen: int | None = None,
    supposed_mode: PoolMode | None = None,
) -> tuple[int, tuple[PoolPayment, ...]]:  # fmt: skip
    """The fund in fen, and what it pays of what a rule owes; `fund_fen` and `supposed_mode` suppose others.

    Raises:
        LawError: the rule has no fund, what the fund is or how it is shared out is not set, or `share_pool` refuses.
    """
    limit = fund_fen
    if limit is None:
        limit = None if rule.fund is None else limit_on(policy, rule.fund, on, as_known)
    if limit is None:
        raise LawError(f"第 {rule.key} 句没有资金总额，或当日尚未确定", code="law.fund_not_set")
    if sum(claim.owed_fen for claim in claims) <= limit:
        return limit, share_pool(limit, claims, PoolMode.PRO_RATA)
    return limit, share_pool(limit, claims, supposed_mode or _adopted_mode(policy, rule, on, as_known))


def _adopted_mode(policy: Policy, rule: Rule, on: date, as_known: date) -> PoolMode:
    adopted = None if rule.short is None else policy.adopted(on, as_known).get(rule.short.name)
    if adopted is None:
        raise LawError(
            f"第 {rule.key} 句：资金不足时如何分（按比例、先到先得或按名次）尚未声明或尚未确定，不能少付任何一方",
            code="law.fund_sharing_not_set",
        )
    return PoolMode(str(adopted.value))


def share_pool(limit_fen: int, claims: Sequence[PoolClaim], mode: PoolMode) -> tuple[PoolPayment, ...]:
    """What each applicant gets, in the order given; the sum is the fund, or all that is owed where it suffices.

    Raises:
        LawError: a name twice, an amount below zero, or an applicant without what its turn goes by.
    """
    names = [claim.name for claim in claims]
    if len({*names}) < len(names) or any(claim.owed_fen < 0 for claim in claims):
        twice = "、".join(sorted({name for name in names if names.count(name) > 1})) or "金额"
        raise LawError(f"{twice}：每一方只写一次，金额不小于 0", code="law.pool_claims")
    paid: dict[str, int] = {}
    left = limit_fen
    for _, together in groupby(sorted(claims, key=lambda claim: _turn(claim, mode)), lambda claim: _turn(claim, mode)):
        group = list(together)
        owed = sum(claim.owed_fen for claim in group)
        if owed <= left:
            paid |= {claim.name: claim.owed_fen for claim in group}
        else:
            paid |= largest_remainder(left, {claim.name: Fraction(claim.owed_fen) for claim in group})
        left = max(left - owed, 0)
    return tuple(PoolPayment(claim.name, claim.owed_fen, paid[claim.name]) for claim in claims)


def _turn(claim: PoolClaim, mode: PoolMode) -> Any:
    found: Any = {PoolMode.PRO_RATA: 0, PoolMode.FIRST_COME: claim.applied_on, PoolMode.RANK: claim.rank}[mode]
    if found is None:
        what = "申报日期" if mode is PoolMode.FIRST_COME else "名次"
        raise LawError(f"{claim.name} 缺{what}，排不出先后", code="law.pool_turn_missing")
    return found
