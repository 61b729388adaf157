"""Two clerks on one step, over real connections: one takes it, the other is told."""

from __future__ import annotations

from functools import partial

import pytest

from huisuan.base.errors import Conflict
from huisuan.programmes.models import Application
from huisuan.programmes.workflow import act, act_on_many, find_breaks
from support.at_once import at_once
from support.programmes import NOON, applicant, application, official

pytestmark = pytest.mark.django_db(transaction=True)


def test_of_two_clerks_on_one_step_one_takes_it_and_the_other_is_told() -> None:
    made = application()
    act(made.number, "submit", applicant(), NOON)
    clerks = [official(name, "check") for name in ("first", "second")]
    results = at_once(*[lambda one=one: act(made.number, "check", one, NOON) for one in clerks])  # type: ignore[misc]
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
    acts = [partial(act_on_many, way, "check", who, NOON) for who, way in zip(clerks, orders, strict=True)]
    outcomes = at_once(*acts)
    assert sum(len(outcome.done) for outcome in outcomes) == len(made)  # type: ignore[attr-defined]
    assert sum(len(outcome.refused) for outcome in outcomes) == 3 * len(made)  # type: ignore[attr-defined]
    for one in Application.objects.all():
        assert (one.state, find_breaks(one.steps.all())) == ("checked", [])
