"""What is set for objections: by when they are answered, and how long it is kept who objected."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from functools import cache

from huisuan.base.months import SHANGHAI
from huisuan.calendar.counting import WorkingDayCount, count_working_days
from huisuan.calendar.official import load_calendar
from huisuan.programmes.models import Objection, ProcedureEdition
from huisuan.programmes.publicity.lines import PublicityFigures, publicity_figures


def answers_due(objections: Iterable[Objection]) -> dict[int, WorkingDayCount | None]:
    """By objection the working days to answer it, from the day after it came; None where none are set."""
    is_working = load_calendar()

    @cache
    def counted(came: date, days: int) -> WorkingDayCount:
        return count_working_days(came, days, is_working)

    found: dict[int, WorkingDayCount | None] = {}
    for one, figures in _figures(objections):
        days = figures.answer_days if figures else None
        found[one.pk] = counted(one.at.astimezone(SHANGHAI).date(), days) if days else None
    return found


def kept_days(objections: Iterable[Objection]) -> dict[int, int | None]:
    """By objection the days after its answer for which name and contact are kept; None where none are set."""
    return {one.pk: figures.kept_days if figures else None for one, figures in _figures(objections)}


def _figures(objections: Iterable[Objection]) -> Iterable[tuple[Objection, PublicityFigures | None]]:
    """Each with what held on the day of its notice."""
    held: dict[tuple[int, date], PublicityFigures | None] = {}
    for one in objections:
        edition: ProcedureEdition = one.line.step.edition
        day = one.line.notice.published_at.astimezone(SHANGHAI).date()
        if (edition.pk, day) not in held:
            held[edition.pk, day] = publicity_figures(edition, day)
        yield one, held[edition.pk, day]
