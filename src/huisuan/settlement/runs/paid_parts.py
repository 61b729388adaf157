"""A share of what a city paid, by the law of the day of each payment: cut where the law changes, as use is.

Each part is answered by the law of its days, and all together come to no more than the most that any of these laws
gives for the whole: a cap is one for the claim. Each part is rounded as its rule rounds, so that cutting loses less
than a fen a part and never adds one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from huisuan.base.money import yuan
from huisuan.compute.fact_sources.registry import ClaimMeasure, measure_of
from huisuan.compute.fact_sources.rules import chosen_options
from huisuan.law.explain import explain
from huisuan.law.model import Answer, DayBasis, Step, Value
from huisuan.law.policy import PolicyRule, names_deciding
from huisuan.treasury.city_payments import city_payment_days


@dataclass(frozen=True)
class ClaimSubject:
    """The project of a city that is asked about, over [starts, ends), as known on a day."""

    city: str
    project: str
    starts: date
    ends: date
    as_known: date


@dataclass(frozen=True)
class PaidPart:
    """What was paid (fen) on days of one law: `first` and `day` are the first and the last of them."""

    first: date
    day: date
    fen: int


def reads_by_payment(place: PolicyRule, on: date, as_known: date) -> bool:
    """Whether the settings of a rule are read by the day of payment, by its text or as its question was decided."""
    declared = place.rule.reading_day
    return declared is not None and declared.chosen(chosen_options(place.policy, place.rule, on, as_known)) is (
        DayBasis.PAYMENT
    )


def paid_parts(place: PolicyRule, subject: ClaimSubject, on: date) -> tuple[PaidPart, ...]:
    """What the city paid for a project, cut where the law changes; nothing where the law is not read by those days."""
    if not reads_by_payment(place, on, subject.as_known):
        return ()
    paid = city_payment_days(subject.city, subject.project, subject.starts, subject.ends, subject.as_known)
    if not paid:
        return ()
    law, second = place.policy, min(paid) + timedelta(days=1)
    changed = {change.valid_from for change in law.changes}
    changed |= set(law.settings.changes(names_deciding(law, place.rule), second, max(paid), subject.as_known))
    found: list[PaidPart] = []
    for day, fen in paid.items():
        if found and not any(found[-1].day < edge <= day for edge in changed):
            found[-1] = PaidPart(found[-1].first, day, found[-1].fen + fen)
        else:
            found.append(PaidPart(day, day, fen))
    return tuple(found)


def answer_in_parts(
    place: PolicyRule, facts: Mapping[str, Value | None], parts: Sequence[PaidPart], as_known: date
) -> Answer:
    """The answer of a rule whose payments lie in several parts: each by the law of its days, added up within the cap.

    Raises:
        LawError: what `explain` refuses.
    """
    names = [spec.name for spec in place.rule.facts if isinstance(measure_of(spec), ClaimMeasure)]

    def asked(fen: int, on: date) -> Answer:
        return explain(place.policy, place.rule, {**facts, **dict.fromkeys(names, fen)}, on=on, as_known=as_known)

    whole = sum(part.fen for part in parts)
    answers = [(part, asked(part.fen, part.day), asked(whole, part.day)) for part in parts]
    if unknown := next((one for _, *pair in answers for one in pair if one.amount_fen is None), None):
        return unknown
    total = min(sum(own.amount_fen or 0 for _, own, _ in answers), max(all_.amount_fen or 0 for *_, all_ in answers))
    shown = next((all_ for *_, all_ in reversed(answers) if all_.amount_fen), answers[-1][2])
    steps = [_step(place, part, own.amount_fen or 0) for part, own, _ in answers]
    return replace(shown, amount_fen=total, steps=(*shown.steps, *steps))


def _step(place: PolicyRule, part: PaidPart, owed: int) -> Step:
    days = part.first.isoformat() if part.first == part.day else f"{part.first} – {part.day}"
    sentence, phrase = place.rule.sentence, place.rule.phrase
    zh = f"{days} 支付 {yuan(part.fen)} 元，按拨付之日的规定：{yuan(owed)} 元"
    en = f"Paid {days}: {yuan(part.fen)} yuan, by the law of the day of payment: {yuan(owed)} yuan"
    return Step("figure", sentence, phrase, zh, en, owed)
