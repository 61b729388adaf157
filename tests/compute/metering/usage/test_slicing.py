"""Slices of a record add up to the record, wherever it is cut."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from huisuan.compute.metering.usage.slicing import (
    HeldSpan,
    UsageSlice,
    card_seconds_by_month,
    held_before,
    month_boundaries,
    slice_span,
)

SHANGHAI = ZoneInfo("Asia/Shanghai")
MOMENT = st.integers(946_684_800, 4_000_000_000)


@st.composite
def spans(draw: st.DrawFn) -> HeldSpan:
    started = draw(MOMENT)
    length = draw(st.integers(0, 400 * 86_400))
    return HeldSpan(started, started + length, draw(st.integers(0, length)))


@given(spans(), st.lists(MOMENT, max_size=8))
def test_slices_add_up_exactly_and_none_is_negative(span: HeldSpan, cuts: list[int]) -> None:
    pieces = slice_span(span, cuts)
    assert sum(piece.held for piece in pieces) == span.held
    assert all(0 <= piece.held <= piece.ends - piece.starts for piece in pieces)
    assert [pieces[0].starts, pieces[-1].ends] == [span.started, span.ended]


@given(spans(), MOMENT, MOMENT)
def test_cutting_again_does_not_move_an_earlier_cut(span: HeldSpan, first: int, second: int) -> None:
    once, again = held_before(first, span), sum(p.held for p in slice_span(span, [first, second]) if p.ends <= first)
    if span.started < first < span.ended:
        assert once == again


@given(spans(), st.integers(1, 10_000))
def test_months_add_up_to_the_record(span: HeldSpan, cards: int) -> None:
    months = card_seconds_by_month(span, cards, SHANGHAI)
    assert sum(months.values()) == cards * span.held
    assert all(month.day == 1 for month in months)


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=SHANGHAI).timestamp())


def test_a_job_that_crosses_a_month_counts_in_both() -> None:
    span = HeldSpan(at("2024-01-31T23:00:00"), at("2024-02-01T02:00:00"))
    assert card_seconds_by_month(span, 8, SHANGHAI) == {date(2024, 1, 1): 8 * 3600, date(2024, 2, 1): 8 * 7200}


def test_suspended_time_is_spread_evenly_and_rounded_by_one_cumulative_rule() -> None:
    span = HeldSpan(0, 10, suspended=3)
    assert slice_span(span, [3, 6]) == [UsageSlice(0, 3, 2), UsageSlice(3, 6, 2), UsageSlice(6, 10, 3)]


def test_a_record_that_ends_with_its_month_has_no_slice_in_the_next() -> None:
    assert list(card_seconds_by_month(HeldSpan(at("2024-01-31T00:00:00"), at("2024-02-01T00:00:00")), 1, SHANGHAI)) == [
        date(2024, 1, 1)
    ]


def test_a_record_without_length_is_one_empty_slice() -> None:
    assert slice_span(HeldSpan(5, 5), [5]) == [UsageSlice(5, 5, 0)]


def test_months_begin_at_midnight_of_the_zone() -> None:
    first = int(datetime(2023, 12, 15, tzinfo=UTC).timestamp())
    assert month_boundaries(first, at("2024-02-01T00:00:00"), SHANGHAI) == [
        at("2024-01-01T00:00:00"),
        at("2024-02-01T00:00:00"),
    ]
