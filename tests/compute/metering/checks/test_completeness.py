"""What is missing is found: numbers, batches, runs without records, records that say too much."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from huisuan.base.months import Month
from huisuan.compute.metering.checks.completeness import Completeness, check_completeness
from huisuan.compute.metering.checks.flags import answer_flag
from huisuan.compute.models import Accelerator, Job, JobEvent, MeterFlag, PlacementDecision
from support.metering import HOUR, NOW, T0, Agent, agent, leased, said
from support.usage_records import A800, imported, line, sacct

pytestmark = pytest.mark.django_db
MARCH = Month(2024, 3)


@pytest.fixture
def site() -> Agent:
    return agent()


def ran(site: Agent, uid: str = "J1", hours: float = 2, **fields: Any) -> Job:
    """A job that ran from T0 for so many hours and is done."""
    return leased(
        site.centre, uid, state="done", started_at=T0, ended_at=T0 + hours * HOUR, **fields
    )  # fmt: skip


def checked(site: Agent, month: Month | None = None, now: Any = NOW) -> Completeness:
    return check_completeness(site.centre, month, now)


def about(report: Completeness) -> list[tuple[str, str]]:
    return [(each.kind.value, each.key) for each in report.doubts]


def test_a_ledger_that_covers_every_run_is_whole(site: Agent) -> None:
    ran(site)
    site.report(said(), said(started=T0 + HOUR, state="completed"))
    report = checked(site)
    assert report.is_whole
    assert (report.records, report.batches, report.runs) == (2, 1, 1)
    assert checked(site, MARCH).is_whole


def test_a_run_without_records_is_missing_and_flagged(site: Agent) -> None:
    ran(site)
    assert about(checked(site)) == [("missing", "J1 0")]
    assert "7,200 秒中有记录的只有 0 秒" in MeterFlag.objects.get().text


def test_an_hour_that_is_missing_in_the_middle_of_a_run_is_found(site: Agent) -> None:
    ran(site, hours=3)
    site.report(said(), said(started=T0 + 2 * HOUR))
    assert "10,800 秒中有记录的只有 7,200 秒" in checked(site).doubts[0].text


def test_what_was_missing_and_came_is_answered_by_the_platform(site: Agent) -> None:
    ran(site)
    site.report(said())
    checked(site)
    site.report(said(started=T0 + HOUR))
    assert checked(site).is_whole
    flag = MeterFlag.objects.get()
    assert (flag.answered_by, flag.answer) == ("平台", "记录已经补齐")


def test_what_a_person_answered_for_counts_as_missing_no_more(site: Agent) -> None:
    ran(site)
    assert not checked(site).is_whole
    answer_flag(MeterFlag.objects.get().pk, "节点断电，没有用到卡", "专班", NOW)
    assert checked(site).is_whole


def test_a_run_that_goes_on_has_to_have_its_hours(site: Agent) -> None:
    leased(site.centre, state="running", started_at=T0)
    site.report(said(), said(started=T0 + HOUR))
    assert checked(site, now=T0 + timedelta(hours=4, minutes=30)).is_whole  # the hours of the last two may be coming
    assert about(checked(site, now=T0 + timedelta(hours=5))) == [("missing", "J1 0")]


def test_a_run_that_has_just_ended_is_waited_for(site: Agent) -> None:
    ran(site)
    assert checked(site, now=T0 + 3 * HOUR).is_whole


def test_records_that_say_more_than_the_run_lasted_are_found(site: Agent) -> None:
    ran(site, hours=1)
    site.report(said(), said(started=T0 + HOUR))
    report = checked(site)
    assert about(report) == [("scheduler", "J1 0")]
    assert "晚于结束 3,600 秒" in report.doubts[0].text


def test_a_requeued_run_began_before_its_last_start(site: Agent) -> None:
    ran(site, hours=1)
    Job.objects.update(started_at=T0 + HOUR, ended_at=T0 + 2 * HOUR)
    site.report(said(hours=0.5), said(started=T0 + HOUR))
    assert checked(site).is_whole


def test_an_earlier_run_that_began_here_and_left_no_record_is_found(site: Agent) -> None:
    job = ran(site, run=1)
    JobEvent.objects.create(job=job, at=T0, run=0, lease=1, state="running", centre=site.centre)
    site.report(said(run=1), said(started=T0 + HOUR, run=1))
    assert about(checked(site)) == [("missing", "J1 0")]


def test_a_run_is_asked_for_only_as_far_as_it_lies_in_the_month(site: Agent) -> None:
    last_hour = T0.replace(day=31, hour=15)  # 23:00 in Shanghai, of which one hour is March
    job = leased(site.centre, state="done", started_at=last_hour, ended_at=last_hour + 3 * HOUR, placed=last_hour)
    site.report(said(started=last_hour))
    assert checked(site, MARCH).is_whole
    assert about(checked(site, Month(2024, 4))) == [("missing", f"{job.uid} 0")]


def test_gaps_of_the_ledger_itself_are_told_apart_from_doubts(site: Agent) -> None:
    imported(sacct(line(), line(1002), line(1003)))
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")  # what only somebody with the whole database can do
        cursor.execute("DELETE FROM compute_usagerecord WHERE sequence = 2")
    report = checked(site)
    assert (len(report.gaps), report.doubts) == (1, [])
    assert "序号不连续：共 2 条" in report.gaps[0]


def test_a_batch_that_was_taken_out_of_the_ledger_is_found(site: Agent) -> None:
    ran(site, hours=3)
    for hour in range(3):
        site.report(said(started=T0 + hour * HOUR))
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute("DELETE FROM compute_meterbatch WHERE number = 2")
    gaps = checked(site).gaps
    assert [text.split("：")[0] for text in gaps] == ["第 3 批"] * 4  # number, records, chain, and the agent's own


def test_a_record_of_an_agents_whose_job_was_never_here_is_found(site: Agent) -> None:
    ran(site)
    site.report(said(), said(started=T0 + HOUR))
    other = agent("c2", name="other-agent-0001")
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute("UPDATE compute_job SET centre_id = %s", [other.centre.pk])
        cursor.execute("UPDATE compute_placementdecision SET centre_id = %s", [other.centre.pk])
    assert about(checked(site)) == [("no_lease", "record 1"), ("no_lease", "record 2")]


def test_records_outside_the_time_of_their_run_are_flagged_whichever_way_they_came(site: Agent) -> None:
    leased(site.centre)
    site.report(said())
    assert checked(site).doubts == []
    PlacementDecision.objects.all()._raw_delete("default")
    card = Accelerator.objects.get(model=A800)
    for at, untimely in ((T0 + 2 * HOUR, True), (T0 + HOUR / 2, True), (NOW - HOUR / 2, True), (T0, False)):
        PlacementDecision.objects.create(
            job_id="J1", run=0, lease=1, at=at, centre=site.centre, accelerator=card, weights="t", parts={}
        )
        assert any(kind == "clock" for kind, _ in about(checked(site))) is untimely, at
        PlacementDecision.objects.all()._raw_delete("default")
