"""The province's award to cities by the published score, over figures that registers froze; corrections show.

The figures of a period come of several registers, each frozen by itself. Whenever one is frozen again there is a new
edition of all of them: the award over an edition never changes, and two editions are compared city by city.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from huisuan.base.errors import NotFound
from huisuan.law.budget import AllotmentResult, allot_budget
from huisuan.law.model import LawError
from huisuan.law.policy import Policy, load_policy
from huisuan.law.procedure import RegisterSpec
from huisuan.parties.models import Region
from huisuan.programmes.models import FrozenRegister
from huisuan.programmes.registers.linked import all_said_twice
from huisuan.programmes.registers.snapshots import last_day_of


@dataclass(frozen=True)
class FigureEdition:
    """The frozen figures of a period as they stood together, by register; `number` from 1, in the order of freezing."""

    number: int
    frozen: Mapping[str, FrozenRegister]


@dataclass(frozen=True)
class CityAward:
    """The award over one edition of the figures; `names` of the cities by their codes."""

    edition: FigureEdition
    result: AllotmentResult
    figures: Mapping[str, Mapping[str, int]]
    names: Mapping[str, str]

    @property
    def amounts(self) -> Mapping[str, int]:
        """What each city gets, in fen."""
        return {share.name: share.amount_fen for share in self.result.shares}


def list_editions(policy: str, rule: str, period: str) -> list[FigureEdition]:
    """Every edition of the figures that a rule shares out by, the first as soon as all registers were frozen.

    Raises:
        NotFound: no such policy or rule.
        InvalidRequest: a malformed period.
    """
    last_day_of(period)
    feeding = {spec.key for spec in _feeding(_policy(policy), rule)}
    rows = FrozenRegister.objects.filter(policy=policy, register__in=feeding, period=period).order_by("at", "pk")
    found: list[FigureEdition] = []
    standing: dict[str, FrozenRegister] = {}
    for row in rows:
        standing = {**standing, row.register: row}
        if standing.keys() == feeding:
            found.append(FigureEdition(len(found) + 1, standing))
    return found


def award_cities(
    policy: str, rule: str, period: str, *, known: date, edition: int = 0, budget_fen: int | None = None
) -> CityAward:
    """Share out the budget over an edition (0: the last) of a period's figures; the weights as known on a day.

    Raises:
        NotFound: no such policy or rule, or no such edition.
        InvalidRequest: a malformed period.
        LawError: what `allot_budget` refuses.
    """
    law, editions = _policy(policy), list_editions(policy, rule, period)
    if not editions or edition > len(editions):
        titles = "、".join(spec.title for spec in _feeding(law, rule))
        raise NotFound(
            f"{period} 的数字还没有第 {edition or 1} 版：各名录（{titles}）都固定后才有；见 huisuan register freeze",
            code="register.no_edition",
        )
    chosen = editions[edition - 1]
    figures = _figures(law, rule, chosen)
    result = allot_budget(
        law, law.allotment(rule), figures, on=last_day_of(period), as_known=known, budget_fen=budget_fen
    )
    names = dict(Region.objects.filter(code__in=figures).values_list("code", "name_zh"))
    return CityAward(chosen, result, figures, names)


def award_differences(before: CityAward, after: CityAward) -> dict[str, int]:
    """By city what it gets more (less: negative) over the later figures, in fen; of one budget they add up to zero."""
    cities = sorted({*before.amounts, *after.amounts})
    changes = {code: after.amounts.get(code, 0) - before.amounts.get(code, 0) for code in cities}
    return {code: change for code, change in changes.items() if change}


def city_award_to_dict(policy: str, rule: str, done: CityAward, before: CityAward | None) -> dict[str, Any]:
    """An award as JSON carries it (amounts in fen), with what each city gets more or less than over other figures."""
    changes = award_differences(before, done) if before else {}
    shares = {share.name: share for share in done.result.shares}
    nothing = dict.fromkeys((indicator.fact.name for indicator in done.result.allotment.indicators), 0)
    names = {**(before.names if before else {}), **done.names}
    return {
        "edition": done.edition.number, "against": before.edition.number if before else None,
        "budget_fen": done.result.budget_fen,
        "frozen": {key: {"number": row.number, "sha256": row.digest} for key, row in done.edition.frozen.items()},
        "cities": [
            {
                "city": code, "name": names.get(code, code), **done.figures.get(code, nothing),
                "score": str(shares[code].score) if code in shares else "0",
                "amount_fen": done.amounts.get(code, 0), "change_fen": changes.get(code, 0),
            }
            for code in sorted({*shares, *changes})
        ],
        "twice": entries_counted_twice(policy, rule),
    }  # fmt: skip


def entries_counted_twice(policy: str, rule: str) -> list[str]:
    """In words what entries of the registers behind a rule say alike (an invoice in two cities), naming each city."""
    found = []
    for spec in _feeding(_policy(policy), rule):
        for key, rows in all_said_twice(policy, spec):
            where = "、".join(f"{row.region.name_zh if row.region else ''} {row.entry.code}".strip() for row in rows)
            found.append(f"{spec.title}：{spec.columns[key]} {rows[0].values[key]} 重复：{where}")
    return found


def _figures(law: Policy, rule: str, edition: FigureEdition) -> dict[str, dict[str, int]]:
    facts = [indicator.fact.name for indicator in law.allotment(rule).indicators]
    rows = [(spec, row) for spec in _feeding(law, rule) for row in edition.frozen[spec.key].content["rows"]]
    # the registers speak for every city: one that is not on them has nothing
    found = {row["region"]: dict.fromkeys(facts, 0) for _, row in rows}
    for spec, row in rows:
        for feed in spec.feeds:
            if feed.allotment == rule:
                found[row["region"]][feed.fact] += row[feed.figure]
    return dict(sorted(found.items()))


def _feeding(law: Policy, rule: str) -> Sequence[RegisterSpec]:
    found = [spec for spec in law.registers if any(feed.allotment == rule for feed in spec.feeds)]
    if not found:
        raise NotFound(f"没有名录为规则 {rule[:40]} 提供数字", code="register.rule_without_figures")
    return found


def _policy(name: str) -> Policy:
    try:
        return load_policy(name)
    except LawError as error:
        raise NotFound(str(error), code=error.code) from None
