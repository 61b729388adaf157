"""A budget as tables that people read and spreadsheets take: by article, city, kind, and who wins or loses most."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeAlias

from huisuan.base.csv_lines import escape_formula
from huisuan.law.budget.model import Budget, ClaimChange, GroupChange, RuleBudget
from huisuan.law.model.answers import STATUS_ZH
from huisuan.law.model.claimants import CLAIMANT_KINDS
from huisuan.law.model.errors import LawError
from huisuan.law.policy.policy import Policy

_Row: TypeAlias = dict[str, Any]

_BOM = "\ufeff"  # without it Excel reads Chinese as gibberish
MONEY = {"before_fen": "现行", "after_fen": "情景", "difference_fen": "差额"}
SIDES = {"winners": "增加的件数", "won_fen": "增加", "losers": "减少的件数", "lost_fen": "减少"}
COUNTS = {"claims": "件数", "eligible_before": "应享（现行）", "eligible_after": "应享（情景）"}


@dataclass(frozen=True)
class BudgetTable:
    """One table: its name as a file, its title, its headings by key (`*_fen` is money in fen), its rows."""

    name: str
    title: str
    columns: Mapping[str, str]
    rows: list[_Row]


def budget_tables(budget: Budget, *, english: bool = False) -> tuple[BudgetTable, ...]:
    """The tables of a budget, in the order in which they are read; what they name is named in English if wished."""
    rules = budget.rules
    paying = budget.paying
    movers = [mover for rule in rules for mover in (*rule.won, *rule.lost)]
    words = _RowBuilder(budget.policy, english)
    article = {"key": "句", "title": "内容"}
    return (
        BudgetTable(
            "articles", "按条款", {**article, **COUNTS, **MONEY},
            [*map(words.article, paying), words.total(budget.total)],
        ),
        BudgetTable("cities", "按市", {"name": "市", **COUNTS, **MONEY}, words.groups(budget.cities, words.cities)),
        BudgetTable("kinds", "按类别", {"name": "类别", **COUNTS, **MONEY}, words.groups(budget.kinds, words.kinds)),
        BudgetTable(
            "sides", "谁增谁减", {**article, **SIDES, "difference_fen": "差额"},
            [words.article(row) for row in paying if row.total.winners or row.total.losers],
        ),
        BudgetTable(
            "movers", "变动最大的（每句增、减各十件）",
            {"key": "句", "row": "行", "party": "主体", "city": "市", "kind": "类别", **MONEY},
            [words.mover(mover) for mover in movers],
        ),
        BudgetTable(
            "caps", "受封顶限制的件数", {**article, "capped_before": "现行", "capped_after": "情景"},
            [words.article(rule_budget) for rule_budget in paying if any(rule_budget.capped)],
        ),
        BudgetTable(
            "statuses", "答复的状态", {**article, "status": "状态", "before": "现行", "after": "情景"},
            [row for rule in rules for row in words.statuses(rule)],
        ),
        BudgetTable(
            "funds", "年度总额",
            {"key": "句", "when": "情形", "limit_fen": "年度总额", "demand_fen": "应享合计", "paid_fen": "可支付",
             "factor": "兑付比例", "factor_per_cent": "约合（舍去）"},
            [row for rule in rules for row in words.funds(rule)],
        ),
        BudgetTable(
            "allotted", "按绩效分配的年度预算", {"key": "句", "before_fen": "现行", "after_fen": "情景"},
            [{"key": key, "before_fen": old, "after_fen": new} for key, (old, new) in budget.allotted.items()],
        ),
    )  # fmt: skip


def write_tables(budget: Budget, folder: Path) -> list[Path]:
    """Write every table as CSV (money in yuan, exact) into a folder, made if it is not there.

    Raises:
        LawError: the folder cannot be written.
    """
    written = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for sheet in budget_tables(budget):
            path = folder / f"{sheet.name}.csv"
            with path.open("w", encoding="utf-8", newline="") as file:
                file.write(_BOM)
                table = csv.writer(file)
                table.writerow([_heading(key, name) for key, name in sheet.columns.items()])
                table.writerows([_cell(key, row.get(key)) for key in sheet.columns] for row in sheet.rows)
            written.append(path)
    except OSError as error:
        raise LawError(f"{folder}：写不了（{error.strerror}）；请检查路径与权限", code="law.file_unwritable") from None
    return written


def city_names(policy: Policy, *, english: bool = False) -> dict[str, str]:
    """The cities that a policy's facts name, by code."""
    return _option_names(policy, "city", english=english)


def kind_names(policy: Policy, *, english: bool = False) -> dict[str, str]:
    """The kinds of party: those who may claim, and what a policy's facts name besides."""
    audiences = {name: words[english] for name, words in CLAIMANT_KINDS.items()}
    return {**_option_names(policy, "kind", english=english), **audiences}


def _option_names(policy: Policy, fact: str, *, english: bool) -> dict[str, str]:
    found: dict[str, str] = {}
    for spec in (spec for rule in policy.rules for spec in rule.facts if spec.name == fact):
        found |= dict((spec.options_en if english else spec.options) or {})
    return found


class _RowBuilder:
    """What the rows name, in one language."""

    def __init__(self, policy: Policy, english: bool) -> None:
        self.english = english
        self.cities, self.kinds = city_names(policy, english=english), kind_names(policy, english=english)
        self.unknown = "not stated" if english else "未说明"

    def article(self, rule_budget: RuleBudget) -> _Row:
        """A rule's figures."""
        return {**rule_budget.to_dict(), "title": self._title(rule_budget)}

    def total(self, change: GroupChange) -> _Row:
        """All rules together."""
        return {"key": "", "title": "Total" if self.english else "合计", **change.to_dict()}

    def groups(self, groups: Mapping[str, GroupChange], names: Mapping[str, str]) -> list[_Row]:
        """A row per city, or per kind."""
        return [{"name": self._label(name, names), **change.to_dict()} for name, change in groups.items()]

    def mover(self, mover: ClaimChange) -> _Row:
        """A claim that changed."""
        city, kind = self._label(mover.city, self.cities), self._label(mover.kind, self.kinds)
        return {**mover.to_dict(), "city": city, "kind": kind}

    def statuses(self, rule_budget: RuleBudget) -> Iterator[_Row]:
        """How many claims have which answer."""
        for status, (old, new) in rule_budget.statuses.items():
            label = status.value.replace("_", " ") if self.english else STATUS_ZH[status]
            yield {
                "key": rule_budget.rule.key,
                "title": self._title(rule_budget),
                "status": label,
                "before": old,
                "after": new,
            }

    def funds(self, rule_budget: RuleBudget) -> Iterator[_Row]:
        """A fund against what is owed."""
        for when, fund in zip(
            ("now", "scenario") if self.english else ("现行", "情景"), rule_budget.funds or (), strict=False
        ):
            yield {"key": rule_budget.rule.key, "when": when, **fund.to_dict()}

    def _title(self, rule_budget: RuleBudget) -> str:
        return rule_budget.rule.title_en if self.english else rule_budget.rule.title

    def _label(self, name: str, names: Mapping[str, str]) -> str:
        return names.get(name, name) or self.unknown


def _heading(key: str, name: str) -> str:
    return f"{name}（元）" if key.endswith("_fen") else name


def _cell(key: str, value: Any) -> str:
    if value is None:
        return ""
    if key.endswith("_fen"):
        return str(Decimal(value).scaleb(-2))
    return str(value) if isinstance(value, int) else escape_formula(str(value))
