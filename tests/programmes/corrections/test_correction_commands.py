"""Re-basing and taking back on the command line, each by the person named."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from huisuan.base.months import SHANGHAI
from huisuan.cli.main import assemble
from huisuan.programmes.payments.returns import import_bank_returns
from support.awards import DATA, GROUP, confirmed, offered, settled, walked_offer
from support.programmes import NOON, TREASURY, budget, official, paid_at_bank, person

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def app() -> typer.Typer:
    return assemble()


def run(app: typer.Typer, *words: str) -> Any:
    """What a command prints as JSON; the table is printed without an error as well."""
    result = CliRunner().invoke(app, [*words, "--json"])
    assert result.exit_code == 0, (result.output, result.exception)
    return json.loads(result.stdout)


def test_a_paid_award_is_taken_back_and_an_unpaid_one_rebased_by_commands(app: typer.Typer) -> None:
    person("shenji", "auditor")
    budget("2.2", 1_000_000, datetime.now(SHANGHAI).year)
    budget("2.2", 1_000_000)
    payer = official("pay of 2.2", "pay", TREASURY)
    official("data", "check", DATA)
    official("dengji", "register", GROUP)
    first, second = offered(30_000, 50_000)
    paid, unpaid = walked_offer(confirmed(first)), walked_offer(confirmed(second, 2), "commit")
    import_bank_returns(paid_at_bank(payer), "r.csv", payer, NOON)
    settled(20_000, 60_000)
    rows = run(app, "award", "outdated", "--by", "shenji")
    assert [(row["number"], row["correction"]) for row in rows] == [
        (paid.number, "recovery"), (unpaid.number, "award"),
    ]  # fmt: skip
    assert {"use", "facts", "law_changed", "newest_run"} <= set(rows[0])
    done = run(app, "award", "rebase", unpaid.number, "--by", "decide of 2.2", "--reason", "迟到的用量")
    assert (done["correction"], done["before_fen"], done["amount_fen"]) == ("award", 50_000, 60_000)
    again = run(app, "treasury", "commit", unpaid.number, "--by", "commit of 2.2")
    assert (again["again"], again["done"]) == ([unpaid.number], [])
    (debt,) = run(
        app, "award", "recover", paid.number, "--by", "dengji", "--reason", "多付",
        "--repay", "40@2026-01-31", "--repay", "60@2026-02-28",
    )  # fmt: skip
    assert (debt["amount_fen"], [part["amount_fen"] for part in debt["repayments"]]) == (10_000, [4_000, 6_000])
    for command in (["award", "outdated", "--by", "shenji"], ["treasury", "debts"]):
        assert CliRunner().invoke(app, command).exit_code == 0
    words = ("treasury", "receive", debt["debt"], "--by", "pay of 2.2", "--amount")
    assert not run(app, *words, "99.99", "--voucher", "收 1 号")["recovered"]
    assert run(app, *words, "0.01", "--voucher", "收 2 号")["recovered"]
    assert run(app, "treasury", "debts") == []
    shown = run(app, "award", "show", paid.number, "--by", "shenji")
    assert (shown["amount_fen"], shown["paid_fen"], shown["claimed_fen"]) == (20_000, 30_000, 10_000)
    assert run(app, "treasury", "check")["holds"]
