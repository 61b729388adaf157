"""The job page: where it is and why, what it cost so far, every step of its life, what it asked for; and the queue."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from huisuan.compute.accelerators import PROCESSOR_SLOT
from huisuan.compute.centres.services import CentrePlan, add_centre
from huisuan.compute.centres.tariffs import set_tariff
from huisuan.compute.jobs.cost import cost_of, standing_records
from huisuan.compute.jobs.services import submit_job
from huisuan.compute.models import Centre, Job, JobEvent
from huisuan.parties.models import Party
from huisuan.parties.viewer import Viewer
from huisuan.portal.jobs.details import decided
from huisuan.protocol.resources import JobRequest
from support.jobs import Voice
from support.metering import Agent, said
from support.portal import World
from support.relations import relate

pytestmark = pytest.mark.django_db
START = datetime(2025, 2, 3, 4, 0, tzinfo=UTC)  # 12:00 in Shanghai; the law holds until the end of the year
HOUR = timedelta(hours=1)


@dataclass
class Site:
    """The centre hf with its agent, heard at the beginning: of its four cards the world's two jobs take two."""

    world: World
    voice: Voice = field(init=False)
    number: int = 100

    def __post_init__(self) -> None:
        set_tariff("hf", PROCESSOR_SLOT, "360", date(2024, 1, 1))
        self.voice = Voice(Centre.objects.get(code="hf"))
        self.voice.says(START)

    def submit(self, party: Party | None = None, now: datetime = START, **asked: Any) -> Job:
        """A job of alpha's, unless it is another's."""
        self.number += 1
        owner = party or self.world.alpha
        request = JobRequest.model_validate({"command": ["python", "train.py"], "name": "训练", **asked})
        viewer = Viewer(role="user", name="alpha", party_id=owner.pk)
        return submit_job(request, viewer, now, self.number.to_bytes(10))

    def tells(self, job: Job, state: str, now: datetime = START, **told: Any) -> Job:
        """The agent says how a job stands."""
        job.refresh_from_db()
        word = {"uid": job.uid, "run": job.run, "lease": job.lease, "state": state, **told}
        self.voice.says(now, observed=[word])
        job.refresh_from_db()
        return job

    def page(self, job: Job, who: str = "alpha", language: str = "zh-hans") -> str:
        """Its page."""
        return self.world.browser(who, language).get(reverse("job", args=[job.uid])).content.decode()


@pytest.fixture
def site(world: World) -> Site:
    return Site(world)


def meter(site: Site, job: Job, *slices: tuple[datetime, float, str]) -> None:
    """The agent's usage lines: a beginning, hours, a state each."""
    agent = Agent(Centre.objects.get(code="hf"), name="99999999-2222-3333-4444-555555555555")
    lines = [
        said(job.uid, began, hours, run=job.run, lease=job.lease, slice=n, cards=job.cards, state=state, local_card="")
        for n, (began, hours, state) in enumerate(slices)
    ]
    answer = agent.report(*lines, now=START + timedelta(days=2))
    assert not answer.refused, answer


# --- where it is and why


def test_a_waiting_job_says_why_not_yet_and_asks_every_pool(site: Site) -> None:
    site.submit(cards=2, model="CPU-SLOT")
    job = site.submit(cards=2, model="CPU-SLOT")
    site.voice.says(timezone.now())
    shown = site.page(job)
    assert "等待调度" in shown
    assert "为什么还没有开始" in shown
    assert "空闲 0/4 卡" in shown
    assert re.search(r"hf CPU-SLOT</td>.*?3\.60", shown, re.S)  # the pool, with its price


def test_a_job_that_waits_for_another_names_it_with_a_link_both_ways(site: Site) -> None:
    first = site.submit(name="预处理")
    then = site.submit(name="训练", after=[first.uid])
    assert "等待前序作业" in site.page(then)
    assert f'<a href="{reverse("job", args=[first.uid])}">预处理</a>' in site.page(then)
    assert f'<a href="{reverse("job", args=[then.uid])}">训练</a>' in site.page(first)


