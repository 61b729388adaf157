"""Amounts of which one is taken: the explanation names the one that was."""

from __future__ import annotations

from huisuan.law.authoring.operators import Money, when


def higher_of(
    one: Money, other: Money, sentence: str, phrase: str, zh: str = "取高者", en: str = "The higher"
) -> Money:
    """The higher of two amounts; where both are equal, the first. The explanation names the one that was taken.

    Both are to be named by `cites` themselves.
    """
    return when(one >= other, one, other).cites(sentence, phrase, zh, en)


def lower_of(one: Money, other: Money, sentence: str, phrase: str, zh: str = "取低者", en: str = "The lower") -> Money:
    """The lower of two amounts; where both are equal, the first. For a limit that the law calls one: `capped`."""
    return when(one <= other, one, other).cites(sentence, phrase, zh, en)
