"""From offer to paid money on the command line, each by the person named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from huisuan.cli.main import assemble
from huisuan.parties.models import Person
from huisuan.programmes.workflow import act
from support.awards import ACCOUNT, BANK, DATA, GROUP, settled
from support.notices import ended, notice_of
from support.programmes import NOON, TREASURY, applicant, official, person
from support.treasury import returned

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def app() -> typer.Typer:
    return assemble()


def run(app: typer.Typer, *words: str, fails: bool = False) -> Any:
    """What a command prints as JSON."""
    result = CliRunner().invoke(app, [*words, "--json"])
    assert (result.exit_code != 0) == fails, result.output
    return json.loads(result.stdout)


def test_the_whole_way_by_commands(app: typer.Typer, tmp_path: Path) -> None:
    for name, duty, office in (
        ("shuju", "check", DATA), ("gongshi", "publish", GROUP), ("pizhun", "decide", GROUP),
        ("xiada", "commit", TREASURY), ("zhifu", "pay", TREASURY),
    ):  # fmt: skip
        official(name, duty, office)
    applicant(1)
    settlement = settled(1_234_56)
    offers = run(app, "award", "offer", str(settlement.pk), "--by", "shuju")
    (offer,) = offers["offers"]
    number = offer["number"]
    assert (offer["amount_fen"], offer["run"]) == (1_234_56, settlement.pk)
    assert [one["number"] for one in run(app, "award", "offers", "--by", "firm1")] == [number]
    confirmed = run(
        app, "award", "confirm", number, "--by", "firm1", "--account", ACCOUNT, "--bank", BANK, "--truthful"
    )
    assert confirmed["state"] == "submitted"
    for action, who in (("check", "shuju"), ("publicise", "gongshi")):
        run(app, "application", "act", number, action, "--by", who)
    early = CliRunner().invoke(app, ["application", "act", number, "decide", "--by", "pizhun"])
    assert (early.exit_code, getattr(early.exception, "code", "")) == (1, "notice.running")
    act(number, "decide", Person.objects.get(username="pizhun"), ended(notice_of(number)))
    refused = run(app, "treasury", "commit", number, "--by", "xiada", fails=True)
    assert refused["refused"][0]["code"] == "award.no_budget_line"
    run(
        app, "treasury", "appropriate", "--by", "xiada", "--policy", "anhui-agi-2023", "--programme", "2.2", "--year",
        str(NOON.year + 2), "--amount", "5000", "--document", "皖财〔2026〕1 号",
    )  # fmt: skip
    assert run(app, "treasury", "commit", number, "--by", "xiada", "--year", "2026")["done"] == [number]
    assert run(app, "treasury", "order", number, "--by", "zhifu")["done"] == [number]
    sent = run(app, "treasury", "file", "--by", "zhifu", "--to", str(tmp_path / "bank.csv"))
    assert (sent["orders"], sent["total_fen"]) == (1, 1_234_56)
    name = (tmp_path / "bank.csv").read_text("utf-8-sig").splitlines()[1].split(",")[1]
    back = tmp_path / "back.csv"
    back.write_bytes(returned(f"{name},1234.56,成功,", "P999,1.00,成功,"))
    done = run(app, "treasury", "return", str(back), "--by", "zhifu")
    assert (done["completed"], done["unmatched"], done["new"]) == ([number], 1, True)
    assert not run(app, "treasury", "return", str(back), "--by", "zhifu")["new"]
    (lost,) = run(app, "treasury", "unmatched")
    run(app, "treasury", "resolve", lost["line"], "--by", "zhifu", "--reason", "另一系统的款")
    assert run(app, "treasury", "unmatched") == []
    person("shenji", "auditor")
    shown = run(app, "award", "show", number, "--by", "shenji")
    assert (shown["state"], shown["paid_fen"], shown["open_fen"]) == ("closed", 1_234_56, 0)
    assert shown["payee"]["account"] == f"…{ACCOUNT[-4:]}"
    assert [row["award"] for row in run(app, "award", "list", "--by", "firm1")] == [number]
    (line,) = run(app, "treasury", "lines")
    assert (line["available_fen"], line["paid_fen"], line["to_hand_back"]) == (376_544, 1_234_56, False)
    assert run(app, "treasury", "check")["holds"]


def test_who_has_no_post_moves_no_money(app: typer.Typer, tmp_path: Path) -> None:
    official("xiada", "commit", TREASURY)
    person("zhuanban")
    back = tmp_path / "back.csv"
    back.write_bytes(returned("P1,1.00,成功,"))
    for who in ("xiada", "zhuanban"):
        for words in (
            ["file", "--to", str(tmp_path / "x.csv")], ["return", str(back)], ["resolve", "1/2", "--reason", "x"],
        ):  # fmt: skip
            failed = CliRunner().invoke(app, ["treasury", *words, "--by", who])
            code = getattr(failed.exception, "code", "")
            assert (failed.exit_code, code) in {
                (1, "award.no_money_post_in_force"), (1, "treasury.return_line_unknown"),
            }, failed.output  # fmt: skip
    assert not (tmp_path / "x.csv").exists()
