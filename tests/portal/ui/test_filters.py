"""Lists are narrowed by firm, month, centre and state, by links that can be sent; what names nothing is said."""

from __future__ import annotations

from typing import Any

import pytest
from django.db.models import Q
from django.urls import reverse

from huisuan.compute.metering.checks.anomaly import Anomaly, FlagKind
from huisuan.compute.metering.checks.flags import raise_flags
from huisuan.compute.models import Centre, Job
from support.portal import NOW, World

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
