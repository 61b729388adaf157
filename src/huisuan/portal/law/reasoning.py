"""Why an entitlement is what it is: the law's sentences with the phrases quoted, and the steps of the answer."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import Any

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from huisuan.law.model import Answer, LawError, SettingUsed, Status, Step, format_value
from huisuan.law.policy import Policy, load_policy
from huisuan.law.text import Sentence
from huisuan.portal.law.quotations import QuotedStretch, pieces
from huisuan.portal.ui.refusals import refusal_html
from huisuan.settlement.models import Entitlement
from huisuan.settlement.runs.queries import recompute_entitlement

TONES: dict[bool | None, str] = {True: "good", False: "bad", None: "wait"}
_SIGNS: dict[bool | None, str] = {True: "✓", False: "✗", None: "?"}


@dataclass(frozen=True)
class StepRow:
    """One step as the page shows it."""

    number: int
    sign: str
    tone: str
    text: str
    sentence: str
    phrase: str


@dataclass(frozen=True)
class TermRow:
    """A setting or an interpretation as the page shows it."""

    label: str
    shown: str
    bound: str
    question: str
    used: SettingUsed


@dataclass(frozen=True)
class Reasoning:
    """Everything that the page says about why; `wrong` says what prevents it from being said."""

    policy: Policy | None = None
    answer: Answer | None = None
    sentences: list[tuple[Sentence, list[QuotedStretch]]] = field(default_factory=list)
    steps: list[StepRow] = field(default_factory=list)
    formula: list[str] = field(default_factory=list)
    settings: list[TermRow] = field(default_factory=list)
    interpretations: list[TermRow] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    nearest: list[str] = field(default_factory=list)
    differs: bool = False
    same_law: bool = True
    wrong: str = ""


def reads_english() -> bool:
    """Whether the page is read in English."""
    return (get_language() or "").startswith("en")


def reasoning(entitled: Entitlement) -> Reasoning:
    """The reasoning behind an entitlement, computed anew from its stored facts under the law as the run read it."""
    try:
        policy = load_policy(entitled.run.policy)
        reading = recompute_entitlement(entitled)
    except LawError as error:
        return Reasoning(wrong=refusal_html(error))
    return replace(describe_answer(policy, reading.answer), differs=not reading.agrees, same_law=reading.same_law)


def describe_answer(policy: Policy, answer: Answer) -> Reasoning:
    """An answer of the law as pages show it: the text it cites, its steps, its settings, its reasons."""
    owed = answer.status in (Status.ELIGIBLE, Status.PRIORITY)
    steps = [_step(number, step, owed) for number, step in enumerate(answer.steps, start=1)]
    return Reasoning(
        policy=policy,
        answer=answer,
        sentences=_quoted(policy, steps),
        steps=steps,
        formula=[_words(step) for step in answer.steps if owed and step.kind in ("figure", "amount")],
        settings=[_term(policy, used) for used in answer.settings],
        interpretations=[_term(policy, used) for used in answer.interpretations],
        reasons=[(reason.text_en if reads_english() and reason.text_en else reason.text) for reason in answer.reasons],
        nearest=[(each.text_en if reads_english() and each.text_en else each.text) for each in answer.nearest],
    )


def _words(step: Step) -> str:
    return step.text_en if reads_english() and step.text_en else step.text


def _step(number: int, step: Step, owed: bool) -> StepRow:
    words = _words(step)
    if step.kind in ("condition", "priority"):
        return StepRow(number, _SIGNS[step.holds], TONES[step.holds], words, step.sentence, step.phrase)
    if step.value is None:
        return StepRow(number, _SIGNS[None], TONES[None], words, step.sentence, step.phrase)
    if not owed:  # the figures stand, but nothing is owed on them
        words = _("假如符合条件——{step}").format(step=words)
    return StepRow(number, "＝", "good" if owed else "plain", words, step.sentence, step.phrase)


def _quoted(policy: Policy, steps: list[StepRow]) -> list[tuple[Sentence, list[QuotedStretch]]]:
    """The sentences that the steps cite, in the order of the text, with the phrases marked."""
    cited = {step.sentence for step in steps}
    return [
        (sentence, pieces(sentence.text, [(step.number, step.phrase) for step in steps if step.sentence == number]))
        for number, sentence in policy.text.sentences.items()
        if number in cited
    ]


def _regional(value: Any) -> Any:
    """A list of regions, or a share by region, from how an answer carries it."""
    return tuple(value) if isinstance(value, list) else value


def _term(policy: Policy, used: SettingUsed) -> TermRow:
    if not reads_english():
        return TermRow(used.label, used.shown, used.bound, used.question, used)
    interpretation = policy.interpretation_specs().get(used.name)
    if interpretation is not None:
        option = (interpretation.options_en or interpretation.options)[str(used.value)]
        return TermRow(option, option, "", interpretation.en, used)
    setting = policy.setting_specs()[used.name]
    shown, bound = (re.sub(r" 元$", " yuan", text) for text in (used.shown, used.bound))
    if setting.regions:
        shown = format_value(setting.kind, _regional(used.value), setting.region_names(english=True), english=True)
    return TermRow(setting.en, shown, bound, "", used)
