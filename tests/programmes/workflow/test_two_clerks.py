"""Two clerks on one step, over real connections: one takes it, the other is told."""

from __future__ import annotations

import threading
from functools import partial

import pytest
from django.db import DatabaseError, transaction
from django.db.models import Sum

from huisuan.base.errors import Conflict
from huisuan.programmes.models import Application, StandingCount, StepWait
from huisuan.programmes.workflow import act, act_on_many, find_breaks
from support.at_once import at_once
from support.programmes import NOON, applicant, application, official
from support.year_counts import kept_and_counted

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
    kept, counted = kept_and_counted()
    assert kept == counted


def test_acts_at_the_same_time_count_without_waiting_for_each_other_and_what_is_undone_counts_for_nothing() -> None:
    made = [application(number) for number in range(1, 4)]
    for number, one in enumerate(made, start=1):
        act(one.number, "submit", applicant(number), NOON)
    clerks = [official(f"clerk{number}", "check") for number in range(3)]
    all_have_acted = threading.Barrier(3, timeout=30)  # each counts the same step of the same days, and none has ended

    def checks(at: int) -> None:
        with transaction.atomic():
            act(made[at].number, "check", clerks[at], NOON)
            all_have_acted.wait()
            if at == 2:
                raise KeyError("undone")

    outcomes = at_once(*(partial(checks, at) for at in range(3)))
    assert [repr(one) for one in outcomes] == ["None", "None", "KeyError('undone')"]
    assert StepWait.objects.filter(action="check").aggregate(Sum("number")) == {"number__sum": 2}
    kept, counted = kept_and_counted()
    assert kept == counted
    for count in (StandingCount, StepWait):
        with pytest.raises(DatabaseError, match="moves with what it counts alone"):
            count.objects.update(number=7)
