"""When a notice ends: worked days both ways of counting, corrections while it runs, years that nobody published."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from huisuan.base.months import SHANGHAI
from huisuan.calendar.official import AdoptedYear, CalendarHistory
from huisuan.programmes.publicity.ends import show_end
from huisuan.programmes.publicity.period import NoticeEnd, NoticeTerms, find_end
from support.examples import examples


def at(day: str, hour: int = 9) -> datetime:
    """An instant at Asia/Shanghai."""
    return datetime.fromisoformat(f"{day}T{hour:02d}:00:00+08:00")


def adopted(when: datetime, year: int, **days: bool) -> AdoptedYear:
    """A document: d20270101=False is a free day."""
    return AdoptedYear(when, year, {date.fromisoformat(name[1:]): working for name, working in days.items()})


def end(terms: NoticeTerms, documents: Sequence[AdoptedYear] = ()) -> NoticeEnd:
    """The end that stands, of a notice that was published by what was adopted then."""
    history = CalendarHistory(sorted(documents, key=lambda one: one.at))
    promised = terms.count(history.known_at(terms.published_at))
    return find_end(terms, promised, history.known_at, history.changes_after(terms.published_at))


@pytest.mark.parametrize(
    ("published", "from_the_next_day", "with_its_own_day"),
    [
        ("2019-05-29", "2019-06-05", "2019-06-04"),  # Saturday and Sunday between
        ("2024-02-08", "2024-02-21", "2024-02-20"),  # 10 to 17 February are free; Sunday 18 is worked
        ("2025-09-29", "2025-10-13", "2025-10-11"),  # 1 to 8 October are free; Saturday 11 is worked
        ("2026-02-13", "2026-02-27", "2026-02-26"),  # 15 to 23 February are free; Saturday 14 is worked
    ],
)
def test_five_working_days_both_ways_of_counting(published: str, from_the_next_day: str, with_its_own_day: str) -> None:
    for own_day, last in ((False, from_the_next_day), (True, with_its_own_day)):
        found = end(NoticeTerms(at(published), 5, own_day))
        assert found.ends_at == at(last, 0) + timedelta(days=1), (own_day, found)


def test_it_ends_with_the_last_day_to_the_second() -> None:
    found = end(NoticeTerms(at("2025-09-29"), 5, False))
    assert not found.has_passed(at("2025-10-14", 0) - timedelta(microseconds=1))
    assert found.has_passed(at("2025-10-14", 0))


def test_a_year_that_nobody_published_is_not_guessed_and_closes_once_it_is_adopted() -> None:
    terms = NoticeTerms(at("2026-12-29"), 5, False)
    open_end = end(terms)
    assert open_end == NoticeEnd(None, at("2027-01-01", 0))
    assert not open_end.has_passed(at("2027-03-01"))
    assert show_end(open_end) == "止期未定（所在年份的放假安排还没有公布），至少到 2026-12-31 24:00"
    year = adopted(at("2027-01-05"), 2027, d20270101=False, d20270104=False)
    # 30 and 31 December, 5, 6 and 7 January
    assert end(terms, [year]).ends_at == at("2027-01-08", 0)


def test_a_correction_makes_a_running_notice_longer_never_shorter_and_brings_none_back() -> None:
    terms = NoticeTerms(at("2024-09-02"), 5, False)  # until the 9th
    assert end(terms).ends_at == at("2024-09-10", 0)
    longer = adopted(at("2024-09-05"), 2024, d20240906=False)
    assert end(terms, [longer]).ends_at == at("2024-09-11", 0)
    shorter = adopted(at("2024-09-05"), 2024, d20240907=True)  # a Saturday that is worked now
    assert end(terms, [shorter]).ends_at == at("2024-09-10", 0)
    back_again = adopted(at("2024-09-06"), 2024, d20240906=True)
    assert end(terms, [longer, back_again]).ends_at == at("2024-09-11", 0)
    too_late = adopted(at("2024-09-10", 0), 2024, d20240909=False)
    assert end(terms, [too_late]).ends_at == at("2024-09-10", 0)


MINUTES = st.integers(0, 40 * 24 * 60)
DAYS = st.integers(-2, 40)


@settings(max_examples=examples(50), deadline=None)
@given(
    first=st.dates(date(2019, 1, 1), date(2026, 12, 31)),
    minute=st.integers(0, 1439),
    number=st.integers(1, 20),
    own_day=st.booleans(),
    corrections=st.lists(st.tuples(MINUTES, DAYS, st.booleans()), max_size=4),
    holiday=st.tuples(MINUTES, DAYS),
)
def test_publicity_never_ends_earlier_when_a_holiday_is_added(
    first: date,
    minute: int,
    number: int,
    own_day: bool,
    corrections: list[tuple[int, int, bool]],
    holiday: tuple[int, int],
) -> None:
    """Whatever was adopted before and after; a holiday of a year nobody published keeps it open."""
    published = datetime(first.year, first.month, first.day, tzinfo=SHANGHAI) + timedelta(minutes=minute)
    terms = NoticeTerms(published.astimezone(UTC), number, own_day)

    def document(minutes: int, days: int, working: bool) -> AdoptedYear:
        day = first + timedelta(days=days)
        return AdoptedYear(published + timedelta(minutes=minutes), day.year, {day: working})

    before = [document(*one) for one in corrections]
    known = {one.year for one in before}
    added = document(holiday[0], holiday[1], False)
    if added.year > 2026 and added.year not in known:
        return  # the first document of a year is no holiday added but the year itself
    # nobody said before or after what that day is
    before = [one for one in before if not set(one.days) & set(added.days)]
    without, found = end(terms, before), end(terms, [*before, added])
    assert found.ends_at is None or (without.ends_at is not None and found.ends_at >= without.ends_at)


@settings(max_examples=examples(50), deadline=None)
@given(corrections=st.lists(st.tuples(MINUTES, DAYS, st.booleans()), min_size=1, max_size=6))
def test_whatever_is_corrected_a_running_notice_stands_as_long_as_it_ever_said(
    corrections: list[tuple[int, int, bool]],
) -> None:
    published = at("2025-09-20")
    terms = NoticeTerms(published, 5, False)
    documents = sorted(
        (
            AdoptedYear(published + timedelta(minutes=minutes), 2025, {date(2025, 9, 20) + timedelta(days=days): works})
            for minutes, days, works in corrections
        ),
        key=lambda one: one.at,
    )
    said = [end(terms, documents[:known]).ends_at for known in range(len(documents) + 1)]
    assert said == sorted(said)  # type: ignore[type-var]
