"""Public statistics: nothing is said of fewer than three parties, nor where one is nearly all, nor by subtraction."""

from __future__ import annotations

import csv
import io
from datetime import date, datetime
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from huisuan.base.months import SHANGHAI
from huisuan.compute.models import Centre
from huisuan.parties.csv_import import import_parties
from huisuan.parties.models import Party
from huisuan.settlement.models import Bill, SettlementRun
from huisuan.settlement.statistics.disclosure import OTHERS, StatisticsCell, merge_unsafe_cells
from huisuan.settlement.statistics.queries import monthly_by_city, yearly_by_kind
from support.usage_records import NOW, centre, party


def cell_of(used: list[tuple[int, int]]) -> StatisticsCell:
    """Of parties with their seconds and fen."""
    seconds, fen = [each for each, _ in used], [each for _, each in used]
    return StatisticsCell(len(used), sum(seconds), max(seconds), sum(fen), sum(1 for each in fen if each), max(fen))


_USED = st.tuples(st.integers(1, 1000), st.integers(0, 1000))
CELLS = st.dictionaries(st.sampled_from("abcdef"), st.lists(_USED, min_size=1, max_size=6).map(cell_of), max_size=6)


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


@pytest.mark.parametrize(
    ("fen", "safe"),
    [((10, 10, 10), True), ((0, 0, 0), True), ((0, 0, 30), False), ((0, 15, 15), False), ((1, 1, 9), False),
     ((1, 1, 8), True), ((0, 10, 10, 10), True)],
)  # fmt: skip
def test_a_spend_that_is_nearly_one_partys_is_no_more_published_than_such_a_use(fen: list[int], safe: bool) -> None:
    assert cell_of([(100, each) for each in fen]).is_safe is safe


@pytest.fixture
def settled(db: None) -> SettlementRun:
    """March 2024: four parties of Hefei, one of Wuhu; April: two parties in all."""
    run = _run()
    for number, month in [(1, 3), (2, 3), (3, 3), (4, 3), (5, 3), (1, 4), (5, 4)]:
        _bill(run, party(number), month)
    Party.objects.filter(pk=party(5).pk).update(region="340200")
    return run


def _run(**changed: Any) -> SettlementRun:
    """A settlement of 2024."""
    if not Centre.objects.exists():
        centre()
    plain: dict[str, Any] = {
        "policy": "anhui-agi-2023", "sentence": "2.2", "year": 2024, "starts": date(2024, 1, 1),
        "ends": date(2024, 12, 31), "on": date(2024, 12, 31), "as_known": date(2025, 1, 1), "cursors": {}, "law": {},
        "inputs_sha256": "", "result_sha256": "", "records": 0, "card_seconds": 0, "unclaimed_card_seconds": 0,
        "amount_fen": 0, "payable_fen": 0, "requested_by": "王", "made_at": NOW,
    }  # fmt: skip
    return SettlementRun.objects.create(**(plain | changed))


def _bill(run: SettlementRun, of: Party, month: int, fen: int = 1000) -> None:
    Bill.objects.create(
        run=run, party=of, centre=Centre.objects.get(), month=date(2024, month, 1), card_seconds=3600, amount_fen=fen,
        excluded_fen=0,
    )  # fmt: skip


def test_a_month_and_a_year_that_were_not_over_when_they_were_settled_are_not_published(
    db: None, client: Client
) -> None:
    middle = _run(made_at=datetime(2024, 4, 20, tzinfo=SHANGHAI))
    for number in range(1, 5):
        _bill(middle, party(number), 3)
        _bill(middle, party(number), 4)
    assert [row.month for row in monthly_by_city(2024)] == [date(2024, 3, 1)]
    assert yearly_by_kind(2024) == []
    assert "这一年还没有过完" in client.get(reverse("statistics")).content.decode()
    first_of_may = _run(made_at=datetime(2024, 5, 1, tzinfo=SHANGHAI))
    for number in range(1, 5):
        _bill(first_of_may, party(number), 4)
    assert [row.month for row in monthly_by_city(2024)] == [date(2024, 4, 1)]
    whole = _run(made_at=datetime(2025, 1, 1, tzinfo=SHANGHAI))
    for number in range(1, 5):
        _bill(whole, party(number), 12)
    assert [row.cell.parties for row in yearly_by_kind(2024)] == [4]


