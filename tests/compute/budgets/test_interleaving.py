"""Two budgets reached at once by a hundred submissions over real connections: neither is ever passed."""

from __future__ import annotations

import random
import threading
from datetime import timedelta

import pytest
from django.db import connection, connections

from huisuan.compute.budgets.prices import Prices
from huisuan.compute.budgets.standing import load_standings
from huisuan.compute.dispatch.scheduling_cycle import place_waiting
from huisuan.compute.jobs.services import submit_job
from huisuan.compute.models import AT_CENTRE, BudgetReservation, FirmBudget, Job, JobState
from huisuan.parties.projects import create_project
from support.budgets import HOUR, budget, centre, meter, owner
from support.jobs import NOON, asked, user

pytestmark = pytest.mark.django_db(transaction=True)
THREADS, EACH = 10, 10


def _checked() -> None:
    """Used and reserved of every hard budget are within its limit, by the rows themselves."""
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

    def ends_jobs() -> None:
        """Meanwhile runs end, some metered and some not yet, and room comes free."""
        gate.wait()
        try:
            for turn in range(12):
                job = Job.objects.filter(state=JobState.PLACED).order_by("?").first()
                if job is None:
                    continue
                held = min(300, job.time_limit_seconds)
                ended = NOON + timedelta(seconds=held)
                if (
                    Job.objects.filter(pk=job.pk, state=JobState.PLACED).update(
                        state="done", started_at=NOON, ended_at=ended
                    )
                    and turn % 2
                ):
                    meter(job, NOON, held, "COMPLETED")
                place_waiting(NOON)
        except Exception as error:
            broken.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=submits, args=(number,)) for number in range(THREADS)]
    threads.append(threading.Thread(target=ends_jobs))
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        _checked()  # in the middle of it, too
    for thread in threads:
        thread.join()
    connections["default"].ensure_connection()
    assert broken == []
    place_waiting(NOON)
    _checked()
    assert Job.objects.count() == THREADS * EACH
    waits, placed = Job.objects.filter(state="waiting"), Job.objects.filter(state__in=AT_CENTRE)
    assert waits.exists()
    assert placed.exists()
    assert BudgetReservation.objects.count() >= placed.count()
