"""How many working days each step of a year's applications took, beside the figure that is set for it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from itertools import accumulate

from django.db import connection

from huisuan.calendar.official import load_calendar
from huisuan.law.policy import load_policy
from huisuan.programmes.workflow.due import fewest_days

_SATURDAY = 5
#: what a step waited for, from the step before it, as the database counts it by day (`StepWait`)
_SQL = """
    SELECT e.key, g.action, g.office, g.within, w.since, w.until, sum(w.number)
    FROM programmes_stepwait w
    JOIN programmes_procedureedge g ON g.edition_id = w.edition_id AND g.action = w.action
        AND g.from_state = w.from_state AND g.duty = w.duty
    JOIN programmes_procedureedition e ON e.id = w.edition_id
    WHERE e.policy = %(policy)s AND w.year = %(year)s
    GROUP BY 1, 2, 3, 4, 5, 6
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
    worked = _worked_between(min(row[4] for row in rows), max(row[5] for row in rows))

    law = load_policy(policy)

    @cache
    def limit(since: date, within: str) -> int | None:
        return fewest_days(law, since, (within,)) if within else None

    grouped: dict[tuple[str, str, str], list[tuple[date, date, int, str]]] = defaultdict(list)
    for key, action, office, within, since, until, count in rows:
        grouped[key, action, office].append((since, until, count, within))
    found = [_step_time(key, waits, worked, limit) for key, waits in grouped.items()]
    return sorted(found, key=lambda one: (_in_order(one.programme), -one.taken, one.action))


def _step_time(
    key: tuple[str, str, str], waits: Iterable[tuple[date, date, int, str]],
    worked: Callable[[date, date], int], limit: Callable[[date, str], int | None],
) -> StepTime:  # fmt: skip
    days: Counter[int] = Counter()
    late, latest = 0, (date.min, "")
    for since, until, count, within in waits:
        took, latest = worked(since, until), max(latest, (since, within))
        days[took] += count
        most = limit(since, within)
        late += count if most is not None and took > most else 0
    taken, ordered = sum(days.values()), sorted(days)
    so_far = accumulate(days[one] for one in ordered)
    median = next(took for took, count in zip(ordered, so_far, strict=True) if 2 * count >= taken)
    return StepTime(*key, taken=taken, median=median, longest=ordered[-1], within=limit(*latest), late=late)


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
