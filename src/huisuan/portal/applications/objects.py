"""The objects that a draft claims for, as its form asks for them: a list of codes for each kind, one a line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from huisuan.law.model import Rule
from huisuan.law.policy import Policy
from huisuan.law.procedure import OBJECT_WORDS, ClaimObjectSpec
from huisuan.portal.law.reasoning import reads_english


@dataclass(frozen=True)
class ObjectField:
    """A kind of object with what was typed for it, one code a line."""

    key: str
    label: str
    example: str
    required: bool
    text: str


def object_fields(law: Policy, rule: Rule, named: Sequence[Mapping[str, str]]) -> list[ObjectField]:
    """One for each kind that the programme of the rule asks for; none where it asks for none."""
    found = []
    for spec in _asked(law, rule):
        zh, en, example = OBJECT_WORDS[spec.kind]
        codes = [each["code"] for each in named if each["kind"] == spec.kind]
        label = en.capitalize() if reads_english() else zh
        found.append(ObjectField(f"object-{spec.kind}", label, example, spec.required, "\n".join(codes)))
    return found


def typed_objects(law: Policy, rule: Rule, form: Mapping[str, str]) -> list[dict[str, str]]:
    """What was typed into the form: kind and code of each, in the order of the form."""
    return [
        {"kind": spec.kind.value, "code": line.strip()}
        for spec in _asked(law, rule)
        for line in form.get(f"object-{spec.kind}", "").splitlines()
        if line.strip()
    ]


def _asked(law: Policy, rule: Rule) -> tuple[ClaimObjectSpec, ...]:
    return next((programme.objects for programme in law.programmes if programme.key == rule.key), ())
