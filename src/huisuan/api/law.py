"""The law over HTTP: anyone may read it and ask it."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Router, Schema

from huisuan.base.errors import InvalidRequest
from huisuan.base.months import SHANGHAI
from huisuan.law.explain import default_day, explain, general_terms, parse_facts, rule_prose
from huisuan.law.forms import csv_template, facts_schema, xlsx_template
from huisuan.law.model import LawError, Rule, to_json
from huisuan.law.policy import Policy, list_coverage, load_installed, load_policy
from huisuan.parties.api_errors import ApiRefusal

router = Router(tags=["政策"], auth=None)
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class Question(Schema):
    """Facts (money in fen), the day of the law, the day of knowledge; without days: today, within validity.

    `spend@2024-07-01` is the part of a fact from that day on; `began` the day on which what is asked about began.
    """

    facts: dict[str, Any]
    on: date | None = None
    as_known: date | None = None
    began: date | None = None


@router.get("/law", summary="政策列表")
def policies(request: HttpRequest) -> list[dict[str, Any]]:
    """Every policy that is installed; of one that does not stand up its name and what is wrong with it (`error`)."""
    found, broken = load_installed()
    return [*map(_about, found), *({"name": name, "error": wrong} for name, wrong in broken.items())]


@router.get("/law/{policy}", summary="一个政策的全文")
def policy_text(request: HttpRequest, policy: str) -> dict[str, Any]:
    """A policy with its sentences, the departments that the text names, and what is computed."""
    law = _policy(policy)
    sentences = [
        {
            "number": each.number, "text": each.text, "responsible": each.responsible,
            "cooperating": each.cooperating,
        }
        for each in law.text.sentences.values()
    ]  # fmt: skip
    return {**_about(law), "text": sentences}


@router.get("/law/{policy}/coverage", summary="逐句交代：计算、程序或宣示")
def covered(request: HttpRequest, policy: str) -> list[dict[str, Any]]:
    """How every sentence is accounted for, with the departments that the text names."""
    return [each.to_dict() for each in list_coverage(_policy(policy))]


@router.get("/law/{policy}/{article}/facts", summary="一条（句）需要的事实")
def facts(request: HttpRequest, policy: str, article: str) -> list[dict[str, Any]]:
    """The facts that a sentence asks for."""
    return [spec.to_dict() for spec in _rule(_policy(policy), article).facts]


@router.get("/law/{policy}/{article}/schema", summary="事实的 JSON Schema（2020-12）")
def schema(request: HttpRequest, policy: str, article: str) -> dict[str, Any]:
    """What `explain` takes: types, maxima, options with their words, and in `x-` keywords unit, sentence, evidence."""
    law = _policy(policy)
    return facts_schema(law, _rule(law, article))


@router.get("/law/{policy}/{article}/template.csv", summary="填报模板（CSV）")
def template_csv(request: HttpRequest, policy: str, article: str) -> HttpResponse:
    """A CSV to fill in: a row a case, money in yuan."""
    law = _policy(policy)
    rule = _rule(law, article)
    return _file(csv_template(rule), f"{law.name}-{rule.key}.csv", "text/csv; charset=utf-8")


@router.get("/law/{policy}/{article}/template.xlsx", summary="填报模板（XLSX）")
def template_xlsx(request: HttpRequest, policy: str, article: str) -> HttpResponse:
    """A workbook to fill in, with drop-downs and a sheet that explains every field."""
    law = _policy(policy)
    rule = _rule(law, article)
    return _file(xlsx_template(law, rule), f"{law.name}-{rule.key}.xlsx", _XLSX)


@router.get("/law/{policy}/{article}/prose", summary="规则的白话")
def words(request: HttpRequest, policy: str, article: str) -> dict[str, str]:
    """The rule in words, in both languages (Markdown)."""
    law = _policy(policy)
    rule = _rule(law, article)
    today = datetime.now(UTC).astimezone(SHANGHAI).date()
    terms = general_terms(rule, law.adopted(default_day(law, today), today))
    return {"zh": rule_prose(rule, "zh", terms), "en": rule_prose(rule, "en", terms)}


@router.post("/law/{policy}/{article}/explain", summary="对一组事实作答")
def answer(request: HttpRequest, policy: str, article: str, asked: Question) -> dict[str, Any]:
    """The answer: status, amount in fen, reasons, steps with their sentences and phrases."""
    law = _policy(policy)
    rule = _rule(law, article)
    today = datetime.now(UTC).astimezone(SHANGHAI).date()
    on = asked.on or default_day(law, today)
    try:
        values = parse_facts(rule, asked.facts)
        return explain(law, rule, values, on=on, as_known=asked.as_known or today, began=asked.began).to_dict()
    except LawError as error:
        raise InvalidRequest(str(error), code=error.code) from None


def _file(content: bytes, name: str, kind: str) -> HttpResponse:
    return HttpResponse(content, content_type=kind, headers={"Content-Disposition": f'attachment; filename="{name}"'})


def _policy(name: str) -> Policy:
    try:
        return load_policy(name)
    except LawError as error:
        raise ApiRefusal(404, str(error), code=error.code) from None


def _rule(policy: Policy, article: str) -> Rule:
    try:
        return policy.rule(article)
    except LawError as error:
        raise ApiRefusal(404, str(error), code=error.code) from None


def _about(policy: Policy) -> dict[str, Any]:
    return {
        "name": policy.name, "title": policy.title, "title_en": policy.title_en, "issuer": policy.issuer,
        "issued": to_json(policy.issued), "valid_from": to_json(policy.valid_from),
        "valid_to": to_json(policy.valid_to), "digest": policy.digest, "note": policy.note,
        "rules": [
            {
                "rule": rule.key, "sentence": rule.sentence, "kind": rule.kind.value, "title": rule.title,
                "to": rule.to, "audience": list(rule.claimants),
            }
            for rule in policy.rules
        ],
    }  # fmt: skip
