"""Score sheets in exact fractions, and what a sheet must have before it is taken."""

from __future__ import annotations

from fractions import Fraction
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huisuan.base.errors import InvalidRequest
from huisuan.programmes.review.scores import ReviewCriteria, ReviewCriterion, panel_result, score_sheet

CRITERIA = ReviewCriteria(
    (ReviewCriterion("new", "创新性", 30, 1), ReviewCriterion("team", "团队", 10, 2)), low_percent=40, high_percent=90
)


def test_a_sheet_is_weighed_exactly() -> None:
    assert score_sheet(CRITERIA, {"new": 20, "team": 7}, {}) == Fraction(1, 3) * (Fraction(200, 3) + 2 * Fraction(70))


def test_everything_that_is_wrong_with_a_sheet_is_said_at_once() -> None:
    with pytest.raises(InvalidRequest) as refused:
        score_sheet(CRITERIA, {"new": 31, "x": 1}, {})
    assert str(refused.value).splitlines() == [
        "评分表没有提交：", "x：不是评审指标", '创新性："31" 须是 0 至 30 的整数', "团队：没有打分",
    ]  # fmt: skip


@pytest.mark.parametrize(("mark", "needed"), [(11, True), (12, False), (27, False), (28, True)])
def test_very_low_and_very_high_marks_need_a_reason_and_the_limits_themselves_do_not(mark: int, needed: bool) -> None:
    if needed:
        with pytest.raises(InvalidRequest, match="请写理由"):
            score_sheet(CRITERIA, {"new": mark, "team": 7}, {"new": "  "})
    assert score_sheet(CRITERIA, {"new": mark, "team": 7}, {"new": "见第三页" if needed else ""})


@pytest.mark.parametrize("mark", [True, 7.0, "7", -1, None])
def test_a_mark_is_a_whole_number(mark: object) -> None:
    with pytest.raises(InvalidRequest):
        score_sheet(CRITERIA, {"new": 20, "team": mark}, {})  # type: ignore[dict-item]


def test_criteria_without_weight_or_named_twice_are_refused() -> None:
    for criteria in ((), (CRITERIA.criteria[0],) * 2, (ReviewCriterion("a", "甲", 10, 0),)):
        with pytest.raises(InvalidRequest):
            ReviewCriteria(criteria, 40, 90)
    with pytest.raises(InvalidRequest):
        ReviewCriteria(CRITERIA.criteria, 91, 90)


_SCORES = st.lists(st.fractions(0, 100), min_size=3, max_size=9)


@given(_SCORES, st.randoms(use_true_random=False))
def test_one_extreme_vote_cannot_take_the_mean_past_the_others_and_the_order_of_votes_decides_nothing(
    scores: list[Fraction], random: Random
) -> None:
    found = panel_result(scores, trimmed=1, largest_spread=Fraction(20))
    ordered = sorted(scores)
    assert ordered[1] <= found.mean <= ordered[-2]
    extreme = panel_result([*scores[:-1], Fraction(100)], trimmed=1, largest_spread=Fraction(20))
    assert extreme.mean <= max(scores[:-1])
    assert found.must_meet == (max(scores) - min(scores) > 20)
    random.shuffle(scores)
    assert panel_result(scores, trimmed=1, largest_spread=Fraction(20)) == found


def test_a_mean_of_nothing_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="2 份评分"):
        panel_result([Fraction(1), Fraction(2)], trimmed=1, largest_spread=Fraction(20))
