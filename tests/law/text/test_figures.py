"""Figures of a sentence: whole numbers, with what their words make of them."""

from __future__ import annotations

from datetime import date
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huisuan.law.model.values import ValueKind
from huisuan.law.text.figures import Operator, bare_operators, find_figures, names_figure


@pytest.mark.parametrize(
    ("sentence", "figures"),
    [
        ("新增规模400P以上的项目", [("400", Operator.AT_LEAST)]),
        ("给予不超过算力总支出20%的补助", [("20%", Operator.AT_MOST)]),
        ("按照实际补助额度的1/3给予补助", [("1/3", Operator.EXACTLY)]),
        ("总规模不低于200亿元的基金", [("200亿元", Operator.AT_LEAST)]),
        ("企业占比超过60%的园区", [("60%", Operator.ABOVE)]),
        ("成立不满3年的企业", [("3", Operator.BELOW)]),
        ("最高奖补100万元、50万元", [("100万元", Operator.AT_MOST), ("50万元", Operator.AT_MOST)]),
        ("给予总投资额20%、最高100万元补助", [("20%", Operator.EXACTLY), ("100万元", Operator.AT_MOST)]),
        ("不低于5个，每个给予10万元", [("5", Operator.AT_LEAST), ("10万元", Operator.EXACTLY)]),
        ("到2025年底前建成3家以上", [("2025年底", Operator.AT_MOST), ("3", Operator.AT_LEAST)]),
        ("50人以下、营业收入300万元以内", [("50", Operator.AT_MOST), ("300万元", Operator.AT_MOST)]),
        ("补助不得超过100万元", [("100万元", Operator.AT_MOST)]),
        ("有下列情形之一的，不予补助：1.弄虚作假的；2、重复申报的；（3）不到5人的", [("5", Operator.BELOW)]),
        ("（1）登记满1年；", [("1", Operator.EXACTLY)]),
        (
            "1. 补助1.5倍：1.5倍以上的另议；2、3类各10万元",
            [
                ("1.5", Operator.EXACTLY),
                ("1.5", Operator.AT_LEAST),
                ("2", Operator.EXACTLY),
                ("3", Operator.EXACTLY),
                ("10万元", Operator.EXACTLY),
            ],
        ),
        ("单家不能超过30%，原则上不应高于20%", [("30%", Operator.AT_MOST), ("20%", Operator.AT_MOST)]),
        ("投入不得低于500万元，人数不应少于10人", [("500万元", Operator.AT_LEAST), ("10", Operator.AT_LEAST)]),
        ("占比不宜大于5%、不可小于1%", [("5%", Operator.AT_MOST), ("1%", Operator.AT_LEAST)]),
        ("未超过50万元、未达到3家的", [("50万元", Operator.AT_MOST), ("3", Operator.BELOW)]),
        (
            "成立未满3年、不到5人、达不到10万元",
            [
                ("3", Operator.BELOW),
                ("5", Operator.BELOW),
                ("10万元", Operator.BELOW),
            ],
        ),
        ("大于等于60%、小于或等于80%", [("60%", Operator.AT_LEAST), ("80%", Operator.AT_MOST)]),
        ("不得大于或等于90%", [("90%", Operator.BELOW)]),
        ("规模100P（含）以上、50人(含)以下", [("100", Operator.AT_LEAST), ("50", Operator.AT_MOST)]),
        ("收入300万元以上（含300万元）", [("300万元", Operator.AT_LEAST), ("300万元", Operator.EXACTLY)]),
        ("收入300万元以上（不含）、50人（不含）以下", [("300万元", Operator.ABOVE), ("50", Operator.BELOW)]),
        ("距离30公里以外", [("30", Operator.ABOVE)]),
        ("没有数的一句", []),
    ],
)
def test_a_figure_has_the_operator_of_its_words(sentence: str, figures: list[tuple[str, Operator]]) -> None:
    assert [(figure.text, figure.operator) for figure in find_figures(sentence)] == figures


@pytest.mark.parametrize(
    ("text", "kind", "values"),
    [
        ("2.5万P", ValueKind.INT, (25_000,)),
        ("0.5个", ValueKind.INT, (Fraction(1, 2),)),
        ("1.5亿元", ValueKind.MONEY, (15_000_000_000,)),
        ("12.5%", ValueKind.SHARE, (Fraction(1, 8),)),
        ("2024年底", ValueKind.DATE, (date(2024, 12, 31),)),
        ("2024年2月", ValueKind.DATE, (date(2024, 2, 1), date(2024, 2, 29))),
        ("2025年12月31日", ValueKind.DATE, (date(2025, 12, 31),)),
        ("2025年13月1日", ValueKind.DATE, ()),
    ],
)
def test_a_figure_has_the_value_of_its_kind(text: str, kind: ValueKind, values: tuple[object, ...]) -> None:
    (figure,) = find_figures(text)
    assert (figure.kind, figure.values) == (kind, values)


@given(st.integers(1, 10**6), st.integers(1, 10**6))
def test_a_figure_stands_in_a_phrase_as_a_whole_number_or_not_at_all(written: int, asked: int) -> None:
    assert names_figure(f"规模{written}P以上", ValueKind.INT, asked) is (written == asked)


def test_a_word_without_a_figure_in_its_clause_is_found() -> None:
    sentence = "超过60%的园区，最高给予支持，届满后评估"
    assert [sentence[start:end] for start, end in bare_operators(sentence)] == ["最高", "届满"]
