"""Jobs on the database: who may submit what, arrays and dependencies, how it is cancelled, who sees it."""

from __future__ import annotations

import dataclasses
import hashlib
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.test.utils import CaptureQueriesContext

from huisuan.base.errors import Refused
from huisuan.compute.jobs import queries as job_queries
from huisuan.compute.jobs.queries import JobFilter
from huisuan.compute.jobs.services import cancel_array, cancel_job, submit_job
from huisuan.compute.jobs.workdirs.services import upload_of
from huisuan.compute.models import (
    Accelerator,
    AgentKey,
    Centre,
    Job,
    JobEvent,
    JobLog,
    JobState,
    Partition,
    SiteAgent,
    Tariff,
    Upload,
)
from huisuan.parties.models import Project
from huisuan.parties.viewer import Viewer
from support.jobs import NOON, PROVINCE, asked, centre, party, user

pytestmark = pytest.mark.django_db


def online(made: Centre, at: Any = NOON) -> Centre:
    key = AgentKey.objects.create(centre=made, name=str(uuid4()), public_key=uuid4().hex * 2, host="h", enrolled_at=at)
    SiteAgent.objects.create(
        centre=made,
        key=key,
        boot=str(uuid4()),
        host="h",
        version="1",
        engine=made.engine,
        last_seen_at=at,
        capabilities={"workdir": [True, "本机目录"], "gang": [True, "同时开始"]},
    )
    return made


def submit(*command: Any, number: Any = 0, viewer: Viewer | None = None, now: Any = NOON, **rest: Any) -> Job:
    return submit_job(asked(*command, **rest), viewer or user(), now, number.to_bytes(10))


def upload(owner: int, content: bytes = b"tar") -> Upload:
    sha256 = hashlib.sha256(content).hexdigest()
    return Upload.objects.create(
        party=party(owner), sha256=sha256, size=len(content), content=content, uploaded_at=NOON
    )


def test_a_job_keeps_everything_that_was_asked_for() -> None:
    online(centre())
    Partition.objects.update(nodes=2, cards_per_node=2)
    slot = Accelerator.objects.get(model="CPU-SLOT")
    Tariff.objects.create(centre=Centre.objects.get(), accelerator=slot, fen_per_card_hour=1200, valid_from=NOON.date())
    packed = upload(1)
    job = submit(
        "python",
        "train.py",
        name="训练",
        environment={"A": "1"},
        workdir=packed.sha256,
        cards=4,
        nodes=2,
        models=["CPU-SLOT"],
        city="合肥",
        centre="HF-LOCAL",
        data_at="340200",
        price_ceiling_fen=1200,
        deadline=NOON + timedelta(days=1),
        time_limit_seconds=60,
        retries=2,
        notify_url="https://hooks.example.cn/x",
        notes=["--mem：由中心决定"],
        source_format="sbatch",
    )
    shown = job_queries.job_to_wire(job).model_dump()
    expected = {
        "name": "训练",
        "environment": ["A"],
        "workdir": packed.sha256,
        "cards": 4,
        "nodes": 2,
        "models": ["CPU-SLOT"],
        "wanted_city": "合肥市",
        "wanted_centre": "hf-local",
        "data_at": "芜湖市",
        "price_ceiling_fen": 1200,
        "retries": 2,
        "notes": ["--mem：由中心决定"],
        "source_format": "sbatch",
    }
    assert {key: shown[key] for key in expected} == expected
    assert job.notify_url == "https://hooks.example.cn/x"


def test_a_submission_that_is_sent_again_is_the_same_job_and_another_is_another() -> None:
    centre()
    first = submit_job(asked("true", array=[1, 2]), user(), NOON, bytes(10), "key")
    assert submit_job(asked("true", array=[1, 2]), user(), NOON, (7).to_bytes(10), "key").uid == first.uid
    assert Job.objects.count() == 2
    uids = {
        first.uid,
        submit_job(asked("true"), user(), NOON, (20).to_bytes(10), "key").uid,  # the same key, another request
        submit_job(asked("true"), user(), NOON, (21).to_bytes(10), "other").uid,
        submit_job(asked("true"), user(2), NOON, (22).to_bytes(10), "other").uid,
        submit_job(asked("true"), user(), NOON, (23).to_bytes(10)).uid,
        submit_job(asked("true"), user(), NOON, (24).to_bytes(10)).uid,
    }
    assert len(uids) == 6


