"""The decision sheet: ties, the cut, a budget too small, and a waiting list that takes from nobody."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from fractions import Fraction
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huisuan.base.errors import InvalidRequest
from huisuan.law.budget import PoolMode
from huisuan.programmes.review.ranking import (
    DecisionSheet,
    ScoredApplication,
    SheetStatus,
    SheetTerms,
    TieOrder,
    lot,
    make_decision_sheet,
    move_up,
    read_sheet,
)

DAY = date(2026, 10, 8)
TIES = (TieOrder.SPREAD, TieOrder.APPLIED)


def scored(key: str, score: int, owed: int = 100, spread: int = 5, day: date = DAY) -> ScoredApplication:
    return ScoredApplication(key, Fraction(score), Fraction(spread), owed, day)


def keys(sheet: DecisionSheet) -> list[str]:
    return [line.application.key for line in sheet.lines]


def test_equal_scores_go_by_the_declared_order_and_at_last_by_lot() -> None:
    rows = [
        scored("late", 80, day=date(2026, 10, 9)), scored("agreed", 80, spread=2), scored("b", 80), scored("a", 80),
        scored("best", 90, spread=50),
    ]  # fmt: skip
    sheet = make_decision_sheet(rows, SheetTerms(10**6, PoolMode.RANK, TIES, "s"))
    drawn = sorted(("a", "b"), key=lambda key: lot("s", key))
    assert keys(sheet) == ["best", "agreed", *drawn, "late"]
    assert [line.tie for line in sheet.lines] == ["", "", "spread", "lot", "applied"]
    seeds = {tuple(keys(make_decision_sheet(rows, SheetTerms(10**6, PoolMode.RANK, TIES, str(n))))) for n in range(20)}
    assert len(seeds) == 2  # another seed, another lot


def test_all_runners_of_a_task_share_its_limit_by_rank_and_who_moves_up_stays_within_it() -> None:
    rows = [
        replace(scored(key, score), task=task)
        for key, score, task in (("a", 90, "T1"), ("b", 85, "T2"), ("c", 80, "T1"), ("d", 75, "T1"))
    ]
    terms = SheetTerms(10**6, PoolMode.RANK, (), "s", task_cap_fen=150)
    sheet = make_decision_sheet(rows, terms)
    funded = {line.application.key: (line.status, line.funded_fen) for line in sheet.lines}
    assert funded == {
        "a": (SheetStatus.FUNDED, 100), "b": (SheetStatus.FUNDED, 100), "c": (SheetStatus.PARTLY_FUNDED, 50),
        "d": (SheetStatus.WAITING, 0),
    }  # fmt: skip
    assert read_sheet(sheet.to_dict()) == sheet
    after = {line.application.key: line.funded_fen for line in move_up(sheet, ["a"]).lines}
    assert after == {"b": 100, "c": 100, "d": 50}
    each_alone = make_decision_sheet(rows, replace(terms, task_cap_fen=0))
    assert [line.funded_fen for line in each_alone.lines] == [100] * 4


def test_the_cut_shows_the_marginal_case_with_its_neighbours() -> None:
    rows = [scored("a", 90), scored("b", 85), scored("c", 80), scored("d", 75), scored("e", 50)]
    terms = SheetTerms(250, PoolMode.RANK, (), "s", lowest_score=Fraction(60))
    sheet = make_decision_sheet(rows, terms)
    assert [(line.status, line.funded_fen, line.running_fen) for line in sheet.lines] == [
        (SheetStatus.FUNDED, 100, 100), (SheetStatus.FUNDED, 100, 200), (SheetStatus.PARTLY_FUNDED, 50, 300),
        (SheetStatus.WAITING, 0, 400), (SheetStatus.NOT_RECOMMENDED, 0, 400),
    ]  # fmt: skip
    assert [line.application.key for line in sheet.marginal()] == ["b", "c", "d"]
    assert make_decision_sheet(rows[:2], terms).marginal() == ()


def test_who_waits_moves_up_when_a_funded_one_falls_out() -> None:
    rows = [scored("a", 90), scored("b", 85), scored("c", 80), scored("d", 75)]
    sheet = make_decision_sheet(rows, SheetTerms(200, PoolMode.RANK, (), "s"))
    after = move_up(sheet, ["a"])
    assert [(line.rank, line.application.key, line.status.value) for line in after.lines] == [
        (1, "b", "funded"), (2, "c", "funded"), (3, "d", "waiting"),
    ]  # fmt: skip
    assert after.digest != sheet.digest
    with pytest.raises(InvalidRequest, match="x 不在决策表上"):
        move_up(sheet, ["x"])


def test_first_come_first_served_stands_in_the_order_of_the_days_and_shares_a_day_that_is_not_covered() -> None:
    rows = [scored("best", 90, day=date(2026, 10, 9)), scored("early", 60), scored("low", 10), scored("last", 70)]
    terms = SheetTerms(150, PoolMode.FIRST_COME, (), "s", lowest_score=Fraction(50))
    sheet = make_decision_sheet(rows, terms)
    assert [(line.application.key, line.funded_fen) for line in sheet.lines] == [
        ("last", 75), ("early", 75), ("best", 0), ("low", 0),
    ]  # fmt: skip
    assert [line.application.key for line in sheet.marginal()] == ["last", "early"]
    assert make_decision_sheet(rows, SheetTerms(100, PoolMode.PRO_RATA, (), "s")).marginal() == ()


def test_what_cannot_be_ranked_is_refused() -> None:
    terms = SheetTerms(100, PoolMode.RANK, (), "s")
    for rows, said in (
        ([scored("a", 1), scored("a", 2)], terms),
        ([scored("a", 1, owed=-1)], terms),
        ([scored("a", 1)], SheetTerms(-1, PoolMode.RANK, (), "s")),
        ([scored("a", 1)], SheetTerms(1, PoolMode.RANK, (), "")),
    ):
        with pytest.raises(InvalidRequest):
            make_decision_sheet(rows, said)


@st.composite
def _sheets(draw: st.DrawFn) -> tuple[list[ScoredApplication], SheetTerms]:
    rows = [
        scored(
            f"A{n}", draw(st.integers(55, 60)), draw(st.integers(0, 1000)), draw(st.integers(0, 2)),
            date(2026, 10, draw(st.integers(1, 3))),
        )
        for n in range(draw(st.integers(1, 8)))
    ]  # fmt: skip
    ties = draw(st.lists(st.sampled_from(TieOrder), unique=True, max_size=3))
    lowest = Fraction(draw(st.integers(55, 58)))
    return rows, SheetTerms(draw(st.integers(0, 4000)), draw(st.sampled_from(PoolMode)), tuple(ties), "s", lowest)


@given(_sheets(), st.randoms(use_true_random=False))
def test_a_sheet_adds_up_to_the_fen_whatever_the_order_of_rows(
    made: tuple[list[ScoredApplication], SheetTerms], random: Random
) -> None:
    rows, terms = made
    sheet = make_decision_sheet(rows, terms)
    owed = sum(each.owed_fen for each in rows if each.score >= terms.lowest_score)
    assert sheet.funded_fen == min(terms.budget_fen, owed)
    assert all(0 <= line.funded_fen <= line.application.owed_fen for line in sheet.lines)
    random.shuffle(rows)
    assert make_decision_sheet(rows, terms).digest == sheet.digest


@given(_sheets(), st.data())
def test_nobody_is_given_less_when_another_falls_out_and_what_is_freed_is_given_on(
    made: tuple[list[ScoredApplication], SheetTerms], data: st.DataObject
) -> None:
    rows, terms = made
    sheet = make_decision_sheet(rows, terms)
    gone = data.draw(st.sets(st.sampled_from([each.key for each in rows])))
    after = move_up(sheet, gone)
    had = {line.application.key: line.funded_fen for line in sheet.lines}
    assert {line.application.key for line in after.lines} == had.keys() - gone
    assert all(line.funded_fen >= had[line.application.key] for line in after.lines)
    owed = sum(each.owed_fen for each in rows if each.score >= terms.lowest_score and each.key not in gone)
    assert after.funded_fen == min(terms.budget_fen, owed)


def test_no_more_are_chosen_than_there_are_places_however_much_money_there_is() -> None:
    rows = [scored("a", 90), scored("b", 85), scored("c", 80), scored("d", 50)]
    terms = SheetTerms(10**6, PoolMode.RANK, (), "s", lowest_score=Fraction(60), places=2)
    sheet = make_decision_sheet(rows, terms)
    assert [(line.status, line.funded_fen) for line in sheet.lines] == [
        (SheetStatus.FUNDED, 100), (SheetStatus.FUNDED, 100), (SheetStatus.WAITING, 0),
        (SheetStatus.NOT_RECOMMENDED, 0),
    ]  # fmt: skip
    assert read_sheet(sheet.to_dict()) == sheet
    after = move_up(sheet, ["a"])
    assert [(line.application.key, line.status) for line in after.lines] == [
        ("b", SheetStatus.FUNDED), ("c", SheetStatus.FUNDED), ("d", SheetStatus.NOT_RECOMMENDED),
    ]  # fmt: skip
    everybody = make_decision_sheet(rows, SheetTerms(150, PoolMode.PRO_RATA, (), "s", places=2))
    assert [line.funded_fen for line in everybody.lines] == [75, 75, 0, 0]


def test_a_prize_without_money_is_given_by_place_alone() -> None:
    rows = [scored("a", 90, owed=0), scored("b", 85, owed=0)]
    sheet = make_decision_sheet(rows, SheetTerms(0, PoolMode.RANK, (), "s", places=1))
    assert [line.status for line in sheet.lines] == [SheetStatus.FUNDED, SheetStatus.WAITING]
