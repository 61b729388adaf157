"""The offices that a text names behind a sentence, one by one; and which of them are one for each city."""

from __future__ import annotations

import re
from collections.abc import Iterable

from huisuan.law.text.policy_text import PolicyText

#: one office a city, however a text names them together
EACH_CITY = frozenset({"相关市人民政府", "有关市人民政府", "所在市人民政府", "各市人民政府"})
_BETWEEN = re.compile(r"[、，；,;]")


def offices_named(text: PolicyText, sentence: str) -> tuple[str, ...]:
    """The offices responsible for a sentence and those that cooperate, in the order of the text."""
    behind = text.departments_for(sentence)
    return _one_by_one(f"{behind.responsible}、{behind.cooperating}")


def office_in_city(office: str, city: str) -> str:
    """An office where a city is concerned: its own government where the text means that of each city."""
    return f"{city}人民政府" if office in EACH_CITY else office


def names_each_city(offices: Iterable[str]) -> bool:
    """Whether one of some offices is that of each city."""
    return not EACH_CITY.isdisjoint(offices)


def _one_by_one(names: str) -> tuple[str, ...]:
    parts = (part.strip().removesuffix("等") for part in _BETWEEN.split(names))
    return tuple(dict.fromkeys(part for part in parts if part))