def test_the_same_request_and_key_by_a_token_of_another_project_is_another_submission() -> None:
    online(centre())
    SiteAgent.objects.update(capabilities={"sessions": [True, "本机"]})
    projects = [
        Project.objects.create(party=party(), code=code, name=code, created_at=NOON) for code in ("speech", "vision")
    ]
    bound = [dataclasses.replace(user(), project_id=project.pk) for project in projects]
    jobs = [
        submit_job(asked("true"), viewer, NOON, number.to_bytes(10), "key")
        for number, viewer in enumerate([*bound, user()], 1)
    ]
    assert [job.project.code for job in jobs] == ["speech", "vision", "default"]
    again = submit_job(asked("true"), bound[1], NOON, (9).to_bytes(10), "key")
    assert again == jobs[1]
    session = submit_job(asked("true"), user(), NOON, (10).to_bytes(10), "key", session_kind="shell")
    assert session not in jobs


def test_the_first_step_of_a_jobs_life_is_noted() -> None:
    centre()
    job = submit("x")
    (event,) = job_queries.events(job)
    assert (event.state, event.at, event.text) == ("waiting", NOON, "由 用户 1 提交")


def test_an_array_is_one_job_for_each_index_and_each_knows_its_own() -> None:
    centre()
    first = submit("x", array=[7, 3, 5, 3], environment={"A": "1"}, source_format="sbatch")
    jobs = list(Job.objects.order_by("uid"))
    assert [job.array_index for job in jobs] == [3, 5, 7]
    assert {job.array_uid for job in jobs} == {first.uid} == {jobs[0].uid}
    assert jobs[1].environment == {
        "A": "1",
        "HUISUAN_ARRAY": first.uid,
        "HUISUAN_ARRAY_INDEX": "5",
        "HUISUAN_ARRAY_COUNT": "3",
        "SLURM_ARRAY_JOB_ID": first.uid,
        "SLURM_ARRAY_TASK_ID": "5",
        "SLURM_ARRAY_TASK_COUNT": "3",
        "SLURM_ARRAY_TASK_MIN": "3",
        "SLURM_ARRAY_TASK_MAX": "7",
    }
    assert JobEvent.objects.count() == 3
    assert job_queries.array(user(), jobs[2]).model_dump() == {
        "uid": first.uid,
        "count": 3,
        "states": {"waiting": 3},
    }


@pytest.mark.parametrize("randomness", [b"\xff" * 10, b"\0" * 10])
def test_the_uids_of_an_array_sort_as_its_indices_whatever_the_randomness(randomness: bytes) -> None:
    centre()
    submit_job(asked("x", array=list(range(300))), user(), NOON, randomness)
    assert list(Job.objects.order_by("uid").values_list("array_index", flat=True)) == list(range(300))


def test_ten_thousand_jobs_are_one_transaction_of_few_statements(django_assert_max_num_queries: Any) -> None:
    centre()
    with django_assert_max_num_queries(100):
        submit("x", array=list(range(10_000)))
    assert Job.objects.count() == 10_000


def test_a_job_that_waits_for_others_is_submitted_and_not_yet_waiting() -> None:
    centre()
    first, second = submit("x"), submit("x", number=1)
    last = submit("x", number=2, after=[second.uid, first.uid])
    assert (last.state, last.reasons) == ("submitted", [f"等待作业 {first.uid}、{second.uid} 完成"])
    assert job_queries.job_to_wire(last).after == sorted([first.uid, second.uid])


def test_a_job_after_one_that_is_done_does_not_wait_for_it() -> None:
    centre()
    first = submit("x")
    Job.objects.update(state=JobState.DONE)
    assert submit("x", number=1, after=[first.uid]).state == "waiting"


def test_a_job_after_an_array_waits_for_all_of_it() -> None:
    centre()
    array = submit("x", array=[0, 1, 2])
    last = submit("x", number=9, after=[array.uid])
    assert last.dependencies.count() == 3


