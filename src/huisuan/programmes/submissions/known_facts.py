"""The facts of a claim that the platform knows itself: filled in, locked, each with its source and the day it was read.

Register and attestations by the state of the party on the day of the law; use by the newest settlement of the rule and
year; what a city paid by the projects that the claim names; what the meter sees of the centre that its project built;
what a register comes to for what the party holds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from huisuan.compute.fact_sources.registry import (
    SOURCES,
    THINGS,
    CentreMeasure,
    ClaimMeasure,
    StateMeasure,
    UseMeasure,
    is_on_register,
    measure_of,
)
from huisuan.law.model import FactSpec, InvalidValue, LawError, Rule, Value, parse_value, to_json
from huisuan.law.policy import Policy
from huisuan.parties.models import Party
from huisuan.parties.state_history import states_on
from huisuan.programmes.claim_objects.codes import NamedObject
from huisuan.programmes.registers.queries import standing_versions
from huisuan.programmes.registers.totals import total_of_holder
from huisuan.programmes.submissions.added_capacity import added_capacity
from huisuan.settlement.models import Entitlement
from huisuan.settlement.runs.claim_facts import claim_values
from huisuan.settlement.runs.paid_parts import ClaimSubject
from huisuan.settlement.runs.queries import latest_runs
from huisuan.treasury.city_payments import city_payment_days


@dataclass(frozen=True)
class KnownFact:
    """A fact as the platform knows it: by which source, read on which day, from which record."""

    value: Value
    source: str
    day: date
    record: str

    def to_dict(self) -> dict[str, Any]:
        """As submissions and JSON carry it."""
        return {
            "value": to_json(self.value), "source": self.source, "words": SOURCES[self.source],
            "day": self.day.isoformat(), "record": self.record,
        }  # fmt: skip


def find_known_facts(
    policy: Policy, rule: Rule, party: Party, year: int, named: Sequence[NamedObject], on: date, today: date
) -> dict[str, KnownFact]:
    """By name what the platform knows of a party's claim for a year: read on `on`, as it is known today."""
    found: dict[str, KnownFact] = {}
    for spec, value, record in (
        *_of_the_register(rule, party, on, today),
        *_of_use(policy, rule, party, year),
        *_of_projects(policy, rule, party, year, named, today),
        *_of_centres(policy, rule, party, named, today),
        *_of_totals(policy, rule, party, named),
        *_of_entries(policy, rule, party, on),
    ):
        if value is not None:
            read = on if record == _REGISTER or is_on_register(spec) else today
            found[spec.name] = KnownFact(value, spec.known_by, read, record)
    return found


def read_known(rule: Rule, known: Mapping[str, Mapping[str, Any]]) -> dict[str, Value | None]:
    """The values of stored known facts; what the rule cannot read any more is not there."""
    found: dict[str, Value | None] = {}
    for spec in rule.facts:
        if spec.name in known:
            try:
                raw = known[spec.name]["value"]
                found[spec.name] = parse_value(spec.kind, raw, maximum=spec.maximum, options=spec.options)
            except InvalidValue:
                found[spec.name] = None
    return found


_REGISTER = "登记"


def _of_the_register(rule: Rule, party: Party, on: date, today: date) -> Iterator[tuple[FactSpec, Value | None, str]]:
    measures = [(spec, measure) for spec in rule.facts if isinstance(measure := measure_of(spec), StateMeasure)]
    if measures:
        state = states_on([party], on, today)[party.uscc]
        for spec, measure in measures:
            yield spec, measure.value(spec, state), _REGISTER


def _of_use(policy: Policy, rule: Rule, party: Party, year: int) -> Iterator[tuple[FactSpec, Value | None, str]]:
    specs = [spec for spec in rule.facts if isinstance(measure_of(spec), UseMeasure)]
    if not specs:
        return
    settled = Entitlement.objects.filter(
        party=party, run__in=latest_runs(), run__policy=policy.name, run__sentence=rule.key, run__year=year
    )
    owed = settled.order_by("-run").first()
    for spec in specs if owed else ():
        assert owed is not None
        raw = owed.facts.get(spec.name)
        if raw is not None:
            value = parse_value(spec.kind, raw, maximum=spec.maximum, options=spec.options)
            yield spec, value, f"第 {owed.run_id} 次结算 E{owed.pk}"


