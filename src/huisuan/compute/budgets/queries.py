"""What a firm's people see of its budgets and its use by person and project."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from fractions import Fraction

from django.db import connection
from django.db.models import QuerySet

from huisuan.base.money import round_half_up
from huisuan.compute.budgets.prices import SECONDS_PER_HOUR, Prices
from huisuan.compute.budgets.standing import BudgetStanding, load_standings
from huisuan.compute.models import BudgetAlert, FirmBudget
from huisuan.parties.viewer import Viewer

_USE = """
SELECT p.code, u."user", sum(u.card_seconds), sum(u.card_seconds * coalesce(t.fen_per_card_hour, 0)),
    coalesce(sum(u.card_seconds) FILTER (WHERE t.id IS NULL), 0)
FROM compute_partyuseday u
LEFT JOIN parties_project p ON p.id = u.project_id
LEFT JOIN compute_tariff t
    ON t.centre_id = u.centre_id AND t.accelerator_id = u.accelerator_id AND t.valid_from <= u.day
   AND (t.valid_to IS NULL OR u.day < t.valid_to)
WHERE u.party_id = %s AND u.day >= %s AND u.day < %s
GROUP BY 1, 2 HAVING sum(u.card_seconds) <> 0 ORDER BY 4 DESC, 3 DESC, 1, 2
"""


@dataclass(frozen=True)
class PersonUse:
    """What a person used for a project (None: not by way of the platform): card-seconds, and fen exactly."""

    project: str | None
    user: str
    card_seconds: int
    fen: Fraction
    unpriced_card_seconds: int

    @property
    def rounded_fen(self) -> int:
        """In fen, rounded half up."""
        return round_half_up(self.fen)


def standing_budgets(viewer: Viewer) -> QuerySet[FirmBudget]:
    """The budgets of the viewer's firm that stand, the firm's own first; of a project's token, those it counts in."""
    found = FirmBudget.objects.filter(party=viewer.party_id, ended_at__isnull=True).select_related("project", "party")
    if viewer.project_id is not None:
        found = found.filter(project=viewer.project_id) | found.filter(project__isnull=True)
    return found.order_by("project__code", "period", "unit", "-hard")


def visible_standings(viewer: Viewer, now: datetime) -> list[BudgetStanding]:
    """How the firm's budgets stand, by what is counted so far."""
    return load_standings(standing_budgets(viewer), now, Prices())


def present_alerts(standings: Sequence[BudgetStanding]) -> dict[int, list[BudgetAlert]]:
    """The alerts of these budgets in their present periods, by budget, in the order they came."""
    found: dict[int, list[BudgetAlert]] = defaultdict(list)
    starts = {each.budget.pk: each.starts for each in standings}
    for alert in BudgetAlert.objects.filter(budget__in=starts).order_by("id"):
        if alert.starts == starts[alert.budget_id]:
            found[alert.budget_id].append(alert)
    return found


def use_by_person(viewer: Viewer, starts: date, ends: date) -> list[PersonUse]:
    """The firm's use on the days of [starts, ends), the dearest first."""
    if viewer.party_id is None:
        return []
    with connection.cursor() as cursor:
        cursor.execute(_USE, [viewer.party_id, starts, ends])
        return [
            PersonUse(project, user, int(seconds), Fraction(int(fen), SECONDS_PER_HOUR), int(unpriced))
            for project, user, seconds, fen, unpriced in cursor.fetchall()
        ]
