"""How far the entries of a register are, by place and office: what bulletins rank. Registers are public."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from huisuan.base.errors import NotFound
from huisuan.law.procedure import FieldKind, RegisterField, RegisterSpec
from huisuan.programmes.registers.services import get_register
from huisuan.programmes.registers.snapshots import on_register

PROGRESS, OPENED_BY = "state", "publisher"


@dataclass(frozen=True)
class PlaceProgress:
    """What a city, or an office of a region, has on a register: how many entries have got at least to each stage.

    `waiting` are the codes of those that are at the first one still.
    """

    region: str
    office: str
    entries: int
    reached: Mapping[str, int]
    waiting: tuple[str, ...]


def progress_field(spec: RegisterSpec) -> RegisterField:
    """The field that says how far an entry is; its options are the stages, in their order.

    Raises:
        NotFound: the register has none.
    """
    found = spec.field_of(PROGRESS)
    if found is None or found.kind is not FieldKind.CHOICE:
        raise NotFound(f"名录 {spec.key} 没有进展一列，不能排名", code="register.no_progress")
    return found


def count_progress(policy: str, key: str, day: date) -> tuple[list[PlaceProgress], list[PlaceProgress]]:
    """By city, and by region and office, of what was on the register on a day.

    Raises:
        NotFound: no such register, or it has no stages.
    """
    spec = get_register(policy, key)
    stages = list(progress_field(spec).options)
    cities: dict[tuple[str, str], list[tuple[str, int]]] = defaultdict(list)
    offices: dict[tuple[str, str], list[tuple[str, int]]] = defaultdict(list)
    for row in on_register(policy, key, day):
        region = row.region_id or ""
        one = (row.entry.code, stages.index(row.values[PROGRESS]))
        cities[region, ""].append(one)
        offices[region, str(row.values.get(OPENED_BY) or "")].append(one)
    return _count(cities, stages), _count({at: each for at, each in offices.items() if at[1]}, stages)


def _count(places: Mapping[tuple[str, str], list[tuple[str, int]]], stages: list[str]) -> list[PlaceProgress]:
    found = []
    for (region, office), each in sorted(places.items()):
        at = Counter(stage for _, stage in each)
        reached = {stage: sum(at[one] for one in range(number, len(stages))) for number, stage in enumerate(stages)}
        found.append(
            PlaceProgress(region, office, len(each), reached, tuple(sorted(code for code, stage in each if not stage)))
        )
    return found
