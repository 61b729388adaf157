"""Two editions of a policy side by side: what each answers for its own days, and what straddles them."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest
from typer.testing import CliRunner

from huisuan.law.cli import arguments
from huisuan.law.cli.law_commands import app
from huisuan.law.explain.explanation import explain, parse_facts
from huisuan.law.model.answers import Answer
from huisuan.law.model.errors import LawError
from huisuan.law.policy.coverage import list_coverage
from huisuan.law.policy.load import load_folder, load_policy
from huisuan.law.policy.policy import Policy
from huisuan.law.policy.scenario import Scenario, apply_scenario, setting_declarations

FIRST, SECOND = (load_folder(load_policy(name).folder) for name in ("anhui-agi-2023", "anhui-agi-2025"))
AUGUST, YEAR_END, KNOWN = date(2025, 8, 1), date(2025, 12, 31), date(2026, 6, 1)
WHO = {"in_anhui": True, "kind": "enterprise"}


def supposed(policy: Policy, **options: str) -> Policy:
    declared = setting_declarations(policy)
    values = {name.replace("_", "."): option for name, option in options.items()}
    chosen = {
        name: declared.parse_option(name, option, "")
        if name in declared.questions
        else declared.parse_setting(name, option, "")
        for name, option in values.items()
    }
    return apply_scenario(policy, Scenario("试", chosen))


ENDS = supposed(FIRST, **{"0_3_replaced": "ends"})
RATED = supposed(SECOND, **{"e_6_rate": "10%"})


def answer(policy: Policy, key: str, facts: dict[str, object], on: date, known: date = KNOWN) -> Answer:
    rule = policy.rule(key)
    return explain(policy, rule, parse_facts(rule, facts), on=on, as_known=known)


def test_use_that_straddles_two_editions_is_cut_and_each_answers_for_its_days() -> None:
    whole = {**WHO, "spend@2025-07-01": 60_000, "self_use@2025-07-01": 0}
    with pytest.raises(LawError, match="跨过两个版本：本政策只到 2025-07-31"):
        answer(ENDS, "2.2", whole, YEAR_END)
    july = {**WHO, "spend": 10_000, "self_use": 0}
    assert answer(ENDS, "2.2", july, date(2025, 7, 31)).amount_fen == 2_000
    assert answer(RATED, "e.6", {"platform_spend": 50_000}, YEAR_END).amount_fen == 5_000
    assert answer(ENDS, "2.2", july, AUGUST).status == "not_in_force"
    assert answer(RATED, "e.6", {"platform_spend": 50_000}, date(2025, 7, 31)).status == "not_in_force"


def test_what_was_not_known_changes_no_answer_of_its_time() -> None:
    july = date(2025, 7, 31)
    whole = {**WHO, "spend@2025-07-01": 60_000, "self_use@2025-07-01": 0}
    assert answer(ENDS, "2.2", whole, YEAR_END, july).amount_fen == 12_000
    assert answer(RATED, "e.6", {"platform_spend": 1}, YEAR_END, july).status == "not_yet_known"


def test_until_somebody_decides_the_first_edition_runs_to_its_own_last_day() -> None:
    assert (FIRST.last_day(KNOWN), ENDS.last_day(KNOWN)) == (YEAR_END, date(2025, 7, 31))
    assert answer(FIRST, "2.2", {**WHO, "spend": 10_000, "self_use": 0}, YEAR_END).amount_fen == 2_000


def test_every_figure_of_the_second_edition_is_marked_as_to_be_checked() -> None:
    assert SECOND.prepared
    assert all(sentence.unchecked for sentence in SECOND.text.sentences.values())
    found = answer(SECOND, "e.1", {"open_challenge": True, "development_cost": 10_000}, AUGUST)
    assert found.amount_fen == 2_000
    assert all(step.text.endswith("（待与印发文本核对）") for step in found.steps)
    assert all(step.text_en.endswith("(to be checked against the issued text)") for step in found.steps)
    assert all(any("待与印发文本核对" in what for what in row.what) for row in list_coverage(SECOND))


def said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, today: date, *words: str) -> str:
    monkeypatch.setattr(arguments, "today", lambda: today)
    facts = tmp_path / "f.json"
    facts.write_text(json.dumps({**WHO, "spend": 10_000, "self_use": 0}), encoding="utf-8")
    asked = ["explain", "anhui-agi-2023", "2.2", "--facts", str(facts), *words]
    ran = CliRunner().invoke(app, asked, catch_exceptions=False)
    assert ran.exit_code == 0
    return ran.output


@pytest.mark.parametrize(
    ("words", "first"),
    [
        (
            ("--on", "2026-02-01"),
            "政策已于 2025-12-31 到期，2026-02-01（今天）不再适用；按最后一天的规定请写 --on 2025-12-31",
        ),
        ((), "政策有效期 2023-10-12 至 2025-12-31；未写 --on，按 2025-12-31 计算"),
        (("--on", "2023-10-11"), "政策自 2023-10-12 起施行，2023-10-11还不适用"),
        (("--on", "2024-01-01", "--as-known", "2023-10-11"), "政策 2023-10-12 印发，截至 2023-10-11 尚未公布"),
    ],
)
def test_a_policy_that_does_not_hold_on_the_day_says_so_before_anything_else(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, words: tuple[str, ...], first: str
) -> None:
    assert said(monkeypatch, tmp_path, date(2026, 2, 1), *words).replace("\n", "").startswith(first)


def test_what_began_in_time_is_asked_with_the_day_on_which_it_began(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    today = date(2026, 2, 1)
    shown = said(monkeypatch, tmp_path, today, "--on", "2026-02-01", "--began", "2025-06-01")
    assert "应享" in shown
    assert "2025-12-31 的法律" in shown.replace("\n", "")
    assert "不在有效期" in said(monkeypatch, tmp_path, today, "--on", "2026-02-01", "--began", "2026-01-01")
