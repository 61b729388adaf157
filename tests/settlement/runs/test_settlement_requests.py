"""A settlement in the background: how far it is, seen while it runs; cancelled, it leaves nothing behind."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from huisuan.base.db.background_work import WorkState
from huisuan.base.months import Month
from huisuan.compute.centres.tariffs import set_tariff
from huisuan.compute.metering.seals.requests import SEALINGS, cancel_seal_request, request_seals, run_seal_request
from huisuan.compute.models import Seal, SealRequest
from huisuan.parties.models import Person
from huisuan.settlement.models import Bill, SettlementRequest, SettlementRun
from huisuan.settlement.runs.requests import (
    LOST,
    MOST_ATTEMPTS,
    SETTLEMENTS,
    cancel_request,
    request_settlement,
    run_request,
)
from huisuan.settlement.runs.settle import SETTLEMENT_STEPS, settle
from support.background import held, in_background, until
from support.usage_records import A800, NOW, centre, imported, line, party, sacct

pytestmark = pytest.mark.django_db(transaction=True)
POLICY = "anhui-agi-2023"


@pytest.fixture(autouse=True)
def use(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A centre with a price, and use of one party in March and May 2024."""
    monkeypatch.setenv("HUISUAN_HOME", str(tmp_path))
    centre()
    set_tariff("c1", A800, "1280", date(2023, 1, 1))
    may = {name: f"2024-05-01T0{hour}:00:00" for name, hour in (("Submit", 8), ("Start", 8), ("End", 9))}
    tenants = (f"user,uscc\nzhang,{party(1).uscc}\n".encode(), "t")
    imported(sacct(line(1), line(2, Eligible=may["Submit"], **may)), tenants=tenants)


def asked() -> SettlementRequest:
    return request_settlement(POLICY, 2024, "专班", NOW).request


def test_others_see_how_far_it_is_before_anything_is_committed() -> None:
    request = asked()
    with in_background(lambda: run_request(request.pk, NOW)), held("settlement_bill"):
        until(lambda: SettlementRequest.objects.get(pk=request.pk).step == "bills")
        seen = SettlementRequest.objects.get(pk=request.pk)
        assert (seen.state, seen.number, seen.steps) == (WorkState.RUNNING, 4, len(SETTLEMENT_STEPS))
        assert not SettlementRun.objects.exists()
    request.refresh_from_db()
    assert (request.state, request.run) == (WorkState.DONE, SettlementRun.objects.get())


def test_cancelled_in_its_middle_it_writes_nothing_and_says_what_stands() -> None:
    before = settle(POLICY, 2024, now=NOW, by="王").run
    bills = Bill.objects.count()
    imported(sacct(line(9, Start="2024-03-05T09:00:00", End="2024-03-05T12:00:00")), name="b.txt",
             tenants=(f"user,uscc\nzhang,{party(1).uscc}\n".encode(), "t"))  # fmt: skip
    request = asked()
    with in_background(lambda: run_request(request.pk, NOW)), held("settlement_bill"):
        until(lambda: SettlementRequest.objects.get(pk=request.pk).step == "bills")
        cancelled = cancel_request(request.pk, "李", NOW)
        assert (cancelled.state, cancelled.cancelled_by) == (WorkState.RUNNING, "李")
    request.refresh_from_db()
    assert (request.state, request.run) == (WorkState.CANCELLED, None)
    assert f"第 {before.pk} 次结算" in request.reason
    assert (SettlementRun.objects.get(), Bill.objects.count()) == (before, bills)
    again = asked()
    run_request(again.pk, NOW)
    again.refresh_from_db()
    assert again.state == WorkState.DONE


def test_what_still_waits_is_cancelled_at_once_and_what_has_ended_stays_as_it_ended() -> None:
    request = asked()
    assert cancel_request(request.pk, "李", NOW).state == WorkState.CANCELLED
    run_request(request.pk, NOW)
    assert not SettlementRun.objects.exists()
    done = asked()
    run_request(done.pk, NOW)
    assert cancel_request(done.pk, "李", NOW).state == WorkState.DONE


def test_cancelled_while_its_worker_is_dead_it_ends_instead_of_being_taken_up_again() -> None:
    request = asked()
    SettlementRequest.objects.filter(pk=request.pk).update(state=WorkState.RUNNING, task=None, attempts=1)
    assert cancel_request(request.pk, "李", NOW).state == WorkState.RUNNING
    assert SETTLEMENTS.recover(NOW) == 1
    request.refresh_from_db()
    assert request.state == WorkState.CANCELLED