def test_a_job_after_what_will_never_be_done_or_is_anothers_is_refused() -> None:
    centre()
    failed, others = submit("x"), submit("x", number=1, viewer=user(2))
    Job.objects.filter(pk=failed.pk).update(state=JobState.FAILED)
    with pytest.raises(Refused, match=f"{failed.uid} 已经失败，不会再完成"):
        submit("x", number=3, after=[failed.uid])
    for unknown in (others.uid, "0" * 26):
        with pytest.raises(Refused, match=f"{unknown} 不存在，或不属于这个主体"):
            submit("x", number=3, after=[unknown])
    assert Job.objects.count() == 2


@pytest.mark.parametrize(
    ("rest", "message"),
    [
        ({"slots": 5}, "4 卡"),
        ({"cards": 1}, "处理器槽不是加速卡"),
        ({"models": ["910B-3"]}, "型号 910B-3 不在加速卡目录中；相近的有 Ascend-910B3"),
        ({"model": "Ascend910D"}, "型号 Ascend910D 不在加速卡目录中；相近的有 Ascend-910"),
        ({"vendor": "AMD"}, "厂商 AMD 不在加速卡目录中；目录中有 NVIDIA、Huawei"),
        ({"min_memory_gib": 200}, "没有同时满足的型号：显存 ≥ 200 GiB。请放宽"),
        ({"models": ["T4"], "vendor": "huawei"}, "没有同时满足的型号：型号 T4；厂商 Huawei。请放宽"),
        ({"min_tflops_fp16": "9000"}, "FP16 ≥ 9000 TFLOPS"),
        ({"centre": "hf-locl"}, "没有智算中心 hf-locl；相近的有 hf-local"),
        ({"city": "南京"}, "没有市 南京：请写安徽省各市"),
        ({"city": "芜湖", "centre": "hf-local"}, "智算中心 hf-local 不在芜湖市"),
        ({"data_at": "hf-locl"}, "数据所在 hf-locl：既不是智算中心的代码，也不是安徽省的市；相近的有 hf-local"),
        ({"deadline": NOON}, "截止时间 2024-06-03 12:00:00：应在现在之后"),
        ({"deadline": NOON + timedelta(days=400)}, "一年之内"),
        ({"workdir": "0" * 64}, "没有上传"),
    ],
)
def test_a_job_that_nobody_can_ever_run_is_refused_saying_why(rest: dict[str, Any], message: str) -> None:
    online(centre())
    with pytest.raises(Refused, match=message):
        submit("x", **rest)
    assert not Job.objects.exists()


def test_a_model_may_be_called_as_people_call_it() -> None:
    made = online(centre())
    Partition.objects.create(
        centre=made, name="gpu", accelerator=Accelerator.objects.get(model="A100-SXM4-80GB"), nodes=1, cards_per_node=8
    )
    Centre.objects.update(engine="slurm")
    assert submit("x", models=["a100", "NVIDIA-A100-SXM4-80GB"]).card_models == ["A100-SXM4-40GB", "A100-SXM4-80GB"]


def test_a_user_submits_for_its_own_party_only_and_the_province_names_one() -> None:
    online(centre())
    with pytest.raises(Refused, match="只能为自己的主体"):
        submit("x", party=party(2).uscc)
    with pytest.raises(Refused, match="没有说明作业属于哪个主体"):
        submit("x", viewer=PROVINCE)
    with pytest.raises(Refused, match="不存在"):
        submit("x", viewer=PROVINCE, party="91340100MA2T99999X")
    assert submit("x", viewer=PROVINCE, party=party(2).uscc).party == party(2)


def test_a_working_directory_is_its_own_partys_only() -> None:
    online(centre())
    packed = upload(2)
    with pytest.raises(Refused, match="没有上传"):
        submit("x", workdir=packed.sha256)
    assert submit("x", workdir=packed.sha256, viewer=user(2)).workdir == packed


