"""A tariff raised under jobs that were placed: limits and ceilings hold for all that has not begun."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import transaction

from huisuan.compute.budgets.prices import Prices
from huisuan.compute.budgets.standing import load_standings
from huisuan.compute.centres.tariffs import set_tariff
from huisuan.compute.dispatch.scheduling_cycle import place_waiting
from huisuan.compute.jobs.lifecycle import observe
from huisuan.compute.jobs.price_changes import withdraw_after_price_rises
from huisuan.compute.jobs.services import submit_job
from huisuan.compute.models import FirmBudget, Job, SiteAgent
from huisuan.compute.tasks import Steadiness, look_after
from huisuan.messages.models import Message
from huisuan.parties.models import Person
from huisuan.protocol.agent import Observed
from support.budgets import A100, HOUR, budget, centre
from support.jobs import NOON, asked, party, user

pytestmark = pytest.mark.django_db


def sent(number: int = 1, **rest: Any) -> Job:
    """A job of one card for an hour, of the person 用户 1."""
    wanted = {"cards": 1, "time_limit_seconds": HOUR, **rest}
    return submit_job(asked("train", **wanted), user(), NOON, number.to_bytes(10))


def state(job: Job) -> str:
    job.refresh_from_db()
    return job.state


def said(job: Job, how: str, **rest: Any) -> None:
    """The centre's agent says how the run stands."""
    job.refresh_from_db()
    assert job.centre is not None
    with transaction.atomic():
        seen = {"uid": job.uid, "run": job.run, "lease": job.lease, "state": how, **rest}
        observe(job.centre, [Observed.model_validate(seen)], NOON)


def left(of: FirmBudget) -> int:
    """Fen that are left of a budget."""
    (found,) = load_standings([of], NOON, Prices())
    return int(found.left_amount)


def person() -> Person:
    """Who submitted the jobs, as somebody who can be told."""
    return Person.objects.create(username="用户 1", name="用户", role="user", party=party(1), password="!")


def told(who: Person) -> list[str]:
    """What that person was told."""
    return sorted(Message.objects.filter(person=who).values_list("code", flat=True))


def test_what_has_not_begun_is_taken_back_until_the_budget_holds_at_the_new_price() -> None:
    centre()
    month = budget(3000)
    who = person()
    first, second, third = sent(1), sent(2), sent(3)
    said(second, "queued")
    assert left(month) == 0
    assert withdraw_after_price_rises(NOON) == 0
    set_tariff("hf", A100, "1400", NOON.date(), replace=True)
    assert left(month) == -1200
    assert look_after(NOON + timedelta(seconds=10), Steadiness())["withdrawn"] == 1
    assert left(month) == 200
    assert [state(first), state(second), state(third)] == ["placed", "queued", "waiting"]
    assert third.run == 1
    assert "等待预算" in third.reasons[0]  # placed anew at once, it found no room
    assert told(who) == ["budget_holds_job", "job_taken_back_by_price"]
    assert withdraw_after_price_rises(NOON) == 0
    assert len(told(who)) == 2


def test_a_price_that_leaves_room_and_a_limit_that_an_owner_lowers_take_nothing_back() -> None:
    centre()
    month = budget(3000)
    job = sent()
    set_tariff("hf", A100, "3000", NOON.date(), replace=True)
    assert (left(month), withdraw_after_price_rises(NOON), state(job)) == (0, 0, "placed")
    set_tariff("hf", A100, "1000", NOON.date(), replace=True)
    lowered = budget(500)
    assert (left(lowered), withdraw_after_price_rises(NOON), state(job)) == (-500, 0, "placed")


def test_running_work_is_not_taken_back_whatever_its_price() -> None:
    centre()
    budget(3000)
    who = person()
    runs, waits = sent(1, price_ceiling_fen=1000), sent(2)
    said(runs, "running", started_at=NOON)
    set_tariff("hf", A100, "4000", NOON.date(), replace=True)
    assert withdraw_after_price_rises(NOON) == 1
    assert [state(runs), state(waits)] == ["running", "waiting"]
    assert told(who) == ["job_above_ceiling", "job_taken_back_by_price"]
    withdraw_after_price_rises(NOON + timedelta(minutes=1))
    assert Message.objects.filter(code="job_above_ceiling").count() == 1  # once a price, not once a minute


def test_a_job_queued_where_the_price_rises_above_its_ceiling_is_taken_back_on_that_day() -> None:
    centre()
    who = person()
    job, other = sent(1, price_ceiling_fen=1000), sent(2)
    said(job, "queued")
    set_tariff("hf", A100, "1001", NOON.date() + timedelta(days=1), replace=True)
    assert withdraw_after_price_rises(NOON) == 0  # not before its day
    tomorrow = datetime(2024, 6, 3, 16, 0, tzinfo=UTC)  # midnight in Shanghai
    assert withdraw_after_price_rises(tomorrow - timedelta(seconds=1)) == 0
    assert withdraw_after_price_rises(tomorrow) == 1
    assert [state(job), state(other)] == ["waiting", "placed"]
    assert "高于上限 10.00 元" in job.reasons[0]
    assert told(who) == ["job_taken_back_by_ceiling"]


def test_it_goes_where_the_price_is_below_its_ceiling() -> None:
    centre()
    job = sent(1, price_ceiling_fen=1000)
    centre("wuhu", fen=900)
    set_tariff("hf", A100, "1001", NOON.date(), replace=True)
    withdraw_after_price_rises(NOON)
    place_waiting(NOON)
    job.refresh_from_db()
    assert job.centre is not None
    assert (job.state, job.centre.code, job.lease) == ("placed", "wuhu", 2)


def test_where_an_engine_cannot_hold_work_back_its_submitter_is_told_instead() -> None:
    centre()
    who = person()
    agent = SiteAgent.objects.get()
    agent.capabilities["lease"] = [False, "没有闸门"]
    agent.save()
    job = sent(1, price_ceiling_fen=1000)
    set_tariff("hf", A100, "1001", NOON.date(), replace=True)
    assert withdraw_after_price_rises(NOON) == 0
    assert state(job) == "placed"
    assert told(who) == ["job_above_ceiling"]


def test_a_job_that_is_to_be_cancelled_is_left_to_its_end() -> None:
    centre()
    job = sent(1, price_ceiling_fen=1000)
    Job.objects.filter(pk=job.pk).update(cancel_requested_at=NOON)
    set_tariff("hf", A100, "1001", NOON.date(), replace=True)
    assert (withdraw_after_price_rises(NOON), state(job)) == (0, "placed")
