"""The policies, for everyone: the text sentence by sentence, and what of it the platform computes."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.safestring import SafeString

from huisuan.law.nodes import FactSpec
from huisuan.law.policy import Policy, list_policies, load_policy
from huisuan.law.prose import prose
from huisuan.law.rules import Rule
from huisuan.law.text import ArticleText, LawError, Sentence
from huisuan.parties.gate import public
from huisuan.portal.public.prose import as_html
from huisuan.portal.user.reasoning import english


@dataclass(frozen=True)
class Asked:
    """A fact that a rule asks for, as the page shows it."""

    name: str
    label: str
    kind: str
    evidence: str


@dataclass(frozen=True)
class Computed:
    """What the platform computes of a sentence."""

    title: str
    words: SafeString
    facts: list[Asked]


@dataclass(frozen=True)
class ReadSentence:
    """A sentence with what is computed of it."""

    sentence: Sentence
    computed: list[Computed]


@dataclass(frozen=True)
class ReadArticle:
    """An article with its sentences; `chapter` is set where a new chapter begins."""

    article: ArticleText
    chapter: str
    sentences: list[ReadSentence]


def _asked(spec: FactSpec) -> Asked:
    return Asked(spec.name, spec.en if english() else spec.zh, spec.kind.value, spec.evidence)


def _computed(rule: Rule) -> Computed:
    words = prose(rule, "en" if english() else "zh")
    title = rule.title_en if english() else rule.title
    return Computed(title, as_html(words), [_asked(spec) for spec in rule.facts])


def _articles(policy: Policy) -> list[ReadArticle]:
    read, before = [], ""
    for article in policy.text.articles:
        sentences = [
            ReadSentence(sentence, [_computed(rule) for rule in policy.rules if rule.sentence == sentence.number])
            for sentence in article.sentences
        ]
        read.append(ReadArticle(article, article.chapter if article.chapter != before else "", sentences))
        before = article.chapter
    return read


def _policies() -> list[Policy]:
    return [load_policy(name) for name in list_policies()]


@public
def policies(request: HttpRequest) -> HttpResponse:
    """All policies that are installed."""
    today = timezone.localdate()
    rows = [(policy, policy.in_force(today)) for policy in _policies()]
    return render(request, "portal/public/policies.html", {"policies": rows, "english": english()})


@public
def policy_page(request: HttpRequest, name: str) -> HttpResponse:
    """One policy: its text, with what is computed under each sentence."""
    try:
        policy = load_policy(name)
    except LawError:
        raise Http404 from None
    context = {
        "policy": policy,
        "title": policy.title_en if english() else policy.title,
        "in_force": policy.in_force(timezone.localdate()),
        "articles": _articles(policy),
        "english": english(),
        "here": "policies",
    }
    return render(request, "portal/public/policy.html", context)
