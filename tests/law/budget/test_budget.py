"""What a year costs, before and after a scenario: the same fen as `law compute`, and everything adds up."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from fractions import Fraction
from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner

from huisuan.law.budget.chart import write_chart
from huisuan.law.budget.compute import FactFiles, SampleClaims, compute_budget
from huisuan.law.budget.model import Budget, Fund, last_day_in_force
from huisuan.law.budget.synthetic_claims import Sample, write_sample
from huisuan.law.budget.tables import write_tables
from huisuan.law.cli.law_commands import app
from huisuan.law.model.errors import LawError
from huisuan.law.model.expressions import Const
from huisuan.law.model.rewriting import rewrite_tree
from huisuan.law.model.rules import RuleKind
from huisuan.law.model.values import ValueKind
from huisuan.law.policy.amended_figures import FigureKind, amend_figures, legal_figures, parse_amendment
from huisuan.law.policy.load import load_policy
from huisuan.law.policy.policy import Policy
from huisuan.law.policy.scenario import Scenario, apply_scenario, load_scenario
from huisuan.law.sql.compute_file import compute_file

pytestmark = pytest.mark.slow

POLICY = load_policy("anhui-agi-2023")
DAY, KNOWN = date(2024, 12, 31), date(2025, 6, 30)
DRAWN = Sample(parties=20_000, seed=5)
PAYING = [rule.key for rule in POLICY.rules if rule.kind is RuleKind.PAYS]
MIXED = """
title = "15%，封顶减半，不上浮"
[settings]
"2.2.rate" = "15%"
"0.2.uplift" = "0%"
[interpretations]
"0.2.cap" = "beyond"
[caps]
"8.2" = "50%"
"5.1" = "2500万元"
[rates]
"6.2" = "25%"
"""


@pytest.fixture(scope="module")
def facts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample as files."""
    folder = tmp_path_factory.mktemp("facts")
    write_sample(POLICY, folder, DRAWN)
    return folder


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Policy:
    """The policy with a scenario that raises some and lowers others."""
    return apply_scenario(POLICY, load_scenario(written(tmp_path_factory.mktemp("scenario"), MIXED), POLICY))


@pytest.fixture(scope="module")
def done(facts: Path, mixed: Policy) -> Budget:
    """That scenario over the files."""
    return budget(mixed, facts)


def written(folder: Path, text: str) -> Path:
    """A scenario file."""
    path = folder / "scenario.toml"
    path.write_text(text, encoding="utf-8")
    return path


def budget(after: Policy, folder: Path, before: Policy = POLICY) -> Budget:
    """The year 2024 over a folder of facts."""
    return compute_budget(before, after, FactFiles(folder), on=DAY, as_known=KNOWN)


def fen(path: Path) -> int:
    """The sum of a computed file."""
    with duckdb.connect() as engine:
        [(total,)] = engine.execute(f"SELECT coalesce(sum(amount_fen), 0) FROM '{path}'").fetchall()
    return int(total)


@pytest.mark.parametrize("key", PAYING)
def test_an_articles_cost_is_the_sum_over_the_rows_that_law_compute_answers(
    key: str, done: Budget, mixed: Policy, facts: Path, tmp_path: Path
) -> None:
    [found] = [rule for rule in done.rules if rule.rule.key == key]
    for policy, cost, statuses in (
        (POLICY, found.total.before_fen, {name: old for name, (old, _) in found.statuses.items() if old}),
        (mixed, found.total.after_fen, {name: new for name, (_, new) in found.statuses.items() if new}),
    ):
        target = tmp_path / "answers.parquet"
        computed = compute_file(policy, policy.rule(key), facts / f"{key}.parquet", target, on=DAY, as_known=KNOWN)
        assert cost == fen(target) == computed.amount_fen
        assert statuses == computed.by_status


