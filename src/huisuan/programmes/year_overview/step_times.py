"""How many working days each step of a year's applications took, beside the figure that is set for it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import accumulate

from django.db import connection

from huisuan.calendar.official import load_calendar
from huisuan.programmes.workflow.due import step_days

_SATURDAY = 5
#: what a step waited for: from the step before it; equal steps of the same two days are one row
_SQL = """
    SELECT e.policy, e.key, g.action, g.office, g.within, waits.since, waits.until, sum(waits.number)
    FROM (
        SELECT t.edition_id, t.action, t.from_state, t.duty, (before.at AT TIME ZONE 'Asia/Shanghai')::date AS since,
               (t.at AT TIME ZONE 'Asia/Shanghai')::date AS until, count(*) AS number
        FROM programmes_applicationstep t
        JOIN programmes_application a ON a.id = t.application_id AND a.year = %(year)s
        JOIN programmes_applicationstep before
            ON before.application_id = t.application_id AND before.number = t.previous
        WHERE t.edition_id IN (SELECT id FROM programmes_procedureedition WHERE policy = %(policy)s)
        GROUP BY 1, 2, 3, 4, 5, 6
    ) waits
    JOIN programmes_procedureedge g ON g.edition_id = waits.edition_id AND g.action = waits.action
        AND g.from_state = waits.from_state AND g.duty = waits.duty
    JOIN programmes_procedureedition e ON e.id = g.edition_id
    GROUP BY 1, 2, 3, 4, 5, 6, 7
"""


@dataclass(frozen=True)
class StepTime:
    """The steps of one action of one office under a programme; days are working days, the day of the step counts.

    `within` is the figure in force when the latest of them began to wait; None: none is set. `late` took longer.
    """

    programme: str
    action: str
    office: str
    taken: int
    median: int
    longest: int
    within: int | None
    late: int


def load_step_times(policy: str, year: int) -> list[StepTime]:
    """A row for each programme, action and office, by programme in the order of its key."""
    with connection.cursor() as cursor:
        cursor.execute(_SQL, {"policy": policy, "year": year})
        rows = cursor.fetchall()
    if not rows:
        return []
    worked = _worked_between(min(row[5] for row in rows), max(row[6] for row in rows))
    grouped: dict[tuple[str, str, str], list[tuple[date, date, int, str]]] = defaultdict(list)
    for _, key, action, office, within, since, at, count in rows:
        grouped[key, action, office].append((since, at, count, within))
    found = [_step_time(policy, key, waits, worked) for key, waits in grouped.items()]
    return sorted(found, key=lambda one: (_in_order(one.programme), -one.taken, one.action))


def _step_time(
    policy: str, key: tuple[str, str, str], waits: Iterable[tuple[date, date, int, str]],
    worked: Callable[[date, date], int],
) -> StepTime:  # fmt: skip
    days: Counter[int] = Counter()
    late, latest = 0, (date.min, "")
    for since, at, count, within in waits:
        took, latest = worked(since, at), max(latest, (since, within))
        days[took] += count
        limit = step_days(policy, since, (within,)) if within else None
        late += count if limit is not None and took > limit else 0
    since, within = latest
    taken, ordered = sum(days.values()), sorted(days)
    so_far = accumulate(days[one] for one in ordered)
    median = next(took for took, count in zip(ordered, so_far, strict=True) if 2 * count >= taken)
    limit = step_days(policy, since, (within,)) if within else None
    return StepTime(*key, taken=taken, median=median, longest=ordered[-1], within=limit, late=late)


def _worked_between(first: date, last: date) -> Callable[[date, date], int]:
    """The number of working days after one day until another, looked up in a running sum.

    A day of a year that nobody adopted counts by its weekday: these are figures to look at, no ends of terms.
    """
    is_working = load_calendar()

    def works(day: date) -> int:
        known = is_working(day)
        return int(day.weekday() < _SATURDAY if known is None else known)

    days = (last - first).days + 1
    sums = list(accumulate(works(first + timedelta(days=at)) for at in range(days)))
    return lambda since, until: sums[(until - first).days] - sums[(since - first).days]


def _in_order(key: str) -> tuple[int, ...]:
    """10.1 after 9.1."""
    return tuple(int(part) for part in key.split(".") if part.isdigit())
