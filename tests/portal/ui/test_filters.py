"""Lists are narrowed by firm, month, centre and state, by links that can be sent; what names nothing is said."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.db.models import Q
from django.urls import reverse

from huisuan.base.months import Month
from huisuan.compute.budgets.party_use import count_party_use
from huisuan.compute.metering.checks.anomaly import Anomaly, FlagKind
from huisuan.compute.metering.checks.flags import raise_flags
from huisuan.compute.metering.seals.seal_month import seal_month
from huisuan.compute.models import Centre, Job, UsageRecord
from support.portal import NOW, World, party

pytestmark = pytest.mark.django_db


def rows(world: World, route: str, who: str = "province", **query: str) -> Any:
    name = "table"
    return world.browser(who).get(reverse(route), query).context[name]


@pytest.mark.parametrize("route", ["usage", "jobs", "bills", "entitlements"])
def test_a_firm_is_typed_in_by_number_or_by_a_part_of_its_name(world: World, route: str) -> None:
    everything = rows(world, route)
    for text in (world.alpha.uscc, world.alpha.uscc.lower(), "阿尔法", "alpha intell"):
        found = rows(world, route, firm=text)
        assert {row.party_id for row in found.page_rows} == {world.alpha.pk}
        assert found.count == everything.everything.filter(party=world.alpha).count()
    page = world.browser("province").get(reverse(route), {"firm": "没有的公司"})
    assert page.context["table"].refused == ["firm=没有的公司"]
    assert "<code>firm=没有的公司</code>" in page.content.decode()
    assert world.browser("province").get(reverse(route), {"firm": "没有的公司", "export": "csv"}).status_code == 422


def test_flags_are_narrowed_by_the_firm_whose_record_or_job_they_are_about(world: World) -> None:
    hf = Centre.objects.get(code="hf")
    of_beta = UsageRecord.objects.filter(centre=hf, party=world.beta)[0]
    raise_flags(hf, [
        Anomaly(FlagKind.OVER_CAPACITY, "m 1", "记录", sequence=of_beta.sequence),
        Anomaly(FlagKind.MISSING, f"{world.jobs['alpha'].uid} 1", "作业"),
        Anomaly(FlagKind.SCHEDULER, "seal 2024-03", "封账"),
    ], NOW)  # fmt: skip
    for firm, about in ((world.alpha, "作业"), (world.beta, "记录")):
        texts = {flag.text for flag in rows(world, "flags", firm=firm.uscc).page_rows}
        assert texts & {"作业", "记录", "封账"} == {about}
    assert rows(world, "flags", firm="没有的公司").refused == ["firm=没有的公司"]
    assert "记录" in {flag.text for flag in rows(world, "flags", "centre", firm=world.beta.uscc).page_rows}


def test_seals_are_narrowed_by_the_firm_that_used_something_in_the_month(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUISUAN_HOME", str(tmp_path))
    count_party_use()
    for month in range(1, 7):
        seal_month("hf", Month(2024, month), by="省专班", now=NOW, despite="历史记录")
    assert rows(world, "seals").count == 6
    assert [str(seal.month) for seal in rows(world, "seals", firm=world.beta.uscc).page_rows] == ["2024-05-01"]


def test_entitlements_are_narrowed_by_month_and_centre_of_the_use(world: World) -> None:
    def parties(**query: str) -> set[int]:
        return {each.party_id for each in rows(world, "entitlements", **query).page_rows}

    alpha, beta = world.alpha.pk, world.beta.pk
    assert parties() == {alpha, beta}
    assert parties(month="2024-03") == {alpha}
    assert parties(month="2024-05") == {alpha, beta}
    assert parties(centre="wh") == {alpha}
    assert parties(centre="hf", month="2024-05", firm=world.beta.uscc) == {beta}
    assert parties(centre="wh", month="2024-05") == set()  # there it used something in June alone
    assert rows(world, "entitlements", month="2031-01").refused == ["month=2031-01"]
    assert rows(world, "entitlements", "alpha", month="2024-06", centre="wh").count == 1


def test_a_month_of_an_entitlement_counts_the_use_of_a_party_whose_claims_it_carries(world: World) -> None:
    heir = world.entitlement(world.beta)
    heir.pk, heir._state.adding = None, True
    heir.party, heir.carried = party(40, "承继公司"), [world.alpha.uscc]
    heir.save()
    found = rows(world, "entitlements", month="2024-03").page_rows
    assert {each.party_id for each in found} == {world.alpha.pk, heir.party_id}


def test_a_firms_own_people_have_no_such_filter(world: World) -> None:
    for route in ("usage", "jobs", "bills", "entitlements"):
        assert rows(world, route, "alpha", firm=world.beta.uscc).refused == [f"firm={world.beta.uscc}"]


def test_months_and_states_narrow_jobs_bills_flags_usage_and_seals(world: World) -> None:
    Job.objects.filter(pk=world.jobs["beta"].pk).update(submitted_at="2024-11-30T16:30:00Z")  # December in Shanghai
    assert [job.pk for job in rows(world, "jobs", month="2024-12").page_rows] == [world.jobs["beta"].pk]
    assert rows(world, "jobs", month="2025-01").count == 0
    assert {bill.month.month for bill in rows(world, "bills", month="2024-05").page_rows} == {5}
    assert {bill.centre.code for bill in rows(world, "bills", centre="wh").page_rows} == {"wh"}
    raise_flags(Centre.objects.get(code="hf"), [Anomaly(FlagKind.FORM, "x", "y")], NOW)
    month = rows(world, "flags", month="2025-02")
    assert month.count == month.everything.filter(Q(flagged_at__year=2025, flagged_at__month=2)).count() >= 1
    assert rows(world, "usage", state="COMPLETED").count == rows(world, "usage").count
    assert rows(world, "seals", state="signed").count == 0
