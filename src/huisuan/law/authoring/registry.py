"""What the files of a policy register while they are read, checked against its text."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import date

from huisuan.law.authoring.groups import check_grouping
from huisuan.law.model import expressions as nodes
from huisuan.law.model.claimants import CLAIMANT_KINDS
from huisuan.law.model.errors import LawError
from huisuan.law.model.grouping import SharedCap
from huisuan.law.model.handling import SentenceHandling
from huisuan.law.model.rules import Allotment, Rule, Stacking
from huisuan.law.procedure import ProgrammeSpec, RegisterSpec
from huisuan.law.text.policy_text import PolicyText
from huisuan.law.text.text_changes import TextChange, text_on


@dataclass
class ArticleRegistry:
    """The policy whose files are being read."""

    text: PolicyText
    changes: tuple[TextChange, ...] = ()
    issued: date = date.min
    rules: list[Rule] = field(default_factory=list)
    allotments: list[Allotment] = field(default_factory=list)
    stackings: list[Stacking] = field(default_factory=list)
    shared_caps: list[SharedCap] = field(default_factory=list)
    handlings: list[SentenceHandling] = field(default_factory=list)
    versions: list[Rule] = field(default_factory=list)
    programmes: list[ProgrammeSpec] = field(default_factory=list)
    registers: list[RegisterSpec] = field(default_factory=list)

    def add_handling(self, article: str, handling: SentenceHandling) -> None:
        """How an article accounts for one of its sentences.

        Raises:
            LawError: the phrase is not in the sentence.
        """
        self.text.check_citation(handling.sentence, handling.phrase, f"第 {article} 条")
        self.handlings.append(handling)

    def add_rule(self, rule: Rule, place: str) -> None:
        """A rule, after every check that needs the text and the other rules; `place` is its line, for errors.

        Raises:
            LawError: a citation that is not in the text, an unknown claimant, a second rule of that key, a regional
                rate without its condition.
        """
        text = self._text_of(rule, place)
        for sentence, phrase in rule.citations():
            text.check_citation(sentence, phrase, place)
        for fact in rule.facts:
            if fact.asked_by not in self.text.sentences:
                raise LawError(
                    f"{place}：事实 {fact.name} 引用了不存在的句 {fact.asked_by}", code="law.sentence_unknown"
                )
        for claimant in rule.claimants:
            if claimant not in CLAIMANT_KINDS:
                raise LawError(
                    f"{place}：没有申报主体 {claimant}；可用 {'、'.join(CLAIMANT_KINDS)}", code="law.claimant_unknown"
                )
        for other in (*self.rules, *self.versions):
            if (other.key, other.version) == (rule.key, rule.version):
                raise LawError(
                    f"{place}：第 {rule.key} 句已有规则“{other.title}”；两条规则须声明先后，并各有 name=",
                    code="law.rule_twice",
                )
        _check_regional_rates(rule, place)
        check_grouping(rule, place)
        (self.versions if rule.version else self.rules).append(rule)

    def add_programme(self, spec: ProgrammeSpec) -> None:
        """The procedure of a programme; what needs the whole policy is checked once all of it is read.

        Raises:
            LawError: the phrase is not in the sentence, or a second procedure of that key.
        """
        self.text.check_citation(spec.sentence, spec.phrase, f"程序 {spec.key}")
        if spec.earmark:
            self.text.check_citation(spec.sentence, spec.earmark, f"程序 {spec.key} 的资金用途")
        if any(other.key == spec.key for other in self.programmes):
            raise LawError(f"程序 {spec.key} 声明了两次", code="law.programme_twice")
        self.programmes.append(spec)

    def add_register(self, spec: RegisterSpec) -> None:
        """A register; which offices may keep it is checked once the whole policy is read.

        Raises:
            LawError: the phrase is not in the sentence, or a second register of that key.
        """
        self.text.check_citation(spec.sentence, spec.phrase, f"名录 {spec.key}")
        if any(other.key == spec.key for other in self.registers):
            raise LawError(f"名录 {spec.key} 声明了两次", code="law.register_twice")
        self.registers.append(spec)

    def _text_of(self, rule: Rule, place: str) -> PolicyText:
        """The text that a rule cites: as issued, or since the change that it names."""
        if not rule.version:
            return self.text
        change = next((change for change in self.changes if change.name == rule.version), None)
        if change is None:
            known = "、".join(change.name for change in self.changes) or "无"
            raise LawError(
                f"{place}：没有 changes/{rule.version}.toml；有的是 {known}", code="law.text_version_unknown"
            )
        return text_on(self.text, self.changes, change.valid_from, change.known_from)


_registry: ContextVar[ArticleRegistry | None] = ContextVar("article_registry", default=None)


@contextmanager
def registering(state: ArticleRegistry) -> Iterator[ArticleRegistry]:
    """While this is open, articles register with the policy."""
    token = _registry.set(state)
    try:
        yield state
    finally:
        _registry.reset(token)


def current_registry() -> ArticleRegistry:
    """The registry of the policy that is being loaded.

    Raises:
        LawError: no policy is being loaded.
    """
    registry = _registry.get()
    if registry is None:
        raise LawError("条款文件只能由 load_policy 读取", code="law.article_outside_policy")
    return registry


def _check_regional_rates(rule: Rule, place: str) -> None:
    """A region without a rate must fail a condition: it is never taken for a rate of nothing."""
    asked = {
        node.members.spec.name
        for condition in rule.conditions
        for node in nodes.walk(condition.node)
        if isinstance(node, nodes.Among) and isinstance(node.members, nodes.Setting)
    }
    for root in rule.roots:
        for node in nodes.walk(root):
            if isinstance(node, nodes.Lookup) and node.spec.name not in asked:
                raise LawError(
                    f"{place}：用了分地区参数 {node.spec.name}，须先写条件 set_by(…).required(…)",
                    code="law.regional_rate_unconditional",
                )
