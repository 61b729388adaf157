"""By when a step is to be taken: its working days as set, and their end as a rank that the database can order by."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from functools import cache
from itertools import accumulate

from django.db.models import Case, Exists, F, Func, IntegerField, OuterRef, Subquery, Value, When
from django.db.models.expressions import CombinedExpression, Expression
from django.db.models.functions import Least

from huisuan.base.months import SHANGHAI
from huisuan.calendar.counting import WorkingDayCount, count_working_days
from huisuan.calendar.official import load_calendar
from huisuan.law.policy import Policy, load_policy
from huisuan.law.procedure import Duty
from huisuan.programmes.models import Application, Objection, ProcedureEdge, ProcedureEdition
from huisuan.programmes.publicity.lines import publicity_figures

_DAYS_BACK = 3 * 366  # what has waited for longer is overdue as if it had waited so long
_SATURDAY = 5
_SHANGHAI_DAY = "(%(expressions)s AT TIME ZONE 'Asia/Shanghai')::date"


def step_days(policy_name: str, since: date, settings: tuple[str, ...]) -> int | None:
    """The fewest working days that any of some settings gives on a day; None where none is set."""
    return fewest_days(load_policy(policy_name), since, settings) if settings else None


def fewest_days(policy: Policy, since: date, settings: Iterable[str]) -> int | None:
    """As `step_days`, of a policy that is at hand."""
    held = policy.adopted(min(since, policy.valid_to), date.max)
    days = [held[name].value for name in settings if name in held]
    return min((number for number in days if isinstance(number, int) and number > 0), default=None)


def due_counts(applications: Iterable[Application]) -> dict[int, WorkingDayCount | None]:
    """By application the working days of the next step, whoever takes it; None where no days are set for it."""
    asked, is_working = list(applications), load_calendar()
    settings: dict[tuple[int, str], set[str]] = defaultdict(set)
    for edge in ProcedureEdge.objects.filter(edition__in={one.edition_id for one in asked}).exclude(within=""):
        settings[edge.edition_id, edge.from_state].add(edge.within)

    @cache
    def counted(since: date, days: int) -> WorkingDayCount:
        return count_working_days(since, days, is_working)

    found: dict[int, WorkingDayCount | None] = {}
    for one in asked:
        since, names = one.state_since.astimezone(SHANGHAI).date(), settings[one.edition_id, one.state]
        days = step_days(one.edition.policy, since, tuple(sorted(names)))
        found[one.pk] = counted(since, days) if days else None
    return found


def due_rank(edges: Sequence[ProcedureEdge], day: date) -> Expression:
    """How many working days from a fixed day on have passed when an application is due; None: no days are set.

    `edges` are the steps that are waited for; who publishes also answers the oldest objection that waits. What is
    overdue on the day ranks up to `overdue_rank`.
    """
    step = _step_rank(edges, day, _WorkedUntil.since(day, F("state_since")))
    return Least(step, _answer_rank([edge.edition for edge in edges if edge.duty == Duty.PUBLISH], day))


def day_rank(edges: Sequence[ProcedureEdge], day: date) -> Expression:
    """The rank of the step alone, objections or none, where `since` is the day from which on the state stands."""
    return _step_rank(edges, day, _WorkedUntil.since(day, F("since"), "%(expressions)s"))


def _step_rank(edges: Sequence[ProcedureEdge], day: date, worked: Expression) -> Expression:
    """What had been worked, and the days that are set for the edition and state of a row."""
    settings: dict[tuple[int, str], set[str]] = defaultdict(set)
    policies = {edge.edition_id: edge.edition.policy for edge in edges}
    for edge in edges:
        settings[edge.edition_id, edge.from_state].add(edge.within)
    loaded = {name: load_policy(name) for name in {*policies.values()}}
    days = {key: fewest_days(loaded[policies[key[0]]], day, names - {""}) for key, names in settings.items()}
    whens = [
        When(edition=edition, state=state, then=Value(number)) for (edition, state), number in days.items() if number
    ]
    set_days = Case(*whens, default=None, output_field=IntegerField())
    return CombinedExpression(worked, "+", set_days, output_field=IntegerField())


def _answer_rank(editions: Iterable[ProcedureEdition], day: date) -> Expression:
    """The rank of the oldest objection that waits, of applications under these editions; None for all others."""
    figures = {edition.pk: publicity_figures(edition, day) for edition in editions}
    days = {edition: found.answer_days for edition, found in figures.items() if found and found.answer_days}
    waiting = Objection.objects.filter(line__application=OuterRef("pk"), answer__isnull=True)
    came = _WorkedUntil.since(day, Subquery(waiting.order_by("at").values("at")[:1]))
    whens = [
        When(
            Exists(waiting),
            edition=edition,
            then=CombinedExpression(came, "+", Value(number), output_field=IntegerField()),
        )
        for edition, number in days.items()
    ]
    return Case(*whens, default=None, output_field=IntegerField())


def overdue_rank(day: date) -> int:
    """The rank of what was due yesterday."""
    return _worked_days(day)[-2]


class _WorkedUntil(Func):
    """How many working days had passed at an instant, or on a day: looked up in a list by its day."""

    template = "('{%(worked)s}'::int[])[GREATEST(1, %(at_day)s - DATE '%(begins)s' + 1)]"
    output_field = IntegerField()

    @classmethod
    def since(cls, day: date, at: Expression | F | Subquery, at_day: str = _SHANGHAI_DAY) -> _WorkedUntil:
        """Of an instant that is not after the day."""
        worked = ",".join(map(str, _worked_days(day)))
        template = cls.template.replace("%(at_day)s", at_day)
        return cls(at, worked=worked, begins=_first(day).isoformat(), template=template)


def _first(day: date) -> date:
    return day - timedelta(days=_DAYS_BACK)


def _worked_days(day: date) -> list[int]:
    """For each day from the first up to this one, how many working days there were until its end."""
    is_working = load_calendar()
    days = [_first(day) + timedelta(days=number) for number in range(_DAYS_BACK + 1)]

    def works(one: date) -> int:
        known = is_working(one)
        return int(one.weekday() < _SATURDAY if known is None else known)  # an order only: the end itself stays open

    return list(accumulate(map(works, days)))
