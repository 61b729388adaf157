"""The lines of a firm's monthly statement: who used what for which project, at which price, to the fen.

A centre's lines add up to what its bill rounds to: each line is its exact amount cut to whole fen, and the fen that
are left go to the lines with the largest remainders.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction

from django.db import connection

from huisuan.base.money import round_half_up
from huisuan.base.months import Month
from huisuan.compute.budgets.party_use import count_before_reading
from huisuan.parties.models import Party
from huisuan.parties.viewer import Viewer
from huisuan.settlement.runs.queries import latest_bills

_HOUR = 3600

#: an unpriced day has a price of NULL, and is a line of its own
_LINES = """
SELECT coalesce(p.code, ''), coalesce(p.name, ''), u."user", c.code, c.name, c.name_en, c.region_id, r.name_zh,
    r.name_en, a.model, t.fen_per_card_hour, min(u.day), max(u.day), sum(u.card_seconds)::bigint
FROM compute_partyuseday u
JOIN compute_centre c ON c.id = u.centre_id JOIN parties_region r ON r.code = c.region_id
JOIN compute_accelerator a ON a.id = u.accelerator_id
LEFT JOIN parties_project p ON p.id = u.project_id
LEFT JOIN compute_tariff t
    ON t.centre_id = u.centre_id AND t.accelerator_id = u.accelerator_id AND t.valid_from <= u.day
   AND (t.valid_to IS NULL OR u.day < t.valid_to)
WHERE u.party_id = %s AND u.day >= %s AND u.day < %s
GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, t.id HAVING sum(u.card_seconds) <> 0
ORDER BY 4, 1, 3, 10, 12
"""


@dataclass(frozen=True)
class StatementLine:
    """Card-seconds of a user for a project on a model at a price, from the first day to the last; `fen` allotted.

    `project` is empty for use that did not come by way of the platform; no price: nobody has set one, and it is 0 fen.
    """

    project: str
    project_name: str
    user: str
    centre: str
    centre_name: str
    centre_name_en: str
    region: str
    region_name: str
    region_name_en: str
    model: str
    fen_per_card_hour: int | None
    first_day: date
    last_day: date
    card_seconds: int
    fen: int = 0

    @property
    def exact_fen(self) -> Fraction:
        """What it comes to before rounding."""
        return Fraction(self.card_seconds * (self.fen_per_card_hour or 0), _HOUR)


@dataclass(frozen=True)
class CentreTotal:
    """A centre's part of a month: its use, what it comes to, and what its bill says, if there is one."""

    centre: str
    centre_name: str
    card_seconds: int
    fen: int
    billed_fen: int | None


@dataclass(frozen=True)
class FirmStatement:
    """A firm's month."""

    party: Party
    month: Month
    lines: Sequence[StatementLine] = field(default_factory=list)
    totals: Sequence[CentreTotal] = field(default_factory=list)

    @property
    def fen(self) -> int:
        """All centres together."""
        return sum(total.fen for total in self.totals)

    @property
    def card_seconds(self) -> int:
        """All centres together."""
        return sum(total.card_seconds for total in self.totals)

    @property
    def unpriced_card_seconds(self) -> int:
        """What has no price yet."""
        return sum(line.card_seconds for line in self.lines if line.fen_per_card_hour is None)


def load_statement(viewer: Viewer, month: Month) -> FirmStatement:
    """The month of the viewer's own firm, by what the meter has taken in until now.

    Raises:
        Party.DoesNotExist: the viewer is of no firm.
        Unavailable: much of the use is not counted yet.
    """
    party = Party.objects.select_related("region").get(viewer.parties())
    count_before_reading()
    with connection.cursor() as cursor:
        cursor.execute(_LINES, [party.pk, month.first_day, month.following.first_day])
        found = [StatementLine(*row) for row in cursor.fetchall()]
    billed = {bill.centre.code: bill.amount_fen for bill in latest_bills(viewer).filter(month=month.first_day)}
    by_centre: dict[str, list[StatementLine]] = defaultdict(list)
    for line in found:
        by_centre[line.centre].append(line)
    lines: list[StatementLine] = []
    totals: list[CentreTotal] = []
    for code, own in by_centre.items():
        allotted = allot_fen(own)
        lines += allotted
        seconds, fen = sum(line.card_seconds for line in own), sum(line.fen for line in allotted)
        totals.append(CentreTotal(code, own[0].centre_name, seconds, fen, billed.get(code)))
    return FirmStatement(party, month, lines, totals)


def allot_fen(lines: Sequence[StatementLine]) -> list[StatementLine]:
    """The lines of one bill with whole fen that add up to its exact sum, rounded half up once."""
    whole = [line.exact_fen // 1 for line in lines]
    left = round_half_up(sum((line.exact_fen for line in lines), Fraction(0))) - sum(whole)
    by_remainder = sorted(range(len(lines)), key=lambda at: (whole[at] - lines[at].exact_fen, at))
    more = set(by_remainder[:left])
    return [_with_fen(line, whole[at] + (at in more)) for at, line in enumerate(lines)]


def _with_fen(line: StatementLine, fen: int) -> StatementLine:
    return StatementLine(**{**vars(line), "fen": fen})
