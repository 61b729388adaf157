"""The decision sheet over HTTP: read before it is frozen and after, frozen once by a post that decides."""

from __future__ import annotations

import pytest

from huisuan.programmes.calls.submit import submit_draft
from huisuan.programmes.models import FrozenSheet
from support.accounts import personal_caller
from support.calls import CLOSES, DURING, draft, opened
from support.programmes import applicant, budget, checked, official

pytestmark = pytest.mark.django_db


def test_a_sheet_is_read_and_frozen_once_over_http_by_a_post_that_decides() -> None:
    budget("14.1", 1_000_001)
    call = opened()
    made = submit_draft(call.number, draft().pk, applicant(), DURING)
    address = f"/api/v1/calls/{call.number}/sheet"
    decider, checker = (personal_caller(official(duty, duty)) for duty in ("decide", "check"))
    assert decider.get(address).json()["pending"] == [made.number]
    assert decider.post(address).status_code == 409
    checked(made, official("check", "check"), CLOSES)
    assert decider.get(address).json()["frozen"] is False
    assert decider.get(f"{address}.pdf").json()["code"] == "sheet.not_frozen"
    assert checker.post(address).json()["code"] == "sheet.no_post_in_force"
    frozen = decider.post(address)
    assert (frozen.status_code, frozen.json()["frozen"], frozen.json()["frozen_by"]) == (200, True, "decide")
    assert decider.post(address).json() == frozen.json() == checker.get(address).json()
    assert FrozenSheet.objects.count() == 1
    files = {ending: decider.get(f"{address}.{ending}").content for ending in ("pdf", "xlsx")}
    assert (files["pdf"][:4], files["xlsx"][:2]) == (b"%PDF", b"PK")
    assert checker.get(f"{address}.pdf").content == files["pdf"]


def test_a_firm_neither_reads_nor_freezes_a_sheet_and_an_unknown_call_is_not_found() -> None:
    address = f"/api/v1/calls/{opened().number}/sheet"
    firm, decider = personal_caller(applicant()), personal_caller(official("decide", "decide"))
    assert (firm.get(address).status_code, firm.post(address).status_code) == (403, 403)
    assert decider.post("/api/v1/calls/C2024-0999/sheet").status_code == 404
