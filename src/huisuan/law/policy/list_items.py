"""Items of a numbered list of the text that no rule cites although it cites others: a kind of cost left out, a case."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from huisuan.law.policy.policy import Policy
from huisuan.law.text.list_marks import LIST_MARK
from huisuan.law.text.policy_text import Sentence

_EDGES = "；;，,、。 \n"


@dataclass(frozen=True)
class UncitedItem:
    """An item of a sentence's list, as written."""

    sentence: str
    text: str


def uncited_items(policy: Policy) -> list[UncitedItem]:
    """Every item of a list that nothing cites, where something cites another item of it by itself."""
    return [UncitedItem(each.number, text) for each in policy.text.sentences.values() for text in _left(policy, each)]


def _left(policy: Policy, sentence: Sentence) -> Iterator[str]:
    items = list(_items(sentence.text))
    if len(items) < 2:
        return
    spans = list(_cited_spans(policy, sentence))
    # one that reaches over several items is about the list as a whole
    if not any(_lies_in(span, item) for span in spans for item in items):
        return
    for start, end in items:
        if not any(first < end and start < last for first, last in spans):
            yield sentence.text[start:end]


def _items(text: str) -> Iterator[tuple[int, int]]:
    marks = list(LIST_MARK.finditer(text))
    ends = [*(mark.start() for mark in marks), len(text)][1:]
    for mark, end in zip(marks, ends, strict=True):
        written = text[mark.end() : end]
        start = mark.end() + len(written) - len(written.lstrip(_EDGES))
        yield start, mark.end() + len(written.rstrip(_EDGES))


def _cited_spans(policy: Policy, sentence: Sentence) -> Iterator[tuple[int, int]]:
    cited = {phrase for rule in policy.rules for number, phrase in rule.citations() if number == sentence.number}
    cited |= {handling.phrase for handling in policy.handlings if handling.sentence == sentence.number}
    for phrase in cited:
        yield from ((found.start(), found.end()) for found in re.finditer(re.escape(phrase), sentence.text) if phrase)


def _lies_in(span: tuple[int, int], item: tuple[int, int]) -> bool:
    return item[0] <= span[0] and span[1] <= item[1]
