"""Two editions side by side through API and calculator: each answers on its days, and says where it does not."""

from __future__ import annotations

import html
import json
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client
from django.urls import reverse

pytestmark = pytest.mark.django_db
FIRST, SECOND = "anhui-agi-2023", "anhui-agi-2025"
USE: dict[str, dict[str, Any]] = {
    FIRST: {"in_anhui": True, "kind": "enterprise", "spend": 10_000, "self_use": 0},
    SECOND: {"open_challenge": True, "development_cost": 10_000},
}
RULE = {FIRST: "2.2", SECOND: "e.1"}


def asked(policy: str, on: str, known: str, facts: dict[str, Any] | None = None, **others: str) -> dict[str, Any]:
    body = {"facts": USE[policy] if facts is None else facts, "on": on, "as_known": known, **others}
    answer = Client().post(f"/api/v1/law/{policy}/{RULE[policy]}/explain", json.dumps(body), "application/json")
    found: dict[str, Any] = answer.json()
    return {"http": answer.status_code, **found}


@pytest.mark.parametrize(
    ("on", "known", "first", "second"),
    [
        ("2025-07-31", "2026-06-01", ("eligible", 2000), ("not_in_force", 0)),
        ("2025-08-01", "2026-06-01", ("eligible", 2000), ("eligible", 2000)),
        ("2025-12-31", "2025-07-31", ("eligible", 2000), ("not_yet_known", None)),
        ("2026-01-01", "2026-06-01", ("not_in_force", 0), ("eligible", 2000)),
        ("2024-02-29", "2023-10-11", ("not_yet_known", None), ("not_yet_known", None)),
    ],
)
def test_each_edition_answers_on_its_days_and_says_why_not_on_others(
    on: str, known: str, first: tuple[str, int | None], second: tuple[str, int | None]
) -> None:
    for policy, expected in ((FIRST, first), (SECOND, second)):
        found = asked(policy, on, known)
        assert (found["status"], found["amount_fen"]) == expected, (policy, found)
        if found["status"].startswith("not_"):
            assert [reason["text"] for reason in found["reasons"]], "a zero is never silent"


def test_use_that_straddles_both_editions_is_refused_with_the_day_to_cut_at() -> None:
    whole = {**USE[FIRST], "spend@2025-12-01": 10_000, "self_use@2025-12-01": 0}
    whole.pop("spend"), whole.pop("self_use")
    found = asked(FIRST, "2026-01-31", "2026-06-01", whole)
    assert (found["http"], found["code"]) == (422, "law.claim_straddles_editions")
    assert "本政策只到 2025-12-31" in found["detail"]


def test_what_began_under_the_first_edition_is_asked_with_its_day() -> None:
    began = asked(FIRST, "2026-02-01", "2026-06-01", began="2025-06-01")
    late = asked(FIRST, "2026-02-01", "2026-06-01", began="2026-01-01")
    assert (began["status"], began["amount_fen"], late["status"]) == ("eligible", 2000, "not_in_force")


def page(on: str, known: str) -> str:
    answers = {
        "who": "enterprise",
        "on": on,
        "known": known,
        "f.2.2:in_anhui": "yes",
        "f.spend": "100",
        "f.self_use": "0",
    }
    answer = Client().get(f"{reverse('calculator')}?{urlencode(answers)}")
    assert answer.status_code == 200
    return html.unescape(answer.content.decode())


def test_the_calculator_says_which_policies_hold_on_the_day_and_leaves_out_what_nobody_compared() -> None:
    first, second = "通用人工智能产业创新和应用高地若干政策", "若干政策（2.0版）"
    assert first in page("2025-08-01", "2026-06-01")
    assert second not in page("2025-08-01", "2026-06-01"), "prepared: not compared with the issued text yet"
    assert "这一天没有政策有效" in page("2026-06-30", "2026-06-30")
    assert "还没有印发任何政策" in page("2025-08-01", "2023-10-11")
