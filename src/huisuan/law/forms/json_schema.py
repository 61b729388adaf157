"""The JSON Schema (2020-12) of a rule's facts: what `explain` takes over HTTP and from a file.

A fact that is absent or null is not known. Money is an integer number of fen. What JSON Schema has no word for stands
in `x-` keywords: the unit, the sentence that asks, the evidence, who knows the value already.
"""

from __future__ import annotations

from typing import Any

from huisuan.law.model.expressions import FactSpec
from huisuan.law.model.rules import Rule
from huisuan.law.model.values import ValueKind
from huisuan.law.policy.policy import Policy

DIALECT = "https://json-schema.org/draft/2020-12/schema"
SHARE = r"^(?:[0-9]{1,5}/[1-9][0-9]{0,4}|(?:0{0,2}[0-9]|0?[0-9]{2})(?:\.[0-9]{1,2})?%|100(?:\.0{1,2})?%)$"
DATE = r"^(?:19|20|21)[0-9]{2}-[0-9]{2}-[0-9]{2}$"


def facts_schema(policy: Policy, rule: Rule) -> dict[str, Any]:
    """The schema of the facts of a rule, with the digest of the policy that it was made from."""
    sentence = policy.text.sentences[rule.sentence]
    return {
        "$schema": DIALECT,
        "$id": f"urn:huisuan:{policy.name}:{rule.key}:facts:{policy.digest}",
        "title": f"{policy.title} 第 {rule.sentence} 句：{rule.title}",
        "description": f"{sentence.text}\n没有的事实或 null 表示不知道。金额为整数分。",
        "type": "object",
        "additionalProperties": False,
        "properties": {spec.name: _property(policy, spec) for spec in rule.facts},
        "x-title-en": rule.title_en,
        "x-policy": policy.name,
        "x-digest": policy.digest,
        "x-rule": rule.key,
        "x-to": rule.to,
        "x-to-en": rule.to_en,
    }


def _property(policy: Policy, spec: FactSpec) -> dict[str, Any]:
    asks = policy.text.sentences[spec.asked_by]
    lines = [f"{spec.zh}{f'（单位：{spec.unit}）' if spec.unit else ''}。", f"第 {asks.number} 句：{asks.text}"]
    if spec.evidence:
        lines.append(f"证明材料：{spec.evidence}")
    described = {
        "title": spec.zh, "description": "\n".join(lines), "x-title-en": spec.en, "x-kind": spec.kind.value,
        "x-unit": {ValueKind.MONEY: "fen"}.get(spec.kind, spec.unit),
        "x-sentence": asks.number, "x-evidence": spec.evidence,
        "x-known-by": spec.known_by,
    }  # fmt: skip
    return {**_type(spec), **{key: value for key, value in described.items() if value}}


def _type(spec: FactSpec) -> dict[str, Any]:
    if spec.kind in (ValueKind.MONEY, ValueKind.INT):
        most = {} if spec.maximum is None else {"maximum": spec.maximum}
        return {"type": ["integer", "null"], "minimum": 0, **most}
    if spec.kind == ValueKind.BOOL:
        return {"type": ["boolean", "null"]}
    if spec.kind == ValueKind.CHOICE:
        return _options(spec)
    if spec.kind == ValueKind.DATE:
        return {"type": ["string", "null"], "format": "date", "pattern": DATE}
    if spec.kind == ValueKind.SHARE:
        return {"type": ["string", "null"], "pattern": SHARE, "examples": ["20%", "12.5%", "1/3"]}
    return {"type": ["string", "null"]}


def _options(spec: FactSpec) -> dict[str, Any]:
    words, english = spec.options or {}, spec.options_en or {}
    titled: list[dict[str, Any]] = [
        {"const": option, "title": word, **({"x-title-en": english[option]} if option in english else {})}
        for option, word in words.items()
    ]
    return {"enum": [*words, None], "oneOf": [*titled, {"type": "null", "title": "不知道"}]}
