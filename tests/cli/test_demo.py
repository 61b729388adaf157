"""The demo's second year is paid for by three policies in one run, and the invented one is kept apart."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.test import Client
from django.utils import timezone

from huisuan.cli.demo import open_list, scenario
from huisuan.cli.demo.articles import list_article_cases, make_article_cases
from huisuan.cli.demo.granted_data import grant_conditional_data
from huisuan.law.policy import load_policy
from huisuan.opendata.access.ledger import broken_at
from huisuan.opendata.corpora.building import get_build
from huisuan.opendata.models import DataRequest
from huisuan.parties.models import Person
from huisuan.portal.calculator.views import calculator_policies


@pytest.mark.django_db
def test_three_policies_are_settled_in_one_run_and_the_invented_one_counts_what_the_others_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUISUAN_HOME", str(tmp_path / "h"))
    scenario.enter_parties()
    scenario.open_centres()
    scenario.add_example_policy()
    scenario.import_stacked_year()
    runs = [made.run for made in scenario.settle_stacked_year()]
    assert [(run.policy, run.year) for run in runs] == [
        ("anhui-agi-2023", 2025), ("wuhu-compute-2025", 2025), ("example-district-2025", 2025),
    ]  # fmt: skip
    province, city, district = runs
    assert province.payable_fen == province.amount_fen > 0
    assert city.payable_fen == city.amount_fen > 0
    assert 0 < district.payable_fen < district.amount_fen
    assert load_policy("example-district-2025").example
    shown, _broken = calculator_policies()
    assert "anhui-agi-2023" in {policy.name for policy in shown}
    assert not [policy for policy in shown if policy.example or policy.prepared]


@pytest.mark.django_db
def test_every_article_has_a_worked_case_in_the_demo_and_its_page_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUISUAN_HOME", str(tmp_path / "h"))
    scenario.enter_parties()
    scenario.make_accounts()
    make_article_cases()
    cases = {case.article: case for case in list_article_cases()}
    # what a settlement offers under article 2 is walked by the demo before
    assert cases.keys() == {str(article) for article in range(1, 16)} - {"2"}
    assert (cases["4"].title.split()[0], cases["4"].state) == ("4.1.cities", "已办结")
    browser = Client()
    browser.force_login(Person.objects.get(username="shenji"), backend="django.contrib.auth.backends.ModelBackend")
    for case in cases.values():
        assert browser.get(case.where).status_code == 200, case
    page = browser.get("/programmes/cases/").content.decode()
    assert [case for case in cases.values() if f'href="{case.where}"' not in page] == []
    make_article_cases()
    assert {case.article: case for case in list_article_cases()} == cases  # once
    a_firm_whose_application_was_decided_is_granted_data_and_reads_it()


def a_firm_whose_application_was_decided_is_granted_data_and_reads_it() -> None:
    now = timezone.now()
    open_list.import_open_list(now)
    made = grant_conditional_data(now)
    assert made is not None
    grant, person = made
    assert (grant.party, bool(grant.application), bool(grant.signature)) == (person.party, True, True)
    assert grant.ground.startswith("在皖通用人工智能企业名录")
    assert list(grant.accesses.order_by("number").values_list("way", flat=True)) == ["page", "file", "file", "sql"]
    assert (broken_at(grant), grant.copies.count()) == (None, 2)
    assert grant_conditional_data(now) == made


@pytest.mark.django_db
def test_the_list_of_sixteen_cities_and_files_at_the_states_of_the_gate_stand_and_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUISUAN_HOME", str(tmp_path / "h"))
    scenario.enter_parties()
    scenario.open_centres()
    scenario.make_accounts()
    now = timezone.now()
    report = open_list.import_open_list(now)
    assert (report.new, report.faults) == (16 * 19, [])
    states = open_list.fill_the_gate(now)
    assert states == {
        "已无未判断的发现": 1, "可放行": 2, "拒收": 1, "已放行": 2, "已封存": 1, "已被取代": 1, "待判断": 2,
        "已撤回": 1,
    }  # fmt: skip
    assert grant_conditional_data(now) is None  # nobody's application was decided
    open_list.ask_for_data(now)
    open_list.ask_for_data(now)  # once
    assert [row.answers.count() for row in DataRequest.objects.order_by("pk")] == [1, 0]
    assert get_build(open_list.DEMO_CORPUS).statistics["left_out"]["same"] == 5
    assert open_list.import_open_list(now).same == 16 * 19
    assert open_list.fill_the_gate(now) == states
