"""What owners decide about budgets. Each is one transaction, under the lock of placement: no job slips in between."""

from __future__ import annotations

from datetime import datetime

from django.db import connection, transaction

from huisuan.base.errors import InvalidRequest, NotFound
from huisuan.compute.models import BudgetPeriod, BudgetUnit, FirmBudget
from huisuan.parties.members import check_owner
from huisuan.parties.projects import get_project
from huisuan.parties.viewer import Viewer
from huisuan.protocol.firm import HUGE_LIMIT

PLACEMENT_LOCK = 0x4855_4953_5541_4E01  # of the database: held by each scheduling cycle, and while a budget changes


@transaction.atomic
def set_budget(
    viewer: Viewer, project: str | None, period: str, unit: str, limit: int, now: datetime, *, hard: bool
) -> FirmBudget:
    """Set the most that a project (None: the whole firm) may use in each period; one that stands there ends.

    Raises:
        NotAllowed: the viewer is no owner.
        Refused: no such project, period or unit, or a limit out of bounds.
    """
    party = check_owner(viewer)
    if period not in BudgetPeriod.values or unit not in BudgetUnit.values:
        raise InvalidRequest(
            f"预算 {period} {unit}：期只能是 {'、'.join(BudgetPeriod.values)}，"
            f"单位只能是 {'、'.join(BudgetUnit.values)}",
            code="budget.kind_unknown",
        )
    if not 0 <= limit <= HUGE_LIMIT:
        raise InvalidRequest(f"预算 {limit}：须在 0 至 {HUGE_LIMIT} 之间", code="budget.limit_out_of_bounds")
    named = get_project(viewer, project) if project else None
    _lock_placement()
    standing = FirmBudget.objects.filter(
        party=party, project=named, period=period, unit=unit, hard=hard, ended_at__isnull=True
    )
    for former in standing.select_for_update(of=("self",)):
        if former.limit == limit:
            return former
        _end(former, viewer, now)
    return FirmBudget.objects.create(
        party_id=party, project=named, period=period, unit=unit, limit=limit, hard=hard, set_by=viewer.name, set_at=now
    )


@transaction.atomic
def end_budget(viewer: Viewer, number: int, now: datetime) -> FirmBudget:
    """Limit no more by a budget of the viewer's firm; its record stays.

    Raises:
        NotAllowed: the viewer is no owner.
        NotFound: no such budget stands.
    """
    party = check_owner(viewer)
    _lock_placement()
    standing = FirmBudget.objects.select_for_update(of=("self",)).filter(party=party, ended_at__isnull=True)
    found = standing.filter(pk=number).first() if 0 < number < 2**63 else None
    if found is None:
        raise NotFound(f"没有编号 {number} 的预算", code="budget.unknown")
    _end(found, viewer, now)
    return found


def _end(budget: FirmBudget, viewer: Viewer, now: datetime) -> None:
    budget.ended_at, budget.ended_by = max(now, budget.set_at), viewer.name
    budget.save(update_fields=["ended_at", "ended_by"])


def _lock_placement() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [PLACEMENT_LOCK])
