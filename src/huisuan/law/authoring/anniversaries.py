"""Whole years from a day: what 29 February comes to in a year that has none is a question with an authority.

years = anniversary("3.1.leap", sentence="3.1", phrase="成立不满3年")
...
(years.after(firm.founded, 3) > firm.applied).required("3.1", "成立不满3年", "成立不满三年", "Not yet three years")
"""

from __future__ import annotations

from huisuan.law.authoring.declarations import Interpretation
from huisuan.law.authoring.operators import Date
from huisuan.law.model.expressions import InterpretationSpec


class Anniversary(Interpretation):
    """The question on which day a year is over that began on 29 February."""

    def after(self, day: Date, years: int) -> Date:
        """The day on which so many years are over."""
        return self.choose(last=day.plus(years=years), next=day.plus(years=years, late=True))

    def before(self, day: Date, years: int) -> Date:
        """The day so many years before."""
        return self.choose(last=day.minus(years=years), next=day.minus(years=years, late=True))


def anniversary(name: str, *, sentence: str, phrase: str) -> Anniversary:
    """Declare the question for a sentence that counts in years."""
    zh, en = "2月29日在平年的对应日", "The anniversary of 29 February in other years"
    zh_words = {"last": "2月28日", "next": "3月1日"}
    en_words = {"last": "28 February", "next": "1 March"}
    return Anniversary(InterpretationSpec(name, sentence, phrase, zh, en, zh_words, en_words))
