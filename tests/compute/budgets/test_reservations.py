"""What stays reserved for a run: its whole limit after a scheduler requeued it, and all of it until it is metered."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction

from huisuan.compute.budgets import room
from huisuan.compute.budgets.open_reservations import close_settled, load_open
from huisuan.compute.budgets.party_use import count_party_use
from huisuan.compute.budgets.prices import Prices
from huisuan.compute.budgets.services import PLACEMENT_LOCK
from huisuan.compute.budgets.standing import load_standings
from huisuan.compute.centres.tariffs import set_tariff
from huisuan.compute.dispatch import scheduling_cycle
from huisuan.compute.dispatch.scheduling_cycle import place_waiting
from huisuan.compute.jobs.lifecycle import observe
from huisuan.compute.jobs.services import submit_job
from huisuan.compute.models import BudgetReservation, FirmBudget, Job, JobState
from huisuan.protocol.agent import Observed
from support.budgets import A100, HOUR, budget, centre, meter
from support.jobs import NOON, asked, eventually, party, user

pytestmark = pytest.mark.django_db
BACK = NOON + timedelta(hours=3)  # when a requeued run begins anew
ENDS = ("FAILED", "CANCELLED", "PREEMPTED", "NODE_FAIL")  # what agents say of a stretch that a requeue ended


def sent(number: int = 1, who: int = 1, **rest: Any) -> Job:
    """A job of one card for an hour."""
    wanted = {"cards": 1, "time_limit_seconds": HOUR, **rest}
    return submit_job(asked("train", **wanted), user(who), NOON, number.to_bytes(10))


def said(job: Job, state: str, now: datetime, **rest: Any) -> Job:
    """An agent says how the job's run stands."""
    job.refresh_from_db()
    assert job.centre is not None
    with transaction.atomic():
        observe(job.centre, [Observed(uid=job.uid, run=job.run, lease=job.lease, state=state, **rest)], now)  # type: ignore[arg-type]
    job.refresh_from_db()
    return job


def amounts(of: FirmBudget, now: datetime = NOON) -> tuple[int, int]:
    """Used and reserved in yuan, by what is counted now."""
    count_party_use()
    (found,) = load_standings([of], now, Prices())
    return int(found.used_amount) // 100, int(found.reserved_amount) // 100


@pytest.mark.parametrize("how", ENDS)
def test_a_requeued_run_reserves_its_whole_limit_anew(how: str) -> None:
    centre()
    month = budget(10_000)
    job = said(sent(time_limit_seconds=2 * HOUR), "running", NOON, started_at=NOON)
    meter(job, NOON, HOUR)
    assert amounts(month) == (10, 10)
    meter(job, NOON + timedelta(hours=1), 1800, how)
    assert amounts(month) == (15, 20)
    meter(job, BACK, 1800)
    assert amounts(month) == (20, 15)


def test_a_requeued_run_whose_former_stretch_is_not_metered_to_its_end_reserves_its_whole_limit() -> None:
    centre()
    month = budget(10_000)
    job = said(sent(time_limit_seconds=2 * HOUR), "running", NOON, started_at=NOON)
    meter(job, NOON, HOUR)
    said(job, "running", BACK, started_at=BACK)
    assert amounts(month) == (10, 20)


@pytest.mark.parametrize("how", ENDS)
def test_a_requeued_run_that_is_over_stays_reserved_until_its_last_slice_is_metered(how: str) -> None:
    centre()
    month = budget(10_000)
    job = said(sent(time_limit_seconds=2 * HOUR), "running", NOON, started_at=NOON)
    meter(job, NOON, HOUR, how)
    ended = BACK + timedelta(minutes=90)
    said(job, "completed", ended, started_at=BACK, ended_at=ended)
    assert amounts(month, ended) == (10, 15)
    close_settled(load_open(), ended)
    assert BudgetReservation.objects.get(job=job).closed_at is None
    meter(job, BACK, HOUR)
    assert amounts(month, ended) == (20, 5)
    meter(job, BACK + timedelta(hours=1), 1800, "COMPLETED")
    assert amounts(month, ended) == (25, 0)
    close_settled(load_open(), ended)
    assert BudgetReservation.objects.get(job=job).outcome == "metered"


def test_a_requeued_run_that_failed_and_is_tried_again_stays_reserved_until_its_last_slice_is_metered() -> None:
    centre()
    month = budget(10_000)
    job = said(sent(retries=1), "running", NOON, started_at=NOON)
    meter(job, NOON, 1800, "PREEMPTED")
    ended = BACK + timedelta(minutes=30)
    said(job, "failed", ended, started_at=BACK, ended_at=ended, exit_code=1)
    assert (job.state, job.run) == ("waiting", 1)
    assert amounts(month, ended) == (5, 5)
    close_settled(load_open(), ended)
    assert BudgetReservation.objects.get(job=job).closed_at is None


def test_a_run_that_failed_without_having_begun_reserves_nothing_while_it_is_tried_again() -> None:
    centre()
    month = budget(10_000)
    job = said(sent(retries=1), "failed", NOON)
    assert job.state == "waiting"
    assert amounts(month) == (0, 0)


def test_an_end_that_comes_without_its_beginning_keeps_the_beginning_that_is_known() -> None:
    centre()
    job = said(sent(), "running", NOON, started_at=NOON)
    said(job, "lost", NOON + timedelta(minutes=5))
    assert (job.started_at, job.ended_at) == (NOON, NOON + timedelta(minutes=5))
    early = said(sent(2), "running", NOON, started_at=NOON)
    said(early, "lost", NOON, ended_at=NOON - timedelta(seconds=2))  # nothing ends before it starts
    assert (early.started_at, early.ended_at) == (NOON, NOON)


