"""The list of jobs: filtered by links that can be sent, paged by key, counted only so far, and no query a row."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from huisuan.compute.jobs.expected import job_times
from huisuan.compute.models import Accelerator, Centre, Job
from huisuan.parties.models import Project
from huisuan.portal.ui import keyset_table
from huisuan.portal.ui.keyset_table import KeysetTable
from support.portal import World

pytestmark = pytest.mark.django_db
AT = datetime(2025, 3, 1, 4, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def make(world: World, number: int, at: datetime = AT, **fields: Any) -> list[Job]:
    """So many jobs of alpha's that ended; all of one moment, as those of an array are."""
    plain: dict[str, Any] = {
        "party": world.alpha, "submitted_by": "alpha", "command": ["true"], "cards": 1, "state": "done", "lease": 1,
        "centre": Centre.objects.get(code="hf"), "accelerator": Accelerator.objects.get(model="CPU-SLOT"),
        "submitted_at": at, "placed_at": at, "started_at": at, "ended_at": at + HOUR, **fields,
    }  # fmt: skip
    first = Job.objects.count()
    jobs = [Job(uid=f"z{first + n:025d}", name=f"many-{n}", **plain) for n in range(number)]
    return Job.objects.bulk_create(jobs)


def listed(world: World, who: str = "alpha", **asked: str) -> KeysetTable:
    """The table as someone sees it."""
    answer = world.browser(who).get(reverse("jobs"), asked)
    assert answer.status_code == 200
    table: KeysetTable = answer.context["table"]
    return table


def uids(table: KeysetTable) -> list[str]:
    return [job.uid for job in table.page_rows]


def test_the_list_asks_as_many_questions_for_fifty_jobs_as_for_two(world: World) -> None:
    browser, address = world.browser("province"), reverse("jobs")

    def asked() -> int:
        with CaptureQueriesContext(connection) as captured:
            browser.get(address)
        return len(captured)

    browser.get(address)
    make(world, 2)
    few = asked()
    make(world, 60, state="running", ended_at=None)
    assert asked() <= few
    assert few < 20


@pytest.mark.parametrize("sort", ["-submitted", "submitted", "ended", "-ended", "name", "-cards"])
def test_pages_by_key_hold_every_row_once_there_and_back(world: World, sort: str) -> None:
    make(world, 70)
    make(world, 50, started_at=None, ended_at=None, state="waiting", lease=0)  # no end to sort by
    pages, address = [], {"sort": sort}
    while True:
        table = listed(world, **address)
        pages.append(uids(table))
        if not table.next:
            break
        address = {"sort": sort, "after": table.cursor(table.page_rows[-1])}
    assert [len(page) for page in pages] == [50, 50, 21]
    together = [uid for page in pages for uid in page]
    assert len(set(together)) == len(together) == Job.objects.filter(party=world.alpha).count()
    assert together == [job.uid for job in table.filtered]
    back = listed(world, sort=sort, before=table.cursor(table.page_rows[0]))
    assert uids(back) == pages[1]
    assert uids(listed(world, sort=sort, before=back.cursor(back.page_rows[0]))) == pages[0]


def test_a_job_that_arrives_meanwhile_moves_no_row_of_the_next_page(world: World) -> None:
    make(world, 60)
    first = listed(world)
    make(world, 3, at=AT + HOUR)
    second = listed(world, after=first.cursor(first.page_rows[-1]))
    assert set(uids(first)) & set(uids(second)) == set()
    assert len(uids(second)) == 11  # ten of the sixty, and the one of the world


@pytest.mark.parametrize("place", ["x", "~", "2025-03-01~z", "9999-99-99T00:00:00+00:00~z", "2025-03-01T00:00:00~z"])
def test_a_place_that_is_none_is_named_and_the_first_page_shown(world: World, place: str) -> None:
    make(world, 3)
    table = listed(world, after=place)
    assert len(uids(table)) == 4
    assert table.refused == [f"after={place}"]


