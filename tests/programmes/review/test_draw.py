"""The draw of panels: against brute force on tiny pools, and its promises over random ones."""

from __future__ import annotations

import hashlib
import itertools
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from huisuan.base.errors import InvalidRequest
from huisuan.programmes.review.draw import (
    DrawnExpert,
    DrawTerms,
    Exclusion,
    Panel,
    PanelShortage,
    ReviewedApplication,
    TooFewExperts,
    draw_panels,
    find_exclusion,
)
from support.examples import examples

_FIELDS = ("模型", "芯片")
_PARTIES = ("P0", "P1", "P2", "P3")


def _cost(seed: str, application: str, expert: str) -> int:
    return int(hashlib.sha256(f"{seed}|{application}|{expert}".encode()).hexdigest()[:8], 16)


@st.composite
def _worlds(draw: st.DrawFn, most_rows: int, most_experts: int) -> tuple[list, list, DrawTerms]:
    parties = st.sampled_from(_PARTIES)
    rows = [
        ReviewedApplication(f"A{n}", draw(st.sampled_from(("", *_FIELDS))), frozenset({draw(parties)}))
        for n in range(draw(st.integers(1, most_rows)))
    ]
    people = [
        DrawnExpert(
            f"e{n}",
            draw(st.frozensets(st.sampled_from(_FIELDS), min_size=1)),
            draw(st.frozensets(parties, max_size=1)),
            draw(st.frozensets(parties, max_size=1)),
            draw(st.integers(0, 2)),
            draw(st.booleans()) or draw(st.booleans()),
        )
        for n in range(draw(st.integers(1, most_experts)))
    ]
    panel = draw(st.sampled_from((1, 3)))
    return rows, people, DrawTerms(draw(st.text("abc", min_size=1)), panel, draw(st.integers(1, 5)), 2)


def _every_draw(rows: Sequence, people: Sequence, terms: DrawTerms) -> Iterator[tuple[tuple[DrawnExpert, ...], ...]]:
    """Every draw that the rules allow, one by one."""
    fit = [[each for each in people if find_exclusion(row, each, terms.most_reviews) is None] for row in rows]
    for chosen in itertools.product(*(itertools.combinations(each, terms.panel) for each in fit)):
        added = Counter(expert.key for panel in chosen for expert in panel)
        # who has more already, because the most was lowered since, is simply not drawn
        if all(expert.load + added[expert.key] <= terms.most_reviews for expert in people if added[expert.key]):
            yield chosen


def _worth(rows: Sequence, people: Sequence, seed: str, chosen: Sequence[Sequence[str]]) -> tuple[int, int]:
    added = Counter(key for panel in chosen for key in panel)
    squares = sum((expert.load + added[expert.key]) ** 2 for expert in people)
    return squares, sum(_cost(seed, row.key, key) for row, panel in zip(rows, chosen, strict=True) for key in panel)


@given(_worlds(4, 5))
@settings(max_examples=examples(40), deadline=None)
def test_a_draw_is_the_best_of_all_that_the_rules_allow(world: tuple[list, list, DrawTerms]) -> None:
    rows, people, terms = world
    every = [[[each.key for each in panel] for panel in chosen] for chosen in _every_draw(rows, people, terms)]
    if not every:
        with pytest.raises(TooFewExperts):
            draw_panels(rows, people, terms)
        return
    best = min(_worth(rows, people, terms.seed, chosen) for chosen in every)
    found = [panel.members for panel in draw_panels(rows, people, terms)]
    assert _worth(rows, people, terms.seed, found) == best


@given(_worlds(12, 15), st.randoms(use_true_random=False))
@settings(max_examples=examples(40), deadline=None)
def test_a_draw_is_free_of_conflicts_and_does_not_depend_on_the_order_of_rows(
    world: tuple[list, list, DrawTerms], random: Random
) -> None:
    rows, people, terms = world
    found = _draw_or_shortages(rows, people, terms)
    named, of_key = {row.key: row for row in rows}, {expert.key: expert for expert in people}
    loads = Counter({expert.key: expert.load for expert in people})
    for panel in found:
        if isinstance(panel, PanelShortage):
            assert 0 < panel.lacking <= terms.panel
            # every expert is accounted for: on the panel as far as it can be filled, or taken by a rule
            assert sum(panel.taken_by.values()) + terms.panel - panel.lacking == len(people)
            continue
        assert len({*panel.members}) == len(panel.members) == terms.panel
        assert not {*panel.members} & {*panel.alternates}
        loads.update(panel.members)
        for key in panel.members + panel.alternates:
            assert find_exclusion(named[panel.application], of_key[key], terms.most_reviews) is None
            assert loads[key] <= terms.most_reviews
    random.shuffle(rows)
    random.shuffle(people)
    assert _draw_or_shortages(rows, people, terms) == found


def _draw_or_shortages(rows: list, people: list, terms: DrawTerms) -> tuple[Panel | PanelShortage, ...]:
    try:
        return draw_panels(rows, people, terms)
    except TooFewExperts as refused:
        return refused.shortages


