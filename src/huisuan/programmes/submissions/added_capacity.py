"""How much compute a project added at its centre, by what the meter sees there: the P that sentence 1.2 asks for.

A centre has three capacities: what it registers (theoretical), what its scheduler showed the agent at most on one day
(available), what benchmark jobs measured. Added counts what was available, as far as it is registered, less what the
centre held before the project and up to where the next project at the same centre begins; whole P, rounded down.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.db.models.fields.json import KT

from huisuan.compute.capacity.capacity import TFLOPS_PER_P, Capacity, Size, counted_capacity
from huisuan.compute.models import CapacityAttestation, Centre
from huisuan.law.policy import Policy
from huisuan.law.procedure import RegisterCentre, RegisterSpec
from huisuan.parties.party_state import region_prefix
from huisuan.programmes.models import RegisterVersion
from huisuan.programmes.registers.entry_line import normalise_entry_code
from huisuan.programmes.registers.queries import standing_versions


@dataclass(frozen=True)
class AddedCapacity:
    """What a project added (whole P), how that was found, and whether it is what was planned and what is registered."""

    added_p: int
    text: str
    as_planned: bool


def added_capacity(policy: Policy, project: str, city: str | None, today: date) -> AddedCapacity | None:
    """What a project on a register of the policy added at a centre of its city, as the meter saw it until today.

    None: it is on no such register, its entry names no centre, or the meter saw nothing of it.
    """
    for spec in policy.registers:
        if spec.built is None or city is None:
            continue
        standing = standing_versions(policy.name, spec.key).filter(ended=False)
        version = standing.filter(entry__code=normalise_entry_code(project)).first()
        code = version.values.get(spec.built.centre) if version is not None else None
        place = region_prefix(city)
        centre = Centre.objects.filter(code=code, region__code__startswith=place).first() if code else None
        if version is None or centre is None:
            continue
        found = counted_capacity(centre, policy.valid_from, today + timedelta(days=1))
        most = found.seen_most.p
        if most:
            return _added(spec, spec.built, version, found, most)
    return None


def _added(
    spec: RegisterSpec, built: RegisterCentre, version: RegisterVersion, found: Capacity, most: Decimal
) -> AddedCapacity:
    before, planned = _count(version.values, built.before), _count(version.values, built.planned)
    counted = min(most, found.claimed.p) if found.claimed.p else most
    ends = _next_begins(version, built, before)
    added = max(0, int(min(counted, Decimal(ends)) if ends is not None else counted) - before)
    text = f"名录“{spec.title}”{version.entry.code}：{three_capacities(found, Centre.objects.get(code=found.centre))}"
    text += f"；减建设前 {before} P" if before else ""
    text += f"；{ends} P 以上的属后一项目" if ends is not None and counted > ends else ""
    return AddedCapacity(added, f"{text}；计划新增 {planned} P", added >= planned and counted >= (found.claimed.p or 0))


def _next_begins(version: RegisterVersion, built: RegisterCentre, before: int) -> int | None:
    """From how many P on what a centre holds is of a later project there."""
    others = standing_versions(version.entry.policy, version.entry.register).filter(ended=False)
    others = others.annotate(built_at=KT(f"values__{built.centre}")).filter(built_at=version.values[built.centre])
    later = (_count(row.values, built.before) for row in others.exclude(entry=version.entry_id))
    return min((held for held in later if held > before), default=None)


def three_capacities(found: Capacity, centre: Centre) -> str:
    """In words what a centre registers, what was seen there and used at once, and what jobs measured."""
    measured = measured_p(centre)
    return (
        f"{centre.code} 登记 {_p(found.claimed)}、一天最多看到 {_p(found.seen_most)}"
        f"、同时用过 {_p(found.used)}、作业实测 {'无' if measured is None else f'{measured.normalize():f} P'}"
    )


def measured_p(centre: Centre) -> Decimal | None:
    """What jobs measured on the cards of a centre, each card at its newest, in P; None where none did."""
    rows = CapacityAttestation.objects.filter(centre=centre).order_by("node", "index", "-measured_at")
    cards = list(rows.distinct("node", "index").values_list("tflops_fp16", flat=True))
    return sum(cards, Decimal(0)) / TFLOPS_PER_P if cards else None


def _p(size: Size) -> str:
    return "未知" if size.p is None else f"{size.p.normalize():f} P"


def _count(values: Mapping[str, Any], key: str) -> int:
    return int(values.get(key) or 0)
