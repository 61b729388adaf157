"""The platform's end of the agent's endpoint: everything may come twice, late, or from the wrong place."""

from __future__ import annotations

import base64
import hashlib
from datetime import timedelta
from typing import Any

import pytest

from huisuan.compute.agent_gateway.desired_state import load_centre_digest, mark_of
from huisuan.compute.agent_gateway.enrolment import EnrolmentRefused
from huisuan.compute.agent_gateway.serving_agent import list_agents
from huisuan.compute.agent_gateway.sync import sync
from huisuan.compute.jobs.services import cancel_job, submit_job
from huisuan.compute.keys.platform_key import public
from huisuan.compute.models import (
    Accelerator,
    AgentKey,
    CapacitySighting,
    CentreNode,
    Job,
    JobLog,
    MeterFlag,
    Partition,
    SiteAgent,
    Upload,
)
from huisuan.protocol.agent import LOG_LIMIT, SyncReply
from huisuan.protocol.run_set import digest, mark
from support.jobs import NOON, Voice, asked, centre, party, user

pytestmark = pytest.mark.django_db
LATER = NOON + timedelta(seconds=5)


@pytest.fixture
def site() -> Voice:
    """The agent of a centre, heard once."""
    made = Voice(centre())
    made.says()
    return made


@pytest.fixture
def job(site: Voice) -> Job:
    """A job placed at the centre."""
    return submit_job(asked("echo", slots=2, environment={"A": "1"}), user(), NOON, b"\0" * 10)


def word(job: Job, state: str = "completed", **rest: Any) -> dict[str, Any]:
    """A word about the job's present run."""
    ended = {"started_at": NOON, "ended_at": NOON + timedelta(seconds=3), "exit_code": 0}
    times = ended if state in ("completed", "failed", "timeout") else {}
    return {"uid": job.uid, "run": job.run, "lease": job.lease, "state": state, **times, **rest}


def state(job: Job) -> str:
    job.refresh_from_db()
    return job.state


# --- what is wanted


def test_a_placed_job_is_desired_with_all_that_is_needed_to_run_it(site: Voice, job: Job) -> None:
    (wanted,) = site.says(LATER).desired
    assert wanted.model_dump() == {
        "uid": job.uid, "run": 0, "lease": 1, "command": ["echo"], "script": "", "image": "",
        "environment": {"A": "1"}, "workdir": None, "cards": 2, "nodes": 1, "model": "CPU-SLOT", "partition": "main",
        "local_card": "", "time_limit_seconds": 3600, "state": "placed", "cancel": False, "log_base": 0, "outputs": "",
        "session": False,
    }  # fmt: skip


def test_what_an_agent_holds_is_not_sent_again_until_it_changes(site: Voice, job: Job) -> None:
    first = site.says(LATER)
    assert site.says(LATER, held=first.held).desired is None
    site.says(LATER, observed=[word(job, "running", started_at=NOON)])
    assert site.says(LATER, held=first.held).desired is None  # how it stands the agent knows better
    cancel_job(job.uid, user(), LATER)
    changed = site.says(LATER, held=first.held)
    assert changed.desired[0].cancel
    assert site.says(LATER, held=changed.held).desired is None


def test_what_ended_and_what_came_is_told_without_the_rest(site: Voice, job: Job) -> None:
    stays = submit_job(asked("stays"), user(), NOON, b"\1" * 10)
    first = site.says(LATER)
    running = [word(each, "running", started_at=NOON) for each in (job, stays)]
    site.says(LATER, held=first.held, observed=running)
    ended = site.says(LATER, held=first.held, observed=[word(job)])
    assert (ended.desired, ended.added) == (None, [])
    assert ended.held == digest([mark(stays.uid, 0, 1, False)])
    came = submit_job(asked("came"), user(), NOON, b"\2" * 10)
    told = site.says(LATER, held=ended.held)
    assert (told.desired, [each.uid for each in told.added]) == (None, [came.uid])
    assert told.held == digest([mark(stays.uid, 0, 1, False), mark(came.uid, 0, 1, False)])


def test_an_agent_whose_knowledge_does_not_add_up_hears_everything(site: Voice, job: Job) -> None:
    reply = site.says(LATER, held="0" * 63 + "1")
    assert [each.uid for each in reply.desired] == [job.uid]


def test_the_digest_is_the_same_in_sql_and_in_python_with_runs_leases_and_cancelled_jobs(site: Voice) -> None:
    for number in range(4):
        submit_job(asked("x"), user(), NOON, number.to_bytes(10))
    for number, each in enumerate(Job.objects.order_by("uid")):
        Job.objects.filter(pk=each.pk).update(run=number, lease=number + 7)
    cancel_job(Job.objects.order_by("uid")[1].uid, user(), NOON)
    marks = [mark_of(each) for each in Job.objects.all()]
    assert load_centre_digest(site.row.centre, NOON).wanted == digest(marks)
    assert digest(marks[:1], digest(marks)) == digest(marks[1:])


