"""Columns made coarser in the product: the combination that was picked among all, and what it does to the rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from huisuan.base.errors import Conflict, InvalidRequest
from huisuan.base.text_length import check_length
from huisuan.opendata.anonymity.hierarchies import Hierarchy, build_hierarchy
from huisuan.opendata.anonymity.lattice import rows_at_risk
from huisuan.opendata.anonymity.table_risk import FEWEST_K, MOST_K
from huisuan.opendata.gate.judging import latest_scan
from huisuan.opendata.gate.labels import LONGEST_PART_LABEL
from huisuan.opendata.gate.recipe import MadeTable
from huisuan.opendata.gate.steps import lock_file, take_duty, take_step
from huisuan.opendata.gate_arrows import GateDuty, GateState
from huisuan.opendata.models import GateFile, GateGeneralisation, GateScan
from huisuan.parties.models import Person

_MOST_COLUMNS = 12


@dataclass(frozen=True)
class PickedLevels:
    """Of which table, which level of each column (by its name), and whether rows left in small classes go, too."""

    part: str
    levels: dict[str, str]
    k: int
    leave_out: bool = False


@transaction.atomic
def pick_generalisation(number: int, picked: PickedLevels, person: Person, now: datetime) -> GateFile:
    """Pick how columns of the product are made coarser; without levels: not at all. The last pick holds.

    Raises:
        NotFound, NotAllowed: see `lock_file` and `take_duty`.
        Conflict: findings are open, or the file does not stand there.
        InvalidRequest: too many columns, or a k out of bounds.
    """
    file = lock_file(number, person)
    if file.state not in (GateState.CLEAN, GateState.READY):
        state = GateState(file.state).label
        raise Conflict(f"第 {number} 号文件现在{state}：没有未判断的发现时才能选概化", code="gate.not_to_generalise")
    if len(picked.levels) > _MOST_COLUMNS or not FEWEST_K <= picked.k <= MOST_K:
        raise InvalidRequest(
            f"至多 {_MOST_COLUMNS} 列，k 须在 {FEWEST_K} 至 {MOST_K} 之间", code="gate.generalisation_malformed"
        )
    part = check_length(picked.part, LONGEST_PART_LABEL, "表名")
    take_duty(file, person, GateDuty.JUDGE)
    GateGeneralisation.objects.create(
        file=file, scan=latest_scan(file), part=part, levels=picked.levels, k=picked.k, leave_out=picked.leave_out,
        by=person, at=now,
    )  # fmt: skip
    words = "，".join(f"{column} {level}" for column, level in picked.levels.items())
    take_step(file, "settle", now, person, GateDuty.JUDGE, reason=f"概化：{words}"[:300] if words else "不概化")
    return file


def chosen_generalisation(scan: GateScan, part: str) -> GateGeneralisation | None:
    """What was picked last for a table; None: nothing, or that nothing be made coarser."""
    found = GateGeneralisation.objects.filter(scan=scan, part=part).last()
    return found if found is not None and found.levels else None


def apply_generalisation(made: MadeTable, chosen: GateGeneralisation) -> dict[str, Any]:
    """Write the picked levels into the rows; what the recipe says of it: levels, rows at risk, rows left out.

    Raises:
        Conflict: a column is gone, or its values have no such level any more.
    """
    hierarchies, levels = _found_levels(made, chosen.levels)
    for hierarchy, level in zip(hierarchies, levels, strict=True):
        column, step = made.header.index(hierarchy.column), hierarchy.levels[level]
        for row, code in zip(made.rows, hierarchy.rows, strict=True):
            row[column] = step.labels[step.codes[code]]
    risky = rows_at_risk(hierarchies, levels, chosen.k)
    left_out = set(risky) if chosen.leave_out else set()
    if left_out:
        made.rows[:] = [row for at, row in enumerate(made.rows) if at not in left_out]
    return {
        "levels": dict(chosen.levels), "k": chosen.k, "rows_at_risk": len(risky) - len(left_out),
        "rows_left_out": len(left_out),
    }  # fmt: skip


def _found_levels(made: MadeTable, wanted: dict[str, str]) -> tuple[list[Hierarchy], list[int]]:
    hierarchies: list[Hierarchy] = []
    levels: list[int] = []
    for column, name in wanted.items():
        hierarchy = build_hierarchy(column, _column(made, column)) if column in made.header else None
        names = [level.name for level in hierarchy.levels] if hierarchy else []
        if hierarchy is None or name not in names:
            raise Conflict(
                f'列"{column[:40]}"没有"{name[:20]}"这一级：判断变了，请重新选概化', code="gate.level_unknown"
            )
        hierarchies.append(hierarchy)
        levels.append(names.index(name))
    return hierarchies, levels


def _column(made: MadeTable, heading: str) -> Sequence[str]:
    at = made.header.index(heading)
    return [row[at] for row in made.rows]
