"""The platform's end of the agent's endpoint: everything may come twice, late, or from the wrong place."""

from __future__ import annotations

import base64
import hashlib
from datetime import timedelta
from typing import Any

import pyarrow
import pytest
from jobworld import AGENT, NOON, PROVINCE, asked, centre, party, seen, user

from huisuan.client.agent_wire import LOG_LIMIT, UsageLine
from huisuan.compute.agent_sync import sync
from huisuan.compute.jobs import cancel_job, submit_job
from huisuan.compute.models import Centre, Job, JobLog, SourceChunk, SourceFile, UsageRecord
from huisuan.parties.access import Viewer

pytestmark = pytest.mark.django_db
LATER = NOON + timedelta(seconds=10)


@pytest.fixture
def job() -> Job:
    """A job placed at the centre that AGENT serves."""
    centre()
    sync(seen(), PROVINCE, NOON)
    return submit_job(asked("echo", cards=2, environment={"A": "1"}), user(), NOON, b"\0" * 10)


def usage_line(job: Job, **changed: Any) -> str:
    measured = {
        "uid": job.uid,
        "run": 0,
        "node": "node-1",
        "cards": 2,
        "slots": [0, 1],
        "started_at": NOON,
        "ended_at": NOON + timedelta(seconds=3),
        "elapsed_ns": 2_500_000_000,
        "processor_us": 100,
        "peak_memory_bytes": 1000,
        "state": "completed",
        "exit_code": 0,
        "collector": "huisuan-agent/0.1.0",
    }
    return UsageLine.model_validate({**measured, **changed}).written()


def ended(job: Job, state: str = "completed", **rest: Any) -> dict:
    times = {"started_at": NOON, "ended_at": NOON + timedelta(seconds=3), "exit_code": 0}
    return {"uid": job.uid, "state": state, **times, **rest}


def told(now: Any = LATER, viewer: Viewer = PROVINCE, **rest: Any) -> Any:
    return sync(seen(**rest), viewer, now)


def test_a_placed_job_is_desired_with_all_that_is_needed_to_run_it(job: Job) -> None:
    (wanted,) = told().desired
    assert wanted.model_dump() == {
        "uid": job.uid,
        "command": ["echo"],
        "environment": {"A": "1"},
        "cards": 2,
        "time_limit_seconds": 3600,
        "state": "placed",
        "cancel": False,
    }


def test_a_waiting_job_is_placed_when_the_agent_calls() -> None:
    centre()
    job = submit_job(asked("x"), user(), NOON, b"\0" * 10)
    assert job.state == "submitted"
    (wanted,) = told().desired
    assert wanted.uid == job.uid


def test_states_move_on_and_never_back(job: Job) -> None:
    told(observed=[{"uid": job.uid, "state": "running", "started_at": NOON}])
    job.refresh_from_db()
    assert (job.state, job.started_at) == ("running", NOON)
    told(observed=[{"uid": job.uid, "state": "starting"}])
    job.refresh_from_db()
    assert job.state == "running"
    reply = told(observed=[ended(job)])
    assert (reply.settled, reply.desired) == ([job.uid], [])
    for late in ("running", "failed", "lost"):
        assert told(observed=[{"uid": job.uid, "state": late}]).settled == [job.uid]
    job.refresh_from_db()
    assert (job.state, job.exit_code, job.ended_at) == ("done", 0, NOON + timedelta(seconds=3))


@pytest.mark.parametrize(
    ("state", "becomes", "reason"),
    [("failed", "failed", "中心没有程序"), ("timeout", "failed", "超过时限"), ("lost", "lost", "执行进程消失")],
)
def test_an_end_keeps_the_centres_reason(job: Job, state: str, becomes: str, reason: str) -> None:
    told(observed=[ended(job, state, reason=reason)])
    job.refresh_from_db()
    assert (job.state, job.reasons[-1]) == (becomes, reason)


def test_a_lost_reply_changes_nothing_when_the_same_is_sent_again(job: Job) -> None:
    content = base64.b64encode(b"hello\n").decode()
    message = {
        "observed": [ended(job)],
        "logs": [{"uid": job.uid, "offset": 0, "content": content}],
        "usage": [usage_line(job)],
    }
    first = told(**message)
    second = told(**message)
    third = told(now=LATER + timedelta(minutes=1), **message)
    assert first == second == third
    assert (UsageRecord.objects.count(), SourceFile.objects.count(), JobLog.objects.count()) == (1, 1, 1)
    assert Centre.objects.get().last_sequence == 1


def test_a_usage_line_becomes_a_record_that_goes_back_to_the_very_line(job: Job) -> None:
    line = usage_line(job)
    (answer,) = told(usage=[line]).usage
    assert (answer.sha256, answer.refused) == (hashlib.sha256(line.encode()).hexdigest(), "")
    record = UsageRecord.objects.get()
    assert (record.job_id, record.run, record.party, record.accelerator.model) == (job.uid, 0, party(), "CPU-SLOT")
    assert (record.cards, record.requested_cards, record.card_seconds, record.state) == (2, 2, 6, "COMPLETED")
    assert (record.sequence, record.partition, record.raw_sha256) == (1, "main", answer.sha256)
    chunk = SourceChunk.objects.get(file=record.source_file)
    raw = pyarrow.decompress(bytes(chunk.content), chunk.raw_bytes, codec="zstd", asbytes=True)
    assert raw.decode().split("\n")[record.source_line - chunk.first_line] == line
    assert record.source_file.sha256 == hashlib.sha256(raw).hexdigest()


