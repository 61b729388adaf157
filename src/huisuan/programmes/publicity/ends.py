"""The end of a notice by the calendar on record."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from huisuan.base.months import SHANGHAI
from huisuan.calendar.official import load_calendar_history
from huisuan.programmes.models import PublicNotice
from huisuan.programmes.publicity.period import NoticeEnd, NoticeTerms, find_end


def promise_end(terms: NoticeTerms) -> NoticeEnd:
    """What a notice promises when it is published."""
    return terms.count(load_calendar_history().known_at(terms.published_at))


def notice_ends() -> Callable[[PublicNotice], NoticeEnd]:
    """What tells the end of any notice, with the calendar read once."""
    history = load_calendar_history()

    def end_of(notice: PublicNotice) -> NoticeEnd:
        terms = NoticeTerms(notice.published_at, notice.working_days, notice.own_day)
        promised = NoticeEnd(notice.promised_end, notice.certain_until)
        return find_end(terms, promised, history.known_at, history.changes_after(notice.published_at))

    return end_of


def show_end(end: NoticeEnd) -> str:
    """For a refusal: until when it stands, in Shanghai's time."""
    if end.ends_at is not None:
        return f"至 {_day_that_ends(end.ends_at)} 24:00"
    return f"止期未定（所在年份的放假安排还没有公布），至少到 {_day_that_ends(end.certain_until)} 24:00"


def _day_that_ends(instant: datetime) -> str:
    return (instant.astimezone(SHANGHAI) - timedelta(seconds=1)).date().isoformat()
