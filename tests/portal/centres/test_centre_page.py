"""A centre's page: its sizes on one axis, nodes, queue, agent, months, prices and records, however many."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from huisuan.base.months import Month
from huisuan.compute.agent_gateway.enrolment import enrol, invite_agent, revoke_agents
from huisuan.compute.jobs.services import submit_job
from huisuan.compute.metering.imports.import_file import UsageFile, import_usage
from huisuan.compute.metering.usage.daily_totals import update_daily_totals
from huisuan.compute.metering.usage.summaries import UsageFilter, summarise_usage
from huisuan.compute.models import Accelerator, AgentKey, CapacityAttestation, Centre, Job
from huisuan.parties.viewer import Viewer
from huisuan.portal.centres import capacity
from huisuan.portal.centres import usage as use
from huisuan.portal.seals.calendar import calendar, due
from huisuan.protocol.resources import JobRequest
from support.jobs import Voice
from support.portal import CARD, HEADER, World, line

pytestmark = pytest.mark.django_db
NODES = [
    *({"name": f"gpu{n}", "partition": "gpu", "local_card": "a800", "cards": 8, "used": n} for n in range(3)),
    {"name": "gpu3", "partition": "gpu", "local_card": "a800", "cards": 8, "used": 0, "state": "down"},
    {"name": "x1", "partition": "new", "local_card": "weird", "cards": 4, "used": 0},
]


@pytest.fixture
def hf(world: World) -> Centre:
    return Centre.objects.get(code="hf")


def page(world: World, code: str = "hf", who: str = "province", language: str = "zh-hans", **query: str) -> str:
    """A centre's page."""
    answer = world.browser(who, language).get(reverse("centre", args=[code]), query)
    assert answer.status_code == 200
    return answer.content.decode()


def section(shown: str, anchor: str) -> str:
    """One part of the page."""
    found = re.search(rf'<section id="{anchor}">.*?</section>', shown, re.S)
    assert found is not None, anchor
    return found[0]


# --- how large it is


def test_the_sizes_stand_on_one_axis_beside_the_400_p_of_the_law(world: World, hf: Centre) -> None:
    Voice(hf).says(timezone.now(), nodes=NODES)
    shown = section(page(world), "sizes")
    assert "登记 10.0 P，离 400 P 还差 390.0 P" in shown
    assert 'href="/policies/anhui-agi-2023#s1.2"' in shown
    table = re.search(r"<details><summary>数据.*?</details>", shown, re.S)
    assert table is not None
    rows = [re.findall(r"<td[^>]*>(.*?)</td>", row) for row in re.findall(r"<tr>(.*?)</tr>", table[0])[1:]]
    assert [row[:2] for row in rows] == [
        ["登记", "10.0 P"], ["现在看到", "10.0 P"], ["一天最多看到", "10.0 P"], ["同时用过", "12.5 P"],
    ]  # fmt: skip
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d", rows[1][2])
    assert shown.count(">400 P</text>") == 2  # drawn for a wide and for a narrow screen


def test_what_was_used_at_once_is_told_with_its_moment(hf: Centre) -> None:
    update_daily_totals(hf)
    found = capacity.sizes(hf, date(2024, 12, 31), None)
    assert (found.used.p, found.used.at) == (Decimal("12.48"), datetime(2024, 1, 5, tzinfo=UTC))  # 40 cards at once
    bars = capacity.chart(found, capacity.legal_size()).bars
    assert [(bar.name, bar.shown, bar.when) for bar in bars][-1] == ("同时用过", "12.5 P", "2024-01-05 08:00")
    assert [bar.shown for bar in bars][1:3] == ["还没有", "还没有"]


def test_partitions_show_what_was_registered_beside_what_is_seen(world: World, hf: Centre) -> None:
    Voice(hf).says(timezone.now(), nodes=NODES)
    rows = {(row.name, row.model): row for row in capacity.partitions(hf, capacity.seen_nodes(hf))}
    gpu, new = rows["gpu", CARD], rows["new", ""]
    assert (gpu.nodes, gpu.cards, gpu.seen_nodes, gpu.up_nodes, gpu.seen, gpu.used) == (4, 32, 4, 3, 32, 3)
    assert (new.nodes, new.seen, new.amiss) == (0, 4, True)
    shown = page(world)
    assert "另有 4 张卡的型号对不上目录" in shown
    assert "故障" in section(shown, "nodes")


def test_what_a_scheduler_without_partitions_shows_belongs_to_the_only_one_with_that_model(hf: Centre) -> None:
    Voice(hf).says(
        timezone.now(), nodes=[{"name": "vm", "partition": "", "local_card": "CPU-SLOT", "cards": 4, "used": 1}]
    )
    rows = {(row.name, row.model): row for row in capacity.partitions(hf, capacity.seen_nodes(hf))}
    assert (rows["cpu", "CPU-SLOT"].seen, rows["cpu", "CPU-SLOT"].used, ("", "CPU-SLOT") in rows) == (4, 1, False)


