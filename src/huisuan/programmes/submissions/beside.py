"""What the platform sees beside a fact that the applicant states: shown to whoever checks; a difference is a flag.

The platform does not know these facts themselves: how much of a centre is new, how much of what a project cost was
compute that was paid back, where a firm's project lies. It knows what they cannot go beyond, or usually are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from huisuan.base.money import yuan
from huisuan.compute.capacity.capacity import counted_capacity
from huisuan.compute.models import Centre
from huisuan.law.model import FactSpec, LawError, Rule, Value, format_value, is_metered
from huisuan.law.policy import Policy, load_policy
from huisuan.law.procedure import ObjectKind
from huisuan.parties.party_state import region_prefix
from huisuan.parties.state_history import states_on
from huisuan.programmes.models import Application, ApplicationSubmission
from huisuan.programmes.submissions.added_capacity import added_capacity, measured_p, three_capacities
from huisuan.programmes.submissions.content import latest_submissions, submitted_values
from huisuan.settlement.models import Entitlement
from huisuan.settlement.runs.queries import latest_runs


@dataclass(frozen=True)
class SeenBeside:
    """A fact as it is stated, what the platform sees of the same, in words, and whether the two agree.

    `filled_in`: the platform stated it itself, and what it sees is what it did not go by.
    """

    name: str
    label: str
    stated: str
    seen: str
    agrees: bool
    filled_in: bool = False

    @property
    def text(self) -> str:
        """In one sentence."""
        if self.filled_in:
            return f"{self.label}：平台填入 {self.stated}，平台所见 {self.seen}"
        return f"{self.label}：填报 {self.stated}，平台所见 {self.seen}"


@dataclass(frozen=True)
class _Asked:
    policy: Policy
    rule: Rule
    application: Application
    day: date
    project: str


def seen_beside(application: Application, day: date) -> list[SeenBeside]:
    """By fact what was handed in last says, and what the platform sees on a day, where it sees anything."""
    made = application.submissions.last()
    return [] if made is None else _seen_beside(made, day)


def _seen_beside(made: ApplicationSubmission, day: date) -> list[SeenBeside]:
    application = made.application
    try:
        rule = load_policy(application.edition.policy).claim_rule(application.edition.rule_key)
        if not any(spec.role in _LOOKS for spec in rule.facts):
            return []
        policy, rule, values = submitted_values(made)
    except LawError:  # a policy or a rule that is gone
        return []
    project = next((each["typed"] for each in made.named if each["kind"] == ObjectKind.PROJECT.value), "")
    asked, found = _Asked(policy, rule, application, day, project), []
    for spec in rule.facts:
        looks = _LOOKS_AT_KNOWN if spec.name in made.known else _LOOKS
        value, look = values.get(spec.name), looks.get(spec.role)
        if value is not None and look is not None:
            said = look(asked, value)
            if said is not None:
                stated = format_value(spec.kind, value, spec.options) + _unit(spec)
                found.append(SeenBeside(spec.name, spec.zh, stated, *said, filled_in=spec.name in made.known))
    return found


def _capacity(asked: _Asked, stated: Value) -> tuple[str, bool] | None:
    """The centres of the applicant's city with their three capacities, and what benchmark jobs measured."""
    place = asked.application.city_id or (asked.application.party.region_id if asked.application.party else None)
    if place is None:
        return None
    said, most = [], Decimal(0)
    for centre in Centre.objects.filter(region__code__startswith=region_prefix(place)).order_by("code"):
        found = counted_capacity(centre, asked.policy.valid_from, asked.day + timedelta(days=1))
        most = max(most, *(each or Decimal(0) for each in (found.seen_most.p, found.seen.p, measured_p(centre))))
        said.append(three_capacities(found, centre))
    if not said:
        return "本市没有接入的智算中心", False
    return "；".join(said), isinstance(stated, int) and most >= stated


def _locked_capacity(asked: _Asked, _stated: Value) -> tuple[str, bool] | None:
    """What is filled in by the meter, beside what was planned and what the centre registers of itself."""
    seen = added_capacity(asked.policy, asked.project, asked.application.city_id, asked.day) if asked.project else None
    return (seen.text, seen.as_planned) if seen is not None else None


def _subsidised(asked: _Asked, stated: Value) -> tuple[str, bool] | None:
    """What of the applicant's compute spend of the year was paid back by rules that the platform settles."""
    if asked.application.party_id is None:
        return None
    metered = {rule.key: rule.claim.spent for rule in asked.policy.rules if rule.claim and is_metered(rule)}
    found = Entitlement.objects.filter(
        party=asked.application.party_id, run__in=latest_runs(), run__policy=asked.policy.name,
        run__sentence__in=metered, run__year=asked.application.year,
    ).select_related("run")  # fmt: skip
    owed = [row for row in found if row.payable]
    spent = sum(int(row.facts.get(metered[row.run.sentence]) or 0) for row in owed)
    if not spent and not stated:
        return None
    words = "、".join(f"E{row.pk}" for row in owed) or "没有应享"
    return f"全单位当年已获补助的算力支出 {yuan(spent)} 元（{words}）", spent == stated


def _place(asked: _Asked, stated: Value) -> tuple[str, bool] | None:
    """Where the applicant is registered; a project of it may lie elsewhere."""
    if asked.application.party is None:
        return None
    region = states_on([asked.application.party], asked.day, asked.day)[asked.application.party.uscc].region or ""
    if not region:
        return None  # the register says nothing of that day
    return f"申报单位登记在 {region}", region.startswith(region_prefix(str(stated)))


def _unit(spec: FactSpec) -> str:
    return f" {spec.unit}" if spec.role == "capacity" else ""


def differences(applications: Sequence[Application], day: date) -> Iterator[tuple[Application, SeenBeside]]:
    """Those of many that do not agree."""
    for last in latest_submissions(applications).values():
        yield from ((last.application, row) for row in _seen_beside(last, day) if not row.agrees)


#: by the role of a fact what the platform sees beside it, in words, and whether they agree
_LOOKS: Mapping[str, Callable[[_Asked, Value], tuple[str, bool] | None]] = {
    "capacity": _capacity, "subsidised": _subsidised, "place": _place,
}  # fmt: skip
#: the same of facts that the platform filled in itself, and that something else is to agree with
_LOOKS_AT_KNOWN: Mapping[str, Callable[[_Asked, Value], tuple[str, bool] | None]] = {"capacity": _locked_capacity}
