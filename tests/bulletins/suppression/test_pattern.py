"""No single firm can be read out of what is published: over linked tables, and with all that was published before."""

from __future__ import annotations

import json
import random
from fractions import Fraction
from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from huisuan.base.errors import InvalidRequest
from huisuan.bulletins.suppression.attack import Reader
from huisuan.bulletins.suppression.audit import find_breaches
from huisuan.bulletins.suppression.bulletin_data import BulletinCells, attack_bulletins, publish_cells
from huisuan.bulletins.suppression.contributors import OUTSIDER, list_inside_readers
from huisuan.bulletins.suppression.linked_cells import Breakdown, LinkedCells, SourceCell
from huisuan.bulletins.suppression.pattern import SuppressionPattern, choose_pattern
from huisuan.bulletins.suppression.repair import repair_pattern
from huisuan.bulletins.suppression.sensitive_cells import DisclosureRules, ProtectedInterval, find_protection
from support.command_tree import invoke
from support.statistical_tables import HALF_YEAR, add_up, draw_inner, margins, of_period, with_margins

pytestmark = pytest.mark.slow

RULES = DisclosureRules()
FIRMS = [f"F{number:03}" for number in range(60)]
SIZES = (0, 1, 2, 3, 6, 9, 14)


def test_the_rules_are_those_of_official_statistics() -> None:
    """By hand: few, one that dominates, two that do, and an estimate that comes too near."""

    def protection(*amounts: int, measure: str = "money") -> ProtectedInterval | None:
        named = {f"F{at}": amount for at, amount in enumerate(amounts)}
        return find_protection(SourceCell((measure, "x"), named), RULES)

    assert protection() is None
    assert protection(0, 0) is None
    assert protection(50, 50) == ProtectedInterval(10, 18)  # two are all: 100 / 0.85 - 100, rounded up
    assert protection(30, 30, 30, 30) is None
    assert protection(800, 50, 50, 50, 50) == ProtectedInterval(100, 100)  # 80% of 1,000; 800 / 0.75 - 1000 < 100
    assert protection(1, 1, measure="count") == ProtectedInterval(1, 1)
    assert protection(1, 1, 1, measure="count") is None


def _linked(seed: int, regions: int, kinds: int) -> LinkedCells:
    draw = random.Random(seed)
    rows, columns = [f"r{at}" for at in range(regions)], [f"k{at}" for at in range(kinds)]
    quarters = [draw_inner(draw, rows, columns, FIRMS, SIZES) for _ in range(2)]
    tables = {"Q1": quarters[0], "Q2": quarters[1], "H1": add_up(*quarters)}
    cells = [cell for period, inner in tables.items() for cell in with_margins("money", period, inner, rows, columns)]
    return LinkedCells(cells, [*margins(rows, columns), HALF_YEAR])


@given(seed=st.integers(0, 10**6), regions=st.integers(2, 3), kinds=st.integers(2, 3))
@example(seed=576, regions=2, kinds=3)  # a firm alone in one cell knows its part of others besides
@settings(deadline=None, max_examples=6)
def test_random_linked_tables_are_never_recoverable(seed: int, regions: int, kinds: int) -> None:
    """Two quarters and their half-year, before the outsider and every contributor."""
    system = _linked(seed, regions, kinds)
    pattern = choose_pattern(system, RULES, seconds=1)
    assert pattern.given_away == frozenset()
    hidden = {system.number[key] for key in pattern.hidden}
    protected = {at: one for at, cell in enumerate(system.cells) if (one := find_protection(cell, RULES)) is not None}
    assert find_breaches(system, hidden, protected) == []
    found = attack_bulletins(publish_cells(system, pattern, system.keys))
    assert [one.key for one in found if one.interval.is_exact and one.key in pattern.protected] == []
    for one in found:  # whoever adds up is right, and only too vague
        value = system.values[system.number[one.key]]
        assert one.interval.least <= value
        assert one.interval.most is None or value <= one.interval.most


