"""A rule: one decision that a sentence asks for, as conditions and (where it pays) an amount."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from huisuan.law.model import expressions as nodes
from huisuan.law.model.expressions import FactSpec, InterpretationSpec, Node, SettingSpec
from huisuan.law.model.grouping import Grouping
from huisuan.law.model.use_window import WHOLE_YEAR, UseWindow


class RuleKind(StrEnum):
    """What a rule decides: an amount, case-by-case discretion, or a title, priority or channel."""

    PAYS = "pays"
    DISCRETION = "discretion"
    ENTITLES = "entitles"


KINDS_ZH = {RuleKind.PAYS: "计算金额", RuleKind.DISCRETION: "一事一议", RuleKind.ENTITLES: "称号、优先或通道"}


class DayBasis(StrEnum):
    """By which day of a claim its settings are read."""

    USE = "use"
    PAYMENT = "payment"
    APPLICATION = "application"
    EVENT = "event"


DAYS_ZH = {
    DayBasis.USE: "用量发生之日", DayBasis.PAYMENT: "拨付之日", DayBasis.APPLICATION: "申报之日",
    DayBasis.EVENT: "事项完成之日",
}  # fmt: skip
DAYS_EN = {
    DayBasis.USE: "the day of use", DayBasis.PAYMENT: "the day of payment",
    DayBasis.APPLICATION: "the day of application", DayBasis.EVENT: "the day of the event",
}  # fmt: skip


@dataclass(frozen=True)
class ReadingDay:
    """By which day the settings of a rule are read, as a phrase says; where it is silent, as a question decides.

    The options of `question` are names of `DayBasis`.
    """

    sentence: str
    phrase: str
    basis: DayBasis | None = None
    question: InterpretationSpec | None = None

    def chosen(self, options: Mapping[str, str]) -> DayBasis | None:
        """The day, by the options chosen for open questions; None where the question is not decided."""
        if self.question is None:
            return self.basis
        return DayBasis(options[self.question.name]) if self.question.name in options else None


@dataclass(frozen=True)
class Claim:
    """What a rule pays for: its ground (other rules may pay for the same), and the fact that says how much was spent.

    Rules with one ground need a declared order (`Stacking`); a rule that names none claims its own sentence.
    """

    ground: str
    spent: str


@dataclass(frozen=True)
class Rule:
    """One decision of a sentence: its conditions, and what follows when they hold.

    `key` is the sentence's number, with a name after it where the sentence decides several things
    ("6.2.recommendation"). `amount` (fen) is set for rules that pay, `priority` for those that may prefer someone,
    `fund` where a year's payments together have a limit, `over` where its totals run over several claims, `window` the
    days of a year that it is settled over.
    """

    key: str
    kind: RuleKind
    sentence: str
    phrase: str
    to: str
    to_en: str
    title: str
    title_en: str
    facts: tuple[FactSpec, ...]
    conditions: tuple[Condition, ...]
    amount: Node | None = None
    priority: Node | None = None
    decided_by: str = ""
    decided_by_en: str = ""
    grants: str = ""
    grants_en: str = ""
    claimants: tuple[str, ...] = ()
    claim: Claim | None = None
    fund: Node | None = None
    read_facts_by: tuple[InterpretationSpec, ...] = ()
    reading_day: ReadingDay | None = None
    version: str = ""  # the change of the text (`changes/NAME.toml`) since which the rule reads so
    over: Grouping | None = None
    repays: bool = False  # what its claims come to is taken back: it counts below zero
    short: InterpretationSpec | None = None  # how its fund is shared out where that is too small
    window: UseWindow = WHOLE_YEAR

    @property
    def roots(self) -> tuple[Node, ...]:
        """Every tree that decides about one claim."""
        conditions = tuple(condition.node for condition in self.conditions)
        return (*conditions, *(node for node in (self.amount, self.priority) if node is not None))

    def day_fact(self, role: str) -> str:
        """The name of its fact that says when what is claimed for happened ("event") or began; empty: none does."""
        return next((spec.name for spec in self.facts if spec.role == role), "")

    def settings(self, options: Mapping[str, str] | None = None) -> tuple[SettingSpec, ...]:
        """The settings it rests on, each once; with the options chosen, only those that then matter."""
        reads = (node for node in self._nodes(options) if isinstance(node, (nodes.Setting, nodes.Lookup)))
        return tuple({node.spec.name: node.spec for node in reads}.values())

    def interpretations(self, options: Mapping[str, str] | None = None) -> tuple[InterpretationSpec, ...]:
        """The open questions it rests on, each once: those in its tree, and those that say how its facts are taken."""
        found = {spec.name: spec for spec in self.read_facts_by}
        if self.reading_day is not None and self.reading_day.question is not None:
            found[self.reading_day.question.name] = self.reading_day.question
        found |= {node.spec.name: node.spec for node in self._nodes(options) if isinstance(node, nodes.Interpreted)}
        return tuple(found.values())

    def citations(self) -> Iterator[tuple[str, str]]:
        """Every (sentence, phrase) that the rule cites."""
        yield self.sentence, self.phrase
        for condition in self.conditions:
            yield condition.sentence, condition.phrase
        for spec in (*self.read_facts_by, *((self.short,) if self.short else ())):
            yield spec.sentence, spec.phrase
        if self.over is not None:
            yield self.over.sentence, self.over.phrase
        if self.reading_day is not None:
            yield self.reading_day.sentence, self.reading_day.phrase
        for node in (*self._nodes(), *(() if self.fund is None else nodes.walk(self.fund))):
            if isinstance(node, (nodes.Cited, nodes.ByDay)):
                yield node.sentence, node.phrase
            if isinstance(node, (nodes.Setting, nodes.Lookup, nodes.Interpreted)):
                yield node.spec.sentence, node.spec.phrase

    @cached_property
    def by_day(self) -> tuple[nodes.ByDay, ...]:
        """The nodes that are counted by the days of use, in the order of the trees."""
        return tuple(node for node in self._all_nodes if isinstance(node, nodes.ByDay))

    def _nodes(self, options: Mapping[str, str] | None = None) -> Iterable[Node]:
        if not options:
            return self._all_nodes
        return (node for root in self.roots for node in nodes.walk(root, options))

    @cached_property
    def _all_nodes(self) -> tuple[Node, ...]:
        """Walked once: a rule is asked what it rests on for every case, every day and every setting."""
        return tuple(node for root in self.roots for node in nodes.walk(root))


#: whose policy it is, in the order in which policies on one ground go
LEVELS = ("nation", "province", "city", "county")


@dataclass(frozen=True)
class Stacking:
    """How a policy's rules on a ground combine with those before them, by the answer to an open question.

    `order` holds the policy's own rules on the ground ("1.2", "8.2"), where there are several; `after` the levels that
    it comes after although its own would put it before. On the part of the spend that an earlier rule claims, too, the
    options of `by` mean: once (nothing where the earlier paid), together (both, never above that part), rest (the later
    counts what the earlier left), better (the later adds what it gives more).
    """

    ground: str
    by: InterpretationSpec
    order: tuple[str, ...] = ()
    after: tuple[str, ...] = ()


@dataclass(frozen=True)
class Indicator:
    """One term of a scoring formula: a fact's share of the total over all, with its weight."""

    fact: FactSpec
    weight: SettingSpec


@dataclass(frozen=True)
class Allotment:
    """A budget that a sentence shares out by performance; the shares add up to the budget to the fen."""

    key: str
    sentence: str
    phrase: str
    to: str
    to_en: str
    title: str
    title_en: str
    facts: tuple[FactSpec, ...]
    indicators: tuple[Indicator, ...]
    budget: SettingSpec

    def settings(self) -> tuple[SettingSpec, ...]:
        """The budget and the weights."""
        return (self.budget, *(indicator.weight for indicator in self.indicators))

    def claimed(self) -> Rule:
        """What a city that claims its part is asked: nothing; the figures are frozen registers', not its own word."""
        return Rule(
            self.key, RuleKind.ENTITLES, self.sentence, self.phrase, self.to, self.to_en, self.title, self.title_en,
            facts=(), conditions=(), grants=f"{self.to}按公布的得分分得的部分",
            grants_en="its part of the budget, by the published score", claimants=("city",),
        )  # fmt: skip


@dataclass(frozen=True)
class Condition:
    """What must hold: its node, its ground in the text, and its name in reason codes."""

    name: str
    node: Node
    sentence: str
    phrase: str
    zh: str
    en: str