def test_where_everybody_fits_the_loads_differ_by_one_at_most() -> None:
    rows = [ReviewedApplication(f"A{n:03}", "", frozenset()) for n in range(40)]
    people = [DrawnExpert(f"e{n:02}", frozenset({"模型"})) for n in range(17)]
    found = draw_panels(rows, people, DrawTerms("2026-10-08", 5, 20, 3))
    loads = Counter(key for panel in found for key in panel.members)
    assert {*loads.values()} == {11, 12}  # 200 seats, 17 experts
    assert all(len(panel.alternates) == 3 for panel in found)


def test_another_seed_draws_others_and_the_same_seed_the_same() -> None:
    rows = [ReviewedApplication(f"A{n}", "", frozenset()) for n in range(6)]
    people = [DrawnExpert(f"e{n:02}", frozenset({"模型"})) for n in range(30)]
    first, again, other = (draw_panels(rows, people, DrawTerms(seed, 5, 3, 2)) for seed in ("7", "7", "8"))
    assert first == again != other


def test_whoever_has_reviewed_much_this_year_is_drawn_less() -> None:
    rows = [ReviewedApplication(f"A{n}", "", frozenset()) for n in range(4)]
    people = [DrawnExpert("busy", frozenset({"模型"}), load=4), *(DrawnExpert(f"e{n}", frozenset()) for n in range(4))]
    found = draw_panels(rows, people, DrawTerms("s", 3, 6, 0))
    assert Counter(key for panel in found for key in panel.members) == {f"e{n}": 3 for n in range(4)}


def test_too_small_a_pool_says_which_application_lacks_how_many_and_which_rule_took_how_many() -> None:
    rows = [
        ReviewedApplication("A1", "芯片", frozenset({"P1"}), frozenset({"C1"})),
        ReviewedApplication("A2", "", frozenset()),
    ]
    people = [
        DrawnExpert("a", frozenset({"模型"})),
        DrawnExpert("b", frozenset({"芯片"}), tied=frozenset({"P1"})),
        DrawnExpert("c", frozenset({"芯片"}), controlled=frozenset({"C1"})),
        DrawnExpert("d", frozenset({"芯片"}), active=False),
        DrawnExpert("e", frozenset({"芯片"})),
        DrawnExpert("f", frozenset({"芯片"}), load=9),
    ]
    with pytest.raises(TooFewExperts) as refused:
        draw_panels(rows, people, DrawTerms("s", 3, 9, 0))
    (short,) = refused.value.shortages
    assert (short.application, short.lacking) == ("A1", 2)
    assert short.taken_by == {
        Exclusion.INACTIVE: 1,
        Exclusion.FIELD: 1,
        Exclusion.TIE: 1,
        Exclusion.CONTROL: 1,
        Exclusion.LOAD: 1,
    }
    assert "A1 缺 2 人（当日不在库 1 人，领域不符 1 人" in str(refused.value)


def test_a_pool_that_is_full_although_every_application_alone_could_be_reviewed_is_refused() -> None:
    rows = [ReviewedApplication(f"A{n}", "", frozenset()) for n in range(3)]
    people = [DrawnExpert(f"e{n}", frozenset({"模型"})) for n in range(4)]
    with pytest.raises(TooFewExperts) as refused:
        draw_panels(rows, people, DrawTerms("s", 3, 2, 0))
    assert sum(short.lacking for short in refused.value.shortages) == 1  # 9 seats, 8 reviews
    assert all(short.taken_by[Exclusion.LOAD] == 4 - (3 - short.lacking) for short in refused.value.shortages)


@pytest.mark.parametrize("terms", [("s", 4, 3, 0), ("s", 0, 3, 0), ("s", 3, 0, 0), ("", 3, 3, 0), ("a\nb", 3, 3, 0)])
def test_an_even_panel_or_a_missing_seed_is_refused(terms: tuple[str, int, int, int]) -> None:
    with pytest.raises(InvalidRequest):
        DrawTerms(*terms)


def test_an_application_named_twice_is_refused_and_none_at_all_draws_nothing() -> None:
    row, terms = ReviewedApplication("A1", "", frozenset()), DrawTerms("s", 1, 1, 0)
    with pytest.raises(InvalidRequest, match="A1 出现了不止一次"):
        draw_panels([row, row], [DrawnExpert("e", frozenset())], terms)
    assert draw_panels([], [], terms) == ()
    with pytest.raises(TooFewExperts, match="库里没有专家"):
        draw_panels([row], [], terms)


def test_the_members_of_a_panel_stand_in_the_order_of_their_random_cost() -> None:
    rows = [ReviewedApplication("A1", "", frozenset())]
    people = [DrawnExpert(f"e{n}", frozenset()) for n in range(9)]
    (panel,) = draw_panels(rows, people, DrawTerms("s", 5, 1, 9))
    order = sorted((expert.key for expert in people), key=lambda key: _cost("s", "A1", key))
    assert panel == Panel("A1", tuple(order[:5]), tuple(order[5:]))


def test_the_solver_prints_nothing_before_the_json_of_a_command(capfd: pytest.CaptureFixture[str]) -> None:
    # in a process of its own: the banner comes once a process, whoever asked first
    program = (
        "from huisuan.programmes.review.draw import *\n"
        "draw_panels([ReviewedApplication('A', '', frozenset())], [DrawnExpert('e', frozenset())], "
        "DrawTerms('s', 1, 1, 0))"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
    assert capfd.readouterr().out == ""
