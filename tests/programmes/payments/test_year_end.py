"""At the end of a year what is promised is carried over on record, the rest lapses, and old money is handed back."""

from __future__ import annotations

import json
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from huisuan.base.errors import Conflict, NotAllowed
from huisuan.cli.main import assemble
from huisuan.programmes.payments.budget import carry_over_budget, lapse_budget
from huisuan.programmes.payments.returns import import_bank_returns
from huisuan.programmes.workflow import act
from huisuan.treasury.check import prove
from huisuan.treasury.models import AppropriationLine, Entry
from support.accounts import personal_caller
from support.awards import GROUP, confirmed, offered, settled, walked_offer
from support.programmes import ENDED, NOON, TREASURY, budget, official, paid_at_bank
from support.treasury import balances

pytestmark = pytest.mark.django_db
WAY = ("--policy", "anhui-agi-2023", "--programme", "2.2", "--year", "2024")


@pytest.fixture(scope="module")
def app() -> typer.Typer:
    return assemble()


def run(app: typer.Typer, *words: str) -> Any:
    result = CliRunner().invoke(app, ["treasury", *words, "--json"])
    assert result.exit_code == 0, (result.output, result.exception)
    return json.loads(result.stdout)


def test_a_promise_is_carried_over_with_its_money_and_paid_and_taken_back_in_the_later_year(app: typer.Typer) -> None:
    old = budget("2.2", 100_000)
    committer, payer = official("commit of 2.2", "commit", TREASURY), official("pay of 2.2", "pay", TREASURY)
    made = walked_offer(confirmed(offered(30_000)[0]), "commit")
    assert run(app, "carry-over", "--by", committer.username, *WAY, "--into", "2025")["instalments"] == 1
    assert run(app, "lapse", "--by", committer.username, *WAY)["lapsed_fen"] == 70_000
    later = AppropriationLine.objects.get(year=2025)
    assert balances(old) == {"appropriated": -70_000, "lapsed": 70_000}
    assert balances(later) == {"appropriated": -30_000, "committed": 30_000}
    act(made.number, "pay", payer, NOON)
    import_bank_returns(paid_at_bank(payer), "r.csv", payer, NOON)
    settled(20_000)
    act(made.number, "recover", official("registers", "register", GROUP), NOON, reason="更正")
    assert balances(later)["paid"] == 30_000
    assert Entry.objects.get(kind="claim_back").postings.filter(account__line=later).count() == 2
    assert prove().holds


def test_it_is_for_whoever_commits_and_each_once() -> None:
    line = budget("2.2", 100_000)
    committer, payer = official("committer", "commit", TREASURY), official("pay of 2.2", "pay", TREASURY)
    with pytest.raises(NotAllowed):
        lapse_budget(line, payer, NOON)
    with pytest.raises(NotAllowed):
        carry_over_budget(line, 2025, payer, NOON)
    for year in (2025, 2024, 2023):
        with pytest.raises(Conflict):
            carry_over_budget(line, year, committer, NOON)
    lapse_budget(line, committer, NOON)
    with pytest.raises(Conflict) as nothing:
        lapse_budget(line, committer, NOON)
    assert nothing.value.code == "treasury.nothing_left"
    assert not AppropriationLine.objects.exclude(pk=line.pk).exists()


def test_what_was_not_used_for_two_years_is_listed_to_be_handed_back(app: typer.Typer) -> None:
    old, recent = budget("2.2", 100_000), budget("14.1", 100_000, year=2026)
    rows = run(app, "unused")
    assert [(row["id"], row["available_fen"], row["to_hand_back"]) for row in rows] == [(old.pk, 100_000, True)]
    lapse_budget(old, official("committer", "commit", TREASURY), NOON)
    assert run(app, "unused") == []
    assert [row["id"] for row in run(app, "lines")] == [recent.pk, old.pk]


def test_the_year_is_ended_by_api_too_and_the_statement_says_where_the_money_stands() -> None:
    line = budget("2.2", 100_000)
    made = walked_offer(confirmed(offered(30_000)[0]), "check")
    for action, duty, office in (("publicise", "publish", GROUP), ("decide", "decide", GROUP)):
        act(made.number, action, official(f"{duty} of 2.2", duty, office), NOON if action == "publicise" else ENDED)
    committer, payer = (
        personal_caller(official(f"{duty} of 2.2", duty, TREASURY)) for duty in ("commit", "pay")
    )  # fmt: skip
    at, lines = f"/api/v1/applications/{made.number}/acts/commit", f"/api/v1/treasury/lines/{line.pk}"
    without = committer.post(at, {}, "application/json")  # of this year there is no budget
    assert (without.status_code, without.json()["code"]) == (404, "award.no_budget_line")
    assert committer.post(at, {"budget_year": 2024}, "application/json").status_code == 200
    assert payer.post(f"{lines}/lapse").json()["code"] == "award.no_money_post_in_force"
    assert committer.post(f"{lines}/carry-over", {"year": 2023}, "application/json").status_code == 409
    moved = committer.post(f"{lines}/carry-over", {"year": 2025}, "application/json").json()
    assert (moved["into"], moved["instalments"]) == (2025, 1)
    assert committer.post(f"{lines}/lapse").json()["lapsed_fen"] == 70_000
    assert committer.post("/api/v1/treasury/lines/999999/lapse").json()["code"] == "treasury.line_unknown"
    asked = {"policy": line.policy, "by": "year"}
    rows = {row["key"]: row for row in payer.get("/api/v1/treasury/statement", asked).json()["rows"]}
    assert (rows["2024"]["lapsed"], rows["2025"]["committed"]) == (70_000, 30_000)
    assert payer.get("/api/v1/treasury/statement", asked | {"by": "colour"}).status_code == 422