def test_a_working_directory_and_jobs_to_wait_for_are_of_the_tokens_own_project() -> None:
    online(centre())
    whole = user()
    default = submit("x")
    speech = Project.objects.create(party=party(), code="speech", name="语音", created_at=NOON)
    bound = dataclasses.replace(whole, scope="submit", project_id=speech.pk)
    packed = upload(1)
    for look in (
        lambda: upload_of(packed.sha256, bound),
        lambda: submit("x", number=1, viewer=bound, workdir=packed.sha256),
        lambda: submit("x", number=2, viewer=bound, after=[default.uid]),
    ):
        with pytest.raises((Refused, Upload.DoesNotExist)):
            look()
    packed.projects.add(speech)  # its token brought it, too
    own = submit("x", number=3, viewer=bound, workdir=packed.sha256)
    assert (own.project, upload_of(packed.sha256, bound)) == (speech, packed)
    assert submit("x", number=4, viewer=bound, after=[own.uid]).project == speech
    other = upload(1, b"another")
    submit("x", number=5, workdir=other.sha256, project="speech")  # a job of the project came with it
    assert upload_of(other.sha256, bound) == other
    assert submit("x", number=6, after=[own.uid, default.uid]).state == "submitted"


def test_an_array_of_another_project_is_nothing_to_wait_for() -> None:
    online(centre())
    speech = Project.objects.create(party=party(), code="speech", name="语音", created_at=NOON)
    bound = dataclasses.replace(user(), scope="submit", project_id=speech.pk)
    array = submit("x", array=[1, 2])
    with pytest.raises(Refused, match="要先完成的作业"):
        submit("x", number=9, viewer=bound, after=[array.uid])


def test_reading_a_job_never_fetches_the_working_directory_itself() -> None:
    from django.db import connection

    online(centre())
    job = submit("x", workdir=upload(1).sha256)
    with CaptureQueriesContext(
        connection,
    ) as asked_for:
        assert job_queries.job_to_wire(job_queries.one(user(), job.uid)).workdir
        job_queries.page(user(), JobFilter(), 5, None)
    assert not any('"content"' in query["sql"] for query in asked_for)


def test_a_job_that_waits_is_cancelled_here_and_now() -> None:
    centre()
    job = submit("x")
    job = cancel_job(job.uid, user(), NOON + timedelta(seconds=5))
    assert (job.state, job.ended_at) == ("cancelled", NOON + timedelta(seconds=5))
    assert job.reasons[-1] == "调度之前由 用户 1 取消"
    assert cancel_job(job.uid, user(), NOON + timedelta(seconds=9)).ended_at == NOON + timedelta(seconds=5)
    assert [event.state for event in job_queries.events(job)] == ["waiting", "cancelled"]


def test_a_job_that_waits_for_another_is_cancelled_here_and_now() -> None:
    centre()
    job = submit("x", number=1, after=[submit("x").uid])
    assert cancel_job(job.uid, user(), NOON).state == "cancelled"


def test_what_waits_for_a_job_that_is_cancelled_is_cancelled_with_it() -> None:
    centre()
    first = submit("x")
    second = submit("x", number=1, after=[first.uid])
    third = submit("x", number=2, after=[second.uid])
    cancel_job(first.uid, user(), NOON)
    third.refresh_from_db()
    assert (third.state, third.reasons[-1]) == ("cancelled", f"它要等的作业 {second.uid} 没有成功")


def test_a_placed_job_is_asked_to_end_and_a_finished_one_not_at_all() -> None:
    made = online(centre())
    job = submit("x")
    Job.objects.filter(pk=job.pk).update(
        state=JobState.PLACED, centre=made, lease=1, accelerator=Accelerator.objects.get(model="CPU-SLOT")
    )
    asked_for = cancel_job(job.uid, user(), NOON)
    assert (asked_for.state, asked_for.cancel_requested_at) == ("placed", NOON)
    assert cancel_job(job.uid, user(), NOON + timedelta(seconds=9)).cancel_requested_at == NOON
    Job.objects.filter(pk=job.pk).update(state=JobState.DONE)
    with pytest.raises(Refused, match="已经结束（完成），不能再取消"):
        cancel_job(job.uid, user(), NOON)


