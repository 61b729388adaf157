"""Worked days, as a clerk counts them with the State Council's notices beside, and what holds of any count."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huisuan.base.errors import InvalidRequest
from huisuan.base.months import SHANGHAI
from huisuan.calendar.counting import count_working_days
from huisuan.calendar.official import is_published

_days = st.dates(date(2004, 1, 1), date(2026, 6, 30))


def published(day: date) -> bool | None:
    from chinese_calendar import is_workday

    return bool(is_workday(day)) if is_published(day.year) else None


@pytest.mark.parametrize(
    ("begins", "first", "last_day"),
    [
        ("2019-05-29", False, "2019-06-05"),  # a weekend between
        ("2019-05-29", True, "2019-06-04"),
        ("2024-02-08", False, "2024-02-21"),  # Spring Festival; Sunday 18 February is worked
        ("2024-02-08", True, "2024-02-20"),
        ("2025-09-29", False, "2025-10-13"),  # National Day with Mid-Autumn; Saturday 11 October is worked
        ("2025-09-29", True, "2025-10-11"),
        ("2026-02-13", False, "2026-02-27"),  # Spring Festival; Saturday 14 February is worked, 28 too
        ("2026-02-13", True, "2026-02-26"),
    ],
)
def test_five_working_days_end_on_the_right_day_both_ways_of_counting(begins: str, first: bool, last_day: str) -> None:
    found = count_working_days(date.fromisoformat(begins), 5, published, first=first)
    assert (found.counted[-1].isoformat(), len(found.counted)) == (last_day, 5)
    assert found.ends_at == datetime.combine(
        date.fromisoformat(last_day) + timedelta(days=1), datetime.min.time(), SHANGHAI
    )


def test_a_year_that_nobody_published_is_not_guessed() -> None:
    found = count_working_days(date(2026, 12, 28), 5, published)
    assert (found.complete, found.ends_at) == (False, None)
    assert [day.isoformat() for day in found.counted] == ["2026-12-29", "2026-12-30", "2026-12-31"]
    assert found.certain_until == datetime(2027, 1, 1, tzinfo=SHANGHAI)
    assert count_working_days(date(2027, 1, 4), 1, published).counted == ()


@pytest.mark.parametrize("number", [0, -1, 1001])
def test_a_number_of_days_that_cannot_be_meant_is_refused(number: int) -> None:
    with pytest.raises(InvalidRequest):
        count_working_days(date(2024, 1, 1), number, published)


@given(begins=_days, number=st.integers(1, 60))
def test_one_day_more_never_ends_sooner_and_the_first_day_counted_never_ends_later(begins: date, number: int) -> None:
    count = count_working_days(begins, number, published)
    more = count_working_days(begins, number + 1, published)
    both = count_working_days(begins, number, published, first=True)
    assert more.counted[:number] == count.counted
    assert all(published(day) for day in count.counted)
    if more.ends_at and count.ends_at and both.ends_at:
        assert both.ends_at <= count.ends_at < more.ends_at


@given(begins=_days, number=st.integers(1, 40), free=st.sets(_days, max_size=40))
def test_free_days_added_never_end_a_count_sooner(begins: date, number: int, free: set[date]) -> None:
    def corrected(day: date) -> bool | None:
        return False if day in free else published(day)

    before, after = (count_working_days(begins, number, by) for by in (published, corrected))
    assert after.certain_until >= before.certain_until or not after.complete
    if after.ends_at:
        assert before.ends_at is not None
        assert before.ends_at <= after.ends_at