def test_the_list_begins_at_a_date(world: World) -> None:
    early, late = make(world, 2), make(world, 2, at=AT + timedelta(days=2))
    assert uids(listed(world, at="2025-03-02")) == [
        *sorted((job.uid for job in early), reverse=True),
        world.jobs["alpha"].uid,
    ]
    assert set(uids(listed(world, at="2025-03-02", sort="submitted"))) == {job.uid for job in late}
    assert listed(world, at="2025-03-02").previous  # the later ones come before
    assert listed(world, at="yesterday").refused == ["at=yesterday"]
    assert listed(world, at="2025-03-02", sort="name").refused == ["at=2025-03-02"]


def test_many_rows_are_counted_only_so_far(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keyset_table, "MOST_COUNTED", 5)
    make(world, 4)
    assert (listed(world).count, listed(world).is_more) == (5, False)
    make(world, 4)
    assert listed(world).is_more
    assert "多于 5 行" in world.browser("alpha").get(reverse("jobs")).content.decode()


def test_filters_are_a_link_that_can_be_sent(world: World) -> None:
    (waiting,) = make(world, 1, state="waiting", lease=0, centre=None, accelerator=None, started_at=None, ended_at=None)
    make(world, 2, state="failed")
    assert waiting.uid in uids(listed(world, state="open"))
    assert {job.state for job in listed(world, state="failed").page_rows} == {"failed"}
    assert listed(world, centre="hf", model="CPU-SLOT", state="failed").count == 2
    assert listed(world, since="1").count == 0
    assert listed(world, q="many-1").count == 1
    assert listed(world, state="nothing").refused == ["state=nothing"]


def test_a_row_says_when_the_job_is_expected_to_begin_and_to_end() -> None:
    job = Job(state="running", submitted_at=AT, started_at=AT + HOUR, predicted_seconds=7200, time_limit_seconds=36_000)
    times = job_times(job, AT + 2 * HOUR)
    assert (times.since, times.starts, times.ends) == (AT + HOUR, AT + HOUR, AT + 3 * HOUR)
    assert (times.start_estimated, times.end_estimated) == (False, True)
    later = job_times(job, AT + 4 * HOUR)  # it was thought to be over by now
    assert later.ends == AT + 5 * HOUR
    job.predicted_seconds = None
    assert job_times(job, AT + 2 * HOUR).ends == AT + 11 * HOUR  # nobody ran the like: its time limit
    waits = Job(state="waiting", submitted_at=AT, time_limit_seconds=3600)
    assert job_times(waits, AT).starts is None
    waits.expected_start = AT + HOUR
    assert job_times(waits, AT).ends == AT + 2 * HOUR
    assert job_times(waits, AT + 5 * HOUR).starts == AT + 5 * HOUR  # never in the past


def test_the_file_holds_what_is_filtered_with_costs(world: World) -> None:
    make(world, 3)
    answer = world.browser("alpha").get(reverse("jobs"), {"export": "csv", "q": "many"})
    rows = b"".join(answer.streaming_content).decode("utf-8-sig").splitlines()
    assert len(rows) == 4
    assert "至今花费，估算（元）" in rows[0]
    assert date(2025, 3, 1).isoformat() in rows[1]


def test_a_user_looks_at_the_jobs_of_one_project_by_a_link_that_can_be_sent(world: World) -> None:
    speech, twin = (
        Project.objects.create(party=party, code="speech", name="语音", created_at=AT)
        for party in (world.alpha, world.beta)
    )
    mine, theirs = make(world, 2, project=speech), make(world, 1, party=world.beta, project=twin)
    assert sorted(uids(listed(world, project="speech"))) == sorted(job.uid for job in mine)
    assert len(uids(listed(world))) > len(mine)
    assert uids(listed(world, "beta", project="speech")) == [job.uid for job in theirs]
    page = world.browser("alpha").get(reverse("jobs"), {"project": "no-such"})
    assert (page.status_code, uids(page.context["table"])) == (200, uids(listed(world)))
    assert "no-such" in page.content.decode()  # what of the address could not be used is said
    link = f"{reverse('jobs')}?project=speech"
    assert link in world.browser("alpha").get(reverse("project", args=["speech"])).content.decode()
    assert 'name="project"' not in world.browser("province").get(reverse("jobs")).content.decode()
