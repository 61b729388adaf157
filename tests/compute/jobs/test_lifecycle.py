"""A job's life: each step by the centre's word under the present lease, each with its event, none twice."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from huisuan.compute.jobs import lifecycle
from huisuan.compute.jobs.services import cancel_job, submit_job
from huisuan.compute.models import CapacitySighting, Job, JobDependency, JobEvent, SiteAgent
from huisuan.compute.tasks import Steadiness, look_after, note_capacities, note_silence
from support.jobs import NOON, Voice, asked, centre, user

pytestmark = pytest.mark.django_db
LATER = NOON + timedelta(seconds=5)


@pytest.fixture
def site() -> Voice:
    """The agent of a centre, heard once."""
    made = Voice(centre())
    made.says()
    return made


def submit(number: int = 0, **rest: Any) -> Job:
    return submit_job(asked("x", **rest), user(), NOON, number.to_bytes(10))


def word(job: Job, state: str, **rest: Any) -> dict[str, Any]:
    ended = {"started_at": NOON, "ended_at": NOON + timedelta(seconds=3), "exit_code": 0}
    times = ended if state in ("completed", "failed", "timeout") else {}
    return {"uid": job.uid, "run": job.run, "lease": job.lease, "state": state, **times, **rest}


def say(site: Voice, job: Job, state: str, **rest: Any) -> Job:
    site.says(LATER, observed=[word(job, state, **rest)])
    job.refresh_from_db()
    return job


def steps(job: Job) -> list[tuple[str, int]]:
    return [(event.state, event.run) for event in job.events.all()]


def test_a_job_goes_through_its_states_with_an_event_for_each(site: Voice) -> None:
    job = submit()
    assert say(site, job, "starting").state == "placed"
    assert say(site, job, "queued", expected_start=NOON + timedelta(hours=2)).state == "queued"
    assert (say(site, job, "running", started_at=NOON).state, job.started_at, job.queued_at) == ("running", NOON, LATER)
    assert (say(site, job, "completed").state, job.exit_code) == ("done", 0)
    assert steps(job) == [(each, 0) for each in ("waiting", "placed", "queued", "running", "done")]
    assert job.events.get(state="queued").text == "中心的调度器预计 06-03 14:00 开始"
    assert {event.centre.code for event in job.events.exclude(state="waiting")} == {"hf-local"}


def test_states_never_go_back(site: Voice) -> None:
    job = submit()
    say(site, job, "running", started_at=NOON)
    assert say(site, job, "queued").state == "running"  # requeued, say: it has begun once and may again
    say(site, job, "completed")
    for late in ("running", "failed", "lost", "expired"):
        assert say(site, job, late).state == "done"
    assert job.ended_at == NOON + timedelta(seconds=3)


def test_the_start_is_learned_after_the_run_was_let_in(site: Voice) -> None:
    job = submit()
    assert say(site, job, "running").started_at is None
    assert say(site, job, "running", started_at=NOON).started_at == NOON
    assert len(steps(job)) == 3


@pytest.mark.parametrize(
    ("state", "becomes", "reason"),
    [
        ("failed", "failed", "中心没有程序"),
        ("timeout", "failed", "超过时限"),
        ("lost", "lost", "执行进程消失"),
        ("cancelled", "cancelled", "中心的管理员取消了它"),
    ],
)
def test_an_end_keeps_the_centres_reason(site: Voice, state: str, becomes: str, reason: str) -> None:
    job = say(site, submit(), state, reason=reason)
    assert (job.state, job.reasons[-1], job.events.last().text) == (becomes, reason, reason)


# --- leases


def test_a_word_under_an_old_lease_is_acknowledged_and_not_believed(site: Voice) -> None:
    job = submit()
    old = word(job, "completed")
    say(site, job, "expired")
    site.says(LATER)  # placed anew
    reply = site.says(LATER, observed=[old])
    job.refresh_from_db()
    assert (job.state, job.run, job.lease, reply.acknowledged) == ("placed", 1, 2, [(job.uid, 1)])


def test_a_run_that_never_began_is_placed_anew_under_another_name(site: Voice) -> None:
    job = say(site, submit(), "expired", reason="闸门没有开")
    assert (job.state, job.run, job.lease) == ("placed", 1, 2)
    assert steps(job) == [("waiting", 0), ("placed", 0), ("waiting", 1), ("placed", 1)]
    assert job.events.all()[2].text == "闸门没有开"


def test_a_running_job_that_turns_out_never_to_have_begun_is_placed_anew(site: Voice) -> None:
    job = submit()
    say(site, job, "running")  # it waited at the gate
    say(site, job, "expired")
    assert (job.state, job.run, job.started_at) == ("placed", 1, None)


# --- retries


def test_a_failed_job_is_tried_again_as_often_as_it_may_and_no_oftener(site: Voice) -> None:
    job = submit(retries=2)
    for run in range(3):
        assert (job.state, job.run) == ("placed", run)
        say(site, job, "running", started_at=NOON)
        say(site, job, "failed", exit_code=1)
    assert (job.state, job.run, job.exit_code) == ("failed", 2, 1)
    assert [state for state, _ in steps(job)].count("failed") == 3
    assert job.events.filter(state="failed").first().text == "第 1 次运行失败，退出码 1；将重试（最多 2 次）"


def test_a_run_that_never_began_uses_up_no_retry(site: Voice) -> None:
    job = submit(retries=1)
    say(site, job, "expired")
    say(site, job, "failed")
    assert (job.state, job.run) == ("placed", 2)
    assert say(site, job, "failed").state == "failed"


@pytest.mark.parametrize("state", ["lost", "cancelled", "completed"])
def test_only_a_failure_is_tried_again(site: Voice, state: str) -> None:
    assert say(site, submit(retries=3), state).run == 0


def test_a_job_that_is_to_be_cancelled_is_not_tried_again(site: Voice) -> None:
    job = submit(retries=3)
    cancel_job(job.uid, user(), NOON)
    assert say(site, job, "failed").state == "failed"


# --- cancelling, in every state


def test_a_job_is_cancelled_in_every_state(site: Voice) -> None:
    for number, before in enumerate([[], ["starting"], ["queued"], ["running"]]):
        job = submit(number)
        for state in before:
            say(site, job, state)
        cancel_job(job.uid, user(), LATER)
        assert [each.cancel for each in site.says(LATER).desired if each.uid == job.uid] == [True]
        assert say(site, job, "cancelled").state == "cancelled"
        assert say(site, job, "completed").state == "cancelled"


def test_a_job_to_be_cancelled_that_never_began_ends_instead_of_being_placed_anew(site: Voice) -> None:
    job = submit()
    cancel_job(job.uid, user(), NOON)
    assert say(site, job, "expired").state == "cancelled"


# --- jobs that wait for other jobs


def chain(*after: Job, number: int) -> Job:
    job = submit(number)
    Job.objects.filter(pk=job.pk).update(state="submitted", centre=None, placed_at=None)
    JobDependency.objects.bulk_create([JobDependency(job=job, after=each) for each in after])
    return job


def state(job: Job) -> str:
    job.refresh_from_db()
    return job.state


def test_a_job_is_let_go_when_all_that_it_waits_for_are_done(site: Voice) -> None:
    first, second = submit(1), submit(2)
    job = chain(first, second, number=3)
    say(site, first, "completed")
    assert state(job) == "submitted"
    say(site, second, "completed")
    assert state(job) == "placed"
    assert ("waiting", 0) in steps(job)


def test_a_job_is_cancelled_with_those_that_wait_for_it_when_what_it_waits_for_fails(site: Voice) -> None:
    first = submit(1)
    second = chain(first, number=2)
    third = chain(second, number=3)
    say(site, first, "failed")
    assert (state(second), state(third)) == ("cancelled", "cancelled")
    assert third.reasons[-1:] == [f"它要等的作业 {second.uid} 没有成功"]


def test_what_a_lost_message_left_waiting_is_found_by_the_minute_s_look(site: Voice) -> None:
    first = submit(1)
    job = chain(first, number=2)
    Job.objects.filter(pk=first.pk).update(state="done")
    assert look_after(LATER, Steadiness())["followed"] == 1
    assert state(job) == "placed"


# --- silent centres

LONG_AFTER = NOON + lifecycle.MOVED_AFTER + timedelta(seconds=1)


def test_waiting_work_moves_from_a_silent_centre_and_what_runs_there_stays(site: Voice) -> None:
    placed, queued, running = (submit(number) for number in range(3))
    say(site, queued, "queued")
    say(site, running, "running", started_at=NOON)
    SiteAgent.objects.update(last_seen_at=NOON)
    elsewhere = Voice(centre("wh-local"), name="another-agent", place="b" * 24)
    elsewhere.says(LONG_AFTER)
    assert lifecycle.move_from_silent(LONG_AFTER) == 2
    assert lifecycle.move_from_silent(LONG_AFTER) == 0
    reply = elsewhere.says(LONG_AFTER)
    assert {(each.uid, each.run, each.lease) for each in reply.desired} == {(placed.uid, 1, 2), (queued.uid, 1, 2)}
    assert state(running) == "running"
    assert "hf-local 自 06-03 12:00:00 起失联，作业在那里没有开始" in placed.events.filter(state="waiting").last().text


def test_the_word_of_a_centre_that_returns_is_taken_for_what_ran_and_not_for_what_moved(site: Voice) -> None:
    moved, running = submit(0), submit(1)
    say(site, running, "running", started_at=NOON)
    SiteAgent.objects.update(last_seen_at=NOON)
    Voice(centre("wh-local"), name="another-agent").says(LONG_AFTER)
    lifecycle.move_from_silent(LONG_AFTER)
    look_after(LONG_AFTER, Steadiness())
    reply = site.says(LONG_AFTER, observed=[word(moved, "running"), word(running, "completed")])
    assert reply.desired == []  # so it ends what it had of the job that moved
    moved.refresh_from_db()
    assert (moved.centre.code, state(running)) == ("wh-local", "done")


def test_no_work_is_taken_from_an_engine_whose_runs_begin_unasked(site: Voice) -> None:
    submit()
    SiteAgent.objects.update(last_seen_at=NOON, capabilities={"lease": [False, "没有共享目录"]})
    assert lifecycle.move_from_silent(LONG_AFTER) == 0


def test_a_waiting_job_to_be_cancelled_at_a_silent_centre_ends_without_it(site: Voice) -> None:
    job = submit()
    cancel_job(job.uid, user(), NOON)
    SiteAgent.objects.update(last_seen_at=NOON)
    lifecycle.move_from_silent(LONG_AFTER)
    assert state(job) == "cancelled"


def test_after_the_platform_itself_was_away_no_centre_is_taken_for_lost_at_once() -> None:
    steadiness = Steadiness()
    minute = timedelta(minutes=1)
    assert not steadiness.look(NOON, NOON)  # the worker has only just started
    assert not steadiness.look(NOON + minute, NOON + minute)
    assert steadiness.look(NOON + 2 * minute, NOON + 2 * minute)
    assert not steadiness.look(NOON + 3 * minute, NOON + 2 * minute)  # nobody heard: the web is down, rather
    assert not steadiness.look(NOON + 4 * minute, NOON + 4 * minute)
    assert steadiness.look(NOON + 6 * minute, NOON + 6 * minute)


def test_jobs_at_a_centre_that_fell_silent_say_so_once(site: Voice) -> None:
    job = submit()
    say(site, job, "running", started_at=NOON)
    assert note_silence(LATER + timedelta(minutes=1)) == 0
    assert note_silence(LATER + timedelta(minutes=3)) == 1
    assert note_silence(LATER + timedelta(minutes=4)) == 0
    job.refresh_from_db()
    assert job.reasons[-1] == "站点代理自 2024-06-03 12:00:05 起没有回音，以上状态可能已经过时"


def test_what_is_seen_counts_for_a_day_on_which_nothing_changed(site: Voice) -> None:
    site.says(NOON, nodes=[{"name": "n", "local_card": "CPU-SLOT", "cards": 4, "used": 0}])
    tomorrow = NOON + timedelta(days=1)
    site.says(tomorrow)
    note_capacities(int(tomorrow.timestamp()))
    assert [row.most for row in CapacitySighting.objects.order_by("day")] == [4, 4]
    assert JobEvent.objects.count() == 0
