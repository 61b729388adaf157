"""The agent with a real platform over HTTP, real jobs, and real accidents."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from jobworld import centre, eventually, party

from huisuan.client import Client
from huisuan.client.wire import Job as ShownJob
from huisuan.compute.agent import loop
from huisuan.compute.agent.loop import Agent
from huisuan.compute.agent.memory import Memory
from huisuan.compute.engines.local import LocalEngine
from huisuan.compute.models import Centre, UsageRecord
from huisuan.parties.tokens import make_token

pytestmark = pytest.mark.django_db(transaction=True)


class Site:
    """A centre's machine: an agent that can be restarted, and what it says."""

    def __init__(self, url: str, token: str, folder: Path) -> None:
        self.url, self.token, self.folder = url, token, folder
        self.said: list[str] = []
        self.start()

    def start(self, transport: httpx.BaseTransport | None = None) -> None:
        self.engine = LocalEngine(self.folder / "jobs", grace_seconds=0.2)
        self.memory = Memory(self.folder / "state.sqlite3")
        self.client = Client(self.url, self.token, transport=transport)
        self.agent = Agent(self.client, self.engine, "local", self.memory, say=self.said.append)

    def restart(self, transport: httpx.BaseTransport | None = None) -> None:
        self.client.close()
        self.memory.close()
        self.start(transport)


@pytest.fixture
def token() -> str:
    return make_token("province", "test")[1]


@pytest.fixture
def site(live_server: Any, token: str, tmp_path: Path) -> Iterator[Site]:
    centre()
    made = Site(live_server.url, token, tmp_path)
    made.agent.step()
    yield made
    made.engine.end_all("test over", 5)
    made.client.close()
    made.memory.close()


def submit(site: Site, *command: str, **rest: Any) -> ShownJob:
    return site.client.submit_job(command, party=party().uscc, **rest)


def until(site: Site, uid: str, state: str) -> ShownJob:
    """Let the agent work until the platform shows the job in that state."""

    def look() -> ShownJob | None:
        site.agent.step()
        job = site.client.job(uid)
        return job if job.state == state else None

    return eventually(look)


def test_a_job_runs_is_logged_and_metered_once(site: Site) -> None:
    job = submit(site, "sh", "-c", "echo 你好; echo $HUISUAN_CARDS", cards=2)
    ended = until(site, job.uid, "done")
    assert ended.exit_code == 0
    assert b"".join(site.client.follow_log(job.uid)).decode() == "你好\n0,1\n"
    record = UsageRecord.objects.get()
    assert (record.job_id, record.cards, record.card_seconds, record.party) == (job.uid, 2, 2, party())
    assert record.started_at == ended.started_at
    site.agent.step()
    assert site.memory.open_jobs() == []


def test_when_the_end_is_shown_everything_the_job_wrote_can_be_read(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "LOG_BYTES", 1000)
    job = submit(site, sys.executable, "-c", "print('x' * 4999)")
    until(site, job.uid, "done")
    piece = site.client.job_log(job.uid)
    assert (len(piece.text), piece.complete) == (5000, True)


def test_output_over_the_limit_is_cut_and_says_so(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "LOG_LIMIT", 1000)
    job = submit(site, sys.executable, "-c", "print('x' * 4999)")
    until(site, job.uid, "done")
    assert site.client.job_log(job.uid).text == b"x" * 1000 + loop.CUT


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
    assert not (site.folder / "jobs" / job.uid).exists()
    assert not UsageRecord.objects.exists()


def test_a_job_over_its_time_limit_fails_and_is_metered(site: Site) -> None:
    job = submit(site, "sleep", "600", time_limit_seconds=1)
    assert until(site, job.uid, "failed").reasons[-1] == "超过时限 1 秒"
    assert UsageRecord.objects.get().state == "TIMEOUT"


def test_jobs_wait_for_cards_and_follow_each_other(site: Site) -> None:
    first = submit(site, "sleep", "0.3", cards=4)
    second = submit(site, "true", cards=4)
    assert (first.state, second.state) == ("placed", "submitted")
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
        if request.url.path.endswith("/agent/sync"):
            self.count += 1
            if self.count % 2:
                answer.close()
                raise httpx.ReadError("lost")
        return answer


def test_lost_replies_change_nothing(site: Site, live_server: Any) -> None:
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

    def killed(*_: Any) -> None:
        raise SystemExit

    monkeypatch.setattr(site.memory, "take_on", killed)
    with pytest.raises(SystemExit):
        site.agent.step()
    site.restart()
    until(site, job.uid, "done")
    assert (tmp_path / "count").read_text() == "x\n"
    assert UsageRecord.objects.count() == 1