def test_the_pattern_of_a_small_table_is_the_cheapest_there_is() -> None:
    """Against every set of cells, tried one by one."""
    for seed in range(2):
        draw = random.Random(seed)
        rows, columns = ["r0", "r1"], ["k0", "k1"]
        inner = draw_inner(draw, rows, columns, FIRMS, (1, 4, 6, 8))
        system = LinkedCells(with_margins("money", "Q1", inner, rows, columns), margins(rows, columns))
        pattern = choose_pattern(system, RULES, seconds=10)
        protected = {system.number[key]: one for key, one in pattern.protected.items()}
        others = [at for at in range(len(system.cells)) if at not in protected]
        cheapest = next(
            size
            for size in range(len(others) + 1)
            if any(not find_breaches(system, {*protected, *more}, protected) for more in combinations(others, size))
        )
        assert pattern.cost == pattern.at_least == cheapest


def test_a_pattern_that_does_not_hold_is_repaired_and_what_nothing_repairs_is_said() -> None:
    """From the sensitive cells alone, as the audit asks; where too little may be hidden there is no pattern."""
    system = _linked(576, 2, 3)
    protected = {at: one for at, cell in enumerate(system.cells) if (one := find_protection(cell, RULES)) is not None}
    free = {at for at, value in enumerate(system.values) if value and at not in protected}
    assert find_breaches(system, set(protected), protected)
    repaired = repair_pattern(system, protected, free, protected)
    assert repaired is not None
    assert set(protected) < repaired <= set(protected) | free
    assert find_breaches(system, repaired, protected) == []
    assert repair_pattern(system, protected, set(), protected) is None


def test_the_audit_names_whoever_a_program_for_each_reader_and_cell_names() -> None:
    """Points that serve many readers at once, against the attack run reader by reader; hidden is what chance hides."""
    named = 0
    for seed in range(3):
        draw, system = random.Random(seed), _linked(seed, 3, 3)
        needs = {at: one for at, cell in enumerate(system.cells) if (one := find_protection(cell, RULES)) is not None}
        hidden = {*needs, *(at for at, value in enumerate(system.values) if value and draw.random() < 0.5)}
        known = {at: value for at, value in enumerate(system.values) if at not in hidden}
        expected = set()
        for reader in [OUTSIDER, *list_inside_readers(system, hidden)]:
            attacker = Reader(system.sums, known, hidden, reader.floors, reader.own)
            for cell, needed in needs.items():
                value, found = system.values[cell], attacker.interval(cell)
                below = min(needed.below, value - reader.known_of(cell))
                near = found.least > value - below or (found.most is not None and found.most < value + needed.above)
                if near and cell not in reader.own:
                    expected.add((cell, reader.name, found))
        assert {(one.cell, one.reader, one.interval) for one in find_breaches(system, hidden, needs)} == expected
        named += len(expected)
    assert named


def test_two_quarters_and_their_half_year_hidden_table_by_table_are_recovered(tmp_path: Path) -> None:
    """Case 6: the same attack, by anybody with the files, finds nothing in ours and recovers cells in the control."""
    system = _linked(7, 5, 3)
    whole = choose_pattern(system, RULES, seconds=1)
    alone = set[tuple[str, ...]]()
    for period in ("Q1", "Q2", "H1"):
        cells = [cell for cell in system.cells if cell.key[1] == period]
        alone |= choose_pattern(LinkedCells(cells, system.breakdowns), RULES, seconds=1).hidden
    separately = SuppressionPattern(frozenset(alone), {})

    def issue(name: str, pattern: SuppressionPattern) -> list[str]:
        files = []
        for period in ("Q1", "Q2", "H1"):
            file = tmp_path / f"{name}-{period}.json"
            data = publish_cells(system, pattern, of_period(system.cells, period)).to_dict()
            file.write_text(json.dumps(data), encoding="utf-8")
            files.append(str(file))
        return files

    good, bad = issue("ours", whole), issue("control", separately)
    answer = invoke("bulletin", "attack", *good, "--json")
    assert answer.exit_code == 0, answer.output
    assert json.loads(answer.stdout)["recovered"] == 0
    caught = invoke("bulletin", "attack", *bad, "--json")
    assert caught.exit_code == 1
    recovered = {tuple(one["key"]): one["least"] for one in json.loads(caught.stdout)["hidden"] if one["recovered"]}
    assert set(recovered) & set(whole.protected)
    assert all(system.values[system.number[key]] == value for key, value in recovered.items())
    for quarter in bad:  # each by itself gives nothing away: the fault is between them
        assert invoke("bulletin", "attack", quarter).exit_code == 0


