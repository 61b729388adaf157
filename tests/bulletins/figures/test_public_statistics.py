"""The monthly statistics of use are out before any bulletin: a quarter is not published where months would be left."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from huisuan.bulletins.figures.freezing import freeze_figures
from huisuan.bulletins.figures.gathering import AskedFigures
from huisuan.bulletins.models import BulletinKind
from huisuan.bulletins.suppression.bulletin_data import BulletinCells, attack_bulletins, parse_bulletin_cells
from huisuan.bulletins.suppression.linked_cells import Breakdown, CellKey
from huisuan.parties.models import Party
from huisuan.settlement.models import Bill, SettlementRun
from huisuan.settlement.statistics.queries import monthly_by_city, yearly_by_kind
from support.usage_records import centre, party

pytestmark = pytest.mark.django_db
AFTER = datetime(2025, 2, 1, tzinfo=UTC)
MONTHS = ("2024-01", "2024-02", "2024-03")
HEFEI, WUHU, MARCH_ALONE = range(1, 7), (11, 12, 13), 11


@pytest.fixture(autouse=True)
def _settled() -> None:
    """Six firms of Hefei each month; three of Wuhu in January and February, and one of them alone in March."""
    where = centre()
    run = SettlementRun.objects.create(
        policy="anhui-agi-2023", sentence="2.2", year=2024, starts=date(2024, 1, 1), ends=date(2024, 12, 31),
        on=date(2024, 12, 31), as_known=date(2025, 1, 1), cursors={}, law={}, inputs_sha256="", result_sha256="",
        records=0, card_seconds=0, unclaimed_card_seconds=0, amount_fen=0, payable_fen=0, requested_by="王",
        made_at=datetime(2025, 1, 2, tzinfo=UTC),
    )  # fmt: skip
    for month in range(1, 13):
        for number in [*HEFEI, *([MARCH_ALONE] if month == 3 else WUHU)]:
            Bill.objects.create(
                run=run, party=party(number), centre=where, month=date(2024, month, 1),
                card_seconds=36_000 + 1_800 * number, amount_fen=0, excluded_fen=0,
            )  # fmt: skip
    Party.objects.filter(pk__in=[party(number).pk for number in WUHU]).update(region="340200")


def frozen(period: str) -> BulletinCells:
    content = freeze_figures(AskedFigures(BulletinKind.USE, period), AFTER).content
    return parse_bulletin_cells(content["cells_data"])


def test_a_quarter_less_its_shown_months_does_not_leave_a_month_of_one_firm() -> None:
    shown = {(f"{row.month:%Y-%m}", row.key): row.cell.card_seconds for row in monthly_by_city(2024) if row.month}
    assert ("2024-02", "340200") in shown
    assert ("2024-03", "340200") not in shown
    quarter = frozen("2024Q1")
    wuhu = ("use", "2024Q1", "340200", "all")
    assert quarter.values["use", "2024Q1", "all", "all"] is not None
    assert quarter.values[wuhu] is None  # three firms: without the months it could stand
    assert frozen("2024Q2").values["use", "2024Q2", "340200", "all"] is not None
    months: dict[CellKey, int | None] = {
        ("use", month, city, "all"): shown.get((month, city)) for month in MONTHS for city in ("340100", "340200")
    }
    both = BulletinCells(
        {**quarter.values, **months}, (*quarter.breakdowns, Breakdown(1, "2024Q1", MONTHS)),
    )  # fmt: skip
    assert not [one.key for one in attack_bulletins(both) if one.interval.is_exact]


def test_a_kind_that_is_one_firm_in_a_month_does_not_stand_alone_in_the_year() -> None:
    """Bulletins of the other quarters, subtracted from the year, would leave that month's."""
    for number in WUHU:
        Party.objects.filter(pk=party(number).pk).update(kind="university")
    assert [(row.key, row.cell.parties) for row in yearly_by_kind(2024)] == [("others", 9)]
