"""What a rule's SQL says twice is computed once, and no column of the input is mistaken for a step of that."""

from __future__ import annotations

import duckdb
import pytest
from sqlglot import exp, parse_one

from huisuan.law.model.errors import LawError
from huisuan.law.policy.load import load_policy
from huisuan.law.sql.common_subexpressions import extract_common
from huisuan.law.sql.compute_file import answer_query
from huisuan.law.sql.naming import STEP_PREFIX
from huisuan.law.sql.sql_arithmetic import SqlBackend

POLICY = load_policy("anhui-agi-2023")
DAY = POLICY.valid_to


def columns(**sql: str) -> dict[str, exp.Expr]:
    return {name: parse_one(words, dialect="duckdb") for name, words in sql.items()}


def test_what_is_said_twice_stands_once_below_and_gives_the_same_values() -> None:
    inner = "CASE WHEN x > 3 THEN x * 5 WHEN x <= 3 THEN x END"
    wanted = columns(a=f"CASE WHEN {inner} > 20 THEN 20 WHEN {inner} <= 20 THEN {inner} END", b=f"{inner} > 20", c="x")
    plain = ", ".join(f"{each.sql('duckdb')} AS {name}" for name, each in wanted.items())
    query = extract_common(wanted, exp.to_table("facts")).sql("duckdb")
    assert query.count("THEN x * 5") == 1
    with duckdb.connect() as engine:
        engine.execute("CREATE TABLE facts AS SELECT unnest([NULL, 0, 3, 4, 5, 100]) AS x")
        told = engine.execute(f"SELECT a, b, c FROM ({query})").fetchall()
        assert told == engine.execute(f"SELECT {plain} FROM facts").fetchall()


def test_a_branch_that_stands_in_two_cases_is_no_value_of_its_own() -> None:
    wanted = columns(
        a="CASE WHEN x > 3 THEN 7 WHEN x <= 3 THEN 10 ELSE 1 END", b="CASE WHEN x > 4 THEN 7 WHEN x <= 3 THEN 10 END"
    )
    query = extract_common(wanted, exp.to_table("facts")).sql("duckdb")
    with duckdb.connect() as engine:
        engine.execute("CREATE TABLE facts AS SELECT unnest([NULL, 3, 4, 5]) AS x")
        found = engine.execute(f"SELECT a, b FROM ({query})").fetchall()
    assert found == [(1, None), (10, 10), (7, None), (7, 7)]


def test_what_is_said_once_stays_where_it_is() -> None:
    query = extract_common(columns(a="CASE WHEN x > 3 THEN x END", b="x IS NULL", c="x IS NULL"), exp.to_table("facts"))
    assert STEP_PREFIX not in query.sql("duckdb")


def test_every_rule_looks_up_a_city_once_for_each_question_and_once_more_where_facts_are_missing() -> None:
    types = {"among_ten": "BOOLEAN", "investment": "BIGINT", "city": "VARCHAR", "county": "VARCHAR"}
    query, _ = answer_query(POLICY, POLICY.rule("6.2"), "facts", types, on=DAY, as_known=DAY)
    steps = query.find(exp.From)
    assert steps is not None
    assert steps.sql("duckdb").count("'340300': TRUE") == 2


@pytest.mark.parametrize("name", ["a__", "C__0", "f__", "s__12", "raw__city", "agi_revenue__num"])
def test_a_column_named_like_a_step_is_refused_rather_than_read_in_its_place(name: str) -> None:
    with pytest.raises(LawError, match=f"列 {name}：.*请改名"):
        answer_query(POLICY, POLICY.rule("6.2"), "facts", {"city": "VARCHAR", name: "BOOLEAN"}, on=DAY, as_known=DAY)


def test_a_rule_asks_once_for_what_guards_its_facts_and_multiplies_its_figures_beforehand() -> None:
    types = {"key_technology": "BOOLEAN", "city_paid": "BIGINT", "city": "VARCHAR", "county": "VARCHAR"}
    query, _ = answer_query(POLICY, POLICY.rule("8.2"), "facts", types, on=DAY, as_known=DAY)
    words = query.sql("duckdb")
    assert words.count("'340300': TRUE") == 2  # and once more for the rows whose facts leave it open
    assert 'CAST(18 AS BIGINT) * "city_paid"' in words  # 3 tenths, six fifths of it in the north, over 50


@pytest.mark.parametrize(
    ("left", "right", "words"),
    [
        ("2", "3", "CAST(6 AS BIGINT)"),
        ("1", "x", "x"),
        ("2", "x", "CAST(2 AS BIGINT) * x"),
        ("x", "2", "CAST(2 AS BIGINT) * x"),
        ("2x", "3", "CAST(6 AS BIGINT) * x"),
        ("5", "x // y", "CAST(5 AS BIGINT) * (x // y)"),
        ("2x", "y", "(CAST(2 AS BIGINT) * x) * y"),
        ("4611686018427387904", "2", "CAST(4611686018427387904 AS BIGINT) * CAST(2 AS BIGINT)"),
    ],
)
def test_figures_that_meet_are_one_figure_as_long_as_it_fits(left: str, right: str, words: str) -> None:
    engine = SqlBackend()
    x, y = exp.column("x"), exp.column("y")
    made = {
        "x": x,
        "y": y,
        "2x": engine.multiply(engine.const(2), x),
        "x // y": engine.floor_divide(x.copy(), y.copy()),
    }
    one, other = (made[each] if each in made else engine.const(int(each)) for each in (left, right))
    told = engine.multiply(one, other)
    assert (told.this if isinstance(told, exp.Paren) else told).sql("duckdb") == words
