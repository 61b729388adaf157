"""The agent with a real platform over HTTP, real jobs, and real accidents."""

from __future__ import annotations

import hashlib
import io
import json
import os
import signal
import sqlite3
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from huisuan.client import Client
from huisuan.compute.agent_gateway.enrolment import invite_agent
from huisuan.compute.engines.local import LocalEngine
from huisuan.compute.metering.usage.records import current_usage
from huisuan.compute.models import (
    Centre,
    Job,
    JobEvent,
    MeterFlag,
    PlacementDecision,
    SiteAgent,
    Upload,
    UsageRecord,
)
from huisuan.compute.site_agent import report
from huisuan.compute.site_agent.backoff import Pace
from huisuan.compute.site_agent.config import JOBS, KEY, STATE_FILE
from huisuan.compute.site_agent.loop import Agent
from huisuan.compute.site_agent.process import next_boot_id
from huisuan.compute.site_agent.state import AgentState
from huisuan.protocol.signatures import load_key
from support.accounts import make_token
from support.jobs import NOON, centre, eventually, party
from support.local_site import Site, joined, submit, until

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def token() -> str:
    return make_token("province", "test")[1]


@pytest.fixture
def site(live_server: Any, token: str, tmp_path: Path) -> Iterator[Site]:
    centre()
    joined(live_server.url, tmp_path / "agent")
    made = Site(live_server.url, token, tmp_path / "agent")
    made.agent.step()
    yield made
    made.engine.end_all("test over", 5)
    made.client.close()
    made.stop()


def test_a_job_runs_is_logged_and_metered_once(site: Site) -> None:
    job = submit(site, "sh", "-c", "echo 你好; echo $HUISUAN_CARDS", cards=2, model="CPU-SLOT")
    ended = until(site, job.uid, "done")
    assert ended.exit_code == 0
    assert b"".join(site.client.follow_log(job.uid)).decode() == "你好\n0,1\n"
    record = UsageRecord.objects.get()
    assert (record.job_id, record.cards, record.card_seconds, record.party) == (job.uid, 2, 2, party())
    assert record.started_at == ended.started_at
    site.agent.step()
    assert (site.state.open_runs(), site.state.batch_queue.count_unacknowledged()) == ([], (0, 0))
    assert [event.state for event in JobEvent.objects.all()] == ["waiting", "placed", "running", "done"]
    places = [site.folder / place for place in ("jobs", "go", "work", "uploads", "trash")]
    # nothing of it stays on the centre's disk; a thread removes what was moved aside
    eventually(lambda: not [path for place in places if place.exists() for path in place.iterdir()])


def test_when_the_end_is_shown_everything_the_job_wrote_can_be_read(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report, "LOG_BYTES_PER_REQUEST", 1000)
    job = submit(site, sys.executable, "-c", "print('x' * 4999)")
    until(site, job.uid, "done")
    piece = site.client.job_log(job.uid)
    assert (len(piece.text), piece.complete) == (5000, True)


def test_output_over_the_limit_is_cut_and_says_so(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "LOG_LIMIT", 1000)
    job = submit(site, sys.executable, "-c", "print('x' * 4999)")
    until(site, job.uid, "done")
    assert site.client.job_log(job.uid).text == b"x" * 1000 + report.CUT


def test_a_job_is_cancelled_while_it_runs(site: Site) -> None:
    job = submit(site, "sleep", "600")
    until(site, job.uid, "running")
    assert site.client.cancel_job(job.uid).state == "running"
    assert until(site, job.uid, "cancelled").exit_code == 143
    assert UsageRecord.objects.get().state == "CANCELLED"


def test_a_job_cancelled_before_the_agent_took_it_never_runs(site: Site) -> None:
    job = submit(site, "true")
    site.client.cancel_job(job.uid)
    assert until(site, job.uid, "cancelled").started_at is None
    assert not (site.folder / JOBS / job.uid).exists()
    assert not UsageRecord.objects.exists()


def test_a_job_over_its_time_limit_fails_and_is_metered(site: Site) -> None:
    job = submit(site, "sleep", "600", time_limit_seconds=1)
    assert until(site, job.uid, "failed").reasons[-1] == "超过时限 1 秒"
    assert UsageRecord.objects.get().state == "TIMEOUT"