def test_a_placed_job_shows_its_score_beside_the_runners_up(site: Site) -> None:
    operator = Centre.objects.get(code="wh").operator
    plan = CentrePlan(
        name="二号", operator=operator.uscc, region="340200", engine="local", partitions=("cpu=CPU-SLOT:1x4",)
    )
    second = add_centre("wh-2", plan)
    set_tariff("wh-2", PROCESSOR_SLOT, "720", date(2024, 1, 1))
    Voice(second, name="22222222-2222-3333-4444-555555555555").says(timezone.now())
    site.voice.says(timezone.now())
    shown = site.page(site.submit(site.world.beta, now=timezone.now()), who="beta")
    table = re.search(r'<table class="cards scores">.*?</table>', shown, re.S)
    assert table is not None
    assert "净价" in table[0]
    assert table[0].index("hf CPU-SLOT") < table[0].index("wh-2 CPU-SLOT")
    assert table[0].count("选中") == 1
    assert "没有别的去处" not in shown


def test_a_score_is_shown_in_points_and_may_be_below_nothing(site: Site) -> None:
    from huisuan.protocol.placement import Decision

    parts = {"start": 1_234_567, "price": 0, "distance": 0, "fit": 500, "fragmentation": -1_600_000}
    made = Decision(
        at=START, run=0, lease=1, centre="a", model="M", weights="2023-10", parts=parts, reasons=[], runners_up=[]
    )
    (row,) = decided(made).rows
    assert [points for _, points in row.parts] == ["1.235", "0.000", "0.000", "0.001", "-1.600"]
    assert row.total == "-0.365"
    assert [weight for _, weight in decided(made).heads] == [30, 30, 15, 15, 10]


def test_a_job_at_a_centre_that_fell_silent_says_since_when(site: Site) -> None:
    job = site.tells(site.submit(), "queued")
    assert "起没有联系" in site.page(job)
    site.voice.says(timezone.now())
    assert "起没有联系" not in site.page(job)


# --- the steps of its life


def test_every_step_shows_with_the_webhook_tries(site: Site) -> None:
    job = site.submit(retries=1, notify_url="https://hooks.example.cn/secret")
    site.tells(job, "running", started_at=START)
    site.tells(job, "failed", started_at=START, ended_at=START + HOUR, exit_code=137, reason="内存不足")
    JobEvent.objects.filter(job=job, state="running").update(tries=2, notified_at=START + HOUR)
    JobEvent.objects.filter(job=job, state="failed").update(tries=6)
    shown = site.page(job)
    for text in (
        "第 1 次运行失败，退出码 137（内存不足）",
        "第 2 次运行",
        "通知 6 次未成，不再试",
        "已通知（第 2 次）",
    ):
        assert text in shown
    assert "每一步通知 hooks.example.cn" in shown
    assert "secret" not in shown  # the path is the receiver's


def test_the_page_loads_anew_when_the_job_moved_on_and_leaves_alone_what_did_not_change(site: Site) -> None:
    job = site.submit()
    browser, address = site.world.browser("alpha"), reverse("job", args=[job.uid])
    asked = re.search(r'hx-get="([^"]+)" hx-target="this"', browser.get(address).content.decode())
    assert asked is not None
    again, htmx = asked[1].replace("&amp;", "&"), {"HTTP_HX_REQUEST": "true", "HTTP_HX_TARGET": "live"}
    same = browser.get(again, **htmx)
    assert 'id="live"' in same.content.decode()
    assert 'id="more"' not in same.content.decode()
    site.tells(job, "queued")
    assert browser.get(again, **htmx)["HX-Refresh"] == "true"
    site.tells(job, "completed", started_at=START, ended_at=START + HOUR, exit_code=0)
    assert "hx-trigger" not in browser.get(address).content.decode().split('id="main"')[1]


# --- what it cost


