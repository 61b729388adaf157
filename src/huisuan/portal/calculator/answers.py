"""The answers of the calculator: per rule its status, its amount, why, and the law's sentence; and what they sum to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import date

from django.utils.translation import gettext_lazy as _

from huisuan.law.explain import IntervalEvaluation, Questionnaire, RuleProgress, combine_certain
from huisuan.law.model import Answer, LawError, Range, SettingUsed, Status
from huisuan.law.model import expressions as nodes
from huisuan.law.policy import Policy, PolicyRule
from huisuan.law.text import Sentence
from huisuan.portal.applications.form import label_of
from huisuan.portal.calculator.form import anchor, title_of
from huisuan.portal.law.quotations import QuotedStretch, pieces
from huisuan.portal.law.reasoning import Reasoning, describe_answer, reads_english
from huisuan.portal.ui import state_labels as words
from huisuan.portal.ui.refusals import refusal_html
from huisuan.portal.ui.state_labels import Word

UNANSWERED = Word(_("待回答"), "wait")
AMOUNT_OPEN = Word(_("符合条件，金额待定"), "wait")
PRIORITY_OPEN = Word(_("符合条件，是否优先待定"), "wait")


@dataclass(frozen=True)
class AnswerCard:
    """One rule's answer as the page shows it (amounts in fen).

    `at_most` is set where a cap of the law limits what is still open, `beside` where other rules leave less of it.
    """

    place: PolicyRule
    title: str
    to: str
    word: Word
    settled: bool
    amount_fen: int | None
    at_least: int | None
    at_most: int | None
    reasons: list[str]
    beside: str
    grants: str
    nearest: list[str]
    caps: list[tuple[int, int]]
    missing: list[tuple[str, str]]
    moot: list[str]
    why: Reasoning
    sentences: list[tuple[Sentence, list[QuotedStretch]]]

    @property
    def id(self) -> str:
        """The anchor of the card."""
        return "r-" + anchor(self.place.key)[2:]


@dataclass(frozen=True)
class Row:
    """What one rule certainly comes to beside the others (fen; None where that is not certain), and why not all."""

    place: PolicyRule
    title: str
    id: str
    owed_fen: int
    payable_fen: int | None
    reason: str


@dataclass(frozen=True)
class AnswerTotal:
    """What is certain, in all (fen); `shared` tells how rules that pay for the same combine."""

    total_fen: int
    rows: list[Row]
    shared: list[tuple[str, str]]
    wrong: str = ""


@dataclass(frozen=True)
class Answers:
    """All cards, by what they come to, and the sum."""

    yes: list[AnswerCard]
    open: list[AnswerCard]
    no: list[AnswerCard]
    sum: AnswerTotal


def answers(inquiry: Questionnaire, policies: Sequence[Policy], shown: Set[str], on: date, as_known: date) -> Answers:
    """The answers to what is known so far; `shown` are the keys of the questions that the page asks now."""
    anchors = {
        (place.key, each.spec.name): anchor(each.key) if each.key in shown else ""
        for each in inquiry.questions
        for place in each.places
    }
    certain = _sum(inquiry, policies, on, as_known)
    beside = {row.place.key: row.reason for row in certain.rows}
    found: dict[str, list[AnswerCard]] = {"yes": [], "open": [], "no": []}
    for standing in inquiry.progress:
        card = _card(standing, standing.answer(on, as_known), anchors, beside.get(standing.place.key, ""))
        found[_side(standing)].append(card)
    return Answers(found["yes"], found["open"], found["no"], certain)


def _side(standing: RuleProgress) -> str:
    match standing.verdict.status:
        case Status.ELIGIBLE | Status.PRIORITY | Status.DISCRETIONARY:
            return "yes"
        case Status.MISSING_FACTS | Status.NOT_SET:
            return "open"
    return "no"


def _card(standing: RuleProgress, answer: Answer, anchors: Mapping[tuple[str, str], str], beside: str) -> AnswerCard:
    place, verdict, rule = standing.place, standing.verdict, standing.place.rule
    why = describe_answer(place.policy, answer)
    cited = why.sentences or [_sentence(place)]
    settled = standing.settled
    reasons = why.reasons if settled else []
    span = standing.amount if rule.amount is not None and not settled else None
    return AnswerCard(
        place=place,
        title=title_of(place),
        to=rule.to_en if reads_english() else rule.to,
        word=_word(standing),
        settled=settled,
        amount_fen=verdict.amount_fen if rule.amount is not None else None,
        at_least=span.low if span and span.low else None,
        at_most=_most(standing) if span else None,
        reasons=reasons,
        beside=beside,
        grants="" if reasons else _grants(standing),
        nearest=[each.text_en if reads_english() else each.text for each in answer.nearest],
        caps=[] if answer.limits else [(int(each.limit), int(each.at_least)) for each in standing.caps],
        missing=[
            (label_of(spec), anchors[place.key, spec.name]) for spec in (*standing.deciding, *standing.amount_facts)
        ],
        moot=[label_of(spec) for spec in standing.irrelevant] if settled else [],
        why=why,
        sentences=cited,
    )


def _word(standing: RuleProgress) -> Word:
    if standing.settled:
        return words.state_word(words.ENTITLEMENT, standing.verdict.status.value)
    if standing.deciding:
        return UNANSWERED
    return AMOUNT_OPEN if standing.place.rule.amount is not None else PRIORITY_OPEN


def _grants(standing: RuleProgress) -> str:
    """What is given where no amount is; whether with priority is told among the reasons."""
    rule = standing.place.rule
    if standing.verdict.status is not Status.ELIGIBLE:
        return ""
    return rule.grants_en if reads_english() else rule.grants


def _most(standing: RuleProgress) -> int | None:
    """The most that can come of it (fen), where it is the law that says so and not only how much may be declared."""
    rule, span = standing.place.rule, standing.amount
    if rule.amount is None or span is None:
        return None
    bounds = IntervalEvaluation(standing.facts, standing.evaluator.terms)
    options = standing.evaluator.terms.options
    caps = [node for node in nodes.walk(rule.amount, options) if isinstance(node, nodes.Cap)]
    highs = [limit.high for cap in caps if isinstance(limit := bounds.span(cap.limit), Range)]
    return int(span.high) if span.high in highs else None


def _sentence(place: PolicyRule) -> tuple[Sentence, list[QuotedStretch]]:
    sentence = place.policy.text.sentences[place.rule.sentence]
    return sentence, pieces(sentence.text, [(1, place.rule.phrase)])


def _sum(inquiry: Questionnaire, policies: Sequence[Policy], on: date, as_known: date) -> AnswerTotal:
    certain = {each.place.key: each for each in inquiry.progress if each.settled and each.verdict.amount_fen}
    if not certain:
        return AnswerTotal(0, [], [])
    try:
        combined = combine_certain(inquiry.progress, on=on, as_known=as_known)
    except LawError as error:
        rows = [_row(each.place, each.verdict.amount_fen or 0, None, "") for each in certain.values()]
        return AnswerTotal(0, rows, [], refusal_html(error))
    rows, shared = [], []
    for ground in combined:
        for row in ground.rows:
            if row.place.key in certain:
                reason = row.reason and (row.reason.text_en if reads_english() else row.reason.text)
                owed = certain[row.place.key].verdict.amount_fen or 0
                rows.append(_row(row.place, owed, row.payable_fen, reason or ""))
        if sum(row.place.key in certain for row in ground.rows) > 1:
            shared += [_by(used, policies) for used in ground.questions]
    return AnswerTotal(sum(row.payable_fen or 0 for row in rows), rows, shared)


def _row(place: PolicyRule, owed: int, payable: int | None, reason: str) -> Row:
    return Row(place, title_of(place), "r-" + anchor(place.key)[2:], owed, payable, reason)


def _by(used: SettingUsed, policies: Sequence[Policy]) -> tuple[str, str]:
    """The question how these rules combine, and its answer."""
    specs = {name: spec for policy in policies for name, spec in policy.interpretation_specs().items()}
    spec = specs.get(used.name)
    if reads_english() and spec is not None:
        return spec.en, spec.options_en[str(used.value)]
    return used.question, used.label