def test_a_waiting_job_is_placed_when_the_agent_calls() -> None:
    site = Voice(centre())
    waiting = submit_job(asked("x"), user(), NOON, b"\0" * 10)
    assert waiting.state == "waiting"
    (wanted,) = site.says().desired
    assert wanted.uid == waiting.uid


def test_the_scheduler_s_own_word_for_the_card_goes_along(site: Voice) -> None:
    Partition.objects.update(local_names=["slot"])
    submit_job(asked("x"), user(), NOON, b"\0" * 10)
    assert site.says().desired[0].local_card == "slot"


# --- how runs stand


def test_a_lost_reply_changes_nothing_when_the_same_is_said_again(site: Voice, job: Job) -> None:
    content = base64.b64encode(b"hello\n").decode()
    message = {"observed": [word(job)], "logs": [{"uid": job.uid, "offset": 0, "content": content}]}
    first = site.says(LATER, **message)
    second = site.says(LATER, **message)
    third = site.says(LATER + timedelta(minutes=1), **message)
    assert first.acknowledged == second.acknowledged == third.acknowledged == [(job.uid, 1)]
    assert first.settled == second.settled == third.settled == [job.uid]
    assert first.log_offsets == third.log_offsets == {job.uid: 6}
    assert JobLog.objects.count() == 1
    assert [event.state for event in job.events.all()] == ["waiting", "placed", "done"]


def test_an_agent_speaks_only_of_jobs_of_its_own_centre(site: Voice, job: Job) -> None:
    other = Voice(centre("wh-local"), name="another-agent")
    piece = {"uid": job.uid, "offset": 0, "content": ""}
    reply = other.says(LATER, observed=[word(job)], logs=[piece])
    assert (reply.centre, reply.desired, reply.log_offsets) == ("wh-local", [], {})
    assert state(job) == "placed"


def test_a_cancelled_job_is_desired_to_end_until_it_has(site: Voice, job: Job) -> None:
    cancel_job(job.uid, user(), NOON)
    assert site.says(LATER).desired[0].cancel
    assert site.says(LATER).desired[0].cancel
    assert site.says(LATER, observed=[word(job, "cancelled", exit_code=143)]).desired == []
    assert (state(job), job.reasons[-1]) == ("cancelled", "由提交方取消")


def test_a_job_that_the_platform_does_not_know_is_settled(site: Voice) -> None:
    reply = site.says(observed=[{"uid": "01m8558jnns7cryxk3r3r51yjp", "lease": 1, "state": "running"}])
    assert reply.settled == ["01m8558jnns7cryxk3r3r51yjp"]


# --- output


def send(site: Voice, job: Job, offset: int, text: bytes) -> SyncReply:
    return site.says(LATER, logs=[{"uid": job.uid, "offset": offset, "content": base64.b64encode(text).decode()}])


def test_output_is_kept_once_whatever_pieces_come_again(site: Voice, job: Job) -> None:
    def here(offset: int, text: bytes) -> int:
        return send(site, job, offset, text).log_offsets[job.uid]

    assert here(0, b"abc") == 3
    assert here(0, b"abc") == 3  # again
    assert here(0, b"abcdef") == 6  # again, grown meanwhile
    assert here(9, b"xyz") == 6  # ahead of what is here: asked for from 6 on
    assert here(6, b"ghi") == 9
    assert b"".join(bytes(piece.content) for piece in JobLog.objects.order_by("offset")) == b"abcdefghi"


def test_output_beyond_the_limit_is_not_kept(site: Voice, job: Job) -> None:
    JobLog.objects.create(job=job, offset=LOG_LIMIT, content=b"end")
    assert send(site, job, LOG_LIMIT + 3, b"more" * 400).log_offsets == {job.uid: LOG_LIMIT + 3}
    assert JobLog.objects.count() == 1


def test_the_output_of_a_second_run_follows_that_of_the_first(site: Voice, job: Job) -> None:
    Job.objects.update(retries=1)
    send(site, job, 0, b"first\n")
    site.says(LATER, observed=[word(job, "failed", exit_code=1)])
    (wanted,) = site.says(LATER).desired
    assert (wanted.run, wanted.lease, wanted.log_base) == (1, 2, 6)


# --- who serves


def test_a_request_that_came_before_is_a_replay(site: Voice) -> None:
    old = site.request(NOON)
    site.says()
    site.number = old.number - 1
    with pytest.raises(EnrolmentRefused, match="重放"):
        site.says()


