"""Whether every sentence of a policy is accounted for: computed, procedural, or declared."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from huisuan.law.model.errors import LawError
from huisuan.law.model.handling import Declaration, Handling, Modification, Procedure, SentenceHandling, Validity
from huisuan.law.model.rules import Allotment, Rule
from huisuan.law.policy.policy import Policy


@dataclass(frozen=True)
class SentenceCoverage:
    """One sentence, how it is accounted for, and who is responsible as the text names them."""

    sentence: str
    text: str
    handling: Handling
    what: tuple[str, ...]
    what_en: tuple[str, ...]
    rules: tuple[str, ...]
    responsible: str
    cooperating: str

    def to_dict(self) -> dict[str, Any]:
        """The row as JSON carries it."""
        return {
            "sentence": self.sentence, "handling": self.handling.value, "what": list(self.what),
            "what_en": list(self.what_en), "rules": list(self.rules), "responsible": self.responsible,
            "cooperating": self.cooperating, "text": self.text,
        }  # fmt: skip


def list_coverage(policy: Policy) -> list[SentenceCoverage]:
    """Every sentence of the policy in the order of the text."""
    return [_cover_sentence(policy, number) for number in policy.text.sentences]


def _cover_sentence(policy: Policy, number: str) -> SentenceCoverage:
    sentence = policy.text.sentences[number]
    decided: list[Rule | Allotment] = [*policy.rules, *policy.allotments]
    rules = [rule for rule in decided if rule.sentence == number]
    handlings = [handling for handling in policy.handlings if handling.sentence == number]
    duty = policy.text.departments_for(number)
    marks = (f"待与印发文本核对：{sentence.unchecked}", "To be checked against the issued text")
    unchecked = marks if sentence.unchecked else ()
    named = next((handling for handling in handlings if isinstance(handling, Procedure) and handling.responsible), None)
    return SentenceCoverage(
        sentence=number,
        text=sentence.text,
        handling=_handling(policy, number),
        what=(*(rule.title for rule in rules), *_descriptions(policy, handlings, english=False), *unchecked[:1]),
        what_en=(*(rule.title_en for rule in rules), *_descriptions(policy, handlings, english=True), *unchecked[1:]),
        rules=tuple(rule.key for rule in rules),
        responsible=named.responsible if named else duty.responsible,
        cooperating=named.cooperating if named else duty.cooperating,
    )


def _handling(policy: Policy, number: str) -> Handling:
    handlings = [handling for handling in policy.handlings if handling.sentence == number]
    counted = any(rule.sentence == number and not rule.grants for rule in policy.rules)
    allotted = any(allotment.sentence == number for allotment in policy.allotments)
    if counted or allotted or any(isinstance(handling, (Modification, Validity)) for handling in handlings):
        return Handling.COMPUTED
    if any(isinstance(handling, Procedure) for handling in handlings):
        return Handling.PROCEDURAL
    if handlings:
        return Handling.DECLARED
    # a cap or a fund that stands in a sentence of its own: the rule that cites it accounts for it
    cited = any(number == cited for rule in policy.rules for cited, _ in rule.citations())
    return Handling.COMPUTED if cited else Handling.OPEN


def _descriptions(policy: Policy, handlings: Iterable[SentenceHandling], *, english: bool) -> Iterable[str]:
    titles = {rule.title for rule in policy.rules}
    for handling in handlings:
        match handling:
            case Procedure() if handling.what not in titles:
                yield handling.what_en if english else handling.what
            case Declaration():
                yield handling.reason_en if english else handling.reason
            case Modification():
                bears = (", " if english else "、").join(_rules_reading(policy, handling))
                yield f"{handling.what_en} ({bears})" if english else f"{handling.what}（{bears}）"
            case Validity():
                until = policy.valid_to.isoformat()
                yield f"In force until {until}" if english else f"有效期至 {until}：此后一律答“不在有效期”"


def _rules_reading(policy: Policy, modification: Modification) -> list[str]:
    return [
        rule.key for rule in policy.rules if any(spec.name == modification.setting.name for spec in rule.settings())
    ]


def check_handlings(policy: Policy) -> None:
    """What articles say about sentences must be so.

    Raises:
        LawError: a department that the sentence does not name; a sentence said to change others, whose setting no
            rule reads; a validity that the text does not name; a declared sentence that has a rule.
    """
    for handling in policy.handlings:
        match handling:
            case Procedure() if any(
                name not in policy.text.sentences[handling.sentence].text
                for name in (handling.responsible, handling.cooperating)
            ):
                raise LawError(
                    f"第 {handling.sentence} 句没有写到部门 {handling.responsible}、{handling.cooperating}",
                    code="law.department_not_named",
                )
            case Modification() if not _rules_reading(policy, handling):
                raise LawError(
                    f"第 {handling.sentence} 句：没有规则用到参数 {handling.setting.name}", code="law.setting_unused"
                )
            case Validity() if not policy.prepared:  # of one that is, nobody has read the end yet
                end = policy.valid_to
                if f"{end.year}年{end.month}月{end.day}日" not in handling.phrase:
                    raise LawError(
                        f"第 {handling.sentence} 句：policy.toml 的 valid_to {end} 与引文“{handling.phrase}”不符",
                        code="law.validity_differs",
                    )
            case Declaration() if any(rule.sentence == handling.sentence for rule in policy.rules):
                raise LawError(
                    f"第 {handling.sentence} 句既宣示（无可决定之事）又有规则，两者只能有一",
                    code="law.declared_with_rule",
                )