def test_a_worker_that_was_given_up_and_lives_on_leaves_nothing_behind() -> None:
    request = asked()
    with in_background(lambda: run_request(request.pk, NOW)), held("settlement_entitlement"):
        until(lambda: SettlementRequest.objects.get(pk=request.pk).step == "entitlements")
        SettlementRequest.objects.filter(pk=request.pk).update(task=None, attempts=MOST_ATTEMPTS)
        assert SETTLEMENTS.recover(NOW) == 1  # after its last step: nothing but its end can tell it
    request.refresh_from_db()
    assert (request.state, request.run, request.reason) == (WorkState.FAILED, None, LOST)
    assert not SettlementRun.objects.exists()


def test_work_whose_end_was_noted_goes_no_further() -> None:
    request = request_seals("c1", Month(2024, 5), "专班", NOW)
    with in_background(lambda: run_seal_request(request.pk, lambda: NOW)), held("compute_seal"):
        until(lambda: SealRequest.objects.get(pk=request.pk).number == 1)
        SealRequest.objects.filter(pk=request.pk).update(task=None, attempts=MOST_ATTEMPTS)
        assert SEALINGS.recover(NOW) == 1
    request.refresh_from_db()
    assert (request.state, [each.month for each in Seal.objects.all()]) == (WorkState.FAILED, [date(2024, 3, 1)])


def test_months_are_sealed_one_after_the_other_and_a_cancelled_sealing_keeps_what_is_sealed() -> None:
    request = request_seals("c1", Month(2024, 5), "专班", NOW)
    assert (request.first, request.last) == (date(2024, 3, 1), date(2024, 5, 1))
    with in_background(lambda: run_seal_request(request.pk, lambda: NOW)), held("compute_seal"):
        until(lambda: SealRequest.objects.get(pk=request.pk).number == 1)
        cancel_seal_request(request.pk, "李", NOW)
    request.refresh_from_db()
    assert (request.state, request.steps) == (WorkState.CANCELLED, 3)
    assert [each.month for each in Seal.objects.all()] == [date(2024, 3, 1)]
    assert "封到了 2024-03" in request.reason
    rest = request_seals("c1", Month(2024, 5), "专班", NOW)
    run_seal_request(rest.pk, lambda: NOW)
    rest.refresh_from_db()
    assert (rest.state, Seal.objects.count()) == (WorkState.DONE, 3)


def test_the_province_settles_from_a_page_sees_how_far_it_is_and_cancels(client: Client) -> None:
    client.force_login(Person.objects.create(username="p", role="province", name="王"))
    page = client.get(reverse("runs")).content.decode()
    assert reverse("settle-year") in page
    answer = client.post(reverse("settle-year"), {"year": "2024", "policy": POLICY})
    request = SettlementRequest.objects.get()
    assert answer.url == reverse("settlement-request", args=[request.pk])  # type: ignore[attr-defined]
    shown = client.get(answer.url).content.decode()  # type: ignore[attr-defined]
    for text in ("排队中", reverse("cancel-settlement", args=[request.pk]), "every 1s"):
        assert text in shown
    client.post(reverse("cancel-settlement", args=[request.pk]))
    over = client.get(reverse("settlement-request", args=[request.pk])).content.decode()
    for text in ("已取消", "还没有结算结果"):
        assert text in over
    assert "every 1s" not in over
    assert client.post(reverse("settle-year"), {"year": "9", "policy": POLICY}, follow=True).status_code == 200
    assert SettlementRequest.objects.count() == 1


def test_the_province_seals_from_a_page_with_a_reason_where_flags_stand_open(client: Client) -> None:
    client.force_login(Person.objects.create(username="p", role="province", name="王"))
    too_long = {"through": "2024-03", "despite": "长" * 2001}
    refused = client.post(reverse("seal-months", args=["c1"]), too_long, follow=True).content.decode()
    assert "最多 2,000 个" in refused  # it goes into the statement whole, or not at all
    assert not SealRequest.objects.exists()
    client.post(reverse("seal-months", args=["c1"]), {"through": "2024-03"})
    request = SealRequest.objects.get()
    assert (request.requested_by, request.last) == ("p", date(2024, 3, 1))
    assert "2024-03" in client.get(reverse("seal-request", args=[request.pk])).content.decode()
    assert client.post(reverse("seal-months", args=["c1"]), {"through": "2024-03"}, follow=True).status_code == 200
    assert SealRequest.objects.count() == 1  # the first is under way
    run_seal_request(request.pk, lambda: datetime.now(UTC))
    assert Seal.objects.get().month == date(2024, 3, 1)
