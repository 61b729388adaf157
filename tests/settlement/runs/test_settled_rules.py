"""Every rule whose facts the platform knows is settled from the meter, several together; others are refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from huisuan.base.errors import InvalidRequest
from huisuan.compute.centres.services import CentrePlan, add_centre
from huisuan.compute.centres.tariffs import set_tariff
from huisuan.compute.fact_sources.rules import (
    chosen_options,
    facts_that_matter,
    facts_to_know,
    is_settled_from_use,
    rules_settled_from_use,
)
from huisuan.law.policy import load_policy
from huisuan.parties.viewer import Viewer
from huisuan.settlement.models import Entitlement
from huisuan.settlement.runs.queries import latest_bills, recompute_entitlement, with_use
from huisuan.settlement.runs.settle import SettleResult, settle_year
from huisuan.settlement.runs.trace import trace_entitlement
from support.settled_policy import NAME, write_third_policy
from support.usage_records import A800, centre, imported, line, party, sacct

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 1, 5, 4, tzinfo=UTC)
PROVINCE = Viewer(role="province", name="x")


@pytest.fixture(autouse=True)
def used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Firm 1 used an hour of 8 cards at 12.80 in Hefei in March and, in August, a day of 8 cards at 10.00 in Wuhu."""
    monkeypatch.setenv("HUISUAN_HOME", str(tmp_path / "home"))
    centre()
    add_centre(
        "wuhu", CentrePlan(name="芜湖", operator=party(98).uscc, region="340200", partitions=(f"gpu={A800}:4x8",))
    )
    set_tariff("c1", A800, "1280", date(2023, 1, 1))
    set_tariff("wuhu", A800, "1000", date(2023, 1, 1))
    tenants = (f"user,uscc\nzhang,{party(1, registered_on=date(2020, 1, 1)).uscc}\n".encode(), "t")
    march = {"Submit": "2025-03-01T08:00:00", "Start": "2025-03-01T09:00:00", "End": "2025-03-01T10:00:00"}
    august = {"Submit": "2025-08-01T00:00:00", "Start": "2025-08-01T00:00:00", "End": "2025-08-02T00:00:00"}
    imported(sacct(line(1, **march)), tenants=tenants)
    imported(sacct(line(2, **august)), at="wuhu", tenants=tenants)


def settled(**named: str) -> list[SettleResult]:
    return settle_year(2025, now=NOW, by="test", **named)


def figures(results: list[SettleResult]) -> dict[str, tuple[int, int]]:
    """By rule what its one party is owed and what of it is payable."""
    owed = Entitlement.objects.filter(run__in=[made.run for made in results]).select_related("run")
    return {each.run.sentence: (each.amount_fen, each.payable) for each in owed}


MARCH, AUGUST = 8 * 1280, 8 * 24 * 1000