def test_two_agents_never_serve_one_centre_until_one_is_silent_for_long(site: Voice) -> None:
    other = Voice(site.row.centre, name="another-agent", place="b" * 24)
    second = other.says(NOON + timedelta(seconds=20))
    assert (second.centre, second.desired, second.stop) == (None, None, False)
    assert "node-1 上的站点代理正在服务 hf-local" in second.message
    site.says(NOON + timedelta(seconds=20))
    assert other.says(NOON + timedelta(seconds=40)).centre is None
    assert other.says(NOON + timedelta(seconds=51)).centre == "hf-local"
    assert site.says(NOON + timedelta(seconds=52)).centre is None


def test_a_second_copy_of_an_agent_is_told_to_stop_and_the_first_goes_on(site: Voice) -> None:
    first, copy = site.place, "c" * 24
    site.place = copy
    reply = site.says(LATER)
    assert (reply.centre, reply.stop) == (None, True)
    assert "这一份是多余的" in reply.message
    site.place = first
    assert site.says(LATER).centre == "hf-local"


def test_a_copy_waits_for_one_that_may_be_gone_and_takes_its_place(site: Voice) -> None:
    site.place = "c" * 24
    waits = site.says(NOON + timedelta(seconds=15))
    assert (waits.centre, waits.stop) == (None, False)
    assert site.says(NOON + timedelta(seconds=31)).centre == "hf-local"
    site.place = "a" * 24
    assert site.says(NOON + timedelta(seconds=32)).stop


def test_an_agent_started_again_at_its_place_goes_on_at_once_and_its_former_self_stops(site: Voice) -> None:
    site.start = 7
    assert site.says(LATER).centre == "hf-local"
    site.start = 6
    assert site.says(LATER).stop


def test_where_the_agent_that_served_is_revoked_another_need_not_wait(site: Voice) -> None:
    site.row.revoked_at = NOON
    site.row.save()
    assert Voice(site.row.centre, name="another-agent").says(LATER).centre == "hf-local"


def test_an_agent_with_another_engine_than_the_centre_s_is_told_so(site: Voice) -> None:
    reply = site.says(engine="slurm")
    assert (reply.centre, reply.message) == (None, "智算中心 hf-local 登记的执行引擎是 local，代理用的是 slurm")


def test_the_clock_s_skew_and_the_capabilities_are_recorded(site: Voice) -> None:
    site.says(LATER, sent_at=LATER - timedelta(seconds=90), capabilities={})
    held = SiteAgent.objects.get()
    assert (held.skew_ms, held.last_seen_at) == (-90_000, LATER)
    assert held.capabilities["gang"] == [False, "只有一台机器：多节点的作业须由调度器运行"]


def test_a_probe_says_who_serves_and_takes_hold_of_nothing(site: Voice) -> None:
    other = Voice(site.row.centre, name="another-agent")
    reply = other.says(LATER, probe=True)
    assert (reply.serving.agent, reply.serving.last_seen_at, reply.desired) == (site.name, NOON, None)
    site.number, before = 0, site.number
    assert site.says(LATER, probe=True).centre == "hf-local"  # beside the running agent, whose numbers go on
    site.number = before
    assert site.says(LATER).centre == "hf-local"


def test_every_reply_names_the_platform_s_key(site: Voice) -> None:
    assert site.says().platform_key == public()


# --- nodes


def seen_node(name: str, card: str, cards: int, used: int = 0, state: str = "up") -> dict[str, Any]:
    return {"name": name, "partition": "gpu", "local_card": card, "cards": cards, "used": used, "state": state}


def test_nodes_are_kept_as_last_told_with_the_model_behind_the_scheduler_s_word(site: Voice) -> None:
    a800 = Accelerator.objects.get(model="A800-SXM4-80GB")
    Partition.objects.create(
        centre=site.row.centre, name="gpu", accelerator=a800, nodes=2, cards_per_node=8, local_names=["a800"]
    )
    site.says(nodes=[seen_node("n1", "a800", 8, 3), seen_node("n2", "a800", 8, state="down"), seen_node("n3", "??", 4)])
    site.says(LATER)
    rows = CentreNode.objects.values_list("name", "accelerator__model", "cards", "used", "state")
    assert list(rows) == [
        ("n1", "A800-SXM4-80GB", 8, 3, "up"),
        ("n2", "A800-SXM4-80GB", 8, 0, "down"),
        ("n3", None, 4, 0, "up"),
    ]
    site.says(LATER, nodes=[seen_node("n1", "a800", 8, 4)])
    assert list(CentreNode.objects.values_list("name", "used")) == [("n1", 4)]


def test_nodes_that_are_the_same_are_confirmed_without_being_told(site: Voice) -> None:
    site.says(NOON, nodes=[seen_node("n1", "CPU-SLOT", 4, 1)])
    site.says(LATER)
    assert SiteAgent.objects.get().nodes_at == NOON
    site.says(LATER, nodes_same=True)
    assert (SiteAgent.objects.get().nodes_at, CentreNode.objects.get().seen_at) == (LATER, NOON)