def test_a_city_in_which_one_party_pays_nearly_all_is_not_published(db: None) -> None:
    run = _run()
    for number, fen in ((1, 9000), (2, 500), (3, 500)):
        _bill(run, party(number), 3, fen)
    assert monthly_by_city(2024) == []
    for number in (4, 5, 6):
        _bill(run, party(number), 3, 2000)
    assert [(row.key, row.cell.spend_fen) for row in monthly_by_city(2024)] == [("340100", 16_000)]


def test_use_that_two_policies_bill_counts_once(db: None) -> None:
    whole = _run()
    newer = _run(policy="anhui-agi-2025", starts=date(2024, 8, 1))
    for number in range(1, 5):
        _bill(whole, party(number), 3)
        for run in (whole, newer):
            _bill(run, party(number), 9)
    assert [(row.month, row.cell.card_seconds) for row in monthly_by_city(2024)] == [
        (date(2024, 3, 1), 4 * 3600), (date(2024, 9, 1), 4 * 3600),
    ]  # fmt: skip


def test_policies_that_follow_each_other_in_a_year_are_both_counted(db: None) -> None:
    first, second = _run(ends=date(2024, 7, 31)), _run(policy="anhui-agi-2025", starts=date(2024, 8, 1))
    for number in range(1, 5):
        _bill(first, party(number), 3)
        _bill(second, party(number), 9)
    assert [row.month for row in monthly_by_city(2024)] == [date(2024, 3, 1), date(2024, 9, 1)]


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


def _move(who: Party, what: str, value: str, day: date, known: datetime) -> None:
    """It enters the register as a file does."""
    cells = {"uscc": who.uscc, "name": who.name, "kind": who.kind, "region": who.region_id} | {what: value}
    content = ",".join([*cells, "valid_from"]) + "\n" + ",".join([*cells.values(), day.isoformat()]) + "\n"
    report = import_parties(content.encode(), now=known)
    assert (report.changed, report.faults) == (1, [])


def test_a_move_in_november_changes_nothing_of_the_months_before(db: None) -> None:
    run = _run(as_known=date(2025, 2, 1))
    for number in range(1, 7):
        for month in (10, 11):
            _bill(run, party(number), month)
    for number in (4, 5, 6):
        _move(party(number), "region", "340200", date(2024, 11, 15), datetime(2025, 1, 5, tzinfo=SHANGHAI))
    assert [(row.month, row.key, row.cell.parties) for row in monthly_by_city(2024)] == [
        (date(2024, 10, 1), "340100", 6), (date(2024, 11, 1), "340100", 3), (date(2024, 11, 1), "340200", 3),
    ]  # fmt: skip


def test_what_the_register_learns_after_a_settlement_waits_for_the_next_one(db: None) -> None:
    before, later = datetime(2025, 1, 5, tzinfo=SHANGHAI), datetime(2025, 3, 5, tzinfo=SHANGHAI)
    run = _run(as_known=date(2025, 2, 1))
    for number in range(1, 7):
        _bill(run, party(number), 11)
    for number in (4, 5, 6):
        _move(party(number), "kind", "university", date(2024, 6, 1), before if number < 6 else later)
    assert [(row.key, row.cell.parties) for row in yearly_by_kind(2024)] == [(OTHERS, 6)]  # two are not published
    again = _run(as_known=date(2025, 4, 1))
    for number in range(1, 7):
        _bill(again, party(number), 11)
    assert [(row.key, row.cell.parties) for row in yearly_by_kind(2024)] == [("enterprise", 3), ("university", 3)]


def test_before_anything_is_settled_the_page_says_so(db: None, client: Client) -> None:
    assert "还没有结算过的年度" in client.get(reverse("statistics")).content.decode()
