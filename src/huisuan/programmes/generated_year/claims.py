"""Claims varied from the worked cases of a policy: amounts move, a few are left wrong, some objects are named twice."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from huisuan.law.cases import Case, parse_given
from huisuan.law.explain import parse_facts
from huisuan.law.forms import format_cell
from huisuan.law.model import Rule, ValueKind
from huisuan.law.procedure import ObjectKind, ProgrammeSpec

#: of a hundred claims so many name what another one named, and so many have a condition turned round
_REPEATED, _TURNED = 2, 6
_CODES = {
    ObjectKind.STANDARD: "GB/T {at}-2023", ObjectKind.CONTRACT: "HT-{key}-{at}", ObjectKind.INVOICE: "FP{key}-{at}",
    ObjectKind.PROJECT: "XM-{key}-{at}", ObjectKind.VOUCHER: "PZ-{key}-{at}",
}  # fmt: skip


@dataclass(frozen=True)
class ClaimTexts:
    """What a claim says: a text for each fact as people type it, and the objects that it names."""

    facts: dict[str, str]
    named: tuple[dict[str, str], ...]


class ClaimWriter:
    """Writes claims under one programme; the same seed writes the same ones. `event`: when what they name happened."""

    def __init__(self, seed: int, programme: ProgrammeSpec, rule: Rule, cases: tuple[Case, ...], event: date) -> None:
        self._chance = random.Random(f"{seed} {programme.key}")  # noqa: S311 (a made-up year, no secret)
        self._programme, self._rule, self._cases = programme, rule, cases
        self._objects, self._event = 0, event

    def write(self) -> ClaimTexts:
        """The next claim."""
        case = self._chance.choice(self._cases)
        specs = {spec.name: spec for spec in self._rule.facts}
        given = {name: parse_given(specs.get(name), raw, case.place) for name, raw in dict(case.given).items()}
        values = dict(parse_facts(self._rule, given))
        turned = self._chance.randrange(100) < _TURNED
        conditions = [name for name, value in values.items() if value is True]
        if turned and conditions:
            values[self._chance.choice(conditions)] = False
        for name, value in values.items():
            if specs[name].kind is ValueKind.MONEY and isinstance(value, int):
                values[name] = value * self._chance.randrange(60, 100) // 100 // 100 * 100
        values |= {spec.name: self._event for spec in self._rule.facts if spec.role == "event"}
        facts = {name: format_cell(specs[name], value) for name, value in values.items() if value is not None}
        return ClaimTexts(facts, tuple(self._name()))

    def _name(self) -> Iterator[dict[str, str]]:
        """One object of each kind that a claim must name; now and then the one that was named last."""
        for asked in self._programme.objects:
            if asked.required:
                repeated = self._objects > 0 and self._chance.randrange(100) < _REPEATED
                self._objects += not repeated
                code = _CODES[asked.kind].format(key=self._programme.key, at=10_000 + self._objects)
                yield {"kind": asked.kind.value, "code": code}
