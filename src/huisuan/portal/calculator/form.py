"""What the calculator was asked, out of its address; and the questions of its form, each with why it is asked."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Self

from django.http import HttpRequest, QueryDict
from django.utils.translation import gettext as _t

from huisuan.law.explain import OpenQuestion, Question, Questionnaire, RuleProgress, default_day, presumed_answer
from huisuan.law.forms import InvalidCell, option_labels, parse_cell
from huisuan.law.model import CLAIMANT_KINDS, FactSpec, InvalidValue, Value, ValueKind, format_value, parse_date
from huisuan.law.model import expressions as nodes
from huisuan.law.policy import Policy, PolicyRule
from huisuan.portal.applications.form import (
    HINTS,
    INPUT_MODES,
    LONGEST_TEXT,
    cell_error,
    label_of,
    options_of,
    unit_of,
    widget_of,
)
from huisuan.portal.law.reasoning import reads_english
from huisuan.portal.ui.forms import FormField, choices

PREFIX = "f."
#: what stands in an address for yes and no: short, and read by `value_of`
YES, NO = "yes", "no"


@dataclass(frozen=True)
class CalculatorQuery:
    """The address of the calculator, read: who asks, on which day, as known when, and what was typed by question."""

    who: str
    on: date
    as_known: date
    texts: Mapping[str, str]
    given: Mapping[str, str]
    wrong: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def from_request(cls, request: HttpRequest, policies: Sequence[Policy], today: date) -> Self:
        """What was asked; a day that cannot be read is said in `wrong`, and the default taken."""
        wrong: dict[str, str] = {}
        days = {"on": nearest_day(policies, today), "known": today}
        given = {name: request.GET.get(name, "").strip() for name in days}
        for name, text in given.items():
            try:
                days[name] = parse_date(text) if text else days[name]
            except InvalidValue as error:
                wrong[name] = _t("应为日期，如 2024-12-31") if reads_english() else str(error)
        who = request.GET.get("who", "")
        typed = {name: request.GET[name].strip() for name in request.GET if name.startswith(PREFIX)}
        texts = {name.removeprefix(PREFIX): text for name, text in typed.items() if text}
        return cls(who if who in CLAIMANT_KINDS else "", days["on"], days["known"], texts, given, wrong)

    def query(self, who: str = "", *, pinned: bool = False) -> str:
        """The query string that asks this again, without what was left empty; `pinned` names the days, too."""
        query = QueryDict(mutable=True)
        if who or self.who:
            query["who"] = who or self.who
        for name, day in (("on", self.on), ("known", self.as_known)):
            if pinned or self.given[name]:
                query[name] = day.isoformat() if pinned else self.given[name]
        query.update({f"{PREFIX}{key}": text for key, text in self.texts.items()})
        return query.urlencode(safe=":")


def without_presumed(asked: CalculatorQuery, questions: Iterable[Question]) -> CalculatorQuery:
    """What was asked, without the answers that follow from who asks: a form sends them, but nobody chose them."""
    presumed = {each.key: presumed_answer(each.spec, asked.who) for each in questions if each.key in asked.texts}
    words = {key: _submitted(value) for key, value in presumed.items() if value is not None}
    return replace(asked, texts={key: text for key, text in asked.texts.items() if text != words.get(key)})


def nearest_day(policies: Sequence[Policy], today: date) -> date:
    """Today if any policy is in force; else the day nearest to it on which one was or will be."""
    days = [default_day(policy, today) for policy in policies]
    return min(days, key=lambda day: abs(day - today), default=today)


def parse_answers(
    asked: CalculatorQuery, questions: Iterable[Question]
) -> tuple[dict[str, Value], dict[str, InvalidCell]]:
    """The answers that can be read, and what is wrong with the others, by the keys of their questions."""
    values: dict[str, Value] = {}
    wrong: dict[str, InvalidCell] = {}
    for each in questions:
        try:
            value = parse_cell(each.spec, asked.texts.get(each.key, ""), by_people=True)
        except InvalidCell as misread:
            wrong[each.key] = misread
            continue
        if value is not None:
            values[each.key] = value
    return values, wrong


@dataclass(frozen=True)
class Ground:
    """Why a fact is asked: the rule that rests on it, the sentence and the words that make it."""

    sentence: str
    phrase: str
    title: str


@dataclass(frozen=True, kw_only=True)
class QuestionField(FormField):
    """One question as the form asks it: beside what every field has, how it is understood and why it is asked."""

    key: str
    kind: str
    reads: str
    presumed: bool
    matters: bool
    grounds: list[Ground]

    @property
    def anchor(self) -> str:
        """The anchor of the whole field."""
        return anchor(self.key)

    @property
    def echo(self) -> str:
        """What was typed, as it was understood, where that does not look the same."""
        return "" if self.choices or self.reads == self.text else self.reads


@dataclass(frozen=True)
class Group:
    """The questions of one article, or (without a policy) those that several articles share."""

    policy: Policy | None
    article: str
    title: str
    fields: list[QuestionField]


def anchor(key: str) -> str:
    """A key as it can stand in an address's fragment and in a style sheet."""
    return "f-" + re.sub(r"[^0-9A-Za-z_]", "-", key)


def title_of(place: PolicyRule) -> str:
    """What a rule is called in the reader's language."""
    return place.rule.title_en if reads_english() else place.rule.title