def test_jobs_wait_for_cards_and_follow_each_other(site: Site) -> None:
    first = submit(site, "sleep", "0.3", cards=4, model="CPU-SLOT")
    second = submit(site, "true", cards=4, model="CPU-SLOT")
    assert (first.state, second.state) == ("placed", "waiting")
    until(site, second.uid, "done")
    one, two = UsageRecord.objects.order_by("sequence")
    assert one.job_id == first.uid
    assert two.started_at >= one.started_at


class LosesReplies(httpx.HTTPTransport):
    """Every request arrives; every other answer is lost on the way back."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        answer = super().handle_request(request)
        self.count += 1
        if self.count % 2:
            answer.close()
            raise httpx.ReadError("lost")
        return answer


def test_lost_replies_change_nothing(site: Site) -> None:
    transport = LosesReplies()
    site.restart(transport)
    job = submit(site, "sh", "-c", "echo one; sleep 0.2; echo two")
    until(site, job.uid, "done")
    assert transport.count > 2
    assert b"".join(site.client.follow_log(job.uid)) == b"one\ntwo\n"
    assert UsageRecord.objects.count() == 1
    assert any("平台没有应答" in said for said in site.said)


def test_an_agent_that_was_restarted_goes_on_where_it_was(site: Site) -> None:
    job = submit(site, "sh", "-c", "sleep 0.3; echo done")
    until(site, job.uid, "running")
    site.restart()
    until(site, job.uid, "done")
    assert UsageRecord.objects.count() == 1


def test_an_agent_killed_between_starting_a_job_and_noting_it_runs_it_once(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = submit(site, "sh", "-c", f"echo x >> {tmp_path}/count; sleep 0.2")

    def killed(*_: Any, **__: Any) -> None:
        raise SystemExit

    monkeypatch.setattr(site.state, "adopt_run", killed)
    with pytest.raises(SystemExit):
        site.agent.step()
    site.restart()
    until(site, job.uid, "done")
    assert (tmp_path / "count").read_text() == "x\n"
    assert UsageRecord.objects.count() == 1


def test_a_job_cancelled_after_such_a_death_is_ended(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    job = submit(site, "sleep", "600")
    monkeypatch.setattr(site.state, "adopt_run", lambda *_, **__: None)
    site.agent.step()
    site.restart()
    site.client.cancel_job(job.uid)
    until(site, job.uid, "cancelled")
    assert site.engine.end_all("test", 5) == 0


def test_a_job_that_cannot_be_started_now_is_tried_again(site: Site) -> None:
    job = submit(site, "true")
    jobs = site.folder / "jobs"
    jobs.rename(site.folder / "unmounted")
    jobs.touch()
    site.agent.step()
    assert any("暂时无法启动" in said for said in site.said)
    jobs.unlink()
    (site.folder / "unmounted").rename(jobs)
    until(site, job.uid, "done")


def test_an_agent_that_lost_its_memory_reports_a_running_job_lost_and_never_runs_it_again(
    site: Site, tmp_path: Path
) -> None:
    job = submit(site, "sh", "-c", f"echo x >> {tmp_path}/count; sleep 600")
    until(site, job.uid, "running")
    eventually((tmp_path / "count").exists)
    site.engine.end_all("site lost", 5)
    SiteAgent.objects.update(last_seen_at=NOON)
    site.folder = tmp_path / "new-disk"
    joined(site.url, site.folder)
    site.restart()
    until(site, job.uid, "lost")
    assert (tmp_path / "count").read_text() == "x\n"
    assert not UsageRecord.objects.exists()


def test_a_job_that_was_let_in_nowhere_is_run_by_the_agent_that_comes_instead(site: Site, tmp_path: Path) -> None:
    job = submit(site, "sh", "-c", f"echo x >> {tmp_path}/count")
    site.agent.step()  # takes it on; it waits at the gate of a machine that is now gone
    site.engine.end_all("site lost", 5)
    SiteAgent.objects.update(last_seen_at=NOON)
    site.folder = tmp_path / "new-disk"
    joined(site.url, site.folder)
    site.restart()
    until(site, job.uid, "done")
    assert (tmp_path / "count").read_text() == "x\n"


def test_a_line_that_the_platform_doubts_is_said_and_not_sent_for_ever(site: Site) -> None:
    with sqlite3.connect(site.folder / STATE_FILE) as memory:
        memory.execute("INSERT INTO line (content) VALUES ('nonsense')")
    memory.close()
    site.agent.step()
    assert any("第 1 行存疑，平台已留存待查：用量行格式不对" in said for said in site.said)
    assert site.state.batch_queue.count_unacknowledged() == (0, 0)
    assert MeterFlag.objects.get().line == "nonsense"


def test_a_working_directory_comes_in_pieces_and_the_job_starts_in_it(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huisuan.compute.agent_gateway.workdir_pieces.PIECE_BYTES", 100)
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, content in (("main.py", b"print(open('data/x').read())"), ("data/x", os.urandom(200).hex().encode())):
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    sha256 = hashlib.sha256(packed.getvalue()).hexdigest()
    Upload.objects.create(
        party=party(), sha256=sha256, size=len(packed.getvalue()), content=packed.getvalue(), uploaded_at=NOON
    )
    job = submit(site, sys.executable, "main.py", workdir=sha256)
    until(site, job.uid, "done")
    assert site.client.job_log(job.uid).text == content + b"\n"


def test_a_job_whose_engine_will_never_run_it_fails_with_the_reason(site: Site) -> None:
    job = submit(site, "true", cards=4, model="CPU-SLOT")
    site.engine.slots = 3
    assert until(site, job.uid, "failed").reasons[-1] == "要 4 个处理器槽位，本机只有 3 个"


def test_a_failed_job_is_tried_again_as_often_as_it_may(site: Site, tmp_path: Path) -> None:
    script = f"echo x >> {tmp_path}/count; echo run $HUISUAN_RUN; exit 3"
    job = submit(site, "sh", "-c", script, retries=1)
    assert until(site, job.uid, "failed").exit_code == 3
    assert (tmp_path / "count").read_text() == "x\nx\n"
    assert b"".join(site.client.follow_log(job.uid)) == b"run 0\nrun 1\n"
    assert [record.run for record in UsageRecord.objects.order_by("sequence")] == [0, 1]


def test_use_is_told_by_the_hour_and_corrected_where_the_accounting_ends_otherwise(site: Site) -> None:
    job = submit(site, "sleep", "600", cards=2, model="CPU-SLOT")
    until(site, job.uid, "running")
    eventually(lambda: site.engine.observe([job.uid])[job.uid].started_at)
    started = site.folder / JOBS / job.uid / "started.json"
    began = int(time.time()) // 3600 * 3600 - 3600 - 30
    started.write_text(json.dumps({**json.loads(started.read_text()), "started_at": began}))
    Job.objects.update(placed_at=datetime.fromtimestamp(began, UTC))
    PlacementDecision.objects.all()._raw_delete("default")  # it was placed so long ago, too
    site.agent.usage_reporter._hour = 0  # an hour later
    at = max(time.time(), began + 3600 + 30 + 91)
    site.agent.now = lambda: at
    until(site, job.uid, "running")
    assert [record.card_seconds for record in UsageRecord.objects.order_by("sequence")] == [2 * 30, 2 * 3600]
    site.client.cancel_job(job.uid)
    ended = until(site, job.uid, "cancelled")
    current = [record for record in current_usage() if record.card_seconds]
    assert [record.started_at for record in current] == [ended.started_at]
    assert sum(record.card_seconds for record in current) == 2 * (ended.ended_at - ended.started_at).seconds
    assert not MeterFlag.objects.exists()


def test_an_agent_that_was_told_to_stop_for_another_copy_does(site: Site) -> None:
    copy = AgentState(site.folder / STATE_FILE)
    copy.put("place", "another machine")
    second = Agent(
        site.link, site.engine, "local", site.state, load_key(site.folder / KEY), site.folder,
        boot=next_boot_id(site.state, site.folder), now=time.time, pace=Pace(lambda: 1.0), log=site.said.append,
    )  # fmt: skip
    second.step()
    assert "这一份是多余的" in second.stopped
    site.agent.step()
    assert site.agent.stopped == ""
    copy.close()


# --- the agent as the process that it is


AGENT = "from huisuan.compute.site_agent.commands import app; app()"


@pytest.fixture
def folder(live_server: Any, tmp_path: Path) -> Path:
    """An agent's folder that joined."""
    centre()
    joined(live_server.url, tmp_path / "agent")
    return tmp_path / "agent"


