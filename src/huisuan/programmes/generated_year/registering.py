"""The firms of a generated year on the registers that its claims are read from; a few are on none."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import date, datetime

from huisuan.compute.fact_sources.registry import is_on_register
from huisuan.law.policy import Policy
from huisuan.law.procedure import Duty, FieldKind, RegisterField, RegisterSpec
from huisuan.programmes.generated_year.people import YearPeople
from huisuan.programmes.registers.services import import_register

#: of a hundred firms so many are not on a register that a rule asks for
_LEFT_OUT = 6


def enter_claimants(policy: Policy, people: YearPeople, seed: int, year: int, now: datetime) -> None:
    """Put nearly all firms on each register of the policy that says who may claim under one of its rules."""
    named = {spec.measure for rule in policy.rules for spec in rule.facts if is_on_register(spec)}
    for spec in policy.registers:
        if spec.key in named:
            chance = random.Random(f"{seed} {spec.key}")  # noqa: S311 (a made-up year, no secret)
            heads = ",".join(spec.columns.values())
            content = "\n".join([heads, *_rows(spec, people, chance, date(year, 1, 1))]).encode()
            keeper = people.official(Duty.REGISTER.value, spec.office)
            import_register(content, "示例名录.csv", policy.name, spec.key, by=keeper, now=now)


def _rows(spec: RegisterSpec, people: YearPeople, chance: random.Random, first: date) -> Iterator[str]:
    for at, owner in enumerate(people.owners):
        if owner.party is None or chance.randrange(100) < _LEFT_OUT:
            continue
        cells = {
            "code": f"SL-{at:05d}",
            "name": owner.party.name,
            "holder": owner.party.uscc,
            "from": first.isoformat(),
        }
        cells |= {one.key: _cell(one, first) for one in spec.fields if one.required}
        yield ",".join(cells.get(key, "") for key in spec.columns)


def _cell(one: RegisterField, first: date) -> str:
    if one.kind is FieldKind.CHOICE:
        return next(iter(one.options.values()))[0]
    return {FieldKind.DAY: first.isoformat(), FieldKind.TEXT: "示例"}.get(one.kind, "0")
