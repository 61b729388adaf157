"""The public calculator: who are you, what matters, and every article that you may claim.

All of it stands in the address, so that it can be shared, printed and asked again; nothing is stored.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import patch_vary_headers

from huisuan.law.explain import Question, build_questionnaire, list_questions
from huisuan.law.model import CLAIMANT_KINDS
from huisuan.law.policy import Policy
from huisuan.parties.route_access import public_page
from huisuan.portal.calculator.answers import answers
from huisuan.portal.calculator.form import (
    PREFIX,
    CalculatorQuery,
    QuestionField,
    group_fields,
    parse_answers,
    question_fields,
    without_presumed,
)
from huisuan.portal.law.policies import load_all_policies
from huisuan.portal.law.reasoning import reads_english
from huisuan.portal.ui.address import refused
from huisuan.portal.ui.forms import with_errors

_LIVE = "calculator"


@dataclass(frozen=True)
class Audience:
    """One of those who may ask: the word, where it leads, how many rules are theirs."""

    name: str
    label: str
    href: str
    rules: int


def calculator_policies() -> tuple[list[Policy], list[str]]:
    """The policies that the calculator answers by, none prepared or invented, and what is wrong with others."""
    found, broken = load_all_policies()
    return [policy for policy in found if not policy.prepared and not policy.example], broken


@public_page
def calculator(request: HttpRequest) -> HttpResponseBase:
    """The page; htmx asks only for the part that changes."""
    policies, broken = calculator_policies()
    known = list_questions(policies)
    asked = without_presumed(CalculatorQuery.from_request(request, policies, timezone.localdate()), known)
    address = _address(asked.query())
    live = request.htmx.target == _LIVE  # type: ignore[attr-defined]
    if not live and "" in request.GET.dict().values():
        return redirect(address)  # a form sent without script carries its empty fields
    template = "portal/calculator/calculator_live.html" if live else "portal/calculator/calculator.html"
    response = render(request, template, {**_context(request, policies, broken, known, asked), "live": live})
    if live:
        response.headers["HX-Replace-Url"] = address
    patch_vary_headers(response, ["HX-Request", "HX-Target", "Cookie"])
    return response


def _address(query: str) -> str:
    return f"{reverse('calculator')}?{query}" if query else reverse("calculator")


def _context(
    request: HttpRequest, policies: list[Policy], broken: list[str], known: tuple[Question, ...], asked: CalculatorQuery
) -> dict[str, object]:
    unissued = [policy for policy in policies if asked.as_known < policy.issued]
    holding = [policy for policy in policies if policy not in unissued and policy.in_force(asked.on)]
    context: dict[str, object] = {
        "asked": asked, "audiences": _audiences(holding, asked), "policies": holding, "broken": broken,
        "others": [policy for policy in policies if policy not in (*holding, *unissued)], "unissued": unissued,
        "today": timezone.localdate(),
        "english": reads_english(), "here": "calculator",
        "not_used": refused(request, *(() if asked.who else ("who",))),
    }  # fmt: skip
    if not asked.who:
        return context
    values, wrong = parse_answers(asked, known)
    inquiry = build_questionnaire(policies, asked.who, values, on=asked.on, as_known=asked.as_known)
    now = question_fields(asked, inquiry, values, wrong, now=True)
    later = question_fields(asked, inquiry, values, wrong, now=False)
    shown = [each for _, each in now]
    return {
        **context, "who": CLAIMANT_KINDS[asked.who][reads_english()],
        "groups": group_fields([(question, each) for question, each in now if not each.presumed]),
        "presumed": [each for each in shown if each.presumed], "later": [each for _, each in later],
        "answers": answers(inquiry, policies, {each.key for each in shown}, asked.on, asked.as_known),
        "given": [each for each in shown if each.reads], "unread": with_errors(shown),
        "left": sum(not each.reads for each in shown),
        "first": next((each.anchor for each in shown if not each.reads), ""),
        "unknown": sorted(asked.texts.keys() - {each.key for each in known}),
        "carried": _carried(asked, known, shown),
        "share": request.build_absolute_uri(_address(asked.query(pinned=True))),
    }  # fmt: skip


def _carried(asked: CalculatorQuery, known: tuple[Question, ...], shown: list[QuestionField]) -> list[tuple[str, str]]:
    """Answers to questions of others or of another day: the form keeps them for whoever changes back."""
    there = {each.key for each in shown}
    keys = (each.key for each in known if each.key not in there and each.key in asked.texts)
    return [(PREFIX + key, asked.texts[key]) for key in keys]


def _audiences(policies: list[Policy], asked: CalculatorQuery) -> list[Audience]:
    counts = {
        name: sum(not rule.claimants or name in rule.claimants for policy in policies for rule in policy.rules)
        for name in CLAIMANT_KINDS
    }
    return [
        Audience(name, label[reads_english()], _address(asked.query(name)), counts[name])
        for name, label in CLAIMANT_KINDS.items()
        if counts[name]
    ]