@pytest.fixture
def agent_process(folder: Path) -> Iterator[Callable[[], subprocess.Popen[bytes]]]:
    """Start the agent; whatever is left at the end is ended."""
    started: list[subprocess.Popen[bytes]] = []

    def start() -> subprocess.Popen[bytes]:
        command = [sys.executable, "-c", AGENT, "run", "--home", str(folder)]
        process = subprocess.Popen(command, stdout=(folder.parent / "agent.log").open("ab"))
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()
    LocalEngine(folder / JOBS).end_all("test over", 5)


def test_an_agent_killed_in_the_middle_of_a_job_loses_nothing_and_meters_it_once(
    live_server: Any, token: str, folder: Path, agent_process: Callable[[], subprocess.Popen[bytes]]
) -> None:
    first = agent_process()
    with Client(live_server.url, token) as client:
        go = folder.parent / "go"
        script = f"echo before; while [ ! -e {go} ]; do sleep 0.05; done; echo after"
        job = client.submit_job(["sh", "-c", script], party=party().uscc)
        eventually(lambda: client.job(job.uid).started_at)
        first.send_signal(signal.SIGKILL)
        first.wait()
        go.touch()  # the job ends while no agent lives
        eventually((folder / JOBS / job.uid / "exit.json").exists)
        agent_process()
        assert client.wait(job.uid).state == "done"
        assert b"".join(client.follow_log(job.uid)) == b"before\nafter\n"
    assert UsageRecord.objects.count() == 1
    assert Centre.objects.get().last_sequence == 1


