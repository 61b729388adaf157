"""By which day of a claim the settings of a rule are read: as its text says, or as a question decides."""

from __future__ import annotations

from huisuan.law.authoring.declarations import Interpretation
from huisuan.law.model import expressions as nodes
from huisuan.law.model.errors import LawError
from huisuan.law.model.expressions import Node
from huisuan.law.model.rules import DayBasis, ReadingDay

SETTING_DAYS = {"payment", "application", "event"}


def read_on(day: str, sentence: str, phrase: str) -> ReadingDay:
    """Settings are read on the day of "payment", "application" or "event", says the phrase.

    Raises:
        LawError: another day; for the days of use see `by_day_of_use`.
    """
    if day not in SETTING_DAYS:
        raise LawError(
            f"{sentence}：read_on 应为 {'、'.join(sorted(SETTING_DAYS))} 之一；按用量发生之日的请写 by_day_of_use",
            code="law.reading_day_unknown",
        )
    return ReadingDay(sentence, phrase, DayBasis(day))


def declared_reading_day(amount: Node, declared: ReadingDay | Interpretation | None) -> ReadingDay | None:
    """The day of a rule that pays such an amount: of use, where it counts by the days of use, else as declared.

    Raises:
        LawError: a question with options that are no such days.
    """
    by_day = next((node for node in nodes.walk(amount) if isinstance(node, nodes.ByDay)), None)
    if by_day is not None:
        return ReadingDay(by_day.sentence, by_day.phrase, DayBasis.USE)
    if not isinstance(declared, Interpretation):
        return declared
    if not set(declared.spec.options) <= SETTING_DAYS:
        raise LawError(
            f"解释口径 {declared.spec.name}：选项只能是 {'、'.join(sorted(SETTING_DAYS))}",
            code="law.reading_day_unknown",
        )
    return ReadingDay(declared.spec.sentence, declared.spec.phrase, None, declared.spec)