def test_measured_cards_stand_beside_the_catalogue(world: World, hf: Centre) -> None:
    CapacityAttestation.objects.create(
        job=world.jobs["alpha"], centre=hf, accelerator=Accelerator.objects.get(model=CARD), node="gpu1",
        device="NVIDIA A800", index=3, tflops_fp16=Decimal("251.3"), measured_at=timezone.now(),
    )  # fmt: skip
    shown = section(page(world), "sizes")
    for text in ("251.3", "312.0", "NVIDIA A800", "gpu1 #3", reverse("job", args=[world.jobs["alpha"].uid])):
        assert text in shown


# --- what runs there


def test_the_queue_holds_the_platforms_jobs_that_are_there_and_no_others(world: World, hf: Centre) -> None:
    voice = Voice(hf)
    voice.says(timezone.now())
    viewer = Viewer(role="user", name="alpha", party_id=world.alpha.pk)
    job = submit_job(JobRequest(command=["true"], name="在这里"), viewer, timezone.now(), b"\7" * 10)
    waits = submit_job(
        JobRequest(command=["true"], name="放不下", cards=4, model="CPU-SLOT"), viewer, timezone.now(), b"\x08" * 10
    )
    shown = section(page(world), "queue")
    assert reverse("job", args=[job.uid]) in shown
    assert reverse("job", args=[waits.uid]) not in shown
    job.refresh_from_db()
    times: dict[str, Any] = {"started_at": job.placed_at, "ended_at": job.placed_at, "exit_code": 0}
    voice.says(timezone.now(), observed=[{"uid": job.uid, "lease": job.lease, "state": "completed", **times}])
    assert Job.objects.get(pk=job.uid).state == "done"
    assert reverse("job", args=[job.uid]) not in section(page(world), "queue")


# --- who speaks for it


def test_an_agent_shows_its_heartbeat_abilities_and_clock(world: World, hf: Centre) -> None:
    assert "没有加入" in page(world)
    voice = Voice(hf)
    voice.says(timezone.now(), sent_at=timezone.now() + timedelta(seconds=5))
    shown = section(page(world), "agent")
    assert "在线" in shown
    assert re.search(r"\+[45],\d{3} ms</span> ：请校准那里的时钟", shown)
    assert voice.row.public_key in shown
    assert voice.capabilities["gang"]["why"] in shown
    silent = timezone.now() - timedelta(minutes=5)
    hf.agent.__class__.objects.filter(centre=hf).update(last_seen_at=silent)
    assert "失联" in section(page(world), "agent")


def test_an_agent_whose_clock_is_wrong_is_shown_with_what_follows_from_it(world: World, hf: Centre) -> None:
    Voice(hf).says(timezone.now(), sent_at=timezone.now() - timedelta(milliseconds=3_600_500))
    shown = section(page(world), "agent")
    assert "比平台慢 3,60" in shown
    assert "校准之后接着上报" in shown
    AgentKey.objects.filter(centre=hf).update(revoked_at=timezone.now())
    assert "比平台慢" not in section(page(world), "agent")


def test_a_revoked_agent_and_a_waiting_invitation_are_told(world: World) -> None:
    now = timezone.now()
    _, word = invite_agent("hf", "李四", now)
    enrol(word, "33333333-2222-3333-4444-555555555555", "ab" * 32, "old-host", "local", now)
    revoke_agents("hf", "王五", now)
    invite_agent("hf", "赵六", now)
    shown = section(page(world), "agent")
    assert "赵六 发出的邀请" in shown
    assert "李四 发出的邀请" not in shown  # used
    assert re.search(r"已吊销.*old-host.*王五", shown, re.S)


# --- its months and its records


def test_the_calendar_knows_months_that_are_over_from_the_one_that_is_not(hf: Centre) -> None:
    update_daily_totals(hf)  # as it is whenever somebody opens the page
    (year,) = calendar(hf, date(2024, 8, 15), {Month.parse(month) for month, _model in use.sums(hf)})
    words = {cell.month.number: str(cell.word.label) for cell in year.months}
    assert [words[number] for number in (1, 6, 7, 8, 9)] == ["待封", "待封", "", "未结束", ""]
    own = Centre.objects.filter(pk=hf.pk)
    assert [(one.code, str(first), str(last)) for one, first, last in due(own, date(2024, 8, 15))] == [
        ("hf", "2024-01", "2024-06")
    ]
    assert due(own, date(2024, 1, 31)) == []


