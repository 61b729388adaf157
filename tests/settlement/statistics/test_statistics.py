"""Public statistics: nothing is said of fewer than three parties, nor where one is nearly all, nor by subtraction."""

from __future__ import annotations

import csv
import io
from datetime import date

import pytest
from django.test import Client
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from huisuan.compute.models import Centre
from huisuan.parties.models import Party
from huisuan.settlement.models import Bill, SettlementRun
from huisuan.settlement.statistics.disclosure import OTHERS, StatisticsCell, merge_unsafe_cells
from huisuan.settlement.statistics.queries import monthly_by_city, yearly_by_kind
from support.usage_records import NOW, centre, party


def cell_of(used: list[int]) -> StatisticsCell:
    return StatisticsCell(len(used), sum(used), max(used), sum(used) * 2)


CELLS = st.dictionaries(
    st.sampled_from("abcdef"), st.lists(st.integers(1, 1000), min_size=1, max_size=6).map(cell_of), max_size=6
)


@given(CELLS)
def test_every_published_cell_is_safe_and_what_is_published_adds_up_to_all_or_is_nothing(
    cells: dict[str, StatisticsCell],
) -> None:
    found = merge_unsafe_cells(cells)
    assert all(cell.is_safe for cell in found.values())
    assert not found or sum(cell.card_seconds for cell in found.values()) == sum(c.card_seconds for c in cells.values())
    assert all(found[name] == cells[name] for name in found if name != OTHERS)


@given(CELLS)
def test_no_unsafe_cell_is_what_remains_when_the_others_are_taken_from_the_total(
    cells: dict[str, StatisticsCell],
) -> None:
    found = merge_unsafe_cells(cells)
    merged = [cell for name, cell in cells.items() if name not in found]
    if OTHERS in found:
        assert len(merged) > 1
        assert found[OTHERS].parties == sum(cell.parties for cell in merged)


@pytest.fixture
def settled(db: None) -> SettlementRun:
    """March 2024: four parties of Hefei, one of Wuhu; April: two parties in all."""
    made = centre()
    run = SettlementRun.objects.create(
        policy="anhui-agi-2023", sentence="2.2", year=2024, starts=date(2024, 1, 1), ends=date(2024, 12, 31),
        on=date(2024, 12, 31), as_known=date(2025, 1, 1), cursors={}, law={}, inputs_sha256="", result_sha256="",
        records=0, card_seconds=0, unclaimed_card_seconds=0, amount_fen=0, requested_by="王", made_at=NOW,
    )  # fmt: skip
    for number, month in [(1, 3), (2, 3), (3, 3), (4, 3), (5, 3), (1, 4), (5, 4)]:
        _bill(run, made, party(number), month)
    Party.objects.filter(pk=party(5).pk).update(region="340200")
    return run


def _bill(run: SettlementRun, at: Centre, of: Party, month: int) -> None:
    Bill.objects.create(
        run=run, party=of, centre=at, month=date(2024, month, 1), card_seconds=3600, amount_fen=1000, excluded_fen=0
    )


def test_a_city_with_one_party_is_merged_and_a_month_with_two_is_not_published(settled: SettlementRun) -> None:
    rows = monthly_by_city(2024)
    assert [(row.month, row.key, row.cell.parties) for row in rows] == [(date(2024, 3, 1), OTHERS, 5)]


def test_the_kinds_of_a_year_tell_nothing_of_a_month_that_is_not_published(settled: SettlementRun) -> None:
    by_city, by_kind = monthly_by_city(2024), yearly_by_kind(2024)
    assert sum(row.cell.card_seconds for row in by_kind) == sum(row.cell.card_seconds for row in by_city) == 5 * 3600


def test_anyone_reads_the_page_and_the_open_files_and_no_name_of_a_party_is_there(
    settled: SettlementRun, client: Client
) -> None:
    page = client.get(reverse("statistics")).content.decode()
    for text in ("其他合计", "至少有 3 个主体", reverse("statistics-file", args=["usage-by-city"])):
        assert text in page
    for number in range(1, 6):
        assert party(number).name not in page
        assert party(number).uscc not in page
    answer = client.get(reverse("statistics-file", args=["usage-by-city"]), {"year": "2024"})
    (row,) = csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig")))
    assert (row["month"], row["key"], row["parties"], row["card_hours"]) == ("2024-03", "others", "5", "5.00")
    assert client.get("/statistics/usage-by-city.csv?year=1999").status_code == 404
    assert client.get("/statistics/nothing.csv").status_code == 404
    assert "没有 1999 年的数据" in client.get("/statistics/?year=1999").content.decode()


def test_before_anything_is_settled_the_page_says_so(db: None, client: Client) -> None:
    assert "还没有结算过的年度" in client.get(reverse("statistics")).content.decode()
