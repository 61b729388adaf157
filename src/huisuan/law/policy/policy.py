"""A policy: one folder with its text, its articles, its settings. Nothing outside the folder names it.

Folders are looked for in `HUISUAN_POLICIES` (paths separated like PATH), in `policies` of this home, and among those
that the package brings along. Settings adopted since then lie in folders of their own (see `sources.overlay_folders`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from pathlib import Path

from huisuan.law.model.errors import LawError
from huisuan.law.model.expressions import FactSpec, InterpretationSpec, SettingSpec
from huisuan.law.model.grouping import SharedCap
from huisuan.law.model.handling import SentenceHandling, Validity
from huisuan.law.model.rules import Allotment, Rule, RuleKind, Stacking
from huisuan.law.policy.settings import AdoptedSetting, Settings
from huisuan.law.policy.sources import Source, sources_digest
from huisuan.law.procedure import ProgrammeSpec, RegisterSpec
from huisuan.law.text.policy_text import ArticleText, PolicyText
from huisuan.law.text.text_changes import ChangeKind, TextChange, text_on


class PolicyStanding(StrEnum):
    """How a policy stands to a day, as known on a day."""

    IN_FORCE = "in_force"
    NOT_YET_KNOWN = "not_yet_known"
    NOT_COVERED = "not_covered"


@dataclass(frozen=True)
class Policy:
    """A policy as loaded: its text, its rules in the order of the text, its settings, and its digest.

    `digest` is a SHA-256 over every file that decides about answers, settings adopted later included: the same
    digest means the same law. `level` is whose policy it is (`LEVELS`), empty where `policy.toml` does not say.
    `prepared`: encoded before its issued text could be read, so that the calculator leaves it out. `treasury` is the
    office that commits and pays.
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
    shared_caps: tuple[SharedCap, ...] = ()
    handlings: tuple[SentenceHandling, ...] = ()
    sources: tuple[Source, ...] = ()
    changes: tuple[TextChange, ...] = ()
    versions: tuple[Rule, ...] = ()
    level: str = ""
    prepared: bool = False
    treasury: str = ""
    programmes: tuple[ProgrammeSpec, ...] = ()
    registers: tuple[RegisterSpec, ...] = ()
    example: bool = False

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

    def claim_rule(self, wanted: str) -> Rule:
        """The rule by which a claim is answered; of a budget that is shared out, one that asks nothing of whoever
        claims its part: how much that is, the figures of all say.

        Raises:
            LawError: as `rule`.
        """
        shared = next((allotment for allotment in self.allotments if allotment.key == wanted), None)
        return self.rule(wanted) if shared is None else shared.claimed()

    def programme(self, key: str) -> ProgrammeSpec:
        """The procedure of that key ("2.2").

        Raises:
            LawError: none.
        """
        for programme in self.programmes:
            if programme.key == key:
                return programme
        known = "、".join(programme.key for programme in self.programmes) or "无"
        raise LawError(f"政策 {self.name} 没有声明程序 {key}；有的是：{known}", code="law.programme_unknown")

    def register(self, key: str) -> RegisterSpec:
        """The register of that key.

        Raises:
            LawError: none; the message lists them.
        """
        found = next((register for register in self.registers if register.key == key), None)
        if found is None:
            known = "、".join(register.key for register in self.registers) or "无"
            raise LawError(f"政策 {self.name} 没有名录 {key}；有的是：{known}", code="law.register_unknown")
        return found

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

    @property
    def validity(self) -> Validity | None:
        """The sentence that says until when the policy holds, if it names one."""
        return next((handling for handling in self.handlings if isinstance(handling, Validity)), None)

    def replacement(self, as_known: date) -> TextChange | None:
        """The later policy's taking this one's place, as known on a day; None where this one runs out by itself."""
        found = next((change for change in self.changes if change.kind is ChangeKind.REPLACEMENT), None)
        if found is None or found.known_from > as_known:
            return None
        question = self.validity.replaced if self.validity else None
        return None if self._option(question, found.valid_from, as_known) == "runs" else found

    def last_day(self, as_known: date) -> date:
        """The last day on which the policy holds, as known on a day: its own, or the day before its replacement."""
        found = self.replacement(as_known)
        return self.valid_to if found is None else min(self.valid_to, found.valid_from - timedelta(days=1))

    def in_force(self, on: date, as_known: date = date.max) -> bool:
        """Whether the policy holds on a day, both ends included (0.3), as known on a day."""
        return self.standing(on, as_known) is PolicyStanding.IN_FORCE

    def standing(self, on: date, as_known: date) -> PolicyStanding:
        """Whether the policy is known, and holds on the day."""
        if as_known < self.issued:
            return PolicyStanding.NOT_YET_KNOWN
        held = self.valid_from <= on <= self.last_day(as_known)
        return PolicyStanding.IN_FORCE if held else PolicyStanding.NOT_COVERED

    def day_read(self, on: date, as_known: date, began: date | None) -> date | None:
        """The day on which the law is read for an event of a day that began on another; None where it is not covered.

        What began within the validity and ends after it is read on the last day, if the question says so; what began
        before the validity may be left to the policy before it. Without an answer, the day of the event alone decides.
        """
        last = self.last_day(as_known)
        if began is None or self.validity is None or began > on:
            return on
        if began < self.valid_from <= on <= last:
            left = self._option(self.validity.began_before, on, as_known) == "not_covered"
            return None if left else on
        if self.valid_from <= began <= last < on:
            covered = self._option(self.validity.began_within, last, as_known) == "covered"
            return last if covered else on
        return on

    def text_on(self, on: date, as_known: date) -> PolicyText:
        """The text as it holds on a day, as known on a day."""
        return text_on(self.text, self.changes, on, as_known)

    def rule_on(self, rule: Rule, on: date, as_known: date) -> Rule:
        """The rule as its sentence reads on a day, as known on a day."""
        versions = {version.version: version for version in self.versions if version.key == rule.key}
        found = next((base for base in self.rules if base.key == rule.key), rule) if versions else rule
        for change in self.changes:  # in the order in which they became known
            if change.name in versions and change.holds(on, as_known):
                found = versions[change.name]
        return found

    def _option(self, question: InterpretationSpec | None, on: date, as_known: date) -> str:
        held = self.adopted(on, as_known).get(question.name) if question else None
        return str(held.value) if held else ""

    def adopted(self, on: date, as_known: date) -> dict[str, AdoptedSetting]:
        """Settings and interpretations that hold on a day, as known on a day."""
        return self.settings.at(on, as_known)

    def amount_setting_specs(self) -> dict[str, SettingSpec]:
        """Every setting that some rule or allotment rests on: a change may change who gets how much."""
        resting: list[Rule | Allotment] = [*self.rules, *self.versions, *self.allotments]
        return {spec.name: spec for owner in resting for spec in owner.settings()}

    def setting_specs(self) -> dict[str, SettingSpec]:
        """Every setting that some rule, allotment or procedure rests on."""
        answers = [register.answer.setting for register in self.registers if register.answer is not None]
        answers += [spec for register in self.registers if (spec := register.notice_setting) is not None]
        of_procedures = {spec.name: spec for programme in self.programmes for spec in programme.settings()}
        return self.amount_setting_specs() | of_procedures | {spec.name: spec for spec in answers}

    def interpretation_specs(self) -> dict[str, InterpretationSpec]:
        """Every open question that some rule, the way in which rules combine, or a procedure rests on."""
        found = {spec.name: spec for rule in (*self.rules, *self.versions) for spec in rule.interpretations()}
        found |= {spec.name: spec for spec in (self.validity.questions if self.validity else ())}
        found |= {spec.name: spec for programme in self.programmes for spec in programme.questions()}
        shared = {rule.short.name: rule.short for rule in self.rules if rule.short is not None}
        return found | shared | {stacking.by.name: stacking.by for stacking in self.stackings}