def test_a_known_line_beside_a_new_one_is_taken_once(job: Job) -> None:
    other = submit_job(asked("x", cards=2), user(), NOON, b"\1" * 10)
    told(usage=[usage_line(job)])
    told(usage=[usage_line(job), usage_line(other), usage_line(other)])
    assert list(UsageRecord.objects.values_list("sequence", "job_id")) == [(1, job.uid), (2, other.uid)]
    assert SourceFile.objects.filter(line_count=1).count() == 2


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"cards": 4}, "上报 4 卡，平台分配 2 卡"),
        ({"ended_at": NOON}, "结束晚于开始"),
        ({"ended_at": NOON + timedelta(seconds=2.5)}, "整秒"),
        ({"started_at": NOON - timedelta(hours=1)}, "请校准中心的时钟"),
        ({"ended_at": NOON + timedelta(hours=1)}, "请校准中心的时钟"),
        ({"uid": "01m8558jnns7cryxk3r3r51yjp"}, "没有调度到智算中心 hf-local"),
    ],
)
def test_a_line_that_contradicts_what_the_platform_knows_is_refused_with_the_reason(
    job: Job, changed: dict[str, Any], reason: str
) -> None:
    (answer,) = told(usage=[usage_line(job, **changed)]).usage
    assert reason in answer.refused
    assert not UsageRecord.objects.exists()


@pytest.mark.parametrize("line", ["", "{}", "[]", "not json", '{"uid": 1}'])
def test_a_line_that_is_no_usage_is_refused_and_the_others_go_in(job: Job, line: str) -> None:
    answers = told(usage=[line, usage_line(job)]).usage
    assert [bool(answer.refused) for answer in answers] == [True, False]
    assert UsageRecord.objects.count() == 1


def test_output_is_kept_once_whatever_pieces_come_again(job: Job) -> Any:
    def send(offset: int, text: bytes) -> int:
        piece = {"uid": job.uid, "offset": offset, "content": base64.b64encode(text).decode()}
        return told(logs=[piece]).log_offsets[job.uid]

    assert send(0, b"abc") == 3
    assert send(0, b"abc") == 3  # again
    assert send(0, b"abcdef") == 6  # again, grown meanwhile
    assert send(9, b"xyz") == 6  # ahead of what is here: asked for from 6 on
    assert send(6, b"ghi") == 9
    assert b"".join(bytes(piece.content) for piece in JobLog.objects.order_by("offset")) == b"abcdefghi"


def test_output_beyond_the_limit_is_not_kept(job: Job) -> None:
    JobLog.objects.create(job=job, offset=LOG_LIMIT, content=b"end")
    piece = {"uid": job.uid, "offset": LOG_LIMIT + 3, "content": base64.b64encode(b"more").decode()}
    assert told(logs=[piece]).log_offsets == {job.uid: LOG_LIMIT + 3}
    assert JobLog.objects.count() == 1


def test_an_agent_speaks_only_of_jobs_of_its_own_centre(job: Job) -> None:
    other = centre("wh-local")
    stranger = Viewer(role="centre", name="别的中心", party_id=party(98, "centre_operator").pk)
    Centre.objects.filter(pk=other.pk).update(operator=party(98))
    reply = told(agent="another-agent", viewer=stranger, observed=[ended(job)], usage=[usage_line(job)])
    assert (reply.centre, reply.desired, reply.settled) == ("wh-local", [], [job.uid])
    assert "没有调度到" in reply.usage[0].refused
    job.refresh_from_db()
    assert job.state == "placed"


def test_two_agents_never_serve_one_centre_until_one_is_silent_for_long(job: Job) -> None:
    second = told(agent="another-agent")
    assert (second.centre, second.desired) == (None, [])
    assert "hf-local 已由 node-1 上的站点代理服务" in second.message
    told(now=NOON + timedelta(seconds=20))
    assert told(agent="another-agent", now=NOON + timedelta(seconds=40)).centre is None
    assert told(agent="another-agent", now=NOON + timedelta(seconds=60)).centre == "hf-local"
    assert told(agent=AGENT, now=NOON + timedelta(seconds=61)).centre is None


def test_without_a_centre_for_its_engine_an_agent_is_told_so() -> None:
    centre("books", engine="")
    reply = told()
    assert (reply.centre, reply.message) == (
        None,
        "没有执行引擎为 local 的智算中心可服务：请用 huisuan centre add --engine local 加入",
    )
    assert "智算中心 hf-1" in told(centre="hf-1").message


def test_a_cancelled_job_is_desired_to_end_until_it_has(job: Job) -> None:
    cancel_job(job.uid, user(), NOON)
    assert told().desired[0].cancel
    assert told().desired[0].cancel
    assert told(observed=[ended(job, "cancelled", exit_code=143)]).desired == []
    job.refresh_from_db()
    assert (job.state, job.reasons[-1]) == ("cancelled", "由提交方取消")