def test_the_records_are_shown_a_month_at_a_time_and_the_newest_first(world: World, hf: Centre) -> None:
    def table(**query: str) -> Any:
        answer = world.browser("province").get(reverse("centre", args=["hf"]), query)
        return answer.context["records_table"]

    newest = table()
    assert (newest.count, [row.job_id for row in newest.page]) == (1, ["201"])  # August
    march = table(**{"records-month": "2024-03"})
    assert "200" in {row.job_id for row in march.page}  # crosses into April
    assert "200" in {row.job_id for row in table(**{"records-month": "2024-04"}).page}
    assert table(**{"records-month": "2031-01"}).count == newest.count
    narrowed = table(**{"records-month": "2024-03", "records-model": "H20"})
    assert narrowed.count == march.count  # the centre has never used one: nothing to choose


def test_use_by_month_is_what_the_records_sum_to(world: World, hf: Centre) -> None:
    page(world)
    rows = summarise_usage(["month", "model"], UsageFilter(centre="hf"))
    assert dict(use.sums(hf)) == {(row["month"], row["model"]): row["card_seconds"] for row in rows}


def test_records_that_came_since_the_last_look_are_counted_by_the_next(world: World, hf: Centre) -> None:
    before = use.sums(hf) or (page(world) and use.sums(hf))
    content = "\n".join([HEADER, line(900, "alpha", "2024-08-02T00:00:00", 1, 3), ""]).encode()
    import_usage("hf", UsageFile(content, "more.txt", "sacct"), timezone.now())
    page(world)
    assert use.sums(hf)["2024-08", CARD] == before["2024-08", CARD] + 3 * 3600


def test_whoever_looks_is_told_of_records_that_are_not_counted_yet(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huisuan.portal.centres.views.REFRESH_LIMIT", 10)
    shown = page(world)
    assert "还有 64 条新记录没有按日汇总" in shown
    monkeypatch.undo()
    assert "没有按日汇总" not in page(world)


# --- whatever there is, in every language


def test_a_centre_of_which_nothing_is_known_says_what_would_fill_each_part(world: World) -> None:
    from huisuan.compute.centres.services import CentrePlan, add_centre

    operator = Centre.objects.get(code="wh").operator
    add_centre("new", CentrePlan(name="新中心", operator=operator.uscc, region="340200", partitions=("a=T4:1x4",)))
    shown = page(world, "new")
    for text in (
        "huisuan centre attest new", "huisuan centre invite new",
        "只报用量，不接平台作业", "也就没有要封的月份", "没有待答复的疑点", "还没有价目", "还没有用量",
    ):  # fmt: skip
        assert text in shown


def test_the_page_reads_in_english(world: World, hf: Centre) -> None:
    Voice(hf).says(timezone.now(), nodes=NODES)
    shown = page(world, language="en")
    for text in ("10.0 P registered, 390.0 P short of 400 P", "Used at once", "Site agent", "To be sealed", "Up"):
        assert text in shown


def test_the_centres_own_people_and_its_city_read_it_and_users_do_not(world: World) -> None:
    for who in ("centre", "city", "auditor"):
        assert "站点代理" in page(world, who=who)
    assert world.browser("alpha").get(reverse("centre", args=["hf"])).status_code == 403


def test_use_at_once_charts_and_records_are_of_the_year_that_the_page_shows(world: World, hf: Centre) -> None:
    shown = page(world)  # of 2024, the year that is settled
    assert "取 2024 年之内" in section(shown, "sizes")
    used = capacity.sizes(hf, date(2026, 11, 28), 2024).used
    assert used.p
    assert used.at is not None
    assert used.at.year == 2024
    assert re.search(r'<option value="2024-\d\d" selected', section(shown, "records"))
    assert "没有 1999 年的数据。" in page(world, year="1999")


def test_only_months_with_use_wait_for_their_seal(hf: Centre) -> None:
    ((_, _, last),) = due(Centre.objects.filter(pk=hf.pk), date(2026, 11, 28))
    assert str(last).startswith("2024-")


def test_a_centre_with_a_thousand_nodes_is_one_page_of_few_questions(world: World, hf: Centre) -> None:
    now = timezone.now()
    nodes = [
        {"name": f"gpu{n:04d}", "partition": "gpu", "local_card": "a800", "cards": 8, "used": n % 9,
         "state": "down" if n % 10 == 0 else "up"}
        for n in range(1000)
    ]  # fmt: skip
    Voice(hf).says(now, nodes=nodes)
    invite_agent("hf", "赵六", now)
    browser = world.browser("centre")
    address = reverse("centre", args=["hf"])
    browser.get(address)
    with CaptureQueriesContext(connection) as asked:
        answer = browser.get(address)
    assert len(asked) <= 27, [query["sql"][:120] for query in asked]
    shown = section(answer.content.decode(), "nodes")
    assert "1,000" in shown
    table = answer.context["nodes_table"]
    assert (len(table.page_rows), [value for value, _label in table.options["state"]]) == (20, ["up", "down"])
    down = browser.get(address, {"nodes-state": "down"}).context["nodes_table"]
    assert down.count == 100
