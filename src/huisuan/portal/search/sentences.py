"""Sentences of the policies that hold all words of a text, or whose articles or computed rules are titled so."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from unicodedata import normalize

from django.urls import reverse

from huisuan.law.policy import Policy
from huisuan.portal.law.policies import load_all_policies
from huisuan.portal.law.reasoning import reads_english

_BEFORE, _SHOWN = 20, 80  # characters before the first word, and of the sentence in all


@dataclass(frozen=True)
class FoundSentence:
    """A sentence that was found: its number, its policy's title, where it stands, and its text around the words."""

    number: str
    policy: str
    href: str
    excerpt: str


def folded(text: str) -> str:
    """A text as it is compared: width and case make no difference."""
    return normalize("NFKC", text).casefold()


def search_sentences(words: Iterable[str]) -> list[FoundSentence]:
    """The sentences of every policy that can be read."""
    wanted = [folded(word) for word in words]
    return [found for policy in load_all_policies()[0] for found in _of(policy, wanted)]


def _of(policy: Policy, wanted: list[str]) -> list[FoundSentence]:
    titles: dict[str, str] = {}
    for rule in policy.rules:
        titles[rule.sentence] = f"{titles.get(rule.sentence, '')} {rule.title} {rule.title_en}"
    name = policy.title_en if reads_english() else policy.title
    page = reverse("policy", args=[policy.name])
    return [
        FoundSentence(each.number, name, f"{page}#s{each.number}", _excerpt(each.text, wanted))
        for article in policy.text.articles
        for each in article.sentences
        if all(word in folded(f"{each.text} {titles.get(each.number, '')}") for word in wanted)
    ]


def _excerpt(text: str, wanted: list[str]) -> str:
    """The sentence around the first word that stands in it; its beginning where none does."""
    places = [at for word in wanted if (at := text.casefold().find(word)) >= 0]
    begins = max(0, min(places, default=0) - _BEFORE)
    ends = begins + _SHOWN
    return f"{'…' if begins else ''}{text[begins:ends]}{'…' if ends < len(text) else ''}"