def test_an_agent_told_to_stop_leaves_its_jobs_to_its_successor(
    live_server: Any, token: str, agent_process: Callable[[], subprocess.Popen[bytes]]
) -> None:
    first = agent_process()
    with Client(live_server.url, token) as client:
        job = client.submit_job(["sleep", "600"], party=party().uscc)
        eventually(lambda: client.job(job.uid).state == "running")
        first.terminate()
        assert first.wait(10) == 0
        agent_process()
        client.cancel_job(job.uid)
        assert client.wait(job.uid).state == "cancelled"


def test_a_second_agent_from_the_same_folder_is_refused(
    agent_process: Callable[[], subprocess.Popen[bytes]], folder: Path
) -> None:
    agent_process()
    eventually(lambda: b"hf-local" in (folder.parent / "agent.log").read_bytes())
    assert agent_process().wait(20) == 1


BLOCKED = """
import sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {"django", "psycopg", "ninja", "duckdb", "pyarrow", "procrastinate", "pgtrigger"}:
            raise ImportError(f"{name} is not installed here")
sys.meta_path.insert(0, Blocked())
from huisuan.cli.main import main
sys.argv = ["huisuan", *sys.argv[1:]]
main()
"""


def test_the_agent_joins_runs_and_is_examined_where_neither_django_nor_a_database_is_installed(
    live_server: Any, tmp_path: Path
) -> None:
    centre()
    word = invite_agent("hf-local", "test", datetime.now(UTC))[1]
    environment = {**os.environ, "HUISUAN_AGENT_HOME": str(tmp_path / "agent")}
    environment.pop("DJANGO_SETTINGS_MODULE")

    def agent(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", BLOCKED, "agent", *words], capture_output=True, text=True, check=False,
            env=environment, timeout=120,
        )  # fmt: skip

    enrolled = agent("enrol", live_server.url, "--token", word, "--engine", "local", "--option", "slots=4", "--json")
    assert enrolled.returncode == 0, enrolled.stderr
    assert json.loads(enrolled.stdout)["centre"] == "hf-local"
    running = subprocess.Popen(
        [sys.executable, "-c", BLOCKED, "agent", "run"], env=environment, stdout=subprocess.PIPE, text=True
    )
    try:
        assert running.stdout is not None
        assert "服务智算中心 hf-local" in running.stdout.readline()
        examined = agent("doctor", "--json")
        assert (examined.returncode, json.loads(examined.stdout)["well"]) == (0, True), examined.stdout
    finally:
        running.terminate()
        running.wait(10)
    assert json.loads(agent("status", "--json").stdout)["running"] is False
