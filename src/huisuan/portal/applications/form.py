"""The form that follows from a rule's facts: per field its label, its sentence, its evidence, what is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from huisuan.law.explain import default_day, explain
from huisuan.law.forms import InvalidCell, format_cell, option_labels, parse_cell
from huisuan.law.model import CLAIMANT_KINDS, FactSpec, Rule, Value, ValueKind, format_value
from huisuan.law.policy import Policy
from huisuan.law.text import Sentence
from huisuan.parties.models import Party
from huisuan.portal.law.reasoning import Reasoning, describe_answer, reads_english
from huisuan.portal.ui.forms import FormField, Widget, choices
from huisuan.programmes.applications.queries import KnownFacts
from huisuan.programmes.models import Evidence

#: who knows a fact, by its `known_by`, in words
KNOWN_BY: dict[str, str | Promise] = {
    "meter": _("平台的计量"),
    "register": _("主体登记库"),
    "relations": _("关联关系登记"),
    "centre": _("平台所见的智算中心容量"),
    "treasury": _("财政拨付账"),
    "opendata": _("开放数据目录"),
    "things": _("本政策的名录"),
    "city": _("市的证明"),
    "selection": _("评选结果，申报时不填"),
    "conclusion": _("结题审计，申报时不填"),
}
HINTS: dict[ValueKind, str | Promise] = {
    ValueKind.MONEY: _("以元填写，至多两位小数，如 1234567.85"),
    ValueKind.INT: _("整数"),
    ValueKind.DATE: _("年月日，如 2024-12-31"),
    ValueKind.SHARE: _("百分数或分数，如 20% 或 1/3"),
}
INPUT_MODES = {ValueKind.MONEY: "decimal", ValueKind.INT: "numeric"}
LONGEST_TEXT = 2000  # characters
#: units that policies count in; one that is not known here stands as the policy writes it
_UNITS: dict[str, str | Promise] = {
    "分": _("元"), "家": _("家"), "个": _("个"), "P（稠密 FP16 PFLOPS）": _("P（稠密 FP16 PFLOPS）"),
    "P（稀疏 FP16 PFLOPS）": _("P（稀疏 FP16 PFLOPS）"), "P（FP32 PFLOPS）": _("P（FP32 PFLOPS）"),
}  # fmt: skip
#: what a party on the register is, in the words of `audience`
CLAIMS_AS = {"centre_operator": "centre"}


@dataclass(frozen=True, kw_only=True)
class FactField(FormField):
    """One fact as the form asks for it: beside what every field has, its evidence and what is known of it already."""

    key: str
    kind: str
    reads: str
    theirs: str
    sentence: Sentence
    evidence: str
    known: str
    settled: str
    first: bool = False
    files: list[Evidence] = field(default_factory=list)
    withdrawn: list[Evidence] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    @property
    def text_label(self) -> str:
        """What was typed or chosen, as it is shown to a reader who may not change it."""
        return next((choice.label for choice in self.choices if choice.value == self.text), self.text)


@dataclass(frozen=True)
class Beside:
    """What stands beside what was typed: evidence, uploads refused, what the platform knows, what others saved."""

    files: Sequence[Evidence] = ()
    refused: Mapping[str, list[str]] = field(default_factory=dict)
    known: KnownFacts | None = None
    theirs: Mapping[str, str] = field(default_factory=dict)


def parse_typed_facts(rule: Rule, texts: Mapping[str, str]) -> tuple[dict[str, Value | None], dict[str, InvalidCell]]:
    """The facts that can be read from what was typed, and what is wrong with the others."""
    facts: dict[str, Value | None] = {}
    wrong: dict[str, InvalidCell] = {}
    for spec in rule.facts:
        try:
            facts[spec.name] = parse_cell(spec, texts.get(spec.name, ""), by_people=True)
        except InvalidCell as misread:
            wrong[spec.name] = misread
    return facts, wrong


def explain_facts(policy: Policy, rule: Rule, texts: Mapping[str, str], on: date) -> Reasoning:
    """What the law of a day says to what was typed so far; what cannot be read is not known."""
    facts, _wrong = parse_typed_facts(rule, texts)
    return describe_answer(policy, explain(policy, rule, facts, on=on, as_known=timezone.localdate()))


def law_day(policy: Policy, known: KnownFacts | None) -> date:
    """The day whose law a draft is read by: the end of the year that the platform's facts are of, else today."""
    today = timezone.localdate()
    return default_day(policy, today if known is None else min(date(known.year, 12, 31), today))