def test_the_scenario_reaches_the_rules_that_it_names_and_no_other(done: Budget) -> None:
    assert {rule.rule.key for rule in done.rules if rule.changed} == {"1.2", "2.2", "5.1", "6.2", "8.2"}
    assert all(rule.total.difference_fen == 0 for rule in done.rules if not rule.changed)
    assert all(rule.total.difference_fen != 0 for rule in done.rules if rule.rule.key in {"2.2", "5.1", "6.2", "8.2"})


def test_without_a_scenario_nothing_differs(facts: Path) -> None:
    same = budget(POLICY, facts)
    assert same.total.before_fen == same.total.after_fen > 0
    assert (same.total.winners, same.total.losers) == (0, 0)
    assert not any(rule.changed or rule.won or rule.lost for rule in same.rules)


def test_what_winners_win_less_what_losers_lose_is_the_difference(done: Budget) -> None:
    for rule in done.rules:
        assert rule.total.won_fen - rule.total.lost_fen == rule.total.difference_fen
    assert done.total.winners > 0
    assert done.total.losers > 0


@pytest.mark.parametrize("group", ["cities", "kinds"])
def test_cities_and_kinds_add_up_to_the_articles(group: str, done: Budget) -> None:
    for rule in done.rules:
        assert sum(change.after_fen for change in getattr(rule, group).values()) == rule.total.after_fen
        assert sum(change.claims for change in getattr(rule, group).values()) == rule.total.claims
    assert sum(change.before_fen for change in getattr(done, group).values()) == done.total.before_fen


def test_the_largest_changes_are_named_with_their_row_and_party(done: Budget, facts: Path) -> None:
    [compute] = [rule for rule in done.rules if rule.rule.key == "2.2"]
    assert [abs(claim.difference_fen) for claim in compute.lost] == sorted(
        (abs(claim.difference_fen) for claim in compute.lost), reverse=True
    )
    assert len(compute.lost) == 10
    with duckdb.connect() as engine:
        parties = engine.execute(f"SELECT party, spend FROM '{facts}/2.2.parquet'").fetchall()
    most = compute.lost[0]
    assert parties[most.row - 1][0] == most.party
    assert most.before_fen <= parties[most.row - 1][1] * 20 // 100


def halved() -> Iterator[tuple[str, Policy]]:
    for figure in legal_figures(POLICY):
        if figure.kind is FigureKind.CAP:
            yield (
                figure.sentence,
                amend_figures(POLICY, parse_amendment(POLICY, FigureKind.CAP, figure.sentence, "50%")),
            )


@pytest.mark.parametrize(("sentence", "after"), list(halved()), ids=lambda each: each if isinstance(each, str) else "")
def test_half_a_cap_never_pays_more_to_anyone(sentence: str, after: Policy, facts: Path) -> None:
    done = budget(after, facts)
    [found] = [rule for rule in done.rules if rule.rule.key == sentence]
    assert found.total.losers > 0
    assert found.total.winners == 0
    assert found.capped[1] > found.capped[0] > 0
    assert done.total.difference_fen == found.total.difference_fen < 0


def test_no_cap_pays_no_less_and_the_same_cap_pays_the_same(facts: Path) -> None:
    without = budget(amend_figures(POLICY, parse_amendment(POLICY, FigureKind.CAP, "8.2", "无")), facts)
    assert without.total.losers == 0
    assert without.total.winners > 0
    same = budget(amend_figures(POLICY, parse_amendment(POLICY, FigureKind.CAP, "8.2", "1000万元")), facts)
    assert same.total.difference_fen == 0


def test_a_supposed_share_of_the_law_changes_what_it_says(tmp_path: Path) -> None:
    (tmp_path / "1.2.csv").write_text(
        "party,added_p,finished_on,city_qualifies,city_paid,city_granted,city,county\n"
        "A,400,2024-06-30,是,1200,1200,340100,none\n",
        encoding="utf-8",
    )
    done = budget(amend_figures(POLICY, parse_amendment(POLICY, FigureKind.RATE, "1.2", "1/4")), tmp_path)
    [centres] = done.rules
    assert (centres.total.before_fen, centres.total.after_fen) == (400, 300)
    assert centres.lost[0].party == "A"
    assert "2.2" in done.without_facts


