"""The higher or the lower of two amounts: all readings take the same, and the explanation names it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import duckdb
import pytest

from huisuan.law.explain.explanation import explain
from huisuan.law.policy.load import load_folder
from huisuan.law.sql.compute_file import answer_query

DAY, KNOWN = date(2024, 12, 31), date(2025, 6, 30)
CAP = """    cap = legal_money("1000万元", "8.2", "最高1000万元")
    return payable(raised_and_capped(award, project.city, project.county, cap, "8.2", "最高1000万元"))"""
CHOSEN = """    fixed = legal_money("1000万元", "8.2", "最高1000万元").cites("8.2", "最高1000万元", "定额", "Fixed sum")
    from huisuan.law import {name}
    return payable({name}(award, fixed, "8.2", AWARD))"""


@pytest.mark.parametrize(
    ("name", "paid", "amount", "taken"),
    [
        ("higher_of", 5_000_000_00, 10_000_000_00, "取高者：定额 ＝ 10,000,000.00 元"),
        ("higher_of", 50_000_000_00, 15_000_000_00, "取高者：市级补助的 30% ＝ 15,000,000.00 元"),
        ("lower_of", 5_000_000_00, 1_500_000_00, "取低者：市级补助的 30% ＝ 1,500,000.00 元"),
        ("lower_of", 50_000_000_00, 10_000_000_00, "取低者：定额 ＝ 10,000,000.00 元"),
    ],
)
def test_the_one_that_is_taken_is_named_and_computed_alike(
    changed: Callable[[str, str, str], Path], name: str, paid: int, amount: int, taken: str
) -> None:
    policy = load_folder(changed("a08_attracting_firms.py", CAP, CHOSEN.format(name=name)))
    rule = policy.rule("8.2")
    facts = {"key_technology": True, "city_paid": paid, "city": "340100"}
    answer = explain(policy, rule, facts, on=DAY, as_known=KNOWN)
    texts = [step.text for step in answer.steps]
    assert (answer.amount_fen, taken in texts) == (amount, True)
    assert len(texts) == len(set(texts))
    with duckdb.connect() as engine:
        engine.execute(
            "CREATE TABLE facts AS SELECT true AS key_technology, $paid::BIGINT AS city_paid, '340100' AS city, "
            "NULL::VARCHAR AS county, NULL::BIGINT AS city_granted", {"paid": paid}
        )  # fmt: skip
        types = dict(engine.execute("SELECT column_name, column_type FROM (DESCRIBE facts)").fetchall())
        query, _ = answer_query(policy, rule, "facts", types, on=DAY, as_known=KNOWN)
        assert engine.execute(f"SELECT amount_fen FROM ({query.sql('duckdb')})").fetchall() == [(amount,)]