def test_the_most_and_the_least_cards_of_a_day_are_noted(site: Voice) -> None:
    for nodes in ([("up", 4)], [("up", 4), ("up", 4)], [("up", 2), ("down", 4)]):
        told = [seen_node(f"n{at}", "cpu-slot", cards, state=up) for at, (up, cards) in enumerate(nodes)]
        site.says(nodes=told)
    site.says(NOON + timedelta(days=1), nodes=[seen_node("n0", "CPU-SLOT", 3)])
    days = CapacitySighting.objects.values_list("day", "most", "least_up")
    assert [(day.isoformat(), most, least) for day, most, least in days] == [
        ("2024-06-03", 8, 2),
        ("2024-06-04", 3, 3),
    ]


# --- working directories


def test_an_upload_is_given_in_pieces_to_the_centre_that_runs_its_job_only(
    site: Voice, job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huisuan.compute.agent_gateway.workdir_pieces.PIECE_BYTES", 4)
    sha256 = hashlib.sha256(b"0123456789").hexdigest()
    upload = Upload.objects.create(party=party(), sha256=sha256, size=10, content=b"0123456789", uploaded_at=NOON)
    Job.objects.update(workdir=upload)
    whole = b""
    while len(whole) < 10:
        (piece,) = site.says(LATER, wants=[{"sha256": sha256, "offset": len(whole)}]).pieces
        assert (piece.sha256, piece.offset, piece.size) == (sha256, len(whole), 10)
        whole += piece.content
    assert whole == b"0123456789"
    stranger = Voice(centre("wh-local"), name="another-agent")
    assert stranger.says(LATER, wants=[{"sha256": sha256, "offset": 0}]).pieces == []
    site.says(LATER, observed=[word(job)])
    assert site.says(LATER, wants=[{"sha256": sha256, "offset": 0}]).pieces == []


# --- a clock that is wrong


@pytest.mark.parametrize("seconds", [-86_400, -301, 301, 86_400])
def test_an_agent_with_a_wrong_clock_is_told_at_once_and_not_served(site: Voice, seconds: int) -> None:
    off = timedelta(seconds=seconds)
    reply = site.says(LATER, sent_at=LATER + off)
    assert (reply.centre, reply.stop, reply.now, reply.clock_seconds) == (None, False, LATER, 300)
    assert f"本机时钟比平台{'快' if seconds > 0 else '慢'} {abs(seconds):,} 秒" in reply.message
    assert reply.platform_key
    flag = MeterFlag.objects.get()
    assert (flag.kind, flag.answered_at) == ("clock", None)
    site.says(LATER, sent_at=LATER + off)
    assert MeterFlag.objects.count() == 1
    row = AgentKey.objects.get(pk=site.row.pk)
    assert (row.clock_wrong_at, row.skew_ms) == (LATER, seconds * 1000)
    (shown,) = list_agents(site.row.centre)
    assert (shown["clock_wrong_at"], shown["skew_ms"]) == (LATER, seconds * 1000)


def test_an_agent_whose_clock_is_right_again_is_served_and_its_flag_answered(site: Voice) -> None:
    site.says(LATER, sent_at=LATER + timedelta(hours=1))
    assert site.says(LATER).centre == "hf-local"
    flag = MeterFlag.objects.get()
    assert (flag.answered_by, flag.answered_at) == ("平台", LATER)
    assert AgentKey.objects.get(pk=site.row.pk).clock_wrong_at is None
    site.says(LATER + timedelta(hours=2), sent_at=LATER)
    assert MeterFlag.objects.filter(answered_at=None).count() == 1  # another time, another flag


def test_an_old_request_played_again_is_a_replay_and_no_wrong_clock(site: Voice) -> None:
    request = site.request(NOON)
    sync(request, AgentKey.objects.select_related("centre").get(pk=site.row.pk), NOON)
    with pytest.raises(EnrolmentRefused, match="重放"):
        sync(request, AgentKey.objects.select_related("centre").get(pk=site.row.pk), NOON + timedelta(days=1))
    assert not MeterFlag.objects.exists()


def test_a_probe_under_a_wrong_clock_is_told_so_for_the_doctor(site: Voice) -> None:
    reply = site.says(LATER, sent_at=LATER - timedelta(hours=1), probe=True)
    assert "慢 3,600 秒" in reply.message
    assert not MeterFlag.objects.exists()


def test_the_limit_of_clocks_is_a_setting(site: Voice, settings: Any) -> None:
    settings.HUISUAN_CLOCK_SECONDS = 5
    assert site.says(LATER, sent_at=LATER + timedelta(seconds=6)).centre is None
    settings.HUISUAN_CLOCK_SECONDS = 7
    assert site.says(LATER, sent_at=LATER + timedelta(seconds=6)).centre == "hf-local"
