"""Sharing out a budget by performance: a published score, shares by largest remainder, adding up to the fen.

Each one's score is the sum over the indicators of weight times its share of the total; an indicator that nobody
has anything of counts for nobody. Exact rationals throughout: the only rounding is the largest remainder.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Any

from huisuan.law.model.errors import LawError
from huisuan.law.model.expressions import SettingSpec
from huisuan.law.model.rules import Allotment
from huisuan.law.model.values import format_fen, format_share, to_json
from huisuan.law.policy.policy import Policy


@dataclass(frozen=True)
class AllottedShare:
    """What one gets: its part of each indicator, its score (of 1 in all), the exact quota and the amount in fen."""

    name: str
    parts: tuple[Fraction, ...]
    score: Fraction
    quota_fen: Fraction
    amount_fen: int

    def to_dict(self) -> dict[str, Any]:
        """The row as JSON carries it."""
        return {
            "name": self.name, "parts": [str(part) for part in self.parts], "score": str(self.score),
            "quota_fen": str(self.quota_fen), "amount_fen": self.amount_fen,
        }  # fmt: skip


@dataclass(frozen=True)
class AllotmentResult:
    """The whole budget (fen) shared out, with the weights used."""

    allotment: Allotment
    on: date
    budget_fen: int
    weights: tuple[Fraction, ...]
    shares: tuple[AllottedShare, ...]

    def formula(self) -> str:
        """The published formula in words."""
        terms = (
            f"{format_share(weight)} × {indicator.fact.zh}占全省的比重"
            for weight, indicator in zip(self.weights, self.allotment.indicators, strict=True)
        )
        budget = format_fen(self.budget_fen)
        return f"得分 ＝ {' ＋ '.join(terms)}；金额 ＝ 预算 {budget} 元 × 得分占比，按最大余额法取整到分"


def allot_budget(
    policy: Policy, allotment: Allotment, rows: Mapping[str, Mapping[str, int]], *, on: date, as_known: date,
    budget_fen: int | None = None,
) -> AllotmentResult:  # fmt: skip
    """Share out the year's budget among `rows` (name -> fact -> value); `budget_fen` supposes another budget.

    Raises:
        LawError: not in force, a weight or the budget was not set, weights that are not 100% together, a row without
            a fact, or nobody has any score.
    """
    if not policy.in_force(on, as_known):
        raise LawError(f"{on} 不在政策有效期 {policy.valid_from} 至 {policy.valid_to} 内", code="law.not_in_force")
    adopted = policy.adopted(on, as_known)
    weights = tuple(Fraction(_adopted_value(adopted, indicator.weight)) for indicator in allotment.indicators)
    if sum(weights) != 1:
        raise LawError(
            f"{allotment.key} 的权重合计 {format_share(Fraction(sum(weights)))}，应为 100%",
            code="law.weights_not_whole",
        )
    budget = budget_fen if budget_fen is not None else int(_adopted_value(adopted, allotment.budget))
    missing = [
        f"{name} 缺 {indicator.fact.zh}" for name, row in rows.items() for indicator in allotment.indicators
        if row.get(indicator.fact.name) is None
    ]  # fmt: skip
    if missing:
        raise LawError("；".join(missing), code="law.facts_missing")
    parts = {name: _indicator_parts(allotment, rows, name) for name in rows}
    scores = {name: sum((w * p for w, p in zip(weights, parts[name], strict=True)), Fraction(0)) for name in rows}
    total = sum(scores.values(), Fraction(0))
    if not total:
        raise LawError(f"{allotment.key}：没有任何一方有绩效，预算无从分配", code="law.nothing_to_share_by")
    amounts = largest_remainder(budget, scores)
    shares = (
        AllottedShare(name, parts[name], scores[name] / total, budget * scores[name] / total, amounts[name])
        for name in rows
    )
    return AllotmentResult(allotment, on, budget, weights, tuple(shares))


def largest_remainder(total: int, weights: Mapping[str, Fraction]) -> dict[str, int]:
    """Whole parts of `total` in proportion to the weights, adding up to it.

    Everyone gets its quota rounded down; what is left goes, one each, to the largest remainders, ties by name, so that
    the order of the rows does not matter.
    """
    whole = sum(weights.values(), Fraction(0))
    quotas = {name: total * weight / whole for name, weight in weights.items()}
    parts = {name: quota.numerator // quota.denominator for name, quota in quotas.items()}
    left = total - sum(parts.values())
    for name in sorted(quotas, key=lambda name: (parts[name] - quotas[name], name))[:left]:
        parts[name] += 1
    return parts


def _indicator_parts(allotment: Allotment, rows: Mapping[str, Mapping[str, int]], name: str) -> tuple[Fraction, ...]:
    parts = []
    for indicator in allotment.indicators:
        total = sum(row[indicator.fact.name] for row in rows.values())
        parts.append(Fraction(rows[name][indicator.fact.name], total) if total else Fraction(0))
    return tuple(parts)


def _adopted_value(adopted: Mapping[str, Any], spec: SettingSpec) -> Any:
    if spec.name not in adopted:
        raise LawError(
            f"参数 {spec.name}（{spec.zh}）当日尚未确定：请先采用，或给出假设的数值", code="law.setting_not_set"
        )
    value = adopted[spec.name].value
    assert not isinstance(value, str), to_json(value)
    return value
