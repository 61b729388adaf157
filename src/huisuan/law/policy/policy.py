"""A policy: one folder with its text, its articles, its settings. Nothing outside the folder names it.

Folders are looked for in `HUISUAN_POLICIES` (paths separated like PATH), then among those that the package
brings along. Settings adopted since then lie in folders of their own (see `sources.overlay_folders`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from huisuan.law.model.errors import LawError
from huisuan.law.model.expressions import FactSpec, InterpretationSpec, SettingSpec
from huisuan.law.model.handling import SentenceHandling
from huisuan.law.model.rules import Allotment, Rule, RuleKind, Stacking
from huisuan.law.policy.settings import AdoptedSetting, Settings
from huisuan.law.policy.sources import Source, sources_digest
from huisuan.law.text.policy_text import ArticleText, PolicyText


@dataclass(frozen=True)
class Policy:
    """A policy as loaded: its text, its rules in the order of the text, its settings, and its digest.

    `digest` is a SHA-256 over every file that decides about answers, settings adopted later included: the same
    digest means the same law.
    """

    name: str
    title: str
    title_en: str
    issuer: str
    issued: date
    valid_from: date
    valid_to: date
    note: str
    text: PolicyText
    rules: tuple[Rule, ...]
    settings: Settings
    digest: str
    folder: Path
    allotments: tuple[Allotment, ...] = ()
    stackings: tuple[Stacking, ...] = ()
    handlings: tuple[SentenceHandling, ...] = ()
    sources: tuple[Source, ...] = ()

    def rule(self, wanted: str) -> Rule:
        """The rule of that key ("8.2", "6.2.recommendation"), or the one that pays in an article ("8").

        Raises:
            LawError: none, or several (then it names them).
        """
        exact = [rule for rule in self.rules if rule.key == wanted]
        if exact:
            return exact[0]
        within = [rule for rule in self.rules if wanted in (rule.sentence, rule.sentence.split(".")[0])]
        paying = [rule for rule in within if rule.kind is RuleKind.PAYS] or within
        if len(paying) == 1:
            return paying[0]
        if paying:
            raise LawError(
                f"第 {wanted} 条（句）有多条规则，请指明：{'、'.join(rule.key for rule in paying)}",
                code="law.rule_ambiguous",
            )
        known = "、".join(rule.key for rule in self.rules)
        raise LawError(f"政策 {self.name} 的“{wanted}”没有可计算的规则；可计算的句：{known}", code="law.rule_unknown")

    def allotment(self, key: str) -> Allotment:
        """The allotment of that key ("4.1.cities").

        Raises:
            LawError: none.
        """
        for allotment in self.allotments:
            if allotment.key == key:
                return allotment
        known = "、".join(allotment.key for allotment in self.allotments) or "无"
        raise LawError(f"政策 {self.name} 的“{key}”没有按绩效分配的规则；有的是：{known}", code="law.allotment_unknown")

    def article(self, number: str) -> ArticleText:
        """The text of an article.

        Raises:
            LawError: no such article.
        """
        for article in self.text.articles:
            if article.number == number:
                return article
        raise LawError(f"政策 {self.name} 没有第 {number} 条", code="law.article_unknown")

    def facts(self, wanted: str) -> tuple[FactSpec, ...]:
        """The facts that a sentence or article asks for."""
        return self.rule(wanted).facts

    def digest_as_known(self, day: date) -> str:
        """The digest of what was known on a day: settings adopted later leave it as it was."""
        return sources_digest(self.sources, day)

    def in_force(self, on: date) -> bool:
        """Whether the policy holds on a day, both ends included (0.3)."""
        return self.valid_from <= on <= self.valid_to

    def adopted(self, on: date, as_known: date) -> dict[str, AdoptedSetting]:
        """Settings and interpretations that hold on a day, as known on a day."""
        return self.settings.at(on, as_known)

    def setting_specs(self) -> dict[str, SettingSpec]:
        """Every setting that some rule or allotment rests on."""
        resting: list[Rule | Allotment] = [*self.rules, *self.allotments]
        return {spec.name: spec for owner in resting for spec in owner.settings()}

    def interpretation_specs(self) -> dict[str, InterpretationSpec]:
        """Every open question that some rule, or the way in which rules combine, rests on."""
        found = {spec.name: spec for rule in self.rules for spec in rule.interpretations()}
        return found | {stacking.by.name: stacking.by for stacking in self.stackings}
