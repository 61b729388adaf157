"""Usage beyond counting is read page by page: every record once, whatever begins in one second."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

import pytest
from django.test import RequestFactory

from huisuan.compute.models import UsageRecord
from huisuan.parties.viewer import Viewer
from huisuan.portal.usage import records as usage
from huisuan.portal.usage.record_filters import choices_of_many
from support.usage_records import centre, imported, line, party, sacct

pytestmark = pytest.mark.django_db
VIEWER = Viewer(role="province", name="p")


def pages(order: str) -> list[tuple[str, int]]:
    """Code and sequence of each record that the pages show, one after the other."""
    found: list[tuple[str, int]] = []
    query = {"sort": order}
    for _ in range(20):
        request = RequestFactory().get("/usage/", query)
        table = usage.many_records(request, VIEWER, UsageRecord.objects.all(), choices_of_many(VIEWER))
        found += [(row.centre.code, row.sequence) for row in table.page_rows]
        if not table.next:
            return found
        query = {"sort": order, "after": table.cursor(table.page_rows[-1])}  # type: ignore[attr-defined]
    raise AssertionError("pages without end")


@pytest.mark.parametrize("order", ["-started", "started"])
def test_records_that_begin_in_one_second_at_two_centres_are_shown_once_each(
    monkeypatch: pytest.MonkeyPatch, order: str
) -> None:
    for code in ("wuhu", "hefei"):  # the codes are in another order than the numbers that the database gave
        centre(code)
        content = sacct(*(line(number) for number in range(1, 8)))
        imported(content, code, tenants=(f"user,uscc\nzhang,{party(1).uscc}\n".encode(), "t"))
    monkeypatch.setattr("huisuan.portal.ui.keyset_table.PAGE_ROWS", 3)
    monkeypatch.setattr("huisuan.portal.ui.keyset_table.MOST_COUNTED", 3)
    shown = pages(order)
    assert sorted(shown) == sorted((code, number) for code in ("wuhu", "hefei") for number in range(1, 8))


def asked_for(**query: str) -> Any:
    request = RequestFactory().get("/usage/", query)
    return usage.many_records(request, VIEWER, UsageRecord.objects.all(), choices_of_many(VIEWER))


def test_a_search_looks_at_so_many_records_says_how_far_and_leads_on_to_all_that_match_once_each(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    centre("hefei")
    users = ["zhang", "wang", *["li"] * 9, "zhang", "li", "zhang", "zhang", "zhang"]
    lines = (
        line(number, User=user, Start=f"2024-03-01T{number:02d}:00:00", End="2024-03-02T00:00:00")
        for number, user in enumerate(users, start=1)
    )
    imported(sacct(*lines), "hefei", tenants=(f"user,uscc\nzhang,{party(1).uscc}\n".encode(), "t"))
    monkeypatch.setattr("huisuan.portal.ui.keyset_table.PAGE_ROWS", 2)
    monkeypatch.setattr("huisuan.portal.ui.keyset_table.MOST_COUNTED", 4)
    monkeypatch.setattr("huisuan.portal.ui.keyset_table.STRETCH_ROWS", 4)
    stretches, table = [], asked_for(q="zhang")
    assert (table.count, table.is_more, table.sums["used"]) == (3, False, 8 * 3600 * (8 + 9 + 10))  # 14 to 16 o'clock
    while True:
        stretches.append([row.job_id for row in table.page_rows])
        if not table.next:
            break
        table = asked_for(**dict(parse_qsl(table.next[1:])))
    assert stretches == [["16", "15"], ["14", "12"], [], [], ["1"]]
    back = []
    while table.previous:
        table = asked_for(**dict(parse_qsl(table.previous[1:])))
        back.append([row.job_id for row in table.page_rows])
    assert back == [[], [], ["12"], ["15", "14"], ["16", "15"]]  # the first page is filled up


def test_the_name_of_a_job_is_found_at_once_however_old_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    centre("hefei")
    imported(sacct(*(line(number, Start=f"2024-03-01T09:{number:02d}:00") for number in range(10, 30))), "hefei")
    monkeypatch.setattr("huisuan.portal.ui.keyset_table.STRETCH_ROWS", 4)
    table = asked_for(q="10")
    assert [row.job_id for row in table.page_rows] == ["10"]
    assert not table.next
    state = asked_for(state="FAILED")
    assert (list(state.page_rows), bool(state.next), state.searched_rows) == ([], True, 4)
