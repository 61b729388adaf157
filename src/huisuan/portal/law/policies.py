"""The policies, for everyone: the text sentence by sentence, and what of it the platform computes."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from huisuan.law.explain import default_day, general_terms, rule_prose
from huisuan.law.model import FactSpec, Handling, Rule, RuleKind
from huisuan.law.policy import Policy, SentenceCoverage, list_coverage, list_policies, load_installed, load_policy
from huisuan.law.text import ArticleText, Departments, Sentence
from huisuan.parties.route_access import public_page
from huisuan.portal.law.procedures import ShownProcedure, procedures_of
from huisuan.portal.law.prose_html import as_html
from huisuan.portal.law.reasoning import reads_english

_LABELS: dict[RuleKind, str | Promise] = {
    RuleKind.PAYS: _("平台计算"), RuleKind.DISCRETION: _("一事一议"), RuleKind.ENTITLES: _("平台判定"),
}  # fmt: skip
HANDLINGS: dict[Handling, str | Promise] = {
    Handling.COMPUTED: _("计算"), Handling.PROCEDURAL: _("程序"), Handling.DECLARED: _("宣示"),
    Handling.OPEN: _("未处理"),
}  # fmt: skip

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class FactRow:
    """A fact that a rule asks for, as the page shows it."""

    name: str
    label: str
    kind: str
    evidence: str


@dataclass(frozen=True)
class Computed:
    """What the platform computes of a sentence."""

    key: str
    label: str | Promise
    title: str
    words: SafeString
    facts: list[FactRow]


@dataclass(frozen=True)
class ReadSentence:
    """A sentence, how it is accounted for, and what is computed of it; `said` is what offices do, or why nothing is."""

    sentence: Sentence
    covered: SentenceCoverage
    handling: str | Promise
    said: list[str]
    duty: Departments
    computed: list[Computed]
    procedures: list[ShownProcedure]


@dataclass(frozen=True)
class ReadArticle:
    """An article with its sentences; `chapter` is set where a new chapter begins."""

    article: ArticleText
    chapter: str
    sentences: list[ReadSentence]


def _asked(spec: FactSpec) -> FactRow:
    return FactRow(spec.name, spec.en if reads_english() else spec.zh, spec.kind.value, spec.evidence)


def _computed(policy: Policy, rule: Rule) -> Computed:
    today = timezone.localdate()
    terms = general_terms(rule, policy.adopted(default_day(policy, today), today))
    words = rule_prose(rule, "en" if reads_english() else "zh", terms)
    title = rule.title_en if reads_english() else rule.title
    return Computed(rule.key, _LABELS[rule.kind], title, as_html(words), [_asked(spec) for spec in rule.facts])


def _sentence(policy: Policy, sentence: Sentence, covered: SentenceCoverage) -> ReadSentence:
    rules = [rule for rule in policy.rules if rule.sentence == sentence.number]
    titles = {rule.title_en if reads_english() else rule.title for rule in rules}
    said = [each for each in (covered.what_en if reads_english() else covered.what) if each not in titles]
    return ReadSentence(
        sentence, covered, HANDLINGS[covered.handling], said, policy.text.departments_for(sentence.number),
        [_computed(policy, rule) for rule in rules], procedures_of(policy, sentence.number),
    )  # fmt: skip


def _articles(policy: Policy) -> list[ReadArticle]:
    read, before = [], ""
    covered = {each.sentence: each for each in list_coverage(policy)}
    for article in policy.text.articles:
        sentences = [_sentence(policy, sentence, covered[sentence.number]) for sentence in article.sentences]
        read.append(ReadArticle(article, article.chapter if article.chapter != before else "", sentences))
        before = article.chapter
    return read


def load_all_policies() -> tuple[list[Policy], list[str]]:
    """The policies that stand up, and the names of those that do not."""
    found, broken = load_installed()
    for name, wrong in broken.items():
        log.error("%s: %s", name, wrong)
    return found, list(broken)


@public_page
def policies(request: HttpRequest) -> HttpResponse:
    """All policies that are installed."""
    today = timezone.localdate()
    found, broken = load_all_policies()
    rows = [(policy, policy.in_force(today)) for policy in found]
    context = {"policies": rows, "broken": broken, "english": reads_english()}
    return render(request, "portal/law/policies.html", context)


@public_page
def policy_page(request: HttpRequest, name: str) -> HttpResponse:
    """One policy: its text, with what is computed under each sentence."""
    if name not in list_policies():
        raise Http404
    policy = load_policy(name)
    context = {
        "policy": policy,
        "title": policy.title_en if reads_english() else policy.title,
        "in_force": policy.in_force(timezone.localdate()),
        "articles": _articles(policy),
        "english": reads_english(),
        "here": "policies",
    }
    return render(request, "portal/law/policy.html", context)
