"""Statements add up to the ledger, however they are cut."""

from __future__ import annotations

import json
from dataclasses import fields

import pytest
from django.db import connection
from typer.testing import CliRunner

from huisuan.treasury.bank_returns import import_returns
from huisuan.treasury.cli.treasury_commands import app
from huisuan.treasury.recoveries import claim_back, receive
from huisuan.treasury.statements import StatementRow, load_money_statement
from support.treasury import ACT, committed, line, ordered, returned, sent

pytestmark = pytest.mark.django_db
POLICY = "anhui-agi-2023"


def history() -> None:
    """Two firms: one paid 300.00, of which 100.00 is claimed back and 40.00 came; one with an order under way."""
    on = line(100_000)
    first, second = committed(on, "甲", 30_000, 5_000), committed(on, "乙", 7_000, who=2)
    order = ordered(first)
    sent(order)
    import_returns(returned(f"{order.name},300.00,成功,"), "x.csv", ACT)
    receive(claim_back("一", first, 10_000, "更正", ACT), 4_000, "进账单 1", ACT)
    ordered(second)


def test_every_cut_shows_the_same_money() -> None:
    history()
    (row,) = load_money_statement("sentence", POLICY)
    assert row == StatementRow(
        "5.1", appropriated=100_000, available=58_000, committed=5_000, ordered=7_000, paid=30_000, recovered=4_000,
        owed=6_000,
    )  # fmt: skip
    for by in ("office", "year", "city", "party"):
        rows = load_money_statement(by, POLICY, 2024)  # type: ignore[arg-type]
        for column in ("committed", "ordered", "paid", "recovered", "owed"):
            assert sum(getattr(each, column) for each in rows) == getattr(row, column), (by, column)
    assert len(load_money_statement("party", POLICY)) == 2
    assert load_money_statement("sentence", POLICY, 2023) == []


def test_the_commands_prove_the_books_and_name_what_does_not_agree() -> None:
    history()
    run = CliRunner()
    told = run.invoke(app, ["check", "--json"])
    assert (told.exit_code, json.loads(told.stdout)["holds"]) == (0, True)
    rows = json.loads(run.invoke(app, ["statement", "--policy", POLICY, "--json"]).stdout)
    assert set(rows[0]) == {column.name for column in fields(StatementRow)}
    assert "300.00" in run.invoke(app, ["statement", "--policy", POLICY, "--by", "party"]).stdout
    assert run.invoke(app, ["statement", "--policy", POLICY, "--by", "x"]).exit_code == 1
    with connection.cursor() as cursor:  # whoever owns the database can switch its triggers off
        cursor.execute("SET session_replication_role = replica")
        cursor.execute("UPDATE treasury_account SET balance = balance + 1 WHERE kind = 'available'")
        cursor.execute("SET session_replication_role = origin")
    told = run.invoke(app, ["check", "--json"])
    codes = {finding["code"] for finding in json.loads(told.stdout)["findings"]}
    assert (told.exit_code, codes) == (1, {"treasury.trial_balance", "treasury.balance_is_its_postings"})
    assert "账不平" in run.invoke(app, ["check"]).stdout
