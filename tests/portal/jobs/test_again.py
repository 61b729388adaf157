"""Once more: a job submitted again, copied to a new form, kept as a template; and no value of its environment shown."""

from __future__ import annotations

import gzip
import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from huisuan.base.errors import InvalidRequest, NotFound
from huisuan.compute.centres.tariffs import set_tariff
from huisuan.compute.jobs.again import request_of, resubmit, save_template, template_named, templates
from huisuan.compute.jobs.services import submit_job
from huisuan.compute.models import Centre, Job, JobTemplate, Upload
from huisuan.parties.viewer import Viewer
from huisuan.portal.jobs.copying import form_texts
from huisuan.portal.jobs.submit_form import parse_submit_form
from huisuan.protocol.resources import JobRequest
from support.portal import World

pytestmark = pytest.mark.django_db
NOW = datetime(2025, 2, 3, 4, 0, tzinfo=UTC)
SECRET = "s3cret-value"
WHOLE: dict[str, Any] = {
    "command": ["python", "train.py", "a b"], "name": "全部", "environment": {"TOKEN": SECRET, "SEED": "7"}, "cards": 2,
    "models": ["CPU-SLOT"], "city": "340100", "data_at": "hf", "price_ceiling_fen": 1250, "time_limit_seconds": 5400,
    "retries": 2, "notify_url": "https://hooks.example.cn/x",
}  # fmt: skip


def viewer(world: World, who: str = "alpha") -> Viewer:
    return Viewer.for_person(world.people[who])


def submit(world: World, number: int = 1, **asked: Any) -> Job:
    if not Centre.objects.get(code="hf").tariffs.filter(accelerator__model="CPU-SLOT").exists():
        set_tariff("hf", "CPU-SLOT", "360", date(2024, 1, 1))
    request = JobRequest.model_validate({**WHOLE, **asked})
    return submit_job(request, viewer(world), NOW, (700 + number).to_bytes(10))


ASKED = ("command", "script", "image", "name", "environment", "cards", "nodes", "takes_slots", "card_models", "vendor",
         "wanted_centre", "wanted_city", "data_centre", "data_city", "price_ceiling_fen", "time_limit_seconds",
         "retries", "notify_url", "min_memory_gib", "min_tflops_fp16", "outputs", "project")  # fmt: skip


def asked_of(job: Job) -> list[Any]:
    job.refresh_from_db()
    return [getattr(job, name) for name in ASKED]


def test_a_job_submitted_again_asks_for_the_same_and_is_another(world: World) -> None:
    job = submit(world)
    again = resubmit(job.pk, viewer(world), NOW, b"1" * 10)
    assert again.pk != job.pk
    assert asked_of(again) == asked_of(job)
    slots = resubmit(world.jobs["alpha"].pk, viewer(world), NOW, b"2" * 10)
    assert asked_of(slots) == asked_of(world.jobs["alpha"])  # that asked for no card at all


def test_of_an_array_one_is_submitted_and_told_its_index_anew(world: World) -> None:
    first = submit(world, array=[3, 5], cards=1)
    second = Job.objects.get(array_uid=first.array_uid, array_index=5)
    again = resubmit(second.pk, viewer(world), NOW, b"3" * 10)
    assert again.array_index == 5
    assert again.environment["HUISUAN_ARRAY_COUNT"] == "1"
    assert again.environment["TOKEN"] == SECRET
    assert again.array_uid == again.pk != first.array_uid


def test_what_would_keep_it_from_running_is_left_out(world: World) -> None:
    before = submit(world, 1)
    job = submit(world, 2, after=[before.pk], deadline=NOW + timedelta(hours=5))
    assert request_of(job, NOW).after == [before.pk]
    Job.objects.filter(pk=before.pk).update(state="failed")
    later = request_of(job, NOW + timedelta(days=1))
    assert (later.after, later.deadline) == ([], None)


def test_nobody_submits_anothers_job_again(world: World) -> None:
    job = submit(world)
    with pytest.raises(Job.DoesNotExist):
        resubmit(job.pk, viewer(world, "beta"), NOW, b"4" * 10)
    for who in ("beta", "centre"):
        assert world.browser(who).post(reverse("submit-again", args=[job.pk])).status_code in (403, 404)
    Job.objects.filter(pk=job.pk).update(session_kind="shell")
    with pytest.raises(InvalidRequest):
        resubmit(job.pk, viewer(world), NOW, b"5" * 10)


def test_pressing_twice_submits_once(world: World) -> None:
    job = submit(world)
    browser, address = world.browser("alpha"), reverse("submit-again", args=[job.pk])
    went = [browser.post(address, {"key": "k"})["Location"] for _ in range(2)]
    assert went[0] == went[1] != reverse("job", args=[job.pk])


