"""Two clerks on one step, over real connections: one takes it, the other is told."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from django.db import connection

from huisuan.base.errors import Conflict
from huisuan.programmes.models import Application
from huisuan.programmes.workflow import act, act_on_many, find_breaks
from support.programmes import NOON, applicant, application, official

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(acts: list[Callable[[], object]]) -> list[object]:
    """What became of acts that begin together, each on a connection of its own."""
    gate, results = threading.Barrier(len(acts)), [None] * len(acts)

    def does(number: int) -> None:
        gate.wait()
        try:
            results[number] = acts[number]()  # type: ignore[call-overload]
        except Exception as error:
            results[number] = error  # type: ignore[call-overload]
        finally:
            connection.close()

    threads = [threading.Thread(target=does, args=(number,)) for number in range(len(acts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return list(results)


def test_of_two_clerks_on_one_step_one_takes_it_and_the_other_is_told() -> None:
    made = application()
    act(made.number, "submit", applicant(), NOON)
    clerks = [official(name, "check") for name in ("first", "second")]
    results = at_once([lambda one=one: act(made.number, "check", one, NOON) for one in clerks])  # type: ignore[misc]
    refused = [result for result in results if isinstance(result, Exception)]
    assert [type(refusal) for refusal in refused] == [Conflict]
    assert "现为已核验" in str(refused[0])
    assert made.steps.count() == 2


def test_acts_on_many_in_other_orders_do_not_wait_for_ever_and_each_step_is_taken_once() -> None:
    made = [application(number) for number in range(1, 9)]
    for number, one in enumerate(made, start=1):
        act(one.number, "submit", applicant(number), NOON)
    clerks = [official(f"clerk{number}", "check") for number in range(4)]
    numbers = [one.number for one in made]
    orders = [numbers, numbers[::-1], numbers[4:] + numbers[:4], numbers[::2] + numbers[1::2]]
    outcomes = at_once(
        [lambda who=who, way=way: act_on_many(way, "check", who, NOON) for who, way in zip(clerks, orders, strict=True)]  # type: ignore[misc]
    )
    assert sum(len(outcome.done) for outcome in outcomes) == len(made)  # type: ignore[attr-defined]
    assert sum(len(outcome.refused) for outcome in outcomes) == 3 * len(made)  # type: ignore[attr-defined]
    for one in Application.objects.all():
        assert (one.state, find_breaks(one.steps.all())) == ("checked", [])