def test_a_job_cancelled_after_such_a_death_is_ended(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    job = submit(site, "sleep", "600")
    monkeypatch.setattr(site.memory, "take_on", lambda *_: None)
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
    site.folder = tmp_path / "new-disk"
    site.folder.mkdir()
    name = site.memory.name
    site.restart()
    site.memory._file.execute("UPDATE agent SET name = ?", [name])
    until(site, job.uid, "lost")
    assert (tmp_path / "count").read_text() == "x\n"
    assert not UsageRecord.objects.exists()


def test_what_the_platform_refuses_is_said_and_not_sent_for_ever(site: Site) -> None:
    job = submit(site, "true")
    until(site, job.uid, "done")
    site.memory.queue_usage("01m8558jnns7cryxk3r3r51yjp", "nonsense")
    site.agent.step()
    assert any("用量被平台拒收：用量行格式不对" in said for said in site.said)
    assert site.memory.waiting_usage(10) == []


def test_without_a_centre_the_agent_idles_more_slowly_each_time(live_server: Any, token: str, tmp_path: Path) -> None:
    made = Site(live_server.url, token, tmp_path)
    pauses = [made.agent.step() for _ in range(6)]
    assert pauses == sorted(pauses)
    assert pauses[-1] == loop.IDLE_SECONDS
    assert made.said == ["没有执行引擎为 local 的智算中心可服务：请用 huisuan centre add --engine local 加入"]
    made.client.close()


def test_a_centres_own_token_serves_its_own_centre_only(live_server: Any, tmp_path: Path) -> None:
    made = centre()
    _, own = make_token("centre", "own", party=made.operator.uscc)
    _, other = make_token("centre", "other", party=party(98, "centre_operator").uscc)
    assert Site(live_server.url, other, tmp_path).agent.step() == loop.BUSY_SECONDS * loop.SLOWER
    site = Site(live_server.url, own, tmp_path)
    site.agent.step()
    assert site.said == ["服务智算中心 hf-local"]


# --- the agent as the process that it is


@pytest.fixture
def agent_process(live_server: Any, token: str, tmp_path: Path) -> Any:
    """Start the agent; whatever is left at the end is ended."""
    (tmp_path / "token").write_text(token)
    started: list[subprocess.Popen[bytes]] = []

    def start() -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "huisuan.compute.agent", "--url", live_server.url, "--home", str(tmp_path)]
        process = subprocess.Popen([*command, "--token-file", str(tmp_path / "token")], stdout=subprocess.DEVNULL)
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()
    LocalEngine(tmp_path / "jobs").end_all("test over", 5)


def test_an_agent_killed_in_the_middle_of_a_job_loses_nothing_and_meters_it_once(
    live_server: Any, token: str, tmp_path: Path, agent_process: Callable[[], subprocess.Popen[bytes]]
) -> None:
    centre()
    first = agent_process()
    with Client(live_server.url, token) as client:
        script = f"echo before; while [ ! -e {tmp_path}/go ]; do sleep 0.05; done; echo after"
        job = client.submit_job(["sh", "-c", script], party=party().uscc)
        eventually(lambda: client.job(job.uid).state == "running")
        first.send_signal(signal.SIGKILL)
        first.wait()
        (tmp_path / "go").touch()  # the job ends while no agent lives
        eventually((tmp_path / "jobs" / job.uid / "exit.json").exists)
        agent_process()
        assert client.wait(job.uid).state == "done"
        assert b"".join(client.follow_log(job.uid)) == b"before\nafter\n"
    assert UsageRecord.objects.count() == 1
    assert Centre.objects.get().last_sequence == 1


def test_an_agent_told_to_stop_leaves_its_jobs_to_its_successor(
    live_server: Any, token: str, tmp_path: Path, agent_process: Callable[[], subprocess.Popen[bytes]]
) -> None:
    centre()
    first = agent_process()
    with Client(live_server.url, token) as client:
        job = client.submit_job(["sleep", "600"], party=party().uscc)
        eventually(lambda: client.job(job.uid).state == "running")
        first.terminate()
        assert first.wait(10) == 0
        agent_process()
        client.cancel_job(job.uid)
        assert client.wait(job.uid).state == "cancelled"


def test_the_agent_needs_neither_django_nor_the_database() -> None:
    script = (
        "import sys; import huisuan.compute.agent.__main__, huisuan.compute.engines.local;"
        "print(sorted({m.split('.')[0] for m in sys.modules} & {'django', 'psycopg', 'ninja', 'duckdb', 'pyarrow'}))"
    )
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": ""}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.strip() == "[]"
