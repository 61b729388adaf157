"""A centre's people declare a maintenance window from a page that first says which jobs it meets."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from huisuan.base.months import SHANGHAI
from huisuan.compute.jobs.services import submit_job
from huisuan.compute.models import Centre, Job, MaintenanceWindow
from huisuan.parties.viewer import Viewer
from huisuan.protocol.resources import JobRequest
from support.jobs import Voice
from support.portal import World

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


def form(hours: int = 2, **rest: str) -> dict[str, str]:
    begins = timezone.now().astimezone(SHANGHAI) + hours * HOUR
    return {"starts": f"{begins:%Y-%m-%dT%H:%M}", "ends": f"{begins + HOUR:%Y-%m-%dT%H:%M}", "reason": "清灰"} | rest


def test_the_page_says_which_jobs_a_window_meets_before_it_is_declared_and_then_takes_them_back(world: World) -> None:
    Voice(Centre.objects.get(code="hf")).says(timezone.now())
    viewer = Viewer(role="user", name="alpha", party_id=world.alpha.pk)
    asked = JobRequest(command=["true"], name="长作业", time_limit_seconds=20 * 3600)
    job = submit_job(asked, viewer, timezone.now(), b"\x21" * 10)
    browser, address = world.browser("centre"), reverse("centre-maintenance", args=["hf"])
    tried = browser.post(address, form()).content.decode()
    assert "长作业" in tried
    assert "还没有开始：会撤回，另行调度" in tried
    assert "申报这个窗口" in tried
    assert not MaintenanceWindow.objects.exists()
    assert browser.post(address, form(declare="yes")).status_code == 302
    assert Job.objects.get(pk=job.pk).state == "waiting"
    window = MaintenanceWindow.objects.get()
    assert (window.declared_by, window.reason) == ("centre", "清灰")
    assert "清灰" in browser.get(reverse("centre", args=["hf"])).content.decode()
    english = world.browser("province", "en").get(address).content.decode()
    assert "Maintenance windows" in english
    browser.post(reverse("cancel-maintenance", args=["hf", window.pk]))
    assert "已撤销" in browser.get(address).content.decode()


def test_rubbish_is_refused_in_words_and_what_was_typed_stays(world: World) -> None:
    browser, address = world.browser("centre"), reverse("centre-maintenance", args=["hf"])
    answer = browser.post(address, form(starts="<b>gestern"))
    assert answer.status_code == 422
    assert "写法不对" in answer.content.decode()
    assert "清灰" in answer.content.decode()
    answer = browser.post(address, form(nodes="n9"))
    assert "没有显示过节点" in answer.content.decode()


def test_a_city_reads_and_does_not_declare_and_another_centre_is_not_there(world: World) -> None:
    address = reverse("centre-maintenance", args=["hf"])
    assert "申报这个窗口" not in world.browser("city").get(address).content.decode()
    assert world.browser("city").post(address, form(declare="yes")).status_code == 403
    assert world.browser("centre").get(reverse("centre-maintenance", args=["wh"])).status_code == 404
    assert world.browser("alpha").get(address).status_code == 403
