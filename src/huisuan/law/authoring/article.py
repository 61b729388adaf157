"""Articles while their files are read: a function over facts becomes a rule, once, at load."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from huisuan.law.authoring.declarations import Facts, Interpretation
from huisuan.law.authoring.operators import Bool, Money, Operand, Share
from huisuan.law.authoring.reading_days import declared_reading_day
from huisuan.law.authoring.registry import current_registry
from huisuan.law.authoring.shortage import shortage_question
from huisuan.law.authoring.tracing import is_rounded, source_place, trace_rule
from huisuan.law.model import expressions as nodes
from huisuan.law.model.errors import LawError
from huisuan.law.model.expressions import SettingSpec
from huisuan.law.model.grouping import Grouping, Period, SharedCap
from huisuan.law.model.handling import Declaration, Modification, Procedure, ProcedureKind, Validity
from huisuan.law.model.rules import LEVELS, Allotment, Claim, Indicator, ReadingDay, Rule, RuleKind, Stacking
from huisuan.law.model.use_window import WHOLE_YEAR, UseWindow
from huisuan.law.procedure import ClaimObjectSpec, ProgrammeSpec, ProgrammeStep, RegisterSpec, SelectionSpec, Start
from huisuan.law.procedure.contracts import ContractSpec

F = TypeVar("F", bound=Facts)
STACKING_OPTIONS = {"once", "together", "rest", "better"}
VALIDITY_OPTIONS = {"replaced": {"ends", "runs"}, "began_within": {"covered", "not_covered"}}


def claims(ground: str, spent: Money) -> Claim:
    """What a rule pays for: the name of the ground, and the fact (fen) that says how much was spent on it."""
    return Claim(ground, nodes.facts_of(spent.node)[0].name)


class Article:
    """An article while its file is being read."""

    def __init__(self, number: str) -> None:
        state = current_registry()
        if number not in {article.number for article in state.text.articles}:
            raise LawError(f"政策中没有第 {number} 条", code="law.article_unknown")
        self.number = number
        self._registry = state

    def pays(
        self,
        sentence: str,
        phrase: str,
        *,
        to: str,
        to_en: str,
        title: str,
        title_en: str,
        by: tuple[str, ...] = (),
        name: str = "",
        claim: Claim | None = None,
        fund: Money | None = None,
        read_facts_by: tuple[Interpretation, ...] = (),
        window: UseWindow = WHOLE_YEAR,
        settings_by: ReadingDay | Interpretation | None = None,
        version: str = "",
        over: Grouping | None = None,
        short: Interpretation | None = None,
        repays: bool = False,
    ) -> Callable[[Callable[[F], Money]], Callable[[F], Money]]:
        """The decorated function says what the sentence owes, and to whom.

        `by` names who may claim (`CLAIMANTS`), `claim` what it pays for, `fund` the most that a year may cost;
        `settings_by` by which day of the claim its settings are read (`read_on`, or a question where it is silent),
        `window` the days of a year that it is settled over (`days_of_year`), `version` the change of the text
        (`changes/NAME.toml`) since which the sentence reads so, `over` the claims that its totals run over (`each`),
        `short` how a fund that is too small is shared out.

        Raises:
            LawError: a citation that is not in the text, an amount that is not rounded, facts not declared.
        """

        def register(function: Callable[[F], Money]) -> Callable[[F], Money]:
            facts, amount, conditions = trace_rule(function)
            if not isinstance(amount, Money) or not is_rounded(amount.node):
                raise LawError(
                    f'{sentence}：{function.__name__} 应返回 (...).rounded_down("fen")', code="law.amount_not_rounded"
                )
            rule = Rule(
                _rule_key(sentence, name),
                RuleKind.PAYS,
                sentence,
                phrase,
                to,
                to_en,
                title,
                title_en,
                facts,
                conditions,
                amount=amount.node,
                claimants=by,
                claim=claim or Claim(sentence, ""),
                fund=None if fund is None else fund.node,
                read_facts_by=tuple(interpretation.spec for interpretation in read_facts_by),
                reading_day=declared_reading_day(amount.node, settings_by),
                version=version,
                over=over,
                short=None if short is None else shortage_question(short),
                window=window,
                repays=repays,
            )
            self._registry.add_rule(rule, source_place(function))
            return function

        return register

    def recovers(
        self, sentence: str, phrase: str, **words: Any
    ) -> Callable[[Callable[[F], Money]], Callable[[F], Money]]:
        """The decorated function says what is to be paid back; among claims it counts below zero. See `pays`."""
        return self.pays(sentence, phrase, repays=True, **words)

    def discretion(
        self,
        sentence: str,
        phrase: str,
        *,
        to: str,
        to_en: str,
        title: str,
        title_en: str,
        decided_by: str,
        decided_by_en: str = "",
        by: tuple[str, ...] = (),
        version: str = "",
    ) -> Callable[[Callable[[F], None]], Callable[[F], None]]:
        """The decorated function says what must hold for case-by-case support; the amount is not computed."""

        def register(function: Callable[[F], None]) -> Callable[[F], None]:
            facts, _, conditions = trace_rule(function)
            rule = Rule(
                sentence, RuleKind.DISCRETION, sentence, phrase, to, to_en, title, title_en, facts, conditions,
                decided_by=decided_by, decided_by_en=decided_by_en or decided_by, claimants=by,
                version=version,
            )  # fmt: skip
            self._registry.add_rule(rule, source_place(function))
            return function

        return register

    def entitles(
        self,
        sentence: str,
        phrase: str,
        *,
        kind: ProcedureKind,
        to: str,
        to_en: str,
        title: str,
        title_en: str,
        grants: str,
        grants_en: str,
        by: tuple[str, ...] = (),
        name: str = "",
        version: str = "",
    ) -> Callable[[Callable[[F], Bool | None]], Callable[[F], Bool | None]]:
        """The decorated function says who may have a title, a priority or a channel; it returns what gives priority.

        `grants` says what one gets. A function that returns nothing knows no priority, only eligible or not.
        """

        def register(function: Callable[[F], Bool | None]) -> Callable[[F], Bool | None]:
            facts, priority, conditions = trace_rule(function)
            rule = Rule(
                _rule_key(sentence, name), RuleKind.ENTITLES, sentence, phrase, to, to_en, title, title_en, facts,
                conditions, priority=priority.node if isinstance(priority, Bool) else None, grants=grants,
                grants_en=grants_en, claimants=by, version=version,
            )  # fmt: skip
            self._registry.add_rule(rule, source_place(function))
            if not version:
                self._registry.add_handling(self.number, Procedure(sentence, phrase, kind, title, title_en))
            return function

        return register

    def allots(
        self,
        sentence: str,
        phrase: str,
        *,
        name: str,
        to: str,
        to_en: str,
        title: str,
        title_en: str,
        facts: type[Facts],
        score: tuple[tuple[Operand, Share], ...],
        budget: Money,
    ) -> None:
        """The sentence shares out a budget: each one's score is the sum of weight times its share of an indicator."""
        indicators = tuple(Indicator(nodes.facts_of(fact.node)[0], _setting_spec(weight)) for fact, weight in score)
        allotment = Allotment(
            _rule_key(sentence, name), sentence, phrase, to, to_en, title, title_en, facts.specs(), indicators,
            _setting_spec(budget),
        )  # fmt: skip
        for spec in allotment.settings():
            self._registry.text.check_citation(spec.sentence, spec.phrase, allotment.key)
        self._registry.text.check_citation(sentence, phrase, allotment.key)
        self._registry.allotments.append(allotment)

    def stacks(
        self, ground: str, by: Interpretation, *, order: tuple[str, ...] = (), after: tuple[str, ...] = ()
    ) -> None:
        """This policy's rules on a ground follow whatever goes before them by the option chosen for this question.

        `order` lists the policy's own rules on the ground; policies go by level ("nation", "province", "city",
        "county"), and `after` names levels that this one follows against that.

        Raises:
            LawError: an option or a level that means nothing here.
        """
        if not set(after) <= set(LEVELS):
            raise LawError(f"{ground}：层级只能是 {'、'.join(LEVELS)}", code="law.level_unknown")
        if not set(by.spec.options) <= STACKING_OPTIONS:
            raise LawError(
                f"解释口径 {by.spec.name}：叠加口径的选项只能是 {'、'.join(sorted(STACKING_OPTIONS))}",
                code="law.stacking_option_unknown",
            )
        self._registry.text.check_citation(by.spec.sentence, by.spec.phrase, by.spec.name)
        self._registry.stackings.append(Stacking(ground, by.spec, order, after))

    def caps_together(self, sentence: str, phrase: str, rules: tuple[str, ...], limit: Money, *, each: str) -> None:
        """What these rules pay one claimant together in a period ("year") is capped; they take their turn as listed."""
        self._registry.text.check_citation(sentence, phrase, f"第 {sentence} 句")
        self._registry.shared_caps.append(SharedCap(sentence, phrase, rules, limit.node, Period(each)))

    def procedure(
        self,
        sentence: str,
        phrase: str,
        *,
        kind: ProcedureKind,
        what: str,
        what_en: str,
        responsible: str = "",
        cooperating: str = "",
    ) -> None:
        """The sentence sets up what offices do; those behind it in `text.md`, unless it names others."""
        self._registry.add_handling(
            self.number, Procedure(sentence, phrase, kind, what, what_en, responsible, cooperating)
        )

    def programme(
        self, key: str, phrase: str, *, start: Start, title: str, title_en: str, steps: tuple[ProgrammeStep, ...],
        objects: tuple[ClaimObjectSpec, ...] = (), selection: SelectionSpec | None = None, earmark: str = "",
        contract: ContractSpec | None = None, rule: str = "", opinions: bool = False,
        **more: Any,
    ) -> None:  # fmt: skip
        """How its rule is carried out; the rest: see `ProgrammeSpec`. Raises `LawError`: an unquoted phrase."""
        sentence = ".".join(key.split(".")[:2])
        named = (key, sentence, phrase, title, title_en, start, steps, objects, selection, earmark)
        spec = ProgrammeSpec(*named, contract, rule, opinions, **more)
        self._registry.add_programme(spec)

    def register(self, spec: RegisterSpec) -> None:
        """A register of the things that a sentence is about. Raises `LawError`: an unquoted phrase, a second one."""
        self._registry.add_register(spec)

    def declares(self, sentence: str, phrase: str, *, reason: str, reason_en: str) -> None:
        """The sentence names an aim; there is nothing to decide, for this reason."""
        self._registry.add_handling(self.number, Declaration(sentence, phrase, reason, reason_en))

    def modifies(self, sentence: str, phrase: str, setting: Operand, *, what: str, what_en: str) -> None:
        """The sentence changes what others pay, through a setting that those rules must read."""
        self._registry.add_handling(self.number, Modification(sentence, phrase, _setting_spec(setting), what, what_en))

    def validity(
        self, sentence: str, phrase: str, *, replaced: Interpretation | None = None,
        began_within: Interpretation | None = None, began_before: Interpretation | None = None,
    ) -> None:  # fmt: skip
        """The sentence says until when the policy holds, as `policy.toml` does; its questions: see `Validity`.

        Raises:
            LawError: a phrase that is not in the text, or options that mean nothing here.
        """
        asked = (("replaced", replaced), ("began_within", began_within), ("began_before", began_before))
        specs = {name: question.spec for name, question in asked if question is not None}
        for name, spec in specs.items():
            wanted = VALIDITY_OPTIONS.get(name, VALIDITY_OPTIONS["began_within"])
            if set(spec.options) != wanted:
                raise LawError(
                    f"解释口径 {spec.name}：选项应为 {'、'.join(sorted(wanted))}", code="law.validity_option_unknown"
                )
            self._registry.text.check_citation(spec.sentence, spec.phrase, spec.name)
        self._registry.add_handling(self.number, Validity(sentence, phrase, **specs))


def _rule_key(sentence: str, name: str) -> str:
    return f"{sentence}.{name}" if name else sentence


def _setting_spec(handle: Operand) -> SettingSpec:
    if not isinstance(handle.node, nodes.Setting):
        raise LawError("此处应为一项参数（…_setting）", code="law.setting_expected")
    return handle.node.spec