def test_a_citys_rule_is_settled_beside_the_provinces_and_after_it() -> None:
    results = settled()
    assert [made.run.sentence for made in results] == ["2.2", "w.2"]
    assert figures(results) == {
        "2.2": ((MARCH + AUGUST) // 5, (MARCH + AUGUST) // 5),
        "w.2": (AUGUST // 4, AUGUST // 4),
    }
    again = settled()
    assert [(made.run, made.new) for made in again] == [(made.run, False) for made in results]


def test_who_asks_for_the_citys_rule_gets_the_provinces_before_it_and_who_asks_for_the_provinces_that_alone() -> None:
    assert [made.run.sentence for made in settled(policy="wuhu-compute-2025", rule="w.2")] == ["2.2", "w.2"]
    assert [made.run.sentence for made in settled(policy="anhui-agi-2023")] == ["2.2"]


@pytest.mark.parametrize(
    ("mode", "payable"),
    [
        ("together", AUGUST // 10),
        # of the August use the province pays a fifth and the city, together with it, a quarter
        ("rest", (AUGUST - AUGUST // 5 - AUGUST // 4) // 10),
        ("once", 0),
    ],
)
def test_a_policy_in_a_folder_of_its_own_is_settled_in_one_run_after_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: str, payable: int
) -> None:
    monkeypatch.setenv("HUISUAN_POLICIES", str(tmp_path / "policies"))
    write_third_policy(tmp_path / "policies", mode)
    results = settled()
    assert [made.run.sentence for made in results] == ["2.2", "w.2", "h.1"]
    third = results[2].run
    assert (third.policy, third.starts, third.ends) == (NAME, date(2025, 7, 1), date(2025, 12, 31))
    assert figures(results)["h.1"] == (AUGUST // 10, payable)
    owed = Entitlement.objects.get(run=third)
    assert (third.amount_fen, third.payable_fen) == (AUGUST // 10, payable), "a run shows both, and its sums are right"
    assert {made.run.sentence: (made.run.amount_fen, made.run.payable_fen) for made in results} == figures(results)
    assert owed.facts == {"opened": "2020-01-01", "cost": AUGUST, "used": 8 * 24}
    assert owed.reasons == ([] if mode == "together" else ["stacked@h.1"])


def test_what_is_settled_under_any_rule_is_explained_alike_and_traced_to_raw_lines() -> None:
    settled()
    for owed in Entitlement.objects.all():
        assert recompute_entitlement(owed).agrees
        assert all(trace_entitlement(owed)["checks"].values())
    spent = with_use(Entitlement.objects.order_by("run_id")).values_list("spent_fen", "own_fen")
    assert list(spent) == [(MARCH + AUGUST, 0), (AUGUST, None)]


def test_bills_of_a_year_are_shown_once_however_many_rules_are_settled() -> None:
    settled()
    assert sum(bill.amount_fen for bill in latest_bills(PROVINCE)) == MARCH + AUGUST


@pytest.mark.parametrize(
    ("named", "says"),
    [
        ({"policy": "anhui-agi-2023", "rule": "5.1"}, "项目研发费用（cost）：申报人提供（研发费用专项审计报告）"),
        ({"policy": "anhui-agi-2023", "rule": "8.2"}, "财政拨付账（按项目登记，逐件申报时取，不按用量结算）"),
        ({"policy": "wuhu-compute-2025", "rule": "w.4"}, "申报人提供"),
        ({"policy": "wuhu-compute-2025", "rule": "w.9"}, "w.9"),
        ({"policy": "nothing"}, "没有政策 nothing"),
        ({"policy": "anhui-agi-2025", "rule": "e.6"}, "待与印发文本核对，不能据以结算"),
        ({"policy": "anhui-agi-2025"}, "待与印发文本核对，不能据以结算"),
        ({"rule": "w.2"}, "请同时写明政策"),
    ],
)
def test_a_rule_whose_facts_the_platform_does_not_know_is_refused_and_says_who_knows_them(
    named: dict[str, str], says: str
) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        settled(**named)
    assert says in str(refusal.value)


def test_no_rule_of_a_policy_that_nobody_compared_with_the_issued_text_is_settled_along_with_others() -> None:
    [use] = [rule for rule in load_policy("anhui-agi-2025").rules if rule.key == "e.6"]
    day = date(2025, 12, 31)
    compared = replace(load_policy("anhui-agi-2025"), prepared=False)
    assert [place.rule.key for place in rules_settled_from_use(compared, day, day)] == [use.key]
    assert rules_settled_from_use(load_policy("anhui-agi-2025"), day, day) == []


def test_a_list_that_is_open_is_settled_and_whoever_would_need_a_finding_is_told_so() -> None:
    policy = load_policy("anhui-agi-2023")
    rule = policy.rule("2.2")
    open_lists = [spec.name for spec in rule.interpretations() if "open" in spec.options]
    (opened,) = open_lists
    options = chosen_options(policy, rule, date(2024, 12, 31), date(2026, 1, 1)) | {opened: "open"}
    read, needed = ({spec.name for spec in facts(rule, options)} for facts in (facts_that_matter, facts_to_know))
    assert needed < read
    assert is_settled_from_use(rule, options)
