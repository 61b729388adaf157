"""A rule rounds once: to the fen, the yuan or ten thousand yuan, downwards or to the nearest with halves up."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from fractions import Fraction
from pathlib import Path

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from huisuan.law.explain.explanation import explain
from huisuan.law.explain.prose import Wording
from huisuan.law.model.errors import LawError
from huisuan.law.model.expressions import Const, Rounded
from huisuan.law.model.values import ValueKind
from huisuan.law.policy.load import load_folder
from huisuan.law.sql.compute_file import answer_query

Changed = Callable[[str, str, str], Path]
UNITS = {"fen": 1, "yuan": 100, "wan": 1_000_000}
DAY, KNOWN = date(2024, 12, 31), date(2025, 6, 30)
DOWN_TO_THE_FEN = 'fen=amount.rounded_down("fen")'


@given(st.fractions(0, 10**9), st.sampled_from(list(UNITS.values())), st.booleans())
def test_the_rounded_amount_is_the_nearest_on_its_side(amount: Fraction, to: int, half_up: bool) -> None:
    rounded = Rounded(Const(0, ValueKind.MONEY), to, half_up).apply(amount)
    assert rounded % to == 0
    if half_up:
        assert -Fraction(to, 2) <= amount - rounded < Fraction(to, 2)
    else:
        assert 0 <= amount - rounded < to


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("way", ["rounded_down", "rounded_half_up"])
def test_explanation_and_sql_round_alike(changed: Changed, unit: str, way: str) -> None:
    policy = load_folder(changed("a00_supplementary.py", DOWN_TO_THE_FEN, f'fen=amount.{way}("{unit}")'))
    rule = policy.rule("8.2")
    step = UNITS[unit]
    # 30% of it lies at, below and above the half of a unit
    paid = sorted({max(0, 10 * step * half // 6 + beside) for half in range(12) for beside in range(-2, 3)})
    facts = {"key_technology": True, "city": "340100"}
    explained = [
        explain(policy, rule, {**facts, "city_paid": amount}, on=DAY, as_known=KNOWN).amount_fen for amount in paid
    ]
    with duckdb.connect() as engine:
        engine.execute(
            "CREATE TABLE facts AS SELECT true AS key_technology, '340100' AS city, NULL::VARCHAR AS county, "
            "unnest($paid)::BIGINT AS city_paid, NULL::BIGINT AS city_granted, unnest(range(len($paid))) AS place",
            {"paid": paid},
        )  # fmt: skip
        types = dict(engine.execute("SELECT column_name, column_type FROM (DESCRIBE facts)").fetchall())
        query, _ = answer_query(policy, rule, "facts", types, on=DAY, as_known=KNOWN)
        computed = engine.execute(f"SELECT amount_fen FROM ({query.sql('duckdb')}) ORDER BY place").fetchall()
    assert [amount for (amount,) in computed] == explained
    share = [Fraction(3, 10) * amount for amount in paid]
    assert explained == [
        Rounded(Const(0, ValueKind.MONEY), step, way == "rounded_half_up").apply(part) for part in share
    ]


@pytest.mark.parametrize(
    ("node", "zh", "en"),
    [
        (Rounded(Const(150, ValueKind.MONEY), 1_000_000), "1.50 元，向下取整到万元", "rounded down to the 10,000 yuan"),
        (
            Rounded(Const(150, ValueKind.MONEY), 100, half_up=True),
            "1.50 元，四舍五入到元",
            "to the nearest yuan, halves up",
        ),
    ],
)
def test_prose_says_how(node: Rounded, zh: str, en: str) -> None:
    assert Wording("zh").expression(node) == zh
    assert Wording("en").expression(node).endswith(en)


def test_another_unit_is_refused(changed: Changed) -> None:
    folder = changed("a00_supplementary.py", DOWN_TO_THE_FEN, 'fen=amount.rounded_down("jiao")')
    with pytest.raises(LawError, match="取整的单位只能是 fen、yuan、wan，不是“jiao”"):
        load_folder(folder)