def test_a_whole_array_is_cancelled_by_any_of_its_jobs_but_for_those_that_are_over() -> None:
    centre()
    array = submit("x", array=[0, 1, 2])
    over = Job.objects.get(array_index=1)
    Job.objects.filter(pk=over.pk).update(state=JobState.DONE)
    cancelled = cancel_array(over.uid, user(), NOON)
    assert [job.array_index for job in cancelled] == [0, 2]
    assert set(Job.objects.values_list("array_index", "state")) == {(0, "cancelled"), (1, "done"), (2, "cancelled")}
    assert cancel_array(array.uid, user(), NOON) == []
    assert JobEvent.objects.filter(state="cancelled").count() == 2
    with pytest.raises(Job.DoesNotExist):
        cancel_array(array.uid, user(2), NOON)
    with pytest.raises(Refused, match="不属于阵列"):
        cancel_array(submit("x", number=99).uid, user(), NOON)


def test_tenants_never_see_or_cancel_each_others_jobs() -> None:
    made = online(centre())
    job = submit("x")
    Job.objects.update(centre=made)
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
    shown = job_queries.job_to_wire(submit("x", environment={"API_KEY": "secret"}))
    assert shown.environment == ["API_KEY"]
    assert "secret" not in shown.model_dump_json()


def test_a_list_goes_on_where_the_page_before_ended() -> None:
    centre()
    uids = [submit("x", number=n, now=NOON + timedelta(seconds=n)).uid for n in range(5)]
    first = job_queries.page(user(), JobFilter(), 2, None)
    second = job_queries.page(user(), JobFilter(), 2, first.next)
    third = job_queries.page(user(), JobFilter(), 2, second.next)
    assert [job.uid for page in (first, second, third) for job in page.items] == uids[::-1]
    assert third.next is None


def test_a_list_holds_only_what_is_asked_for() -> None:
    made = centre()
    array = submit("x", array=[0, 1], name="扫描")
    single = submit("x", number=9, name="训练")
    Job.objects.filter(pk=single.pk).update(state=JobState.DONE, centre=made)

    def listed(**only: str) -> set[str]:
        return {job.name for job in job_queries.page(PROVINCE, JobFilter(**only), 9, None).items}

    assert listed(state="done") == listed(centre="HF-LOCAL") == listed(name="训") == {"训练"}
    assert listed(array=array.uid) == {"扫描"}
    assert listed(state="done,waiting") == listed(party=party().uscc) == {"扫描", "训练"}
    assert listed(state="running") == listed(party=party(2).uscc) == listed(name="\0") == set()


@pytest.mark.parametrize("query", [("asleep", 5, None), (None, 0, None), (None, 501, None), (None, 5, "a\0")])
def test_a_list_that_cannot_be_given_is_refused(query: Any) -> None:
    state, limit, before = query
    with pytest.raises(Refused):
        job_queries.page(user(), JobFilter(state=state), limit, before)


def test_output_is_read_from_any_byte_on_and_is_complete_when_the_job_is_over() -> None:
    centre()
    job = submit("x")
    JobLog.objects.create(job=job, offset=0, content="中文".encode())
    JobLog.objects.create(job=job, offset=6, content=b"abc")
    piece = job_queries.log_piece(job, 3)
    assert (piece.text, piece.next_offset, piece.complete) == ("文abc".encode(), 9, False)
    job.state = JobState.DONE
    assert job_queries.log_piece(job, 9).complete
    assert job_queries.log_piece(job, 10**30).text == b""
    with pytest.raises(Refused, match="不能为负"):
        job_queries.log_piece(job, -1)


def test_a_log_of_any_size_is_read_a_mebibyte_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_queries, "LOG_BYTES", 10)
    centre()
    job = submit("x")
    whole = bytes(range(97, 123))
    JobLog.objects.create(job=job, offset=0, content=whole[:24])
    JobLog.objects.create(job=job, offset=24, content=whole[24:])
    read, offset = [], 0
    while text := (piece := job_queries.log_piece(job, offset)).text:
        read.append(text)
        offset = piece.next_offset
    assert [len(text) for text in read] == [10, 10, 6]
    assert b"".join(read) == whole