def test_a_running_job_costs_what_is_metered_and_what_the_clock_says_since(site: Site) -> None:
    job = site.tells(site.submit(cards=2, model="CPU-SLOT", time_limit_seconds=36000), "running", started_at=START)
    meter(site, job, (START, 1, "running"), (START + HOUR, 1, "running"))
    cost = cost_of(job, standing_records([job])[job.pk], START + 2.5 * HOUR)
    assert [(line.metered, line.card_seconds) for line in cost.lines] == [(True, 14_400), (False, 3_600)]
    assert cost.fen == Fraction(18_000 * 360, 3600)
    assert cost.back == cost.fen / 5  # 20% under sentence 2.2, by the settings of the year


def test_a_job_that_is_over_costs_what_was_metered_and_nothing_by_the_clock(site: Site) -> None:
    job = site.tells(site.submit(), "running", started_at=START)
    meter(site, job, (START, 0.5, "completed"))
    job = site.tells(job, "completed", started_at=START, ended_at=START + 0.5 * HOUR, exit_code=0)
    cost = cost_of(job, standing_records([job])[job.pk], START + 100 * HOUR)
    assert [(line.metered, line.card_seconds) for line in cost.lines] == [(True, 1_800)]
    assert "全部已计量" in site.page(job)


def test_a_job_that_crosses_a_change_of_price_is_priced_day_by_day(site: Site) -> None:
    set_tariff("hf", PROCESSOR_SLOT, "720", date(2025, 2, 4), replace=True)
    eleven = datetime(2025, 2, 3, 15, 0, tzinfo=UTC)  # 23:00 in Shanghai
    site.voice.says(eleven)
    job = site.tells(site.submit(now=eleven), "running", now=eleven, started_at=eleven)
    cost = cost_of(job, [], eleven + 2 * HOUR)
    assert [(line.fen_per_card_hour, line.card_seconds) for line in cost.lines] == [(360, 3600), (720, 3600)]
    assert (cost.rounded_fen, cost.lines[1].amount) == (1080, "7.2000")


def test_nothing_comes_back_of_use_at_ones_own_centre_and_the_page_says_so(site: Site) -> None:
    operator = Centre.objects.get(code="hf").operator
    relate(site.world.alpha, operator)
    job = site.tells(site.submit(), "running", started_at=START)
    cost = cost_of(job, [], START + HOUR)
    assert (cost.rounded_fen, cost.back_fen, cost.own) == (360, 0, True)


def test_use_without_a_price_is_said_and_not_counted(site: Site) -> None:
    job = site.tells(site.submit(now=START), "running", started_at=START)
    Centre.objects.get(code="hf").tariffs.filter(accelerator__model=PROCESSOR_SLOT).delete()
    cost = cost_of(job, [], START + HOUR)
    assert (cost.fen, cost.unpriced, cost.lines[0].amount) == (0, True, "—")


def test_the_records_of_an_earlier_centre_stay_with_the_job(site: Site) -> None:
    job = site.tells(site.submit(retries=1), "running", started_at=START)
    meter(site, job, (START, 1, "failed"))
    site.voice.says(timezone.now())
    site.tells(job, "failed", started_at=START, ended_at=START + HOUR, exit_code=1)
    job.refresh_from_db()
    assert (job.state, job.run) in {("waiting", 1), ("placed", 1)}
    assert [record.card_seconds for record in standing_records([job])[job.pk]] == [3600]
    assert "3,600 卡秒" in site.page(job)


# --- arrays and cancelling


