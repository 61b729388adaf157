"""What the entries of a register come to together, where a sentence caps it whoever pays."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from django.db import connection

from huisuan.base.csv_lines import LineFault
from huisuan.base.money import yuan
from huisuan.law.policy import Policy
from huisuan.law.procedure import RegisterSpec, RegisterTotal
from huisuan.parties.models import Party
from huisuan.programmes.models import RegisteredThing
from huisuan.programmes.registers.entry_line import ThingContent, normalise_entry_code


@dataclass(frozen=True)
class HeldTotal:
    """What all the entries about one thing come to: `code` is that thing's, `title` the register's."""

    code: str
    title: str
    fen: int
    entries: int


def total_of_holder(policy: Policy, register: str, holder: Party, besides: Collection[str]) -> HeldTotal | None:
    """What a register's total is for the one thing that a party holds on the register that its entries refer to.

    Entries whose codes are in `besides` are left out. None: the party holds none of them, or more than one.
    """
    spec = policy.register(register)
    per = spec.field_of(spec.total.per) if spec.total is not None else None
    if spec.total is None or per is None or not per.refers:
        return None
    standing = RegisteredThing.objects.filter(policy=policy.name, latest__ended=False)
    held = list(standing.filter(register=per.refers, latest__holder=holder).values_list("code", flat=True)[:2])
    if len(held) != 1:
        return None
    left_out = {normalise_entry_code(code) for code in besides}
    rows = standing.filter(register=register).exclude(code__in=left_out).values_list("latest__values", flat=True)
    amounts = [
        int(values[spec.total.field]) for values in rows if normalise_entry_code(str(values[per.key])) == held[0]
    ]
    return HeldTotal(held[0], spec.title, sum(amounts), len(amounts))


@dataclass
class TotalsByKey:
    """By the normalised key the amounts of the entries that stand, in fen, by code of the entry."""

    spec: RegisterSpec
    total: RegisterTotal
    found: dict[str, dict[str, int]]

    @classmethod
    def load(cls, policy: str, spec: RegisterSpec) -> TotalsByKey:
        """Of all entries of a register; until the transaction ends nobody else enters any."""
        assert spec.total is not None
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"register {policy} {spec.key}"])
        made = cls(spec, spec.total, defaultdict(dict))
        standing = RegisteredThing.objects.filter(policy=policy, register=spec.key, latest__ended=False)
        for code, values in standing.values_list("code", "latest__values"):
            made._set(code, values)
        return made

    def add(self, line: int, content: ThingContent) -> LineFault | None:
        """Count an entry in, in place of what it said before; or what is wrong with it, and it is not."""
        before = {key: dict(amounts) for key, amounts in self.found.items() if content.code in amounts}
        for amounts in self.found.values():
            amounts.pop(content.code, None)
        key = self._set(content.code, content.values)
        together = sum(self.found[key].values())
        if together <= self.total.most_fen:
            return None
        self.found[key].pop(content.code)
        self.found |= before
        column = self.spec.columns[self.total.field]
        rule = f"同一{self.spec.columns[self.total.per]}合计 {yuan(together)} 元，超过 {yuan(self.total.most_fen)} 元"
        remedy = f"依第 {self.spec.sentence} 句“{self.spec.phrase}”，不论由谁出资；请核对或减少"
        return LineFault(line, column, yuan(content.values[self.total.field]), rule, remedy)

    def _set(self, code: str, values: Any) -> str:
        key = normalise_entry_code(str(values[self.total.per]))
        self.found[key][code] = int(values[self.total.field])
        return key