def test_a_copied_form_asks_for_the_same_and_shows_no_value(world: World) -> None:
    job = submit(world)
    asked = request_of(job, NOW)
    with_outputs = asked.model_copy(update={"outputs": "results"})
    read = parse_submit_form({**form_texts(with_outputs), "environment": ""}).read
    assert read is not None
    assert read.request.model_copy(update={"environment": asked.environment}) == with_outputs
    browser = world.browser("alpha")
    page = browser.get(reverse("submit-job"), {"from": job.pk}).content.decode()
    assert SECRET not in page
    assert "SEED\nTOKEN" in page
    fields = dict(re.findall(r'name="([\w.]+)"[^>]*value="([^"]*)"', page))
    assert fields["from"] == job.pk
    typed = {**form_texts(asked), "from": job.pk, "environment": "TOKEN\nSEED=8\nNEW=1", "cards": "1"}
    look = browser.post(reverse("submit-job"), {**typed, "look": "yes"}).content.decode()
    assert SECRET not in look
    went = browser.post(reverse("submit-job"), {**typed, "send": "yes", "key": "k1"})
    made = Job.objects.get(pk=went["Location"].rsplit("/", 1)[1])
    assert made.environment == {"TOKEN": SECRET, "SEED": "8", "NEW": "1"}
    assert made.cards == 1
    other = world.browser("beta").get(reverse("submit-job"), {"from": job.pk})
    assert f"<code>from={job.pk}</code>" in other.content.decode()
    stolen = world.browser("beta").post(reverse("submit-job"), {**typed, "send": "yes"})
    assert stolen.status_code == 200  # TOKEN alone means nothing there: refused as a line that is no name=value
    assert SECRET not in stolen.content.decode()


def test_a_template_is_kept_listed_submitted_and_forgotten_by_its_firm_alone(world: World) -> None:
    job = submit(world)
    kept = save_template(" 每周 ", request_of(job, NOW), viewer(world), NOW)
    assert kept.name == "每周"
    save_template("每周", request_of(job, NOW).model_copy(update={"cards": 1}), viewer(world), NOW)
    assert [each.request["cards"] for each in templates(viewer(world))] == [1]
    assert not templates(viewer(world, "beta")).exists()
    for name in ("每月", "a\0b"):
        with pytest.raises(NotFound):
            template_named(name, viewer(world))
    browser = world.browser("alpha")
    listed = browser.get("/api/v1/job-templates").json()
    assert listed[0]["request"]["environment"] == {"SEED": "", "TOKEN": ""}
    made = browser.post("/api/v1/job-templates/每周/submit")
    assert made.status_code == 201, made.content
    assert Job.objects.get(pk=made.json()["uid"]).environment == WHOLE["environment"]
    page = browser.get(reverse("submit-job"), {"template": "每周"}).content.decode()
    assert SECRET not in page
    assert world.browser("beta").post(reverse("delete-template"), {"name": "每周"}).status_code == 404
    assert browser.post(reverse("delete-template"), {"name": "每周"}).status_code == 302
    assert not JobTemplate.objects.exists()


@pytest.mark.parametrize("name", ["", "  ", "长" * 61, "a\nb", "a\0b"])
def test_a_name_that_will_not_do_is_refused(world: World, name: str) -> None:
    with pytest.raises(InvalidRequest):
        save_template(name, request_of(submit(world), NOW), viewer(world), NOW)


def test_a_template_is_kept_from_the_jobs_page_and_by_api(world: World) -> None:
    job = submit(world)
    browser = world.browser("alpha")
    browser.post(reverse("keep-template", args=[job.pk]), {"name": "甲"})
    answer = browser.put("/api/v1/job-templates/乙", {"from_job": job.pk}, content_type="application/json")
    assert answer.status_code == 200, answer.content
    assert [each.name for each in templates(viewer(world))] == sorted(["甲", "乙"])
    both = browser.put("/api/v1/job-templates/丙", {}, content_type="application/json")
    assert both.json()["code"] == "template.source_unclear"
    assert browser.delete("/api/v1/job-templates/甲").status_code == 204
    assert "乙" in browser.get(reverse("submit-job")).content.decode()


def test_a_folder_uploaded_before_is_used_again(world: World) -> None:
    upload = Upload.objects.create(
        party=world.alpha, sha256="a" * 64, size=3, content=gzip.compress(b""), uploaded_at=timezone.now()
    )
    browser = world.browser("alpha")
    assert upload.sha256 in browser.get(reverse("submit-job")).content.decode()
    assert upload.sha256 not in world.browser("beta").get(reverse("submit-job")).content.decode()
    form = {"command": "true", "cards": "1", "models": "CPU-SLOT", "recent": upload.sha256, "send": "yes", "key": "k2"}
    went = browser.post(reverse("submit-job"), form)
    assert Job.objects.get(pk=went["Location"].rsplit("/", 1)[1]).workdir == upload