def test_an_array_shows_how_its_jobs_stand_and_is_cancelled_whole(site: Site) -> None:
    job = site.submit(array=list(range(6)))
    shown = site.page(job)
    assert "共 6 个作业" in shown
    listed = re.search(r'<a href="([^"]+)"><span class="state wait"><span aria-hidden="true">…</span> 等待调度', shown)
    assert listed is not None
    rows = site.world.browser("alpha").get(listed[1].replace("&amp;", "&")).context["table"]
    assert (rows.count, {row.array_uid for row in rows.page}) == (4, {job.array_uid})
    address = reverse("cancel-array", args=[job.uid])
    assert "取消整个阵列（还有 6 个没结束）" in shown
    assert site.world.browser("beta").post(address).status_code == 404
    assert site.world.browser("alpha").post(address).status_code == 302
    states = Job.objects.filter(array_uid=job.array_uid).values_list("state", "cancel_requested_at")
    asked = sorted((state, at is not None) for state, at in states)
    assert asked == [("cancelled", True)] * 4 + [("placed", True)] * 2


def test_the_province_cancels_and_who_only_looks_does_not(site: Site) -> None:
    job = site.submit()
    address = reverse("cancel-job", args=[job.uid])
    for who in ("centre", "city", "auditor"):
        assert site.world.browser(who).post(address).status_code == 403
        assert address not in site.page(job, who)
    assert address in site.page(job, "province")
    assert site.world.browser("province").post(address).status_code == 302
    job.refresh_from_db()
    assert job.cancel_requested_at is not None


def test_what_a_job_writes_is_not_shown_to_its_centre(site: Site) -> None:
    job = site.world.jobs["alpha"]
    assert "第一步" in site.page(job, "auditor")
    assert "第一步" not in site.page(job, "centre")


# --- the queue


def queue(site: Site, query: dict[str, str], who: str = "alpha") -> Sequence[Any]:
    """The rows of the list."""
    table = site.world.browser(who).get(reverse("jobs"), query).context["table"]
    return [line.cells for line in table.lines]


def test_the_list_tells_why_each_waiting_job_waits_and_narrows_to_a_centre(site: Site) -> None:
    held, waits = (
        site.submit(cards=2, model="CPU-SLOT", name="先到"),
        site.submit(cards=2, model="CPU-SLOT", name="在等"),
    )
    notes = {cells[0].text: cell.note for cells in queue(site, {}) for cell in cells if cell.column.key == "state"}
    assert "空闲 0/4 卡" in notes["在等"]
    assert notes["先到"] == ""
    assert [cells[0].text for cells in queue(site, {"centre": "hf", "q": "先到"})] == ["先到"]
    assert queue(site, {"centre": "hf", "q": "在等"}) == []
    file = site.world.browser("alpha").get(reverse("jobs"), {"export": "csv", "state": "waiting"})
    text = b"".join(file.streaming_content).decode()
    assert "等待的原因" in text.splitlines()[0]
    assert waits.uid in text
    assert held.uid not in text


def test_the_page_reads_in_english(site: Site) -> None:
    shown = site.page(site.submit(array=[1, 2]), language="en")
    for word in ("Why", "Course", "Asked for", "Cancel the whole array"):
        assert word in shown


def test_reasons_and_the_course_read_in_english_and_only_names_stay_chinese(site: Site) -> None:
    site.submit(cards=2, model="CPU-SLOT")
    waits = site.submit(cards=2, model="CPU-SLOT")
    never = site.submit()
    site.voice.says(timezone.now())
    never.refresh_from_db()
    never.notes, never.reasons = ["第 3 行 没有人写过的话"], ["前面还有 2 个作业在等"]
    never.save()
    shown = site.page(waits, language="en") + site.page(never, language="en")
    told = ("hf CPU-SLOT: 0 of 4 cards free", "Submitted by alpha", "2 jobs are waiting ahead")
    assert [text for text in told if text not in shown] == []
    assert 'Line 3: <span lang="zh-hans">没有人写过的话</span>' in shown
    shown = re.sub(r'<(\w+)[^>]* lang="zh-hans"[^>]*>.*?</\1>', "", shown, flags=re.S)
    for name in ("中文", "训练", "用户"):  # of the switch, the job, the person
        shown = shown.replace(name, "")
    assert re.findall(r"[\u4e00-\u9fff]+", shown) == []
