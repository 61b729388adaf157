"""Jobs on the database: who may submit what, where it goes, how it is cancelled, who sees it."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from jobworld import NOON, PROVINCE, asked, centre, party, seen, user

from huisuan.compute import job_queries
from huisuan.compute.agent_sync import sync
from huisuan.compute.dispatch import place_waiting
from huisuan.compute.jobs import cancel_job, submit_job
from huisuan.compute.models import Accelerator, Centre, Job, JobLog, JobState, Partition, SiteAgent, Tariff
from huisuan.compute.tasks import note_silence
from huisuan.console import Refused
from huisuan.parties.access import Viewer

pytestmark = pytest.mark.django_db


def online(made: Centre, at: Any = NOON) -> Any:
    SiteAgent.objects.update_or_create(
        centre=made, defaults={"name": f"agent of {made.code}", "host": "h", "version": "1", "last_seen_at": at}
    )
    return made


def submit(*command: Any, number: Any = 0, viewer: Viewer = None, now: Any = NOON, **rest: Any) -> Job:
    return submit_job(asked(*command, **rest), viewer or user(), now, number.to_bytes(10))


def test_a_job_goes_to_a_centre_with_room_at_once_and_says_why() -> None:
    online(centre())
    job = submit("echo", "hi")
    assert (job.state, job.centre.code, job.accelerator.model, job.placed_at) == (
        "placed",
        "hf-local",
        "CPU-SLOT",
        NOON,
    )
    assert job.reasons == ["选中 hf-local CPU-SLOT：未定价，空闲 4/4 卡", "未指定型号，用 CPU-SLOT"]


def test_the_price_of_the_day_in_shanghai_decides() -> None:
    dear, cheap = online(centre("a")), online(centre("b"))
    model = Accelerator.objects.get(model="CPU-SLOT")
    Tariff.objects.create(centre=dear, accelerator=model, fen_per_card_hour=500, valid_from=date(2024, 1, 1))
    Tariff.objects.create(
        centre=cheap, accelerator=model, fen_per_card_hour=900, valid_from=date(2024, 1, 1), valid_to=date(2024, 6, 4)
    )
    Tariff.objects.create(centre=cheap, accelerator=model, fen_per_card_hour=400, valid_from=date(2024, 6, 4))
    just_before_midnight = NOON.replace(hour=15, minute=59)
    for made in (dear, cheap):
        online(made, just_before_midnight)
    assert submit("x", now=just_before_midnight).centre == dear
    midnight = just_before_midnight + timedelta(minutes=1)
    for made in (dear, cheap):
        online(made, midnight)
    assert submit("x", number=1, now=midnight).centre == cheap


def test_a_job_waits_until_there_is_room_and_says_for_what() -> None:
    online(centre(cards=2))
    first = submit("x", cards=2)
    second = submit("x", cards=1, number=1)
    assert (second.state, second.reasons) == ("submitted", ["等待 1 卡：hf-local CPU-SLOT 空闲 0/2 卡"])
    Job.objects.filter(pk=first.pk).update(state=JobState.DONE)
    assert place_waiting(NOON) == 1
    second.refresh_from_db()
    assert second.state == JobState.PLACED


def test_no_job_goes_to_a_centre_whose_agent_is_silent() -> None:
    online(centre(), NOON - timedelta(minutes=1))
    assert submit("x").reasons == ["等待 1 卡：hf-local CPU-SLOT 站点代理未连接"]


def test_the_local_engine_never_runs_a_job_for_cards_that_a_processor_would_have_to_play() -> None:
    made = online(centre())
    Partition.objects.create(
        centre=made,
        name="npu",
        accelerator=Accelerator.objects.get(model="Ascend-910B3"),
        nodes=1,
        cards_per_node=8,
    )
    with pytest.raises(Refused, match="没有可供平台作业使用的 Ascend-910B3"):
        submit("x", model="Ascend-910B3")
    assert submit("x").accelerator.model == "CPU-SLOT"


@pytest.mark.parametrize(
    ("rest", "message"),
    [
        ({"cards": 5}, "要 5 卡，一处最多 4 卡"),
        ({"model": "ascend-910b3"}, "都没有可供平台作业使用的 Ascend-910B3"),
        ({"model": "910B-3"}, "型号 910B-3 不在加速卡目录中；相近的有 Ascend-910B3"),
        ({"centre": "hf-locl"}, "没有智算中心 hf-locl；相近的有 hf-local"),
        ({"centre": "books"}, "智算中心 books 没有可供平台作业使用的卡"),
    ],
)
def test_a_job_that_nobody_can_ever_run_is_refused_saying_why(rest: dict[str, Any], message: str) -> None:
    online(centre())
    centre("books", engine="")
    with pytest.raises(Refused, match=message):
        submit("x", **rest)
    assert not Job.objects.exists()


def test_a_user_submits_for_its_own_party_only_and_the_province_names_one() -> None:
    online(centre())
    with pytest.raises(Refused, match="只能为自己的主体"):
        submit("x", party=party(2).uscc)
    with pytest.raises(Refused, match="没有说明作业属于哪个主体"):
        submit("x", viewer=PROVINCE)
    with pytest.raises(Refused, match="不存在"):
        submit("x", viewer=PROVINCE, party="91340100MA2T99999X")
    assert submit("x", viewer=PROVINCE, party=party(2).uscc).party == party(2)


def test_a_job_that_waits_is_cancelled_here_and_now() -> None:
    centre()
    job = submit("x")
    job = cancel_job(job.uid, user(), NOON + timedelta(seconds=5))
    assert (job.state, job.ended_at) == ("cancelled", NOON + timedelta(seconds=5))
    assert job.reasons == ["调度之前由 用户 1 取消"]
    assert cancel_job(job.uid, user(), NOON + timedelta(seconds=9)).ended_at == NOON + timedelta(seconds=5)


def test_a_placed_job_is_cancelled_by_its_agent_and_a_finished_one_not_at_all() -> None:
    made = online(centre())
    job = submit("x")
    assert cancel_job(job.uid, user(), NOON).state == "placed"
    SiteAgent.objects.filter(centre=made).delete()
    (wanted,) = sync(seen(), PROVINCE, NOON).desired
    assert wanted.cancel
    sync(seen(observed=[{"uid": job.uid, "state": "cancelled"}]), PROVINCE, NOON)
    assert cancel_job(job.uid, user(), NOON).state == "cancelled"
    Job.objects.filter(pk=job.pk).update(state=JobState.DONE)
    with pytest.raises(Refused, match="已经结束（完成），不能再取消"):
        cancel_job(job.uid, user(), NOON)


def test_tenants_never_see_or_cancel_each_others_jobs() -> None:
    made = online(centre())
    job = submit("x")
    assert not job_queries.visible(user(2)).exists()
    with pytest.raises(Job.DoesNotExist):
        cancel_job(job.uid, user(2), NOON)
    operator = Viewer(role="centre", name="运营", party_id=made.operator_id)
    assert job_queries.visible(operator).get() == job
    assert job_queries.visible(Viewer(role="city", name="合肥", city="340100")).get() == job
    assert not job_queries.visible(Viewer(role="city", name="芜湖", city="340200")).exists()
    assert job_queries.visible(Viewer(role="auditor", name="审计")).get() == job


def test_a_job_shows_the_names_of_its_environment_and_never_the_values() -> None:
    online(centre())
    shown = job_queries.shown(submit("x", environment={"API_KEY": "secret"}))
    assert shown.environment == ["API_KEY"]
    assert "secret" not in shown.model_dump_json()


def test_a_list_goes_on_where_the_page_before_ended() -> None:
    centre()
    uids = [submit("x", number=n, now=NOON + timedelta(seconds=n)).uid for n in range(5)]
    first = job_queries.page(user(), None, 2, None)
    second = job_queries.page(user(), None, 2, first.next)
    third = job_queries.page(user(), None, 2, second.next)
    assert [job.uid for page in (first, second, third) for job in page.items] == uids[::-1]
    assert third.next is None
    assert job_queries.page(user(), "running", 2, None).items == []


@pytest.mark.parametrize("query", [("asleep", 5, None), (None, 0, None), (None, 501, None), (None, 5, "a\0")])
def test_a_list_that_cannot_be_given_is_refused(query: Any) -> None:
    with pytest.raises(Refused):
        job_queries.page(user(), *query)


def test_output_is_read_from_any_byte_on_and_is_complete_when_the_job_is_over() -> None:
    centre()
    job = submit("x")
    JobLog.objects.create(job=job, offset=0, content="中文".encode())
    JobLog.objects.create(job=job, offset=6, content=b"abc")
    piece = job_queries.log_piece(job, 3)
    assert (piece.text, piece.next_offset, piece.complete) == ("文abc".encode(), 9, False)
    job.state = JobState.DONE
    assert job_queries.log_piece(job, 9).complete
    assert job_queries.log_piece(job, 10**12).text == b""
    with pytest.raises(Refused, match="不能为负"):
        job_queries.log_piece(job, -1)


def test_jobs_at_a_centre_that_fell_silent_say_so_once() -> None:
    made = online(centre())
    job = submit("x")
    assert note_silence(NOON + timedelta(minutes=1)) == 0
    assert note_silence(NOON + timedelta(minutes=3)) == 1
    assert note_silence(NOON + timedelta(minutes=4)) == 0
    job.refresh_from_db()
    assert job.reasons[-1] == "站点代理自 2024-06-03 12:00:00 起没有回音，以上状态可能已经过时"
    online(made, NOON + timedelta(minutes=5))
    assert note_silence(NOON + timedelta(minutes=6)) == 0
