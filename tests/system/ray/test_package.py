"""Where agent and nodes share no folder, on a real Ray: runs that travel in a package and answer by their output."""

from __future__ import annotations

import hashlib
import random
import secrets
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest

from huisuan.compute.engines.interface import EngineError, JobSpec, Observation, RunState, RunUsage
from huisuan.compute.engines.ray import RayEngine
from support.ray_cluster import CARD, RayCluster

PATIENCE_SECONDS = 120
BINARY = random.Random(7).randbytes(3_000_000)
WRITES = "import random, sys; sys.stdout.buffer.write(random.Random(7).randbytes(3_000_000))"
SHOWS = '#!/bin/sh\ncat link; echo "cards=$CUDA_VISIBLE_DEVICES/$HUISUAN_CARDS"; env; pwd\n'
STUBBORN = "trap '' TERM; echo ready; while :; do sleep 0.2; done"
ORPHAN = str(secrets.randbelow(10**9) + 10**9)  # seconds, and how to find the process
FORGES = 'echo; echo "huisuan-run 00 {\\"state\\": \\"completed\\", \\"started_at\\": 1, \\"ended_at\\": 2}"; exit 5'


@dataclass
class Packed:
    """An engine with shared=no, and the runs submitted to it."""

    ray: RayCluster
    folder: Path
    jobs: dict[str, JobSpec] = field(default_factory=dict)

    def engine(self, folder: str = "jobs", **options: str) -> RayEngine:
        given = {"address": self.ray.address, "token_file": str(self.ray.token_file), "grace_seconds": "1"}
        return RayEngine(self.folder / folder, {**given, **options})

    def submit(self, label: str, *command: str, workdir: Path | None = None, limit: int = 600, cards: int = 1) -> None:
        uid = f"01{secrets.token_hex(5)}{label}".ljust(26, "0")
        job = JobSpec(
            uid, command, cards=cards, local_card=CARD, workdir=workdir, time_limit_seconds=limit,
            lease_file=self.folder / "no-lease-here",
        )  # fmt: skip
        self.jobs[label] = job
        self.engine().submit(job)

    def until(self, label: str, wanted: Callable[[Observation], bool]) -> Observation:
        deadline, engine = time.monotonic() + PATIENCE_SECONDS, self.engine()
        while not wanted(seen := engine.observe([self.jobs[label].name])[self.jobs[label].name]):
            assert time.monotonic() < deadline, f"{label}: {seen}"
            time.sleep(0.2)
        return seen

    def over(self, label: str) -> Observation:
        return self.until(label, lambda seen: seen.state.final)

    def used(self, label: str) -> RunUsage:
        (used,) = self.engine().usage([self.jobs[label].name])[self.jobs[label].name]
        return used

    def output(self, label: str) -> bytes:
        return self.engine().logs(self.jobs[label].name, 0, 10_000_000)


@pytest.fixture(scope="module")
def packed(ray: RayCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Packed]:
    made = Packed(ray, tmp_path_factory.mktemp("packed"))
    work = made.folder / "work"
    work.mkdir()
    (work / "show.sh").write_text(SHOWS)
    (work / "show.sh").chmod(0o755)
    (work / "data").write_text("from the package\n")
    (work / "link").symlink_to("data")
    made.submit("shows", "./show.sh", workdir=work, cards=2)
    made.submit("stubborn", "sh", "-c", STUBBORN)
    made.submit("writes", sys.executable, "-c", WRITES)
    made.submit("forges", "sh", "-c", FORGES)
    made.submit("slow", "sleep", "300", limit=1)
    made.submit("kills", "sh", "-c", f"sleep 1; kill -9 $PPID; exec sleep {ORPHAN}")
    yield made
    for job in made.jobs.values():
        made.engine().cancel(job.name, "test over")
    for label in made.jobs:
        made.over(label)


def test_a_directory_arrives_with_its_permissions_and_links(packed: Packed) -> None:
    assert packed.over("shows").state is RunState.COMPLETED, packed.output("shows")
    assert b"from the package\n" in packed.output("shows")


def test_a_job_gets_its_cards_and_nothing_of_rays_own(packed: Packed) -> None:
    packed.over("shows")
    output = packed.output("shows").decode()
    cards = next(line for line in output.splitlines() if line.startswith("cards="))
    visible, ours = cards.removeprefix("cards=").split("/")
    assert visible == ours
    assert len(set(visible.split(","))) == 2
    assert packed.ray.token_file.read_text() not in output
    assert "RAY_ADDRESS" not in output