def _of_projects(
    policy: Policy, rule: Rule, party: Party, year: int, named: Sequence[NamedObject], today: date
) -> Iterator[tuple[FactSpec, Value | None, str]]:
    """What the city's register says of the projects named, in all; a project without payments is not known."""
    specs = [spec for spec in rule.facts if isinstance(measure_of(spec), ClaimMeasure)]
    projects = [each.typed for each in named if each.kind == "project"]
    if not specs or not projects:
        return
    starts, ends = _days_of(policy, year, today)
    totals = dict.fromkeys((spec.name for spec in specs), 0)
    for project in projects:
        subject = ClaimSubject(party.region_id, project, starts, ends + timedelta(days=1), today)
        try:
            for name, value in claim_values(specs, subject).items():
                totals[name] += value if isinstance(value, int) else 0
        except LawError:
            return
    for spec in specs:
        yield spec, totals[spec.name] or None, f"项目 {'、'.join(projects)}"


def _of_centres(
    policy: Policy, rule: Rule, party: Party, named: Sequence[NamedObject], today: date
) -> Iterator[tuple[FactSpec, Value | None, str]]:
    """What was added at the centre of the one project named; where no meter stands there, it is not known."""
    specs = [spec for spec in rule.facts if isinstance(measure_of(spec), CentreMeasure)]
    projects = [each.typed for each in named if each.kind == "project"]
    seen = added_capacity(policy, projects[0], party.region_id, today) if specs and len(projects) == 1 else None
    for spec in specs if seen is not None else ():
        assert seen is not None
        yield spec, seen.added_p, seen.text


def last_paid_day(
    policy: Policy, rule: Rule, party: Party, year: int, named: Sequence[NamedObject], today: date
) -> date | None:
    """When a city last paid in a year for the projects that a claim names; None: not, or it is no share."""
    if party.region_id is None or not any(isinstance(measure_of(spec), ClaimMeasure) for spec in rule.facts):
        return None
    starts, ends = _days_of(policy, year, today)
    days: set[date] = set()
    for project in (each.typed for each in named if each.kind == "project"):
        days |= city_payment_days(party.region_id, project, starts, ends + timedelta(days=1), today).keys()
    return max(days, default=None)


def _days_of(policy: Policy, year: int, today: date) -> tuple[date, date]:
    """The first and the last day of a year on which the policy holds."""
    return max(date(year, 1, 1), policy.valid_from), min(date(year, 12, 31), policy.last_day(today))


def _of_totals(
    policy: Policy, rule: Rule, party: Party, named: Sequence[NamedObject]
) -> Iterator[tuple[FactSpec, Value | None, str]]:
    """What others entered for the one thing that the party holds; the claim's own contract, entered already, is not."""
    own = [each.typed for each in named]
    for spec in rule.facts:
        if spec.known_by != THINGS or is_on_register(spec):
            continue
        if (found := total_of_holder(policy, spec.measure, party, own)) is not None:
            yield spec, found.fen, f"名录“{found.title}”{found.code} 共 {found.entries} 项"


def _of_entries(policy: Policy, rule: Rule, party: Party, on: date) -> Iterator[tuple[FactSpec, Value | None, str]]:
    """Whether the party holds an entry that is on a register on the day; who is not on it is known not to be."""
    for spec in filter(is_on_register, rule.facts):
        title = policy.register(spec.measure).title
        held = standing_versions(policy.name, spec.measure, on).filter(holder=party).order_by("entry__code").first()
        said = f"名录“{title}”{held.entry.code}" if held is not None else f"不在名录“{title}”上"
        yield spec, held is not None, said
