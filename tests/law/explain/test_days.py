"""Days that a rule computes: not yet three years, 29 February by interpretation, the same day in every reading."""

from __future__ import annotations

import random
from datetime import date, timedelta
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from huisuan.law.explain.explanation import explain
from huisuan.law.explain.prose import rule_prose
from huisuan.law.model.days import shift_day
from huisuan.law.policy.figure_coverage import unmet_figures
from huisuan.law.policy.policy import Policy
from huisuan.law.sql.compute_file import answer_query
from huisuan.law.sql.dialect import Dialect
from support.dated_policy import dated_policy

ON = date(2027, 6, 30)
TYPES = {"founded": "DATE", "applied": "DATE", "punished": "BOOLEAN", "punished_on": "DATE"}
Row = dict[str, Any]


@pytest.fixture(scope="module")
def policies(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Policy]:
    place = tmp_path_factory.mktemp("dated")
    return {leap: dated_policy(place, leap) for leap in ("last", "next")}


def answer(policy: Policy, row: Row) -> tuple[str, int | None, str]:
    found = explain(policy, policy.rule("1.1"), row, on=ON, as_known=ON)
    return found.status.value, found.amount_fen, ";".join(reason.code for reason in found.reasons)


def young(policy: Policy, founded: date, applied: date) -> bool:
    return answer(policy, {"founded": founded, "applied": applied, "punished": False})[0] == "eligible"


def test_three_years_are_over_on_their_anniversary(policies: dict[str, Policy]) -> None:
    last = policies["last"]
    assert young(last, date(2023, 5, 10), date(2026, 5, 9))
    assert not young(last, date(2023, 5, 10), date(2026, 5, 10))


def test_a_firm_founded_on_29_february_is_three_by_the_day_that_was_chosen(policies: dict[str, Policy]) -> None:
    leap = date(2024, 2, 29)
    assert not young(policies["last"], leap, date(2027, 2, 28))
    assert young(policies["next"], leap, date(2027, 2, 28))
    assert not young(policies["next"], leap, date(2027, 3, 1))


def test_a_bar_of_two_years_ends_on_its_day_and_is_not_asked_of_who_was_not_punished(
    policies: dict[str, Policy],
) -> None:
    row: Row = {"founded": date(2026, 1, 1), "applied": date(2026, 9, 1), "punished": True}
    assert answer(policies["last"], {**row, "punished_on": date(2024, 9, 1)})[0] == "eligible"
    assert answer(policies["last"], {**row, "punished_on": date(2024, 9, 2)})[2] == "failed:punished@1.1"
    assert answer(policies["last"], row)[2] == "missing:punished_on"
    assert answer(policies["last"], {**row, "punished": False}) == ("eligible", 211_00, "")


def test_the_words_say_how_long(policies: dict[str, Policy]) -> None:
    words = rule_prose(policies["last"].rule("1.1"))
    assert "成立日期满3年之日 > 申报日期" in words
    assert "成立日期至申报日期前1个月1天之日的天数" in words
    assert "3 years after Founded > Applied" in rule_prose(policies["last"].rule("1.1"), "en")


def test_the_years_of_the_text_are_met_by_the_days_of_the_rule(policies: dict[str, Policy]) -> None:
    assert [figure.what for figure in unmet_figures(policies["last"]) if "3" in figure.what] == []


@given(st.dates(date(1900, 1, 1), date(2199, 12, 31)), st.integers(-600, 600), st.booleans())
def test_later_days_stay_later_and_short_months_end_on_their_last_or_the_next_first(
    day: date, months: int, late: bool
) -> None:
    moved, after = (shift_day(each, months, 0, late=late) for each in (day, day + timedelta(days=1)))
    assert moved <= after
    assert moved.day in (day.day, 1) if late else moved.day <= day.day


def random_rows(count: int) -> list[Row]:
    chance = random.Random(29)
    starts = [date(2024, 2, 29), date(2020, 2, 29), date(2024, 3, 31), date(2023, 3, 1), date(2024, 12, 31)]

    def day() -> date | None:
        return chance.choice(
            [*starts, *(date(2020, 1, 1) + timedelta(days=chance.randrange(3000)) for _ in range(5)), None]
        )

    return [
        {"founded": day(), "applied": day(), "punished": chance.choice([True, False, None]), "punished_on": day()}
        for _ in range(count)
    ] + [
        {"founded": start, "applied": shift_day(start, 36, near, late=False), "punished": False, "punished_on": None}
        for start in starts for near in (-1, 0, 1)
    ]  # fmt: skip


@pytest.mark.parametrize("leap", ["last", "next"])
def test_sql_computes_the_same_days(policies: dict[str, Policy], leap: str) -> None:
    policy, rows = policies[leap], random_rows(500)
    with duckdb.connect() as engine:
        schema = pa.schema([("founded", pa.date32()), ("applied", pa.date32()), ("punished", pa.bool_()),
                            ("punished_on", pa.date32())])  # fmt: skip
        engine.register("facts", pa.Table.from_pylist(rows, schema))
        query, _ = answer_query(policy, policy.rule("1.1"), "facts", TYPES, on=ON, as_known=ON)
        told = engine.execute(query.sql("duckdb")).fetchall()
    assert [
        pair for pair in zip([answer(policy, row) for row in rows], told, rows, strict=True) if pair[0] != pair[1]
    ] == []


@pytest.mark.django_db
def test_postgresql_computes_the_same_days(policies: dict[str, Policy]) -> None:
    policy, rows = policies["next"], random_rows(60)
    query, _ = answer_query(policy, policy.rule("1.1"), "facts", TYPES, on=ON, as_known=ON, dialect=Dialect.POSTGRES)
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TEMP TABLE facts (at int, founded date, applied date, punished boolean, punished_on date)"
        )
        for at, row in enumerate(rows):
            cursor.execute("INSERT INTO facts VALUES (%s, %s, %s, %s, %s)", [at, *row.values()])
        cursor.execute(f"SELECT * FROM ({query.sql('postgres')}) answered")
        assert sorted(cursor.fetchall(), key=str) == sorted((answer(policy, row) for row in rows), key=str)
