"""Usage beyond counting is read page by page: every record once, whatever begins in one second."""

from __future__ import annotations

import pytest
from django.test import RequestFactory

from huisuan.compute.models import UsageRecord
from huisuan.parties.viewer import Viewer
from huisuan.portal.usage import records as usage
from support.usage_records import centre, imported, line, party, sacct

pytestmark = pytest.mark.django_db


def pages(order: str) -> list[tuple[str, int]]:
    """Code and sequence of each record that the pages show, one after the other."""
    found: list[tuple[str, int]] = []
    query = {"sort": order}
    for _ in range(20):
        request = RequestFactory().get("/usage/", query)
        table = usage._many_records(request, Viewer(role="province", name="p"), UsageRecord.objects.all())
        found += [(row.centre.code, row.sequence) for row in table.page_rows]
        if not table._page[2]:  # type: ignore[attr-defined]
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
