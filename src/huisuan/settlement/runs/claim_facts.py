"""The facts of one claim (a project) that registers know, by the measures of the registry, and the rule's answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from huisuan.base.errors import InvalidRequest
from huisuan.compute.fact_sources.registry import ClaimMeasure, measure_of
from huisuan.law.explain import RuleInput, explain, parse_facts
from huisuan.law.model import Answer, FactSpec, LawError, Value, to_json
from huisuan.law.policy import PolicyRule, load_policy
from huisuan.settlement.runs.paid_parts import ClaimSubject, PaidPart, answer_in_parts, paid_parts
from huisuan.treasury.city_payments import paid_by_city

#: by source and measure who answers; every claim measure of the registry is here
PROVIDERS: Mapping[tuple[str, str], Callable[[ClaimSubject], Value]] = {
    ("treasury", "city_payments"): lambda asked: paid_by_city(
        asked.city, asked.project, asked.starts, asked.ends, asked.as_known
    ),
}


@dataclass(frozen=True)
class RegisteredClaim:
    """A rule's answer about one project, and which of its facts came from a register."""

    answer: Answer
    registered: Mapping[str, Value]


def claim_values(facts: Iterable[FactSpec], subject: ClaimSubject) -> dict[str, Value]:
    """By name what the registers say of the claim."""
    return {
        spec.name: PROVIDERS[spec.known_by, spec.measure](subject)
        for spec in facts
        if isinstance(measure_of(spec), ClaimMeasure)
    }


def answer_claim(
    policy: str,
    rule: str,
    city: str,
    project: str,
    year: int,
    declared: Mapping[str, object],
    as_known: date,
    *,
    span: tuple[int, int] | None = None,
) -> RegisteredClaim:
    """Ask a rule about a city's project with a year's payments by the register and what the applicant declares.

    `span`: with the payments of the first to the last of these years, read on the day for the year all the same.

    Raises:
        InvalidRequest: see `claim_question`.
    """
    asked = claim_question(policy, rule, city, project, year, declared, as_known, span=span)
    place = asked.question.place
    try:
        if len(asked.parts) < 2:
            answer = explain(place.policy, place.rule, asked.question.facts, on=asked.on, as_known=as_known)
        else:
            answer = answer_in_parts(place, asked.question.facts, asked.parts, as_known)
    except LawError as error:
        raise InvalidRequest(str(error), code=error.code) from None
    return RegisteredClaim(answer, asked.registered)


@dataclass(frozen=True)
class ClaimQuestion:
    """What a rule is asked about one project, by which day's law, and which of its facts came from a register.

    `parts`: what was paid, told apart by the days on which the law reads otherwise, where it is read by those days.
    """

    question: RuleInput
    on: date
    registered: Mapping[str, Value]
    parts: tuple[PaidPart, ...] = ()


def claim_question(
    policy: str,
    rule: str,
    city: str,
    project: str,
    year: int,
    declared: Mapping[str, object],
    as_known: date,
    *,
    span: tuple[int, int] | None = None,
) -> ClaimQuestion:
    """The question of `answer_claim`: to be asked alone, or beside other rules that pay for the same.

    Raises:
        InvalidRequest: no such policy or rule, one of which no register knows anything, facts that cannot be read, or
            one that is declared though a register knows it.
    """
    try:
        law = load_policy(policy)
        asked = law.rule(rule)
        first, last = span or (year, year)
        starts, ends = max(date(first, 1, 1), law.valid_from), min(date(last, 12, 31), law.last_day(as_known))
        subject = ClaimSubject(city, project, starts, ends + timedelta(days=1), as_known)
        registered = claim_values(asked.facts, subject)
        if not registered:
            raise InvalidRequest(f"第 {asked.key} 句没有按项目登记的事实", code="settlement.rule_without_claims")
        if twice := registered.keys() & declared.keys():
            raise InvalidRequest(
                f"{'、'.join(sorted(twice))} 由登记得出，不能另行申报；登记有误请先更正登记",
                code="settlement.fact_declared_twice",
            )
        facts = parse_facts(asked, {**declared, **{name: to_json(value) for name, value in registered.items()}})
        place = PolicyRule(law, asked)
        on = max(min(date(year, 12, 31), law.last_day(as_known)), law.valid_from)
        parts = paid_parts(place, subject, on)
        return ClaimQuestion(RuleInput(place, facts), parts[-1].day if parts else on, registered, parts)
    except LawError as error:
        raise InvalidRequest(str(error), code=error.code) from None
