"""Whether the rows of a file fit what other registers say: what they name is there, nothing is said twice or overdrawn.

One load for a whole file; until the transaction ends nobody else changes what was loaded.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.db import connection

from huisuan.base.csv_lines import LineFault
from huisuan.base.money import yuan
from huisuan.compute.models import Centre
from huisuan.law.policy import Policy
from huisuan.law.procedure import EACH_CITY, FieldKind, RegisterDraw, RegisterSpec
from huisuan.parties.models import Party, Region
from huisuan.parties.state_history import states_on
from huisuan.programmes.models import DrawnAmount, RegisteredThing
from huisuan.programmes.registers.entry_line import ThingContent, normalise_entry_code

_BATCH_ROWS = 1000


def held_amount(policy: Policy, spec: RegisterSpec, values: Mapping[str, Any]) -> int | None:
    """How much of an entry others may draw, as some register of its policy declares; None: nobody draws on it."""
    draws = [
        draw for other in policy.registers for draw in other.draws if _target(other, draw) == spec.key
    ]  # fmt: skip
    if not draws:
        return None
    return int(values.get(draws[0].within) or 0) if draws[0].within else 1


def _holds_money(policy: Policy, spec: RegisterSpec) -> bool:
    """Whether what others draw of its entries is money."""
    drawn = [draw.within for other in policy.registers for draw in other.draws if _target(other, draw) == spec.key]
    held = spec.field_of(drawn[0]) if drawn and drawn[0] else None
    return held is not None and held.kind is FieldKind.YUAN


def fill_holds(policy: Policy, spec: RegisterSpec, things: Iterable[RegisteredThing]) -> None:
    """Store what locked entries hold that were entered before the platform kept it: null until then."""
    late = []
    for thing in things:
        if thing.holds is None and thing.latest is not None:
            thing.holds = held_amount(policy, spec, thing.latest.values)
            late += [thing] if thing.holds is not None else []
    RegisteredThing.objects.bulk_update(late, ["holds"], batch_size=_BATCH_ROWS)


def told_apart(spec: RegisterSpec, keys: Iterable[str], content: ThingContent) -> tuple[str, ...]:
    """What an entry says in some fields, as it is compared with others; empty where it says nothing in one."""
    said = []
    for key in keys:
        value = getattr(content, key) if key in ("code", "name", "holder", "region") else content.values.get(key)
        said.append(normalise_entry_code("" if value is None else str(value)))
    return tuple(said) if all(said) else ()


@dataclass
class Ties:
    """What the entries of a file may name, hold and draw."""

    policy: Policy
    spec: RegisterSpec
    today: date
    named: dict[str, dict[str, RegisteredThing]] = field(default_factory=dict)
    drawn: dict[int, dict[str, int]] = field(default_factory=lambda: defaultdict(dict))
    once: dict[tuple[str, ...], str] = field(default_factory=dict)  # what is said -> the code that says it
    said: dict[str, tuple[str, ...]] = field(default_factory=dict)  # and the other way round
    on_this: dict[str, int] = field(default_factory=dict)

    @classmethod
    def load(cls, policy: Policy, spec: RegisterSpec, contents: Iterable[ThingContent], today: date) -> Ties:
        """For some rows; the entries that they name are locked, in the order of their codes."""
        made, rows = cls(policy, spec, today), list(contents)
        for one in spec.fields:
            if one.refers:
                codes = {normalise_entry_code(str(row.values.get(one.key, ""))) for row in rows}
                made.named[one.refers] = made.named.get(one.refers, {}) | lock_things(
                    policy.name, one.refers, codes, no_key=True
                )
        for key, found in made.named.items():
            fill_holds(policy, policy.register(key), found.values())
        sources = [thing.pk for found in made.named.values() for thing in found.values()]
        for draw in DrawnAmount.objects.filter(source__in=sources, thing__register=spec.key).select_related("thing"):
            made.drawn[draw.source_id][draw.thing.code] = draw.amount
        if spec.once:
            made._load_once()
        own = RegisteredThing.objects.filter(policy=policy.name, register=spec.key, code__in=[row.code for row in rows])
        for draw in DrawnAmount.objects.filter(source__in=own).select_related("source"):
            made.on_this[draw.source.code] = made.on_this.get(draw.source.code, 0) + draw.amount
        return made

    def check(self, line: int, content: ThingContent) -> LineFault | None:
        """What is wrong with a row beside the others; a row that is right counts for those after it."""
        return (
            self._check_named(line, content)
            or self._check_once(line, content)
            or self._check_held(line, content)
            or self._check_province(line, content)
            or self._check_centre(line, content)
            or self._check_draws(line, content)
        )

    def amounts(self, content: ThingContent) -> list[tuple[int, int]]:
        """The entries (row ids) that a checked row draws on, each with how much."""
        return [(source.pk, amount) for _, source, amount in self._draws(content) if amount]

    def _load_once(self) -> None:
        with connection.cursor() as cursor:
            said = f"register once {self.policy.name} {self.spec.key}"
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [said])
        standing = RegisteredThing.objects.filter(
            policy=self.policy.name, register=self.spec.key, latest__ended=False
        ).select_related("latest", "latest__holder")
        for thing in standing:
            key = told_apart(self.spec, self.spec.once, content_of(thing))
            if key:
                self.once[key], self.said[thing.code] = thing.code, key

    def _check_named(self, line: int, content: ThingContent) -> LineFault | None:
        for one in self.spec.fields:
            code = normalise_entry_code(str(content.values.get(one.key) or "")) if one.refers else ""
            if not code:
                continue
            title = self.policy.register(one.refers).title
            found = self.named[one.refers].get(code)
            if found is None or found.latest is None:
                return LineFault(line, one.title, code, f"不在名录“{title}”里", "请先登记它，或改正编号")
            last = found.latest
            if self.spec.office in EACH_CITY and last.region_id not in (None, content.region):
                return LineFault(line, one.title, code, "是另一市的", "各市只登记本市的")
            if one.standing and not (last.from_day <= content.from_day <= (last.until_day or date.max)):
                valid = f"{last.from_day} 至 {last.until_day or '另行通知'}"
                rule = f"{content.from_day} 不在名录“{title}”的有效期内（{valid}）"
                return LineFault(line, one.title, code, rule, "请核对日期或编号")
        return None

    def _check_once(self, line: int, content: ThingContent) -> LineFault | None:
        key = told_apart(self.spec, self.spec.once, content) if self.spec.once else ()
        if not key:
            return None
        other = self.once.get(key)
        if other is not None and other != content.code:
            columns = "、".join(self.spec.columns[each] for each in self.spec.once)
            return LineFault(line, columns, " ".join(key), f"与在册的 {other} 相同", "同一件只登记一次；请改那一件")
        before = self.said.get(content.code, ())
        if self.once.get(before) == content.code:
            del self.once[before]  # what it said until now is free
        self.once[key], self.said[content.code] = content.code, key
        return None

    def _check_held(self, line: int, content: ThingContent) -> LineFault | None:
        held = held_amount(self.policy, self.spec, content.values)
        drawn = self.on_this.get(content.code, 0)
        if held is None or held >= drawn:
            return None
        said = f"{yuan(drawn)} 元" if _holds_money(self.policy, self.spec) else str(drawn)
        return LineFault(line, self.spec.title, content.code, f"少于已动用的 {said}", "请先更正或撤下动用它的各件")

    def _check_province(self, line: int, content: ThingContent) -> LineFault | None:
        if not self.spec.in_province or not content.holder:
            return None
        party = Party.objects.get(uscc=content.holder)
        place = states_on([party], content.from_day, self.today)[party.uscc].region
        if place is not None and Region(code=place).in_anhui:
            return None
        rule = f"{content.from_day} 登记地不在本省"
        return LineFault(line, self.spec.columns["holder"], content.holder, rule, f"依“{self.spec.phrase}”，请核对")

    def _check_centre(self, line: int, content: ThingContent) -> LineFault | None:
        """What the meter knows of an entry hangs on the code of its centre: a wrong one is not taken in silently."""
        code = str(content.values.get(self.spec.built.centre) or "") if self.spec.built else ""
        if not code or Centre.objects.filter(code=code).exists():
            return None
        column = self.spec.columns[self.spec.built.centre] if self.spec.built else ""
        return LineFault(line, column, code, "平台上没有这个中心", "请写“全省算力”页面上的中心编号；没有接入的留空")

    def _check_draws(self, line: int, content: ThingContent) -> LineFault | None:
        draws = self._draws(content)
        for draw, source, amount in draws:
            others = sum(fen for code, fen in self.drawn[source.pk].items() if code != content.code)
            if others + amount > (source.holds or 0):
                money = (one := self.spec.field_of(draw.amount)) is not None and one.kind is FieldKind.YUAN
                said = [yuan(each) if money else str(each) for each in (others, amount, source.holds or 0)]
                rule = f"与已动用的 {said[0]} 合计超过 {source.code} 的 {said[2]}"
                return LineFault(line, self.spec.columns[draw.amount], said[1], rule, "请减少，或先更正被动用的一件")
        for _, source, amount in draws:
            self.drawn[source.pk][content.code] = amount
        return None

    def _draws(self, content: ThingContent) -> list[tuple[RegisterDraw, RegisteredThing, int]]:
        found = []
        for draw in self.spec.draws:
            code = normalise_entry_code(str(content.values.get(draw.of) or ""))
            source = self.named[_target(self.spec, draw)].get(code) if code else None
            if source is not None:
                found.append((draw, source, int(content.values.get(draw.amount) or 0)))
        return found


def content_of(thing: RegisteredThing) -> ThingContent:
    """What stands of an entry, as a row would say it."""
    last = thing.latest
    assert last is not None  # an entry says something
    holder = last.holder.uscc if last.holder else ""
    return ThingContent(
        thing.code, last.name, holder, last.region_id or "", last.from_day, last.until_day, last.values
    )  # fmt: skip


def _target(spec: RegisterSpec, draw: RegisterDraw) -> str:
    found = spec.field_of(draw.of)
    return found.refers if found is not None else ""


def lock_things(
    policy: str, register: str, codes: Iterable[str], *, no_key: bool = False
) -> dict[str, RegisteredThing]:
    """Entries by code, locked in the order of their codes, then read: what stood while one waited is not read."""
    rows = RegisteredThing.objects.filter(policy=policy, register=register, code__in=set(codes)).order_by("code")
    locked = list(rows.select_for_update(no_key=no_key).values_list("pk", flat=True))
    found = RegisteredThing.objects.filter(pk__in=locked).select_related("latest__holder").order_by("code")
    return {thing.code: thing for thing in found}
