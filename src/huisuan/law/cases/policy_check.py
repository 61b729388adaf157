"""The check of a policy's folder: every sentence accounted for, every case as written, nothing left untried.

That it loads at all says the rest already: each phrase is in its sentence, each setting within its bound, no float, no
clock, no overflow, no two rules on the same ground without an order.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from huisuan.law.cases.coverage_gaps import CoverageGap, find_gaps
from huisuan.law.cases.runner import CaseResult, load_policy_cases, run_case
from huisuan.law.model.handling import Handling
from huisuan.law.model.rules import RuleKind
from huisuan.law.policy.coverage import list_coverage
from huisuan.law.policy.endless_lists import EndlessList, endless_lists
from huisuan.law.policy.figure_coverage import UnmetFigure, unmet_figures
from huisuan.law.policy.list_items import UncitedItem, uncited_items
from huisuan.law.policy.load import load_installed, search_path
from huisuan.law.policy.policy import Policy
from huisuan.law.policy.stacking import rules_by_ground

_HEADER_DAY = re.compile(r"^- (印发日期|有效期至)[:：] *(\d{4}-\d{2}-\d{2})\s*$", re.MULTILINE)


@dataclass(frozen=True)
class PolicyFinding:
    """One thing to correct: where, what and how."""

    place: str
    what: str


@dataclass(frozen=True)
class PolicyCheck:
    """The result of a check; `unset` names settings that are not set on the policy's first day, which is no fault."""

    policy: Policy
    open_sentences: tuple[str, ...]
    outcomes: tuple[CaseResult, ...]
    gaps: tuple[CoverageGap, ...]
    unset: tuple[str, ...]
    conflicts: tuple[str, ...] = ()
    unmet_figures: tuple[UnmetFigure, ...] = ()
    header_differences: tuple[str, ...] = ()
    endless_lists: tuple[EndlessList, ...] = ()
    undated: tuple[str, ...] = ()
    uncited_items: tuple[UncitedItem, ...] = ()

    @property
    def findings(self) -> tuple[PolicyFinding, ...]:
        """Everything to correct, the text first."""
        return tuple(self._findings())

    @property
    def stands(self) -> bool:
        """Whether there is nothing to correct."""
        return not self.findings

    def _findings(self) -> Iterator[PolicyFinding]:
        for number in self.open_sentences:
            text = self.policy.text.sentences[number].text
            yield PolicyFinding(f"第 {number} 句", f"未处理：{text} 请写成规则，或用 procedure、declares 交代")
        for key in self.undated:
            yield PolicyFinding(
                f"第 {key} 句",
                "用到参数，没有写按哪天的：by_day_of_use，或 settings_by=read_on(…)，条文未写的用解释口径",
            )
        for difference in self.header_differences:
            yield PolicyFinding("policy.toml", difference)
        for figure in self.unmet_figures:
            yield PolicyFinding(f"第 {figure.sentence} 句", figure.what)
        for endless in self.endless_lists:
            yield PolicyFinding(
                f"第 {endless.sentence} 句", f"“{endless.text}”以“等”结尾：是否限于所列，请用 open_list(…) 写成解释口径"
            )
        for item in self.uncited_items:
            yield PolicyFinding(
                f"第 {item.sentence} 句", f"列有“{item.text}”，没有规则引用，同一名单的其他项有：请写进规则或交代"
            )
        for outcome in self.outcomes:
            if outcome.wrong:
                yield PolicyFinding(outcome.case.place, outcome.wrong.removeprefix(f"{outcome.case.place}："))
            for other in outcome.differences:
                text = f"{other.what}应为 {other.expected}，算得 {other.got}"
                yield PolicyFinding(outcome.case.place, f"{outcome.case.title}：{text}")
        for wrong in self.conflicts:
            yield PolicyFinding("与路径上的其他政策一起", wrong)
        for gap in self.gaps:
            yield PolicyFinding(f"cases/{gap.subject}.yaml", gap.what)

    def to_dict(self) -> dict[str, Any]:
        """All of it."""
        return {
            "policy": self.policy.name, "folder": str(self.policy.folder), "digest": self.policy.digest,
            "stands": self.stands, "sentences": len(self.policy.text.sentences),
            "open_sentences": list(self.open_sentences), "cases": len(self.outcomes),
            "cases_that_hold": sum(outcome.holds for outcome in self.outcomes), "unset": list(self.unset),
            "findings": [{"place": finding.place, "what": finding.what} for finding in self.findings],
        }  # fmt: skip


def check_policy(policy: Policy) -> PolicyCheck:
    """Check a policy as its own folder has it, and beside all others on the path.

    Raises:
        LawError: a file of cases that cannot be read.
    """
    cases = load_policy_cases(policy)
    set_by_now = policy.adopted(policy.valid_from, policy.valid_to)
    declared = (*policy.setting_specs(), *policy.interpretation_specs())
    return PolicyCheck(
        policy,
        tuple(row.sentence for row in list_coverage(policy) if row.handling is Handling.OPEN),
        tuple(run_case(policy, case) for case in cases),
        tuple(find_gaps(policy, cases)),
        tuple(name for name in declared if name not in set_by_now),
        tuple(_conflicts_with_others(policy)),
        tuple(unmet_figures(policy)),
        tuple(_header_differences(policy)),
        tuple(endless_lists(policy)),
        tuple(_undated(policy)),
        tuple(uncited_items(policy)),
    )


def _undated(policy: Policy) -> Iterator[str]:
    """The rules that pay by settings and do not say by which day these are read."""
    for rule in (*policy.rules, *policy.versions):
        if rule.kind is RuleKind.PAYS and rule.settings() and rule.reading_day is None:
            yield rule.key


def _header_differences(policy: Policy) -> Iterator[str]:
    """Where the days at the head of the text are others than those of policy.toml."""
    days = {"印发日期": ("issued", policy.issued), "有效期至": ("valid_to", policy.valid_to)}
    for label, written in _HEADER_DAY.findall((policy.folder / "text.md").read_text("utf-8")):
        key, day = days[label]
        if written != day.isoformat():
            yield f"{key} 是 {day}，而 text.md 写“{label}: {written}”；请与原文核对"


def _conflicts_with_others(policy: Policy) -> Iterator[str]:
    """What is wrong only beside the others: a name used twice, two rules that pay for the same without an order."""
    places = (place / policy.name for place in search_path() if (place / policy.name / "policy.toml").is_file())
    others = [str(place) for place in dict.fromkeys(place.resolve() for place in places) if place != policy.folder]
    if others:
        yield f"同名的政策文件夹还有 {'、'.join(others)}：名称要唯一，请改名"
    found, broken = load_installed()
    for layer in rules_by_ground([policy, *(other for other in found if other.name != policy.name)]):
        for place in layer.left_out:
            if place.policy is policy:
                beside = "、".join(other.key for other in layer.rules)
                yield (
                    f"{place.key}（{place.rule.title}）与 {beside} 都对“{layer.ground}”付款，"
                    "但没有声明如何叠加，不计入合计：请写 article.stacks(…)，并给出解释口径"
                )
    for name, wrong in broken.items():
        if name != policy.name:
            yield f"政策 {name} 读不了：{wrong}"
