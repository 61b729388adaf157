"""Two budgets reached at once by a hundred submissions over real connections: neither is ever passed.

Runs end meanwhile, metered or not yet, and schedulers requeue some, whose time limit then begins anew. In the end every
run uses all that it may: what was placed by a wrong count of the reserved would then have passed a limit.
"""

from __future__ import annotations

import random
import threading
from datetime import timedelta

import pytest
from django.db import connection, connections, transaction

from huisuan.compute.budgets.party_use import count_party_use
from huisuan.compute.budgets.prices import Prices
from huisuan.compute.budgets.services import PLACEMENT_LOCK
from huisuan.compute.budgets.standing import load_standings
from huisuan.compute.dispatch.scheduling_cycle import place_waiting
from huisuan.compute.jobs.services import submit_job
from huisuan.compute.models import AT_CENTRE, BudgetReservation, FirmBudget, Job, JobState, UsageRecord
from huisuan.parties.projects import create_project
from support.budgets import HOUR, budget, centre, meter, owner
from support.jobs import NOON, asked, user

pytestmark = pytest.mark.django_db(transaction=True)
THREADS, EACH = 10, 10
AGAIN = NOON + timedelta(hours=6)  # when a requeued run begins anew


def _ends_one(*, metered: bool) -> None:
    """A run ends after some minutes, and its use is metered or comes later."""
    job = Job.objects.filter(state=JobState.PLACED).order_by("?").first()
    if job is None:
        return
    held = min(300, job.time_limit_seconds)
    ended = NOON + timedelta(seconds=held)
    over = Job.objects.filter(pk=job.pk, state=JobState.PLACED)
    if over.update(state="done", started_at=NOON, ended_at=ended) and metered:
        meter(job, NOON, held, "COMPLETED")


@transaction.atomic
def _requeues_one(how: str) -> bool:
    """A scheduler preempts a run after some minutes and begins it anew. False where nothing runs that could be.

    Nobody asks the platform first: that it cannot bear it is not what is tried here, so no placement comes in between,
    and other runs end until the budgets can bear it.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [PLACEMENT_LOCK])
    while (job := Job.objects.select_for_update().filter(state=JobState.PLACED).order_by("?").first()) is not None:
        held = min(300, job.time_limit_seconds)
        count_party_use()
        amounts = job.cards * held, job.cards * held * 1000
        standings = load_standings(FirmBudget.objects.filter(ended_at__isnull=True), NOON, Prices())
        if all(each.left >= each.cost(amounts) for each in standings if each.concerns(job.party_id, job.project_id)):
            meter(job, NOON, held, how)
            Job.objects.filter(pk=job.pk).update(state="running", started_at=AGAIN)
            return True
        _ends_one(metered=True)
    return False


def _use_all_that_may_be_used() -> None:
    """Every run ends at its time limit and is metered; so does what is placed in the room that is left, to the end."""
    while True:
        runs = list(Job.objects.filter(state__in=AT_CENTRE))
        for job in runs:
            began = AGAIN if job.state == JobState.RUNNING else NOON
            meter(job, began, job.time_limit_seconds, "COMPLETED")
            ended = began + timedelta(seconds=job.time_limit_seconds)
            Job.objects.filter(pk=job.pk).update(state="done", started_at=began, ended_at=ended)
        if not place_waiting(NOON) and not Job.objects.filter(state__in=AT_CENTRE).exists():
            return


@transaction.atomic
def _checked() -> None:
    """Used and reserved of every hard budget are within its limit, by the rows as they stand at one moment.

    Read one after the other, what is metered in between counts as reserved and as used.
    """
    with connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
    for found in load_standings(FirmBudget.objects.filter(ended_at__isnull=True), NOON, Prices()):
        assert found.used + found.reserved <= found.limit, found
    assert Job.objects.filter(state__in=AT_CENTRE).exclude(reservations__closed_at__isnull=True).count() == 0


@pytest.mark.parametrize("seed", [1, 2])
def test_two_budgets_are_never_passed_by_a_hundred_submissions_at_once(seed: int) -> None:
    centre(cards=8, nodes=40)
    create_project(owner(), "speech", "语音", NOON)
    budget(20_000, "fen", "year")  # twenty card-hours of the firm
    budget(15 * HOUR, "card_seconds", "month", project="speech")
    draw = random.Random(seed)
    plans = [
        [(draw.choice([None, "speech"]), draw.choice([1, 2, 3]), draw.randint(600, 2 * HOUR)) for _ in range(EACH)]
        for _ in range(THREADS)
    ]
    gate, broken = threading.Barrier(THREADS + 1), []

    def submits(number: int) -> None:
        gate.wait()
        try:
            for place, (project, cards, seconds) in enumerate(plans[number]):
                key = (number * EACH + place + 1).to_bytes(10)
                wanted = asked("x", cards=cards, time_limit_seconds=seconds, project=project)
                submit_job(wanted, user(), NOON, key)
        except Exception as error:
            broken.append(error)
        finally:
            connection.close()

    def ends_and_requeues() -> None:
        """Meanwhile runs end, some metered and some not yet, or are requeued, and room comes free."""
        gate.wait()
        try:
            turn, requeued = 0, 0
            while turn < 16 or (not requeued and turn < 200):  # however slowly the others submit
                if turn % 2:
                    requeued += _requeues_one(draw.choice(["PREEMPTED", "CANCELLED", "FAILED"]))
                else:
                    _ends_one(metered=bool(turn % 4))
                place_waiting(NOON)
                turn += 1
        except Exception as error:
            broken.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=submits, args=(number,)) for number in range(THREADS)]
    threads.append(threading.Thread(target=ends_and_requeues))
    for thread in threads:
        thread.start()
    for thread in threads:
        while thread.is_alive():
            _checked()  # in the middle of it, too
            thread.join(0.05)  # not without end: who looks takes the processor from those who submit
    connections["default"].ensure_connection()
    assert broken == []
    place_waiting(NOON)
    _checked()
    assert Job.objects.count() == THREADS * EACH
    waits, placed = Job.objects.filter(state="waiting"), Job.objects.filter(state__in=AT_CENTRE)
    assert waits.exists()
    assert placed.exists()
    assert BudgetReservation.objects.count() >= placed.count()
    assert UsageRecord.objects.filter(state__in=("PREEMPTED", "CANCELLED", "FAILED")).exists()  # some were requeued
    _use_all_that_may_be_used()
    count_party_use()
    standings = load_standings(FirmBudget.objects.filter(ended_at__isnull=True), NOON, Prices())
    for found in standings:
        assert 0 < found.used <= found.limit, found
    for job in Job.objects.filter(state="waiting"):  # and none was held back without need
        most = job.cards * job.time_limit_seconds
        limits = [each for each in standings if each.concerns(job.party_id, job.project_id)]
        assert any(each.left < each.cost((most, most * 1000)) for each in limits), job.uid
