"""Prices of a card-hour, day by day."""

from __future__ import annotations

import json
from datetime import date

import pytest
from typer.testing import CliRunner

from huisuan.base.errors import Refused
from huisuan.compute.centres.tariff_commands import app
from huisuan.compute.centres.tariffs import set_tariff
from huisuan.compute.models import Tariff
from support.usage_records import A800, NPU, centre

pytestmark = pytest.mark.django_db
JANUARY, JUNE, DECEMBER = date(2024, 1, 1), date(2024, 6, 1), date(2024, 12, 1)


def prices() -> list[tuple[int, date, date | None]]:
    return list(Tariff.objects.values_list("fen_per_card_hour", "valid_from", "valid_to"))


@pytest.mark.parametrize(
    ("fen", "why"),
    [
        ("-1", "负数"),
        ("12.5", "不是整数分"),
        ("1e3", "不是整数分"),
        ("", "不是整数分"),
        ("10000001", "超过"),
        ("9" * 30, "超过"),
        ("１２", "不是整数分"),
    ],
)
def test_a_price_that_is_not_sane_is_refused(fen: str, why: str) -> None:
    centre()
    with pytest.raises(Refused, match=why):
        set_tariff("c1", A800, fen, JANUARY)
    assert prices() == []


def test_a_tariff_that_overlaps_names_the_one_that_stands_and_the_remedy() -> None:
    centre()
    set_tariff("c1", A800, "1200", JANUARY)
    with pytest.raises(Refused, match=r"1200 分/卡时，2024-01-01 至 今.*--replace"):
        set_tariff("c1", A800, "1300", JUNE)
    set_tariff("c1", NPU, "900", JUNE)  # another model is another price
    assert len(prices()) == 2


def test_replace_ends_the_open_tariff_on_the_first_day_of_the_new_one() -> None:
    centre()
    set_tariff("c1", A800, "1200", JANUARY)
    set_tariff("c1", A800, "1300", JUNE, replace=True)
    assert prices() == [(1200, JANUARY, JUNE), (1300, JUNE, None)]


def test_replace_corrects_a_price_of_the_same_days_and_nothing_else() -> None:
    centre()
    set_tariff("c1", A800, "12000", JANUARY, JUNE)
    set_tariff("c1", A800, "1200", JANUARY, JUNE, replace=True)
    assert prices() == [(1200, JANUARY, JUNE)]
    with pytest.raises(Refused, match="重叠"):
        set_tariff("c1", A800, "1300", date(2024, 3, 1), DECEMBER, replace=True)
    set_tariff("c1", A800, "1300", JUNE, DECEMBER)
    assert len(prices()) == 2


def test_days_that_run_backwards_and_unknown_names_are_refused() -> None:
    centre()
    for wrong in (("c1", A800, "1", JUNE, JUNE), ("c9", A800, "1", JUNE, None), ("c1", "X1", "1", JUNE, None)):
        with pytest.raises(Refused):
            set_tariff(*wrong)


def test_the_command_line_takes_a_negative_price_for_a_price() -> None:
    centre()
    told = CliRunner().invoke(app, ["set", "c1", A800, "-5", "--from", "2024-01-01"])
    assert isinstance(told.exception, Refused)
    CliRunner().invoke(app, ["set", "c1", A800, "1200", "--from", "2024-01-01"])
    (row,) = json.loads(CliRunner().invoke(app, ["list", "--json"]).stdout)
    assert row == {
        "centre": "c1",
        "model": A800,
        "fen_per_card_hour": 1200,
        "valid_from": "2024-01-01",
        "valid_to": None,
    }
    assert CliRunner().invoke(app, ["set", "c1", A800, "1"]).exit_code == 2