def question_fields(
    asked: CalculatorQuery,
    inquiry: Questionnaire,
    values: Mapping[str, Value],
    wrong: Mapping[str, InvalidCell],
    *,
    now: bool,
) -> list[tuple[Question, QuestionField]]:
    """The questions to be shown, in their order: those open now and those answered; or, not `now`, those for later."""
    by_key = {each.question.key: each for each in inquiry.open}
    standings = {each.place.key: each for each in inquiry.progress}
    found = []
    for question in inquiry.questions:
        still = by_key.get(question.key)
        typed = question.key in asked.texts or question.key in inquiry.presumed
        if (now and (typed or (still and still.now))) or (not now and not typed and still and not still.now):
            found.append((question, _field(asked, inquiry, question, still, standings, values, wrong)))
    return found


def _field(
    asked: CalculatorQuery,
    inquiry: Questionnaire,
    question: Question,
    still: OpenQuestion | None,
    standings: Mapping[str, RuleProgress],
    values: Mapping[str, Value],
    wrong: Mapping[str, InvalidCell],
) -> QuestionField:
    spec, key = question.spec, question.key
    text = asked.texts.get(key, "")
    presumed = not text and key in inquiry.presumed
    value = values.get(key)
    if value is None and presumed:
        value = inquiry.presumed[key]
    places = still.places if still else question.places
    options = _choices(spec, text, value)
    if spec.kind in (ValueKind.BOOL, ValueKind.CHOICE) and value is not None:
        text = _submitted(value)
    return QuestionField(
        key=key, name=PREFIX + key, id=f"{anchor(key)}-c", described_by=f"{anchor(key)}-h",
        label=label_of(spec), kind=spec.kind.value, widget=widget_of(spec, options),
        unit=unit_of(spec), hint=str(HINTS.get(spec.kind, "")),
        inputmode=INPUT_MODES.get(spec.kind, ""), max_length=LONGEST_TEXT,
        text=text, choices=choices(options, text), blank="" if presumed else _t("不知道"),
        reads="" if value is None else format_value(spec.kind, value, options_of(spec), english=reads_english()),
        errors=(cell_error(wrong[key]),) if key in wrong else (), presumed=presumed,
        matters=_matters(question, values, inquiry, standings),
        grounds=list(_grounds(places, spec, standings)),
    )  # fmt: skip


def _matters(
    question: Question, values: Mapping[str, Value], inquiry: Questionnaire, standings: Mapping[str, RuleProgress]
) -> bool:
    """Whether the answer given is one that some rule still rests on: an answer may have been overtaken by others."""
    if question.key not in values and question.key not in inquiry.presumed:
        return True
    for place in question.places:
        failed = {spec.name for each in standings[place.key].verdict.failed for spec in nodes.facts_of(each.node)}
        if not failed or question.spec.name in failed:
            return True
    return False


def _submitted(value: Value) -> str:
    return (YES if value else NO) if isinstance(value, bool) else str(value)


def _choices(spec: FactSpec, text: str, value: Value | None) -> list[tuple[str, str]]:
    """The options as (what is submitted, what is read); a text that is no option stays choosable, for it was typed."""
    if spec.kind == ValueKind.BOOL:
        found = [(YES, _t("是")), (NO, _t("否"))]
    else:
        words = (spec.options_en if reads_english() else None) or option_labels(spec)
        found = [(option, words[option]) for option in spec.options or {}]
    if text and found and value is None:
        found.append((text, text))
    return found


def _grounds(places: Iterable[PolicyRule], spec: FactSpec, standings: Mapping[str, RuleProgress]) -> Iterator[Ground]:
    """The rules that ask, each with the words of the law that make it."""
    for place in places:
        sentence, phrase = _ground(place, spec, standings[place.key].evaluator.terms.options)
        yield Ground(sentence, phrase, title_of(place))


def _ground(place: PolicyRule, spec: FactSpec, options: Mapping[str, str]) -> tuple[str, str]:
    rule = place.rule
    for condition in rule.conditions:
        if spec in nodes.facts_of(condition.node):
            return condition.sentence, condition.phrase
    cited = [
        node
        for root in rule.roots
        for node in nodes.walk(root, options)
        if isinstance(node, nodes.Cited) and node.phrase and spec in nodes.facts_of(node)
    ]
    return (cited[-1].sentence, cited[-1].phrase) if cited else (rule.sentence, rule.phrase)


def group_fields(found: Sequence[tuple[Question, QuestionField]]) -> list[Group]:
    """The fields by article in the order of the law; those that several articles share stand first."""
    groups: dict[tuple[str, str], Group] = {}
    for question, each in found:
        articles = {(place.policy.name, place.rule.sentence.split(".")[0]) for place in question.places}
        if len(articles) > 1:
            key, made = ("", ""), Group(None, "", _t("几条共用"), [])
        else:
            place = question.places[0]
            article = place.policy.article(place.rule.sentence.split(".")[0])
            key = (place.policy.name, article.number)
            made = Group(place.policy, article.number, article_title(place.policy, article.number), [])
        groups.setdefault(key, made).fields.append(each)
    return sorted(groups.values(), key=_position)


def article_title(policy: Policy, number: str) -> str:
    """An article as the text names it."""
    title = policy.article(number).title
    return f"第{number}条 {title}" if number.isdigit() and number != "0" else title


def _position(group: Group) -> tuple[str, int]:
    if group.policy is None:
        return "", 0
    return group.policy.name, [each.number for each in group.policy.text.articles].index(group.article)