def test_what_was_published_before_stays_and_what_it_gives_away_is_named() -> None:
    """A half-year keeps what its quarters hid; a sum whose parts are all out but one cannot be saved, and is said."""
    system = _linked(11, 4, 3)
    quarters = [cell.key for cell in system.cells if cell.key[1] != "H1"]
    before = choose_pattern(
        LinkedCells([cell for cell in system.cells if cell.key[1] != "H1"], system.breakdowns), RULES, seconds=2
    )
    out = set(quarters) - before.hidden
    after = choose_pattern(system, RULES, published=out, hidden=before.hidden, seconds=2)
    assert before.hidden <= after.hidden
    assert not out & after.hidden
    assert after.given_away == frozenset()

    cells = [
        SourceCell(("money", "all"), {"A": 100, "B": 90, "C": 80, "D": 70}),
        SourceCell(("money", "x"), {"A": 100}, level=1),
        SourceCell(("money", "y"), {"B": 90, "C": 80, "D": 70}, level=1),
    ]
    lost = LinkedCells(cells, [Breakdown(1, "all", ("x", "y"))])
    said = choose_pattern(lost, RULES, published=[("money", "all"), ("money", "y")])
    assert said.given_away == {("money", "x")}
    assert said.left_out == {1}


def test_a_contributor_who_knows_its_own_number_is_a_reader_too() -> None:
    """Two firms alone in two cells of one sum: each would read the other, so a third cell is hidden with them."""
    crowd = {f"G{at}": 40 for at in range(5)}
    cells = [
        SourceCell(("money", "all"), {"A": 100, "B": 90, **crowd}),
        SourceCell(("money", "x"), {"A": 100}),
        SourceCell(("money", "y"), {"B": 90}),
        SourceCell(("money", "z"), crowd),
    ]
    system = LinkedCells(cells, [Breakdown(1, "all", ("x", "y", "z"))])
    pattern = choose_pattern(system, RULES)
    assert len(pattern.hidden) == 3
    published = BulletinCells({("money", "all"): 390, ("money", "x"): None, ("money", "y"): None, ("money", "z"): 200},
                              system.breakdowns)  # fmt: skip
    assert not any(one.interval.is_exact for one in attack_bulletins(published))
    assert [one.interval.least for one in attack_bulletins(published, own={("money", "x"): 100})] == [90]


@pytest.mark.parametrize(
    ("cells", "code"),
    [
        ([SourceCell(("m", "a"), {"A": -1})], "bulletin.cell_negative"),
        ([SourceCell(("m", "a"), {}), SourceCell(("m", "a"), {})], "bulletin.cell_twice"),
        ([SourceCell(("m", "all"), {"A": 2}), SourceCell(("m", "x"), {"A": 1})], "bulletin.sum_does_not_hold"),
    ],
)
def test_tables_that_do_not_add_up_are_refused(cells: list[SourceCell], code: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        LinkedCells(cells, [Breakdown(1, "all", ("x",))])
    assert refused.value.code == code


def test_files_that_are_no_bulletins_or_contradict_each_other_are_refused(tmp_path: Path) -> None:
    """By name, with a code; never half read."""
    first, second, other = (tmp_path / name for name in ("a.json", "b.json", "c.json"))
    key, whole = ("m", "x"), Breakdown(1, "all", ("x", "y"))
    first.write_text(json.dumps(BulletinCells({key: 5, ("m", "all"): 3, ("m", "y"): None}, (whole,)).to_dict()))
    second.write_text(json.dumps(BulletinCells({key: 6}, ()).to_dict()))
    other.write_text("[]")
    for files, code in (
        ((first, second), "bulletin.cells_disagree"),
        ((first,), "bulletin.published_contradict"),
        ((other,), "bulletin.no_data_file"),
        ((tmp_path / "none.json",), "file.unreadable"),
    ):
        answer = invoke("bulletin", "attack", *map(str, files))
        assert answer.exit_code == 1
        assert getattr(answer.exception, "code", "") == code, answer.output
    answer = invoke("bulletin", "attack", str(second), "--own", "m=x")
    assert getattr(answer.exception, "code", "") == "bulletin.not_a_known_cell"


def test_a_limit_is_a_share_and_stated() -> None:
    assert DisclosureRules(one_dominates=Fraction(2, 3)).to_dict()["one_dominates"] == "2/3"