def test_the_law_itself_stays_as_it_is() -> None:
    changed = amend_figures(POLICY, parse_amendment(POLICY, FigureKind.CAP, "8.2", "500万元"))
    assert changed.text == POLICY.text
    assert changed.digest != POLICY.digest
    assert next(figure.value for figure in legal_figures(POLICY) if figure.sentence == "8.2") == 1_000_000_000
    assert changed.rule("2.2") == POLICY.rule("2.2")


def test_a_tree_that_nothing_changes_is_not_copied() -> None:
    for rule in POLICY.rules:
        for root in rule.roots:
            assert rewrite_tree(root, lambda node: node) is root


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[caps]\n"14.1" = "50%"\n', r"scenario.toml 行 2：\[caps\] 第 14.1 句没有法律写定的封顶额.*写在 \[settings\]"),
        ('\n[caps]\n"8.2" = "一半"\n', r"行 3：\[caps\] “一半”不是金额.*或“无”"),
        ('[rates]\n"8.2" = "120%"\n', r"行 2：\[rates\] “120%”超过 100%"),
        ('[rates]\n"99.9" = "10%"\n', r"行 2：\[rates\] 第 99.9 句没有法律写定的固定比例；有的句：1.2"),
        ('[settings]\n"2.2.rate" = "25%"\n', r"行 2：参数 2.2.rate（年度补助比例）：25% 超过法定上限 20%"),
        ('[setings]\n"2.2.rate" = "15%"\n', r"行 1：不认识 setings；可写的有 caps、"),
        ('title = "空"\n', "情景里什么都没有改；请至少写一项"),
    ],
)
def test_a_bad_scenario_says_line_name_and_remedy(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(LawError, match=message):
        load_scenario(written(tmp_path, text), POLICY)


@pytest.mark.slow
def test_sums_beyond_64_bits_are_exact(tmp_path: Path) -> None:
    whole = amend_figures(POLICY, parse_amendment(POLICY, FigureKind.RATE, "1.2", "100%"))
    each, count = 12 * 10**11, 8_000_000  # 10 billion yuan, raised by a fifth in the north
    assert each * count > 2**63
    with duckdb.connect() as engine:
        engine.execute(
            "COPY (SELECT 400 AS added_p, DATE '2024-06-30' AS finished_on, true AS city_qualifies, "
            f"{10**12} AS city_paid, {10**12} AS city_granted, '340600' AS city, 'none' AS county "
            f"FROM range({count})) TO '{tmp_path}/1.2.parquet' (FORMAT parquet)"
        )
    [found] = budget(whole, tmp_path).rules
    assert found.total.after_fen == each * count


def test_a_fund_says_what_share_of_each_claim_it_can_pay(facts: Path) -> None:
    limit = Const(100_000_000_00, ValueKind.MONEY)
    rules = tuple(replace(rule, fund=limit) if rule.key == "2.2" else rule for rule in POLICY.rules)
    funded = replace(POLICY, rules=rules)
    [found] = [rule for rule in budget(funded, facts, funded).rules if rule.rule.key == "2.2"]
    assert found.funds
    before, _ = found.funds
    assert before.demand_fen == found.total.before_fen > before.limit_fen
    assert before.factor == Fraction(before.limit_fen, before.demand_fen)
    assert before.paid_fen == before.limit_fen


@pytest.mark.parametrize(
    ("limit", "demand", "factor", "per_cent"),
    [(100, 50, "1", "100.00%"), (50, 50, "1", "100.00%"), (200, 300, "2/3", "66.66%"), (0, 7, "0", "0.00%")],
)
def test_the_factor_of_a_fund_is_exact_and_never_rounded_up(
    limit: int, demand: int, factor: str, per_cent: str
) -> None:
    fund = Fund(limit, demand)
    assert (str(fund.factor), fund.per_cent) == (factor, per_cent)


@pytest.mark.parametrize(
    ("year", "day"), [(2022, None), (2023, date(2023, 12, 31)), (2025, date(2025, 12, 31)), (2026, None)]
)
def test_the_law_of_a_year_is_that_of_its_last_day_in_force(year: int, day: date | None) -> None:
    assert last_day_in_force(POLICY, year) == day


def test_the_tables_hold_exact_yuan_that_add_up(done: Budget, tmp_path: Path) -> None:
    write_tables(done, tmp_path)
    with (tmp_path / "articles.csv").open(encoding="utf-8-sig", newline="") as file:
        *articles, total = list(csv.DictReader(file))
    cents = [int(row["情景（元）"].replace(".", "")) for row in articles]
    assert sum(cents) == int(total["情景（元）"].replace(".", "")) == done.total.after_fen


@pytest.mark.parametrize("suffix", ["svg", "png", "html"])
def test_a_chart_is_drawn_in_the_form_of_its_suffix(suffix: str, done: Budget, tmp_path: Path) -> None:
    path = tmp_path / f"chart.{suffix}"
    write_chart(done, path, "一年")
    head = path.read_bytes()
    assert {"svg": b"<svg", "png": b"\x89PNG", "html": b"<html>"}[suffix] in head[:200]
    if suffix == "svg":
        assert "算力使用补助" in head.decode()


def test_a_chart_in_another_form_is_refused(done: Budget, tmp_path: Path) -> None:
    with pytest.raises(LawError, match=r"图只写成 \.svg、\.png、\.html"):
        write_chart(done, tmp_path / "chart.pdf", "一年")


def test_a_folder_without_any_facts_says_what_it_should_hold(tmp_path: Path) -> None:
    with pytest.raises(LawError, match=r"请以规则的编号为名，如 1\.1\.parquet"):
        budget(POLICY, tmp_path)


def test_facts_of_a_wrong_type_are_refused_by_rule_and_column(tmp_path: Path) -> None:
    with duckdb.connect() as engine:
        engine.execute(f"COPY (SELECT 1.5::DOUBLE AS spend) TO '{tmp_path}/2.2.parquet' (FORMAT parquet)")
    with pytest.raises(LawError, match=r"第 2\.2 句的事实：列 spend（算力总支出）的类型是 DOUBLE；应为整数"):
        budget(POLICY, tmp_path)


def test_the_command_says_that_a_sample_is_no_real_claim_and_that_the_law_is_unchanged(tmp_path: Path) -> None:
    scenario = written(tmp_path, MIXED)
    ran = CliRunner().invoke(
        app, ["budget", "anhui-agi-2023", "--year", "2024", "--scenario", str(scenario), "--parties", "2000"]
    )
    assert ran.exit_code == 0, ran.output
    assert "推演样本（随机生成，种子 1），不是实际申报" in ran.output
    assert "10,000,000.00 元 → 5,000,000.00 元（假设：法律未改）" in ran.output


def test_the_command_gives_the_figures_of_the_sample_as_json() -> None:
    ran = CliRunner().invoke(
        app, ["budget", "anhui-agi-2023", "--year", "2024", "--parties", "2000", "--seed", "3", "--json"]
    )
    found = json.loads(ran.stdout)
    expected = compute_budget(POLICY, POLICY, SampleClaims(Sample(2000, 3)), on=DAY, as_known=KNOWN)
    assert found["total"] == expected.total.to_dict()
    assert found["sample"]["notice"] == "推演样本（随机生成，种子 3），不是实际申报"


def test_a_year_without_a_day_in_force_is_an_answer_of_its_own() -> None:
    ran = CliRunner().invoke(app, ["budget", "anhui-agi-2023", "--year", "2026", "--json"])
    assert ran.exit_code != 0
    assert json.loads(ran.stdout)["status"] == "not_in_force"


def test_a_scenario_of_the_same_values_changes_nothing(facts: Path) -> None:
    same = apply_scenario(POLICY, Scenario("照旧", {"2.2.rate": Fraction(1, 5)}))
    assert not any(rule.changed for rule in budget(same, facts).rules)
