"""Calls: who opens them, what they may announce, and that they are extended and never shortened."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from hypothesis import given
from hypothesis import strategies as st

from huisuan.base.errors import Conflict, HuisuanError, InvalidRequest, NotAllowed, NotFound
from huisuan.programmes.calls.queries import describe_call, list_calls
from huisuan.programmes.calls.services import amend_call, open_call
from huisuan.programmes.models import Call
from huisuan.programmes.submissions.window import CallWindow, WindowState, show_instant
from support.calls import CLOSES, DURING, LAST, OPENED, line, opened, publisher, terms
from support.programmes import TREASURY, official, person

pytestmark = pytest.mark.django_db


def test_a_call_says_all_that_holds_before_it_opens() -> None:
    made = opened(ties=("spread", "applied"))
    shown = describe_call(made, OPENED)
    assert made.number == "C2024-0001"
    assert (shown["state"], shown["opens_at"], shown["closes_at"]) == (
        "announced", "2024-09-01T00:00:00+08:00", "2024-10-01T00:00:00+08:00",
    )  # fmt: skip
    assert (shown["shortage"], shown["ties"], shown["line"]["sentence"]) == ("pro_rata", ["spread", "applied"], "14.1")
    assert "national" in shown["evidence"]  # the law names its document
    assert opened().number == "C2024-0002"


@given(st.dates(date(2023, 1, 1), date(2030, 1, 1)), st.integers(0, 400), st.integers(-(10**11), 10**11))
def test_a_window_is_open_from_the_first_midnight_until_just_before_the_last(
    first: date, days: int, microseconds: int
) -> None:
    window = CallWindow(first, first + timedelta(days=days))
    at = window.closes_at + timedelta(microseconds=microseconds)
    expected = first <= (at.astimezone(window.opens_at.tzinfo)).date() <= window.last_day
    assert (window.state(at) is WindowState.OPEN) == expected


def test_the_instant_of_closing_is_no_longer_open_and_both_instants_are_named() -> None:
    window = CallWindow(date(2024, 9, 1), LAST)
    window.require_open(CLOSES - timedelta(milliseconds=1))
    with pytest.raises(Conflict, match=r"2024-10-01 00:00:00\.000.*2024-09-30 24:00"):
        window.require_open(CLOSES)
    with pytest.raises(Conflict, match="2024-09-01 00:00"):
        window.require_open(OPENED)
    assert show_instant(CLOSES - timedelta(microseconds=1)) == "2024-09-30 23:59:59.999"  # never rounded up


@pytest.mark.parametrize(
    ("other", "code"),
    [
        ({"policy": "nowhere"}, "law.policy_unknown"),
        ({"programme": "99.9"}, "law.programme_unknown"),
        ({"programme": "2.2"}, "call.programme_is_offered"),
        ({"first_day": date(2024, 8, 29)}, "call.begins_in_the_past"),
        ({"last_day": date(2024, 8, 31)}, "call.ends_before_it_begins"),
        ({"last_day": date(2026, 9, 30)}, "call.lasts_too_long"),
        ({"year": 2022}, "call.year_not_covered"),
        ({"year": 2026}, "call.year_not_covered"),
        ({"year": 2025}, "call.line_too_early"),
        ({"line": 10**9}, "call.line_unknown"),
        ({"shortage": "lottery"}, "call.shortage_unknown"),
        ({"shortage": "rank"}, "call.rank_not_in_procedure"),  # 14.1 ranks nobody
        ({"ties": ("age",)}, "call.ties_unknown"),
        ({"ties": ("applied", "applied")}, "call.ties_unknown"),
        ({"evidence": ("colour",)}, "call.evidence_unknown"),
        ({"title": " \u200b"}, "call.text_missing"),
        ({"title": "字" * 121}, "text.too_long"),
        ({"tasks": {"": "x"}}, "call.text_missing"),
    ],
)
def test_a_call_that_cannot_be_meant_is_refused(other: dict[str, Any], code: str) -> None:
    if "year" in other and other["year"] == 2025:
        other |= {"first_day": date(2025, 1, 1), "last_day": date(2025, 2, 1)}
    with pytest.raises(HuisuanError) as refused:
        opened(**other)
    assert refused.value.code == code
    assert not Call.objects.exists()


def test_a_line_of_another_sentence_pays_for_no_call() -> None:
    with pytest.raises(InvalidRequest) as refused:
        opened(line=line("5.1").pk)
    assert refused.value.code == "call.line_of_another_sentence"


def test_a_call_for_a_year_in_which_the_policy_held_opens_after_it_has_ended() -> None:
    later = datetime(2026, 3, 2, 2, tzinfo=UTC)
    made = opened(later, year=2025, first_day=date(2026, 3, 3), last_day=date(2026, 4, 2), line=line(year=2026).pk)
    assert (made.number, made.year) == ("C2026-0001", 2025)


def test_only_a_post_that_publishes_in_an_office_of_the_programme_opens_a_call() -> None:
    for who in (person("nobody"), official("checker", "check"), official("elsewhere", "publish", TREASURY)):
        with pytest.raises(NotAllowed):
            open_call(terms(), who, OPENED)
    with pytest.raises(NotAllowed):  # a post that begins later
        open_call(terms(), official("later", "publish", from_day=date(2024, 9, 1)), OPENED)


def test_a_call_is_extended_by_what_is_published_and_never_shortened() -> None:
    made = opened()
    amend_call(made.number, "说明：附件二有更正", publisher(), DURING)
    longer = amend_call(made.number, "延期", publisher(), DURING, last_day=date(2024, 10, 15))
    assert longer.last_day == date(2024, 10, 15)
    shown = describe_call(longer, CLOSES)
    assert (shown["state"], [said["last_day"] for said in shown["amendments"]]) == ("open", [None, "2024-10-15"])
    for day in (date(2024, 10, 15), date(2024, 10, 14)):
        with pytest.raises(Conflict, match="只能延期"):
            amend_call(made.number, "缩短", publisher(), DURING, last_day=day)
    with pytest.raises(Conflict, match="截止"):  # what has closed is not opened again
        amend_call(made.number, "再延", publisher(), datetime(2024, 10, 15, 16, tzinfo=UTC), last_day=date(2024, 11, 1))
    with pytest.raises(NotFound):
        amend_call("C2024-9999", "x", publisher(), DURING)
    with pytest.raises(NotAllowed):
        amend_call(made.number, "x", person("nobody"), DURING)


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE programmes_call SET last_day = '2024-12-31'",  # without an amendment
        "UPDATE programmes_call SET last_day = '2024-09-15'",
        "UPDATE programmes_call SET shortage = 'first_come'",
        "DELETE FROM programmes_call",
        "UPDATE programmes_callamendment SET text = 'x'",
        "DELETE FROM programmes_callamendment",
        "INSERT INTO programmes_callamendment (call_id, text, last_day, by_id, at)"
        " SELECT id, 'x', '2024-09-15', opened_by_id, opened_at FROM programmes_call",
    ],
)
def test_what_a_call_says_stays(sql: str) -> None:
    amend_call(opened().number, "说明", publisher(), DURING)
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql)


def test_open_calls_are_those_that_take_applications_now() -> None:
    made = opened()
    later = opened(first_day=date(2024, 10, 1), last_day=date(2024, 10, 31))
    assert list(list_calls(DURING, only_open=True)) == [made]
    assert list(list_calls(CLOSES, only_open=True)) == [later]
    assert list(list_calls(OPENED, only_open=True)) == []
    assert list(list_calls(OPENED)) == [later, made]