def test_metering_begins_when_the_job_does_and_not_when_it_was_submitted(packed: Packed) -> None:
    seen = packed.over("writes")
    used = packed.used("writes")
    assert (used.started_at, used.ended_at, used.cards) == (seen.started_at, seen.ended_at, 1)
    assert seen.ended_at is not None
    assert (seen.ended_at - used.started_at).total_seconds() <= 3
    assert used.measured["processor_us"] > 0
    assert used.nodes == packed.engine().capacity()[0].name


def test_output_that_is_no_text_is_read_piece_by_piece_as_it_is(packed: Packed) -> None:
    packed.over("writes")
    engine, name = packed.engine(), packed.jobs["writes"].name
    pieces, offset = [], 0
    while piece := engine.logs(name, offset, 700_000):
        pieces.append(piece)
        offset += len(piece)
    whole = b"".join(pieces)
    begin = whole.index(BINARY[:64])
    assert hashlib.sha256(whole[begin : begin + len(BINARY)]).digest() == hashlib.sha256(BINARY).digest()
    assert max(map(len, pieces)) == 700_000


def test_a_program_cannot_write_its_own_record(packed: Packed) -> None:
    seen = packed.over("forges")
    assert (seen.state, seen.exit_code) == (RunState.FAILED, 5)
    assert seen.started_at is not None
    assert seen.started_at.year > 2000


def test_a_run_over_its_limit_is_a_timeout(packed: Packed) -> None:
    assert (packed.over("slow").state, packed.over("slow").reason) == (RunState.TIMEOUT, "超过时限 1 秒")


def test_a_stubborn_job_is_killed_after_the_grace_and_its_end_is_on_record(packed: Packed) -> None:
    packed.until("stubborn", lambda seen: seen.state is RunState.RUNNING and b"ready\n" in packed.output("stubborn"))
    assert packed.used("stubborn").ended_at is None
    packed.engine().cancel(packed.jobs["stubborn"].name, "用户取消")
    seen = packed.over("stubborn")
    assert (seen.state, seen.reason, seen.exit_code) == (RunState.CANCELLED, "用户取消", 137)
    assert packed.used("stubborn").ended_at == seen.ended_at


def test_a_job_that_kills_its_launcher_is_metered_until_ray_saw_it_go_and_does_not_live_on(packed: Packed) -> None:
    seen = packed.over("kills")
    assert (seen.state, seen.exit_code) == (RunState.FAILED, 137)
    assert packed.used("kills").ended_at == seen.ended_at is not None
    deadline = time.monotonic() + PATIENCE_SECONDS
    while any(process.info["cmdline"] == ["sleep", ORPHAN] for process in psutil.process_iter(["cmdline"])):
        assert time.monotonic() < deadline
        time.sleep(0.2)


def test_an_agent_that_lost_its_notes_finds_its_runs_by_their_names(packed: Packed) -> None:
    packed.over("shows")
    packed.engine("anew").submit(packed.jobs["shows"])
    name = packed.jobs["shows"].name
    assert packed.engine("anew").observe([name])[name].state.final


def test_a_name_that_someone_else_has_taken_is_not_ours(packed: Packed) -> None:
    engine, uid = packed.engine(), f"01{secrets.token_hex(12)}"
    engine.ray.submit({"submission_id": uid, "entrypoint": "true"})
    with pytest.raises(ValueError, match="不是这个作业"):
        engine.submit(JobSpec(uid, ("true",), local_card=CARD))


def test_cards_that_no_node_has_are_refused_and_those_there_are_named(packed: Packed) -> None:
    with pytest.raises(ValueError, match=rf"64 张 {CARD}；现有：{CARD}（一个节点最多 8 张）"):
        packed.engine().submit(JobSpec(f"01{secrets.token_hex(12)}", ("true",), cards=64, local_card=CARD))
    with pytest.raises(ValueError, match="H20"):
        packed.engine().submit(JobSpec(f"01{secrets.token_hex(12)}", ("true",), local_card="H20"))


def test_a_wrong_token_and_a_cluster_that_is_away_are_told_apart(packed: Packed, tmp_path: Path) -> None:
    wrong = tmp_path / "token"
    wrong.write_text("0" * 48)
    with pytest.raises(EngineError, match="token_file"):
        packed.engine(token_file=str(wrong)).capacity()
    with pytest.raises(EngineError, match="连不上 Ray"):
        packed.engine(address="http://127.0.0.1:9").capacity()
    with pytest.raises(EngineError, match="读不了令牌文件"):
        packed.engine(token_file=str(tmp_path / "none")).capacity()


def test_the_trial_run_tells_that_the_folder_is_not_shared(packed: Packed, monkeypatch: pytest.MonkeyPatch) -> None:
    found = packed.engine(shared="yes", python="no-such-python").diagnose()
    assert [(well, "python" in mend) for what, well, mend in found if "试运行" in what] == [(False, True)]
