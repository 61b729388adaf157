"""Cancelling many jobs: held for some seconds, undone in time or sent, once, whatever happens in between."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import DatabaseError, transaction
from django.test import Client
from django.urls import reverse

from huisuan.base.errors import Conflict, InvalidRequest, NotFound
from huisuan.compute.dispatch.scheduling_cycle import place_waiting
from huisuan.compute.jobs.held_cancels import (
    MOST_JOBS,
    hold_cancel,
    named_by,
    open_cancels,
    send_due_cancels,
    undo_cancel,
)
from huisuan.compute.jobs.services import submit_job
from huisuan.compute.models import Centre, HeldCancel, Job
from huisuan.parties.identity.audit_trail import Actor
from huisuan.parties.identity.tokens import issue_token
from huisuan.parties.projects import create_project, get_project
from huisuan.parties.viewer import Viewer
from huisuan.protocol.job_desk import CancelRequest
from huisuan.protocol.resources import JobRequest
from support.jobs import Voice
from support.portal import World

pytestmark = pytest.mark.django_db
NOW = datetime(2025, 2, 3, 4, 0, tzinfo=UTC)
LATER = NOW + timedelta(seconds=11)


def submit(world: World, number: int, who: str = "alpha", **asked: Any) -> Job:
    viewer = Viewer.for_person(world.people[who])
    request = JobRequest.model_validate(
        {"command": ["true"], "name": f"批 {number}", "cards": 1, "models": ["CPU-SLOT"], **asked}
    )
    return submit_job(request, viewer, NOW, (500 + number).to_bytes(10))


def viewer(world: World, who: str = "alpha") -> Viewer:
    return Viewer.for_person(world.people[who])


def states(*jobs: Job) -> list[tuple[str, bool]]:
    found = {job.pk: job for job in Job.objects.filter(pk__in=[job.pk for job in jobs])}
    return [(found[job.pk].state, found[job.pk].cancel_requested_at is not None) for job in jobs]


def test_a_cancel_is_held_and_sent_when_it_is_due(world: World) -> None:
    jobs = [submit(world, 1), submit(world, 2)]
    held, over = hold_cancel([job.pk for job in jobs], viewer(world), NOW)
    assert (held.due_at, over) == (NOW + timedelta(seconds=10), [])
    assert send_due_cancels(NOW + timedelta(seconds=9)) == 0
    assert [asked for _state, asked in states(*jobs)] == [False, False]
    assert send_due_cancels(LATER) == 2
    assert [asked for _state, asked in states(*jobs)] == [True, True]
    assert send_due_cancels(LATER + timedelta(days=1)) == 0


def test_what_is_undone_in_time_goes_on_and_what_was_sent_cannot_be_undone(world: World) -> None:
    job = submit(world, 1)
    first, _ = hold_cancel([job.pk], viewer(world), NOW)
    undo_cancel(first.pk, viewer(world), NOW + timedelta(seconds=5))
    assert undo_cancel(first.pk, viewer(world), LATER).undone_at  # twice is once
    assert send_due_cancels(LATER) == 0
    second, _ = hold_cancel([job.pk], viewer(world), NOW)
    with pytest.raises(Conflict):  # due, and not sent yet: the worker may be sending it at this moment
        undo_cancel(second.pk, viewer(world), LATER)
    assert send_due_cancels(LATER) == 1


def test_a_job_whose_cancel_is_held_does_not_begin_meanwhile_and_is_placed_when_undone(world: World) -> None:
    waits = submit(world, 1)
    assert states(waits) == [("waiting", False)]  # no agent has been heard
    held, _ = hold_cancel([waits.pk], viewer(world), NOW)
    Voice(Centre.objects.get(code="hf")).says(NOW)
    place_waiting(NOW)
    assert states(waits) == [("waiting", False)]
    undo_cancel(held.pk, viewer(world), NOW)
    assert states(waits) == [("placed", False)]


def test_those_that_are_over_are_named_and_left_and_a_batch_of_them_is_refused(world: World) -> None:
    over, job = submit(world, 1), submit(world, 2)
    Job.objects.filter(pk=over.pk).update(state="done", ended_at=NOW)
    held, left_out = hold_cancel([over.pk, job.pk, job.pk], viewer(world), NOW)
    assert (held.uids, left_out) == ([job.pk], [over.pk])
    with pytest.raises(InvalidRequest):
        hold_cancel([over.pk], viewer(world), NOW)
    Job.objects.filter(pk=job.pk).update(state="done", ended_at=NOW)
    assert send_due_cancels(LATER) == 0  # it ended by itself while the cancel was held


def test_nobody_cancels_or_undoes_anothers(world: World) -> None:
    job = submit(world, 1)
    with pytest.raises(NotFound):
        hold_cancel([job.pk], viewer(world, "beta"), NOW)
    held, _ = hold_cancel([job.pk], viewer(world), NOW)
    for who in ("beta", "province", "auditor"):
        with pytest.raises(NotFound):
            undo_cancel(held.pk, viewer(world, who), NOW)
        assert not open_cancels(viewer(world, who))


@pytest.mark.parametrize("uid", ["x", "", "0" * 40, "a\0b", "'; DROP TABLE"])
def test_names_that_are_none_are_refused_before_anything_is_held(world: World, uid: str) -> None:
    with pytest.raises(NotFound):
        hold_cancel([submit(world, 1).pk, uid], viewer(world), NOW)
    assert not HeldCancel.objects.exists()


def test_a_filter_names_what_is_not_over_and_nothing_named_is_refused(world: World) -> None:
    job, other = submit(world, 1), submit(world, 2)
    Job.objects.filter(pk=other.pk).update(state="done", ended_at=NOW)
    assert named_by(CancelRequest(name="批"), viewer(world)) == [job.pk]
    for asked in (CancelRequest(name="没有这个"), CancelRequest(state="gone")):
        with pytest.raises(InvalidRequest):
            named_by(asked, viewer(world))
    empty = ({}, {"name": ""}, {"state": ","}, {"state": " , ", "name": " "}, {"centre": "", "model": "", "array": ""})
    for nothing in empty:
        with pytest.raises(InvalidRequest, match="没有说要取消哪些作业") as why:
            named_by(CancelRequest.model_validate(nothing), viewer(world))
        assert why.value.code == "cancel.names_nothing"
    with pytest.raises(InvalidRequest):
        hold_cancel([f"{n:026d}" for n in range(MOST_JOBS + 1)], viewer(world), NOW)


def test_the_database_keeps_a_held_cancel_to_one_end(world: World) -> None:
    held, _ = hold_cancel([submit(world, 1).pk], viewer(world), NOW)
    row = HeldCancel.objects.filter(pk=held.pk)
    for wrong in ({"sent_at": NOW}, {"undone_at": LATER, "undone_by": "x"}, {"undone_at": NOW}, {"due_at": LATER}):
        with pytest.raises(DatabaseError), transaction.atomic():
            row.update(**wrong)
    row.update(sent_at=LATER)
    with pytest.raises(DatabaseError), transaction.atomic():
        row.update(sent_at=None)
    with pytest.raises(DatabaseError), transaction.atomic():
        row.delete()


@pytest.mark.parametrize("seconds", [0, 30])
def test_the_time_to_undo_is_a_setting(world: World, settings: Any, seconds: int) -> None:
    settings.HUISUAN_CANCEL_HOLD_SECONDS = seconds
    held, _ = hold_cancel([submit(world, 1).pk], viewer(world), NOW)
    assert (held.due_at - NOW).total_seconds() == seconds
    assert (held.sent_at is not None) == (seconds == 0)


def test_the_page_asks_first_then_holds_and_undoes(world: World) -> None:
    jobs = [submit(world, 1), submit(world, 2)]
    browser = world.browser("alpha")
    page = browser.get(reverse("jobs")).content.decode()
    assert f'name="uid" value="{jobs[0].pk}"' in page
    asks = browser.get(reverse("cancel-jobs"), {"uid": [job.pk for job in jobs]})
    assert "取消这 2 个作业" in asks.content.decode()
    assert browser.get(reverse("cancel-jobs"), {"q": "批"}).context["count"] == 2
    assert browser.get(reverse("cancel-jobs")).status_code == 302  # nothing is named: not everything
    answer = browser.post(reverse("cancel-jobs"), {"uids": asks.context["uids"]}, follow=True).content.decode()
    held = HeldCancel.objects.get()
    assert reverse("undo-cancel", args=[held.pk]) in answer
    assert [asked for _state, asked in states(*jobs)] == [False, False]
    assert world.browser("beta").post(reverse("undo-cancel", args=[held.pk])).status_code == 404
    assert "已撤销" in browser.post(reverse("undo-cancel", args=[held.pk]), follow=True).content.decode()
    for who in ("centre", "city", "auditor"):
        assert world.browser(who).get(reverse("cancel-jobs")).status_code == 403
        assert 'type="checkbox"' not in world.browser(who).get(reverse("jobs")).content.decode()


def test_the_api_holds_lists_and_undoes(world: World) -> None:
    job = submit(world, 1)
    browser = world.browser("alpha")
    answer = browser.post("/api/v1/cancels", {"uids": [job.pk]}, content_type="application/json")
    assert answer.status_code == 201, answer.content
    number = answer.json()["id"]
    assert [each["id"] for each in browser.get("/api/v1/cancels").json()] == [number]
    assert browser.post(f"/api/v1/cancels/{number}/undo").json()["undone_at"]
    assert browser.post("/api/v1/cancels", {}, content_type="application/json").json()["code"] == "cancel.names_nothing"
    assert browser.post(f"/api/v1/cancels/{10**30}/undo").status_code in (404, 422)


def test_a_projects_token_cancels_and_undoes_its_own_projects_jobs_and_nobody_elses(world: World) -> None:
    for name in ("speech", "vision"):
        create_project(viewer(world), name, name, NOW)
    speech, vision = (submit(world, n, project=name) for n, name in enumerate(("speech", "vision"), 1))
    person = world.people["alpha"]
    _, secret = issue_token(
        person, "x", Actor("test"), datetime.now(UTC), scope="submit", project=get_project(viewer(world), "speech")
    )
    bound, whole = Client(headers={"Authorization": f"Bearer {secret}"}), world.browser("alpha")

    def post(client: Client, **asked: Any) -> Any:
        return client.post("/api/v1/cancels", asked, content_type="application/json")

    for asked in ({"uids": [vision.pk]}, {"uids": [speech.pk, vision.pk]}):
        assert post(bound, **asked).json()["code"] == "job.unknown"
    for code in ("vision", "nil"):
        assert post(bound, project=code).json()["code"] == "project.unknown"
    assert not HeldCancel.objects.exists()
    assert post(bound, name="批").json()["uids"] == [speech.pk]  # the filter finds both, the token one
    both = post(whole, name="批").json()
    assert set(both["uids"]) == {vision.pk, speech.pk}
    mine = [held["id"] for held in bound.get("/api/v1/cancels").json()]
    assert both["id"] not in mine
    assert len(mine) == 1
    assert bound.post(f"/api/v1/cancels/{both['id']}/undo").json()["code"] == "cancel.unknown"
    assert bound.post(f"/api/v1/cancels/{mine[0]}/undo").json()["undone_at"]
    assert whole.post(f"/api/v1/cancels/{both['id']}/undo").json()["undone_at"]


def test_a_filter_by_project_names_that_projects_jobs_of_one_firm(world: World) -> None:
    create_project(viewer(world), "speech", "语音", NOW)
    speech, plain, others = submit(world, 1, project="speech"), submit(world, 2), submit(world, 3, "beta")
    assert named_by(CancelRequest(project="speech"), viewer(world)) == [speech.pk]
    assert named_by(CancelRequest(project="default", name="批"), viewer(world)) == [plain.pk]
    with pytest.raises(InvalidRequest) as why:  # every firm has a project of that name
        named_by(CancelRequest(project="default"), viewer(world, "province"))
    assert why.value.code == "cancel.project_of_which_party"
    of_beta = CancelRequest(project="default", party=world.beta.uscc, name="批")
    assert named_by(of_beta, viewer(world, "province")) == [others.pk]
    with pytest.raises(InvalidRequest):
        named_by(of_beta, viewer(world))
    for nothing in ("", " "):
        with pytest.raises(InvalidRequest, match="没有说要取消哪些作业"):
            named_by(CancelRequest(project=nothing), viewer(world))
