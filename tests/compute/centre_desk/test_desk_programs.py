"""A centre's desk for programs: the API and the commands say what the pages say, by the same code."""

from __future__ import annotations

import json
from datetime import date, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from huisuan.compute.centres.tariffs import set_tariff
from huisuan.compute.models import Tariff, TariffChange
from support.accounts import make_token
from support.command_tree import invoke
from support.usage_records import A800, centre, imported, line, party, sacct

pytestmark = pytest.mark.django_db
DAY = timezone.localdate() - timedelta(days=6)


@pytest.fixture(autouse=True)
def used() -> None:
    """Eight cards for an hour, six days ago, by a party at a priced centre."""
    centre()
    set_tariff("c1", A800, "1280", date(2023, 1, 1))
    run = line(1, Start=f"{DAY}T09:00:00", End=f"{DAY}T10:00:00", Submit=f"{DAY}T08:00:00", Eligible=f"{DAY}T08:00:00")
    imported(sacct(run), tenants=(f"user,uscc\nzhang,{party(1).uscc}\n".encode(), "t"))


def call(method: str, path: str, body: dict[str, Any] | None = None, role: str = "province") -> Any:
    headers = {"Authorization": f"Bearer {make_token(role)[1]}"}
    return getattr(Client(), method)(f"/api/v1{path}", body, content_type="application/json", headers=headers)


def test_prices_are_previewed_and_then_set_exactly_as_previewed() -> None:
    begins = f"{timezone.localdate() + timedelta(days=9)}"
    asked = {"prices": {A800: 1500}, "valid_from": begins, "replace": True}
    first = call("post", "/centres/c1/tariffs", asked)
    assert first.status_code == 200
    (payer,) = first.json()["payers"]
    assert (payer["before_fen"], payer["after_fen"], payer["difference_fen"]) == (8 * 1280, 8 * 1500, 8 * 220)
    assert not Tariff.objects.filter(fen_per_card_hour=1500).exists()
    wrong = call("post", "/centres/c1/tariffs", asked | {"prices": {A800: 1501}, "seen": first.json()["seen"]})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "tariff.not_as_previewed")
    made = call("post", "/centres/c1/tariffs", asked | {"seen": first.json()["seen"]})
    assert made.status_code == 201
    assert [each["fen_per_card_hour"] for each in made.json()["set"]] == [1500]
    history = call("get", "/centres/c1/tariffs/history", role="auditor").json()
    assert [(each["step"], each["fen_per_card_hour"]) for each in history] == [
        ("set", 1500), ("ended", 1280), ("set", 1280),
    ]  # fmt: skip
    assert call("post", "/centres/nowhere/tariffs", asked).status_code == 404


def test_a_correction_of_a_price_is_on_record_with_what_it_was_and_no_record_changes() -> None:
    set_tariff("c1", A800, "1290", date(2023, 1, 1), replace=True, by="甲")
    change = TariffChange.objects.order_by("-id").first()
    assert change is not None
    assert (change.step, change.before_fen, change.fen_per_card_hour, change.by) == ("corrected", 1280, 1290, "甲")
    set_tariff("c1", A800, "1290", date(2023, 1, 1), replace=True)
    assert TariffChange.objects.count() == 2  # the same once more is no change
    with pytest.raises(Exception, match="Cannot update or delete"):
        change.delete()


def test_the_commands_say_the_same() -> None:
    begins = f"{timezone.localdate() + timedelta(days=9)}"
    found = json.loads(invoke("tariff", "what-if", "c1", A800, "1500", "--from", begins, "--json").stdout)
    assert found["payers"][0]["difference_fen"] == 8 * 220
    assert "17.60" in invoke("tariff", "what-if", "c1", A800, "1500", "--from", begins).stdout
    assert json.loads(invoke("tariff", "history", "c1", "--json").stdout)[0]["step"] == "set"
    assert invoke("tariff", "what-if", "c1", A800, "0.5", "--from", begins).exit_code == 1
    ended = DAY.replace(day=1) - timedelta(days=1)
    last = f"{ended:%Y-%m}"
    assert invoke("meter", "checklist", "c1", last).exit_code == 1  # nothing to seal until then


def test_the_checklist_is_the_same_over_http_and_at_the_command_line() -> None:
    run = line(2, Start="2024-03-05T09:00:00", End="2024-03-05T10:00:00", User="nobody", Account="nobody")
    imported(sacct(run), name="march.txt")
    over_http = call("get", "/centres/c1/seal-checklist?through=2024-03").json()
    assert (over_http["first"], over_http["unclaimed_card_seconds"]) == ("2024-03", 8 * 3600)
    command = invoke("meter", "checklist", "c1", "2024-03", "--json")
    assert (command.exit_code, json.loads(command.stdout)["months"]) == (1, over_http["months"])
    assert call("get", "/centres/c1/seal-checklist?through=2199-01").status_code == 422
