"""Whoever has a bulletin and the one that corrects it finds no firm in both together; nor in a later period."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from pathlib import Path

import pytest

from huisuan.bulletins.figures.contributions import KeptContributions, Piece
from huisuan.bulletins.figures.former_versions import FormerVersion, changed_cells, list_former_cells
from huisuan.bulletins.figures.linked_figures import FiguresChoice, PublishedMeasure, choose_figures
from huisuan.bulletins.suppression.bulletin_data import (
    BulletinCells,
    CellsCorrection,
    attack_bulletins,
    cells_digest,
    read_bulletin_cells,
)
from huisuan.bulletins.suppression.sensitive_cells import DisclosureRules, find_protection

CITIES, KINDS = ("A", "B", "C", "D"), ("1", "2", "3")
MEASURE = PublishedMeasure("money", KINDS)
BY_NAME = {MEASURE.name: KINDS}
RULES = DisclosureRules()


def some_firms(seed: int) -> list[Piece]:
    lots = random.Random(seed)
    return [
        Piece("money", "2024Q1", city, kind, f"{city}{kind}{at}", lots.randint(50, 900))
        for city in CITIES for kind in KINDS for at in range(lots.choice((0, 1, 1, 2, 4, 6)))
    ]  # fmt: skip


def kept_of(pieces: list[Piece], *quarters: str) -> KeptContributions:
    return KeptContributions.of_pieces(pieces, ["money"], quarters or ["2024Q1"])


def corrected(
    first: KeptContributions, second: KeptContributions, *, as_it_was: bool = False
) -> tuple[FiguresChoice, FiguresChoice]:
    """A bulletin and its correction; `as_it_was`: chosen as if nobody kept the old one."""
    old = choose_figures(first, [MEASURE], "2024Q1", CITIES, [], RULES, 0.05)
    version = FormerVersion(7, "2024Q1", old.cells.values, first)
    beside = [] if as_it_was else list_former_cells([version], second, BY_NAME, CITIES)
    new = choose_figures(second, [MEASURE], "2024Q1", CITIES, [old.cells], RULES, 0.05, beside)
    changed = tuple(changed_cells(version, second, BY_NAME, CITIES))
    return old, replace(new, cells=replace(new.cells, corrects=CellsCorrection(cells_digest(old.cells), changed)))


def recovered(folder: Path, *published: BulletinCells) -> int:
    """By the files alone, as anybody has them."""
    files = [folder / f"{at}.json" for at in range(len(published))]
    for file, one in zip(files, published, strict=True):
        file.write_text(json.dumps(one.to_dict()), encoding="utf-8")
    return sum(one.interval.is_exact for one in attack_bulletins(read_bulletin_cells(files)))


def moved(pieces: list[Piece], seed: int) -> list[Piece]:
    """One firm's payments belong to another city."""
    at = random.Random(seed).randrange(len(pieces))
    other = CITIES[(CITIES.index(pieces[at].region) + 1) % len(CITIES)]
    return [*pieces[:at], replace(pieces[at], region=other), *pieces[at + 1 :]]


@pytest.mark.parametrize("seed", range(8))
def test_a_firm_moved_by_a_correction_is_not_read_out_of_both_versions(seed: int, tmp_path: Path) -> None:
    pieces = some_firms(seed)
    first, second = kept_of(pieces), kept_of(moved(pieces, seed))
    old, new = corrected(first, second)
    lost = len(new.pattern.given_away)
    found = recovered(tmp_path, old.cells, new.cells)
    needed = [
        cell for cell in second.list_cells("money", "2024Q1", CITIES, KINDS) if find_protection(cell, RULES) is not None
    ]
    assert needed
    assert found <= lost
    assert lost == 0 or new.pattern.left_out  # said, and the finer level not published


def test_the_same_attack_catches_a_correction_that_forgets_what_was_out(tmp_path: Path) -> None:
    """The control: chosen without the former version, some correction gives a firm away, and the attack finds it."""
    caught = 0
    for seed in range(5):
        pieces = some_firms(seed)
        old, new = corrected(kept_of(pieces), kept_of(moved(pieces, seed)), as_it_was=True)
        assert recovered(tmp_path, new.cells) == 0  # alone it tells nothing
        caught += recovered(tmp_path, old.cells, new.cells) > 0
    assert caught


def test_a_cell_that_a_correction_leaves_is_one_cell_and_a_changed_one_is_two() -> None:
    pieces = some_firms(3)
    first, second = kept_of(pieces), kept_of([*pieces, Piece("money", "2024Q1", "A", "1", "new", 70)])
    version = FormerVersion(7, "2024Q1", {}, first)
    (beside,) = list_former_cells(
        [replace(version, said={("money", "2024Q1", "all", "all"): 1})], second, BY_NAME, CITIES
    )
    apart = {cell.key[2:] for cell in beside.cells} - {key[2:] for key, _ in beside.same}
    assert apart == {("A", "1"), ("A", "all"), ("all", "1"), ("all", "all")}
    assert beside.published == {("money@7", "2024Q1", "all", "all")}
