"""What a year costs, and what it would cost: every rule over a province, before and after a scenario.

All sums are exact integers of fen, of any size. Each rule stands by itself: what several rules together may pay for
one spend (`policy.stacking`) depends on the party's whole year and is not taken off here. What comes out are figures;
`budget.compute` asks the rules.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from datetime import date
from fractions import Fraction
from typing import Any

from huisuan.law.model.answers import Status
from huisuan.law.model.rules import Rule, RuleKind
from huisuan.law.policy.policy import Policy

LARGEST_CHANGES = 10  # how many of the largest changes are named


@dataclass(frozen=True)
class GroupChange:
    """The claims of a group, before and after: their number, the number of eligible ones, and the sums in fen.

    Winners are the claims whose amount rose, losers those whose amount fell; what they won less what they lost is
    the difference.
    """

    claims: int = 0
    eligible_before: int = 0
    eligible_after: int = 0
    before_fen: int = 0
    after_fen: int = 0
    winners: int = 0
    won_fen: int = 0
    losers: int = 0
    lost_fen: int = 0

    @property
    def difference_fen(self) -> int:
        """What the scenario costs more (negative: less)."""
        return self.after_fen - self.before_fen

    def __add__(self, other: GroupChange) -> GroupChange:
        return GroupChange(*(getattr(self, figure.name) + getattr(other, figure.name) for figure in fields(self)))

    def to_dict(self) -> dict[str, int]:
        """All figures, and the difference."""
        return {
            **{figure.name: getattr(self, figure.name) for figure in fields(self)},
            "difference_fen": self.difference_fen,
        }


@dataclass(frozen=True)
class ClaimChange:
    """One claim whose amount changed: its row (from 1) in the rule's table, and whose it is, where that is known."""

    key: str
    row: int
    party: str
    city: str
    kind: str
    before_fen: int
    after_fen: int

    @property
    def difference_fen(self) -> int:
        """What it wins (negative: loses)."""
        return self.after_fen - self.before_fen

    def to_dict(self) -> dict[str, Any]:
        """All of it."""
        return {
            **{figure.name: getattr(self, figure.name) for figure in fields(self)},
            "difference_fen": self.difference_fen,
        }


@dataclass(frozen=True)
class Fund:
    """A limit on what a year may cost in all, and what is owed before it (fen)."""

    limit_fen: int
    demand_fen: int

    @property
    def paid_fen(self) -> int:
        """What the fund can pay."""
        return min(self.limit_fen, self.demand_fen)

    @property
    def factor(self) -> Fraction:
        """The share of each claim that the fund can pay; 1 where it suffices."""
        return Fraction(1) if self.demand_fen <= self.limit_fen else Fraction(self.limit_fen, self.demand_fen)

    @property
    def per_cent(self) -> str:
        """The factor in per cent, cut (never rounded up) to two places."""
        hundredths = self.factor * 10_000 // 1
        return f"{hundredths // 100}.{hundredths % 100:02d}%"

    def to_dict(self) -> dict[str, Any]:
        """The figures, and the factor both exactly and in per cent."""
        return {
            "limit_fen": self.limit_fen, "demand_fen": self.demand_fen, "paid_fen": self.paid_fen,
            "factor": str(self.factor), "factor_per_cent": self.per_cent,
        }  # fmt: skip


@dataclass(frozen=True)
class RuleBudget:
    """One rule over its claims.

    `changed` says whether the scenario reaches the rule at all; `statuses` and `capped` count claims before and
    after; `cities` and `kinds` hold "" for the claims that do not say theirs.
    """

    rule: Rule
    changed: bool
    total: GroupChange
    cities: Mapping[str, GroupChange]
    kinds: Mapping[str, GroupChange]
    statuses: Mapping[Status, tuple[int, int]]
    capped: tuple[int, int]
    won: tuple[ClaimChange, ...] = ()
    lost: tuple[ClaimChange, ...] = ()
    funds: tuple[Fund, Fund] | None = None

    def to_dict(self) -> dict[str, Any]:
        """The rule's figures, money as integer fen."""
        rule = self.rule
        return {
            "key": rule.key, "sentence": rule.sentence, "title": rule.title, "kind": rule.kind.value,
            "changed": self.changed, **self.total.to_dict(),
            "capped_before": self.capped[0], "capped_after": self.capped[1],
            "statuses": {status.value: {"before": old, "after": new} for status, (old, new) in self.statuses.items()},
            "fund": {"before": self.funds[0].to_dict(), "after": self.funds[1].to_dict()} if self.funds else None,
            "winners_largest": [claim.to_dict() for claim in self.won],
            "losers_largest": [claim.to_dict() for claim in self.lost],
        }  # fmt: skip


@dataclass(frozen=True)
class Budget:
    """A policy's year, before and after a scenario; `without_facts` names the rules that had no table of claims."""

    policy: Policy
    on: date
    as_known: date
    rules: tuple[RuleBudget, ...]
    without_facts: tuple[str, ...] = ()
    allotted: Mapping[str, tuple[int | None, int | None]] = field(default_factory=dict)

    @property
    def paying(self) -> tuple[RuleBudget, ...]:
        """The rules that owe money; what is decided case by case, and titles and priorities, cost nothing here."""
        return tuple(rule for rule in self.rules if rule.rule.kind is RuleKind.PAYS)

    @property
    def total(self) -> GroupChange:
        """All paying rules together."""
        return sum((rule_budget.total for rule_budget in self.paying), GroupChange())

    @property
    def cities(self) -> dict[str, GroupChange]:
        """All paying rules together by city."""
        return _sum_groups(rule_budget.cities for rule_budget in self.paying)

    @property
    def kinds(self) -> dict[str, GroupChange]:
        """All paying rules together by kind of party."""
        return _sum_groups(rule_budget.kinds for rule_budget in self.paying)

    def to_dict(self) -> dict[str, Any]:
        """All figures, money as integer fen."""
        return {
            "policy": self.policy.name, "title": self.policy.title, "digest": self.policy.digest, "on": self.on,
            "as_known": self.as_known, "total": self.total.to_dict(),
            "rules": [rule.to_dict() for rule in self.rules],
            "cities": [{"city": name, **change.to_dict()} for name, change in self.cities.items()],
            "kinds": [{"kind": name, **change.to_dict()} for name, change in self.kinds.items()],
            "allotted": [
                {"key": key, "before_fen": old, "after_fen": new} for key, (old, new) in self.allotted.items()
            ],
            "without_facts": list(self.without_facts),
        }  # fmt: skip


def _sum_groups(groups: Iterable[Mapping[str, GroupChange]]) -> dict[str, GroupChange]:
    """The groups of several rules by name, in order of name; those that do not say come last."""
    found: dict[str, GroupChange] = {}
    for group in groups:
        for name, change in group.items():
            found[name] = found.get(name, GroupChange()) + change
    return dict(sorted(found.items(), key=lambda item: (item[0] == "", item[0])))


def last_day_in_force(policy: Policy, year: int) -> date | None:
    """The last day of the year on which the policy holds; None where it holds on no day of it."""
    last = min(date(year, 12, 31), policy.valid_to)
    return last if last.year == year and policy.in_force(last) else None


def not_in_force_message(policy: Policy, year: int) -> str:
    """Why there is no budget for that year."""
    return f"政策有效期 {policy.valid_from} 至 {policy.valid_to}，{year} 年没有一天在有效期内；请换 --year"