def test_a_record_that_comes_while_the_room_is_looked_at_is_not_lost_between_used_and_reserved(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    centre()
    budget(2000)
    running = said(sent(1), "running", NOON, started_at=NOON)
    said(running, "completed", NOON, started_at=NOON, ended_at=NOON + timedelta(hours=1))
    count = room.count_party_use

    def count_and_then_one_comes() -> int:
        done = count()
        meter(running, NOON, HOUR, "COMPLETED")
        return done

    waits = [sent(2), sent(3)][1]
    monkeypatch.setattr(room, "count_party_use", count_and_then_one_comes)
    place_waiting(NOON)
    waits.refresh_from_db()
    assert waits.state == "waiting"  # an hour was used, an hour is reserved


def test_a_firm_whose_first_job_comes_during_a_cycle_is_held_to_its_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    centre()
    month = budget(1000, number=2)
    late = [
        Job(uid=f"{n:026d}", party=party(2), submitted_by="x", name="x", cards=1, submitted_at=NOON, command=["x"])
        for n in range(2)
    ]
    look = scheduling_cycle.take_snapshot

    def look_after_they_came(*given: Any) -> Any:
        if not Job.objects.filter(pk=late[0].pk).exists():
            Job.objects.bulk_create(late)
        return look(*given)

    monkeypatch.setattr(scheduling_cycle, "take_snapshot", look_after_they_came)
    sent(9)
    assert sorted(Job.objects.filter(party=party(2)).values_list("state", flat=True)) == ["placed", "waiting"]
    assert amounts(month) == (0, 10)


def test_a_price_raised_under_a_queued_job_is_reserved_for_it_and_nothing_more_is_placed() -> None:
    """Its price is that of the days it runs on, and the budget shows it beforehand (test_price_changes: taken back)."""
    centre()
    month = budget(3000)
    queued = said(sent(1, time_limit_seconds=2 * HOUR), "queued", NOON)
    assert amounts(month) == (0, 20)
    set_tariff("hf", A100, "2000", NOON.date(), replace=True)
    assert amounts(month) == (0, 40)
    queued.refresh_from_db()
    assert (queued.state, queued.fen_per_card_hour) == ("queued", 1000)  # what it was placed for stays on record
    waits = sent(2)
    assert waits.state == "waiting"
    assert "已用 0.00 元、为已调度的作业预留 40.00 元" in waits.reasons[0]
    said(queued, "running", NOON, started_at=NOON)
    ended = NOON + timedelta(minutes=30)
    said(queued, "completed", ended, started_at=NOON, ended_at=ended)
    meter(queued, NOON, 1800, "COMPLETED")
    place_waiting(NOON + timedelta(seconds=20))
    waits.refresh_from_db()
    assert waits.state == "placed"  # ten yuan used, twenty reserved
    assert amounts(month) == (10, 20)


# --- nobody waits for anybody in a circle


def _in_background(work: Callable[[], object]) -> tuple[threading.Thread, list[BaseException], list[int]]:
    """That work on a connection of its own; its thread, what went wrong, and its server process."""
    broken: list[BaseException] = []
    pids: list[int] = []

    def does() -> None:
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_backend_pid()")
                pids.append(cursor.fetchone()[0])
            work()
        except BaseException as error:
            broken.append(error)
        finally:
            connection.close()

    thread = threading.Thread(target=does)
    thread.start()
    return thread, broken, pids


def _waits_for_a_lock(pids: list[int]) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE pid = ANY(%s) AND NOT granted", [pids])
        return bool(cursor.fetchone()[0])


@pytest.mark.django_db(transaction=True)
def test_a_cycle_waits_for_no_job_that_somebody_is_changing_and_places_the_others() -> None:
    centre()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [PLACEMENT_LOCK])  # nothing is placed yet
    held, other = [_sent_unplaced(number) for number in (1, 2)]
    with transaction.atomic():
        Job.objects.select_for_update().get(pk=held.pk)  # is being cancelled
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [PLACEMENT_LOCK])
        thread, broken, pids = _in_background(lambda: place_waiting(NOON))
        eventually(lambda: not thread.is_alive() or _waits_for_a_lock(pids))
        assert not thread.is_alive()
    thread.join(60)
    assert broken == []
    states = dict(Job.objects.values_list("pk", "state"))
    assert (states[held.pk], states[other.pk]) == (JobState.WAITING, JobState.PLACED)
    assert place_waiting(NOON) == 1


def _sent_unplaced(number: int) -> Job:
    made: list[Job] = []
    thread, broken, _ = _in_background(lambda: made.append(sent(number)))
    thread.join(60)
    assert broken == []
    return made[0]


@pytest.mark.django_db(transaction=True)
def test_reservations_are_closed_in_one_order_whatever_became_of_them() -> None:
    centre()
    budget(100_000)
    first, second = sent(1), sent(2)
    said(second, "running", NOON, started_at=NOON)
    for job in (first, second):
        said(job, "cancelled", NOON, **({"started_at": NOON, "ended_at": NOON} if job is second else {}))
    meter(second, NOON, 0, "CANCELLED")
    count_party_use()
    found = sorted(load_open(), key=lambda each: -each.pk)  # the outcome of the later one comes first
    with transaction.atomic():
        BudgetReservation.objects.select_for_update().get(job=first)
        thread, broken, pids = _in_background(lambda: close_settled(found, NOON))
        eventually(lambda: not thread.is_alive() or _waits_for_a_lock(pids))
        # who waits for the earlier one has not locked the later one: it is free for who holds the earlier
        BudgetReservation.objects.select_for_update(nowait=True).get(job=second)
    thread.join(60)
    assert broken == []
    assert set(BudgetReservation.objects.values_list("outcome", flat=True)) == {"never_began", "metered"}
