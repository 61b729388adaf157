"""Learned durations against the database: fitted hourly, asked in group pass, completed to people."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random

import pytest
from django.db import ProgrammingError, transaction

from huisuan.compute.dispatch.runtime_estimates import PeerGroup, fit_runtime_model, predict_runtimes
from huisuan.compute.dispatch.scheduling_cycle import place_waiting
from huisuan.compute.dispatch.snapshot import running
from huisuan.compute.jobs import preview
from huisuan.compute.jobs.services import submit_job
from huisuan.compute.models import DurationLine, Job, JobState
from huisuan.compute.placement.prediction import FEATURES_VERSION, CompletedJob
from huisuan.compute.placement.types import epoch
from huisuan.compute.tasks import learn_durations
from support.jobs import NOON, Voice, asked, centre, party, user
from support.past_jobs import replay_completed_jobs

pytestmark = pytest.mark.django_db
Run = tuple[int, str, int, datetime, datetime, datetime]  # party, user, cards, came, began, ended


def ran(rows: list[Run], state: JobState = JobState.DONE) -> None:
    """Jobs of the past, as they stand once they are over."""
    Job.objects.bulk_create(
        Job(
            uid=f"{row:026}", party=party(number), submitted_by=who, name="x", command=["x"], cards=cards, state=state,
            submitted_at=came, started_at=began, ended_at=ended,
        )
        for row, (number, who, cards, came, began, ended) in enumerate(rows)
    )  # fmt: skip


def two_users(count: int = 200, until: datetime = NOON) -> list[Run]:
    """用户 1's jobs took half a minute, 用户 2's a third of a day; one came when the one before was over."""
    rows = []
    for n in range(count):
        number = 1 + n % 2
        ended = until - timedelta(seconds=15_000 * (count - n))
        began = ended - timedelta(seconds=30 if number == 1 else 29_000)
        rows.append((number, f"用户 {number}", 1, began, began, ended))
    return rows


def group(number: int, cards: int = 1) -> PeerGroup:
    return PeerGroup(party(number).pk, f"用户 {number}", cards)


def test_the_platform_thinks_what_the_simulator_thinks() -> None:
    """The same past, once as rows of the database and once completed step by step to the simulator's predictor."""
    draw = Random(7)
    rows: list[Run] = []
    for _ in range(300):
        number, came = draw.randint(1, 3), NOON - timedelta(seconds=draw.randint(90_000, 600_000))
        began = came + timedelta(seconds=draw.choice([0, 3, 900]))
        ended = began + timedelta(seconds=draw.choice([0, 2, 60, 4_000, 80_000]))
        rows.append((number, f"用户 {number}", draw.choice([1, 8]), came, began, ended))
    ran(rows)
    completed = [
        CompletedJob(f"{party(number).pk} {who}", cards, epoch(came), epoch(began), max(epoch(ended), epoch(began) + 1))
        for number, who, cards, came, began, ended in rows
    ]
    predictor = replay_completed_jobs(completed, epoch(NOON))
    assert fit_runtime_model(NOON) is not None
    groups = [group(number, cards) for number in (1, 2, 3, 4) for cards in (1, 8, 64)]
    predicted = predict_runtimes(groups, NOON)
    assert len(set(predicted.values())) > 1
    for peers in groups:
        estimate_s = predictor.predict_s(f"{peers.party_id} {peers.user}", peers.cards, epoch(NOON))
        assert predicted[peers] == estimate_s, peers


def test_it_is_fitted_only_when_jobs_have_ended_since_and_there_are_enough() -> None:
    assert fit_runtime_model(NOON) is None
    rows = two_users()
    ran(rows[:50])
    assert fit_runtime_model(NOON) is None
    assert predict_runtimes([group(1)], NOON) == {}
    Job.objects.all().delete()
    ran(rows)
    learn_durations(epoch(NOON))
    assert DurationLine.objects.get().jobs == len(rows)
    learn_durations(epoch(NOON) + 3600)
    assert DurationLine.objects.count() == 1
    Job.objects.filter(uid=f"{0:026}").update(ended_at=NOON + timedelta(minutes=5))
    learn_durations(epoch(NOON) + 3600)
    assert DurationLine.objects.count() == 2


def test_what_was_learned_is_not_changed_and_of_another_form_not_used() -> None:
    ran(two_users())
    fit_runtime_model(NOON)
    with pytest.raises(ProgrammingError, match="Cannot update"), transaction.atomic():
        DurationLine.objects.update(usual=1.0)
    with pytest.raises(ProgrammingError, match="Cannot update or delete"), transaction.atomic():
        DurationLine.objects.all().delete()
    DurationLine.objects.create(fitted_at=NOON, form=FEATURES_VERSION + 1, jobs=1, usual=1.0, slopes=[1.0])
    assert predict_runtimes([group(1)], NOON) == {}


def test_lost_jobs_tell_nothing() -> None:
    ran(two_users(), JobState.LOST)
    assert fit_runtime_model(NOON) is None


def test_the_short_one_goes_first_though_both_state_the_same_limit_and_the_decision_says_so() -> None:
    ran(two_users())
    fit_runtime_model(NOON)
    made = centre(cards=1)
    Voice(made).says()
    first = submit_job(asked(time_limit_seconds=86_400), user(2), NOON, b"1" * 10)
    slow = submit_job(asked(time_limit_seconds=86_400), user(2), NOON, b"2" * 10)
    quick = submit_job(asked(time_limit_seconds=86_400), user(1), NOON + timedelta(seconds=1), b"3" * 10)
    first.refresh_from_db()
    assert first.state == JobState.PLACED
    assert first.predicted_seconds is not None
    assert 15_000 < first.predicted_seconds < 60_000
    assert any("预计运行" in text for text in first.reasons)
    Job.objects.filter(pk=first.pk).update(state=JobState.DONE, started_at=NOON, ended_at=NOON + timedelta(seconds=2))
    assert place_waiting(NOON + timedelta(seconds=2)) == 1
    quick.refresh_from_db()
    slow.refresh_from_db()
    assert (quick.state, slow.state) == (JobState.PLACED, JobState.WAITING)
    assert quick.predicted_seconds is not None
    assert quick.predicted_seconds < 120


def test_a_job_that_runs_longer_than_thought_is_thought_to_run_twice_as_long() -> None:
    made = centre(cards=4)
    Voice(made).says()
    job = submit_job(asked(time_limit_seconds=1_000), user(), NOON, b"1" * 10)
    Job.objects.filter(pk=job.pk).update(state=JobState.RUNNING, started_at=NOON, predicted_seconds=100)
    ends = [running(NOON + timedelta(seconds=ran))[0].ends_s - epoch(NOON) for ran in (0, 99, 100, 250, 900, 2_000)]
    assert ends == [100, 100, 200, 400, 1_000, 3_200]
    Job.objects.filter(pk=job.pk).update(predicted_seconds=None)
    assert running(NOON)[0].ends_s - epoch(NOON) == 1_000


def test_a_preview_tells_it_before_anything_is_submitted() -> None:
    made = centre(cards=4)
    Voice(made).says()
    assert preview.preview(asked(), user(1), NOON).expected_seconds is None
    ran(two_users())
    fit_runtime_model(NOON)
    seen = preview.preview(asked(), user(1), NOON).expected_seconds
    assert seen is not None
    assert seen < 120
    limited = preview.preview(asked(time_limit_seconds=60), user(2), NOON).expected_seconds
    assert limited == 60  # no longer than it may