def fact_fields(policy: Policy, rule: Rule, texts: Mapping[str, str], beside: Beside) -> list[FactField]:
    """The fields of a rule in the order of its facts; the first of a sentence quotes it."""
    facts, wrong = parse_typed_facts(rule, texts)
    quoted: set[str] = set()
    fields: list[FactField] = []
    for spec in rule.facts:
        sentence, text = policy.text.sentences[spec.asked_by], texts.get(spec.name, "")
        fact = _fact_field(spec, sentence, text, facts.get(spec.name), beside)
        if spec.name in wrong:
            fact = replace(fact, errors=(cell_error(wrong[spec.name]),))
        fields.append(replace(fact, first=sentence.number not in quoted))
        quoted.add(sentence.number)
    return fields


def _fact_field(spec: FactSpec, sentence: Sentence, text: str, value: Value | None, beside: Beside) -> FactField:
    theirs = beside.theirs.get(spec.name, "") if beside.theirs else text
    options = _choices(spec, text)
    files = [file for file in beside.files if file.fact == spec.name]
    return FactField(
        key=spec.name, name=f"fact-{spec.name}", id=f"f-{spec.name}", described_by=f"h-{spec.name}",
        label=label_of(spec), kind=spec.kind.value, widget=widget_of(spec, options),
        unit=str(_("元")) if spec.kind == ValueKind.MONEY else unit_of(spec),
        hint=str(HINTS.get(spec.kind, "")), inputmode=INPUT_MODES.get(spec.kind, ""), max_length=LONGEST_TEXT,
        text=text, choices=choices(options, text), blank=_t("不知道"),
        reads="" if value is None else format_value(spec.kind, value, options_of(spec), english=reads_english()),
        theirs="" if theirs == text else theirs or "—",
        sentence=sentence, evidence=spec.evidence,
        known=str(KNOWN_BY.get(spec.known_by, spec.known_by)), settled=_settled(spec, beside.known),
        files=[file for file in files if file.withdrawn_at is None],
        withdrawn=[file for file in files if file.withdrawn_at is not None],
        refused=list(beside.refused.get(spec.name, ())),
    )  # fmt: skip


def prefilled_texts(rule: Rule, known: KnownFacts | None) -> dict[str, str]:
    """The texts of a new form: what the platform has settled already, written as people write it."""
    facts = known.facts if known else {}
    return {spec.name: format_cell(spec, facts[spec.name]) for spec in rule.facts if facts.get(spec.name) is not None}


def other_claimants(rule: Rule, party: Party) -> str:
    """Whom the rule is for, where the party does not look like one of them; empty where it does."""
    if not rule.claimants or CLAIMS_AS.get(party.kind, party.kind) in rule.claimants:
        return ""
    return ("; " if reads_english() else "、").join(CLAIMANT_KINDS[name][reads_english()] for name in rule.claimants)


def unit_of(spec: FactSpec) -> str:
    """What a fact is counted in, in the reader's language."""
    return str(_UNITS.get(spec.unit, spec.unit))


def label_of(spec: FactSpec) -> str:
    """What a fact is called in the reader's language."""
    return spec.en if reads_english() else spec.zh


def cell_error(misread: InvalidCell) -> str:
    """What is wrong with what was typed, in the reader's language."""
    return misread.english if reads_english() else str(misread)


def widget_of(spec: FactSpec, options: Sequence[tuple[str, str]]) -> Widget:
    """How a fact is filled in: yes or no as radio buttons, options as a list, everything else in a box."""
    if spec.kind == ValueKind.BOOL:
        return Widget.RADIOS
    return Widget.SELECT if options else Widget.LINE


def options_of(spec: FactSpec) -> Mapping[str, str] | None:
    """The labels of the options of a fact in the reader's language."""
    return spec.options_en if reads_english() and spec.options_en else spec.options


def _choices(spec: FactSpec, text: str) -> list[tuple[str, str]]:
    """The options as (what is submitted, what is read); a text that is no option stays choosable, for it was typed."""
    if spec.kind == ValueKind.BOOL:
        found = [("是", _t("是")), ("否", _t("否"))]
    else:
        words = options_of(spec) or {}
        found = [(word, words.get(option, word)) for option, word in option_labels(spec).items()]
    if text and found and text not in dict(found):
        found.append((text, text))
    return found


def _settled(spec: FactSpec, known: KnownFacts | None) -> str:
    value = known.facts.get(spec.name) if known else None
    if known is None or value is None:
        return ""
    said = format_value(spec.kind, value, options_of(spec), english=reads_english())
    return _t("平台结算 {year} 年度时为 {value}").format(year=known.year, value=said)
