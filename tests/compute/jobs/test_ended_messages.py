"""Who submitted a job hears of its end once, with it or not at all; of an array when the last of it has ended."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from huisuan.compute.jobs.services import cancel_job, submit_job
from huisuan.compute.jobs.webhooks.ended_messages import tell_ended_arrays
from huisuan.compute.models import EndedArray, Job
from huisuan.messages.models import Message
from huisuan.parties.models import Party, Person
from huisuan.parties.viewer import Viewer
from support.jobs import NOON, Voice, asked, centre, user

pytestmark = pytest.mark.django_db
LATER = NOON + timedelta(seconds=5)


@pytest.fixture
def site() -> Voice:
    """The agent of a centre, heard once."""
    made = Voice(centre())
    made.says()
    return made


@pytest.fixture
def submitter() -> Viewer:
    """The person who submits, as a viewer."""
    viewer = user()
    party = Party.objects.get(pk=viewer.party_id)
    return Viewer.for_person(Person.objects.create_person("wang", None, role="user", party=party))


def end(site: Voice, job: Job, state: str, at: Any = LATER) -> None:
    job.refresh_from_db()
    times = {"started_at": NOON, "ended_at": LATER, "exit_code": int(state == "failed")}
    site.says(at, observed=[{"uid": job.uid, "run": job.run, "lease": job.lease, "state": state, **times}])


def told() -> list[tuple[str, str, str]]:
    return [(message.person.username, message.code, message.link) for message in Message.objects.order_by("id")]


def test_who_submitted_it_hears_once_and_a_colleague_does_not(site: Voice, submitter: Viewer) -> None:
    Person.objects.create_person("li", None, role="user", party=Party.objects.get(pk=submitter.party_id))
    job = submit_job(asked("x"), submitter, NOON, b"0" * 10)
    end(site, job, "completed")
    end(site, job, "completed", LATER + timedelta(minutes=1))
    assert told() == [("wang", "job_done", f"/jobs/{job.uid}")]


def test_a_failure_that_is_tried_again_is_no_end(site: Voice, submitter: Viewer) -> None:
    job = submit_job(asked("x", retries=1), submitter, NOON, b"0" * 10)
    end(site, job, "failed")
    assert told() == []


def test_who_cancelled_it_is_not_told_what_they_did(site: Voice, submitter: Viewer) -> None:
    job = submit_job(asked("x"), submitter, NOON, b"0" * 10)
    cancel_job(job.uid, submitter, NOON)
    end(site, job, "cancelled")
    assert (Job.objects.get().state, told()) == ("cancelled", [])


def test_an_array_is_told_once_when_its_last_job_has_ended(site: Voice, submitter: Viewer) -> None:
    first = submit_job(asked("x", array=[0, 1, 2]), submitter, NOON, b"0" * 10)
    site.says()
    jobs = list(Job.objects.order_by("array_index"))
    for job, state in zip(jobs[:2], ("completed", "failed"), strict=True):
        end(site, job, state)
    assert (tell_ended_arrays(LATER), told(), EndedArray.objects.count()) == (2, [], 0)
    end(site, jobs[2], "completed")
    for _ in range(2):
        tell_ended_arrays(LATER)
    assert told() == [("wang", "array_ended", f"/jobs/{first.uid}")]
    assert Message.objects.get().values == {"name": first.name, "done": 2, "failed": 1, "cancelled": 0, "lost": 0}
