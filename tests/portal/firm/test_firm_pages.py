"""The firm's pages under what people type: limits beyond any sum, colleagues by the hundred, invitations that ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from huisuan.compute.models import FirmBudget, Job
from huisuan.parties.models import Person
from support.portal import NOW

if TYPE_CHECKING:
    from support.portal import World

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("language", ["zh-hans", "en"])
@pytest.mark.parametrize("unit", ["fen", "card_seconds"])
@pytest.mark.parametrize("limit", ["1e5000", "1e999999999", "9" * 5000, "NaN", "1.001", "-5", "x" * 5000])
def test_a_limit_that_is_none_is_refused_in_words(world: World, limit: str, unit: str, language: str) -> None:
    desk = world.browser("alpha", language)
    answer = desk.post(reverse("set-budget"), {"limit": limit, "unit": unit, "period": "month"})
    assert answer.status_code == 422
    assert not FirmBudget.objects.exists()
    said = answer.content.decode().split('role="alert">')[1].split("</p>")[0]
    assert len(said) < 400
    assert ("Limit" in said or "Budget" in said) if language == "en" else ("限额" in said or "预算" in said)


def test_a_unit_that_is_none_is_refused(world: World) -> None:
    answer = world.browser("alpha").post(reverse("set-budget"), {"limit": "5", "unit": "yuan", "period": "month"})
    assert (answer.status_code, FirmBudget.objects.exists()) == (422, False)


def test_the_page_of_members_counts_jobs_in_one_query_however_many_there_are(world: World) -> None:
    def looks() -> list[str]:
        with CaptureQueriesContext(connection) as captured:
            page = world.browser("alpha").get(reverse("members"))
        assert page.status_code == 200
        counts = {who.username: count for who, _role, _state, count in page.context["members"]}
        assert counts["li"] == Job.objects.filter(party=world.alpha, submitted_by="li", state="waiting").count()
        return [query["sql"] for query in captured]

    Person.objects.create_person("li", None, role="user", party=world.alpha)
    before = looks()
    Job.objects.bulk_create(
        Job(uid=f"y{n:025d}", party=world.alpha, submitted_by="li", name="x", command=["x"], cards=1, submitted_at=NOW)
        for n in range(40)
    )
    after = looks()
    assert len(after) == len(before)
    (counting,) = [sql for sql in after if 'FROM "compute_job"' in sql]
    assert "GROUP BY" in counting
