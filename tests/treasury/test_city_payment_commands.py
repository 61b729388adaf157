"""What cities paid, by command: imported, listed as it was known, lowered and reversed, each on record."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from huisuan.base.errors import HuisuanError, NotFound
from huisuan.treasury.cli.treasury_commands import app
from huisuan.treasury.models import CityPaymentCut

pytestmark = pytest.mark.django_db
OF_HEFEI = ("--city", "340100")


def run(*words: str, code: int = 0) -> Any:
    result = CliRunner().invoke(app, ["city-payments", *words])
    assert result.exit_code == code, (result.output, result.exception)
    return json.loads(result.stdout) if "--json" in words else result.stdout


def refused(*words: str) -> HuisuanError:
    found = CliRunner().invoke(app, ["city-payments", *words]).exception
    assert isinstance(found, HuisuanError)
    return found


def test_a_file_is_entered_once_and_what_is_taken_off_shows_from_the_day_it_is_known(tmp_path: Path) -> None:
    file = tmp_path / "v.csv"
    file.write_text(
        "city,voucher,project,amount,paid_day\n340100,V-1,项目甲,1000.00,2024-04-01\n340200,V-1,项目乙,1,2024-04-01\n"
        "340100,V-2,项目甲,x,2024-04-01\n"
    )
    assert "还没有登记" in run("list")
    told = run("import", str(file), "--json", code=1)
    assert (told["new"], told["refused"]) == (2, 1)
    assert [row["voucher"] for row in run("list", *OF_HEFEI, "--project", " 项目甲 ", "--json")] == ["V-1"]
    assert len(run("list", "--json")) == 2
    assert run("list", "--as-known", "2024-04-02", "--json") == [], "nobody knew of it then"
    row = run("lower", "V-1", *OF_HEFEI, "--amount", "400.00", "--reason", "多付退回", "--json")
    assert (row["amount_fen"], row["left_fen"]) == (100_000, 60_000)
    assert "600.00" in run("list", *OF_HEFEI)
    assert "历次核减与冲销都留着" in run("reverse", "v-1", *OF_HEFEI, "--reason", "项目终止")
    assert list(CityPaymentCut.objects.order_by("pk").values_list("amount_fen", flat=True)) == [40_000, 60_000]


def test_what_cannot_be_meant_is_refused_and_nothing_is_taken_off(tmp_path: Path) -> None:
    file = tmp_path / "v.csv"
    file.write_text("city,voucher,project,amount,paid_day\n340100,V-1,项目甲,1000.00,2024-04-01\n")
    run("import", str(file))
    assert refused("lower", "V-1", *OF_HEFEI, "--amount", "许多", "--reason", "x").code == "treasury.amount_unreadable"
    assert refused("lower", "V-1", *OF_HEFEI, "--amount", "1", "--reason", " ").code == "treasury.reason_missing"
    assert isinstance(refused("reverse", "V-9", *OF_HEFEI, "--reason", "x"), NotFound)
    assert not CityPaymentCut.objects.exists()
