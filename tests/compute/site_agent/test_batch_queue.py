"""The queue of usage: what is queued is signed once, sent until acknowledged, and kept no longer than it is needed."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from huisuan.compute.metering.audit.trust import load_trust
from huisuan.compute.site_agent.batch_queue import LINES_KEPT, BatchQueue
from huisuan.compute.site_agent.config import STATE_FILE, Config, write_config
from huisuan.compute.site_agent.diagnostics import held_receipts
from huisuan.compute.site_agent.state import RUNS_KEPT, AgentState
from huisuan.compute.site_agent.usage_slices import Slice, SliceLine
from huisuan.protocol.agent import BATCH_LINES, BatchAnswer, SignedBatch
from huisuan.protocol.batch_chain import START, batch_digest
from huisuan.protocol.signatures import is_signed_by, public_half

UID = "01m8558jnns7cryxk3r3r51yjp"
KEY = Ed25519PrivateKey.generate()


@pytest.fixture
def state(tmp_path: Path) -> Iterator[AgentState]:
    state = AgentState(tmp_path / "memory.sqlite3")
    state.assign_new_name()
    state.adopt_run(UID, 1, 0)
    yield state
    state.close()


@pytest.fixture
def queue(state: AgentState) -> BatchQueue:
    return state.batch_queue


def line(started: int, text: str = "") -> SliceLine:
    return SliceLine(Slice(started, "a800", 0, started + 10, 0, 2, "running"), text or f"line {started}")


def checked(state: AgentState, batches: list[SignedBatch]) -> list[str]:
    """The lines of a chain whose numbers, digests and signatures are right."""
    previous, lines = START, []
    for number, batch in enumerate(batches, start=1):
        assert (batch.number, batch.previous) == (number, previous)
        digest = batch_digest(state.name, batch.number, batch.previous, batch.lines)
        assert is_signed_by(public_half(KEY), batch.signature, digest)
        previous = digest.hex()
        lines += batch.lines
    return lines


def everything(queue: BatchQueue) -> list[SignedBatch]:
    found: list[SignedBatch] = []
    while more := queue.next_batches(KEY.sign, found[-1].number if found else 0):
        found += more
    return found


def test_lines_are_cut_into_batches_that_follow_each_other_and_stay_the_same(
    state: AgentState, queue: BatchQueue
) -> None:
    queue.append(UID, 1, [line(at) for at in range(BATCH_LINES + 1)], last=False)
    first = everything(queue)
    assert [len(batch.lines) for batch in first] == [BATCH_LINES, 1]
    queue.append(UID, 1, [line(BATCH_LINES + 1)], last=False)
    assert everything(queue)[:2] == first
    assert checked(state, everything(queue)) == [f"line {at}" for at in range(BATCH_LINES + 2)]
    assert queue.count_unacknowledged() == (0, 3)


def test_what_was_acknowledged_is_sent_again_only_to_a_platform_that_forgot_it(queue: BatchQueue) -> None:
    for at in range(3):
        queue.append(UID, 1, [line(at)], last=False)
        queue.next_batches(KEY.sign, at)
    answers = [BatchAnswer(number=number, receipt=f"r{number}", chain="c") for number in (1, 2)]
    queue.record_answers(answers, 2, 1000)
    assert (queue.last_acknowledged(), queue.count_unacknowledged()) == (2, (0, 1))
    assert [batch.number for batch in queue.next_batches(KEY.sign, queue.last_acknowledged())] == [3]
    # it was restored from a backup
    assert [batch.number for batch in queue.next_batches(KEY.sign, 0)] == [1, 2, 3]


def test_under_another_key_what_was_not_acknowledged_is_signed_anew_in_a_new_chain(
    state: AgentState, queue: BatchQueue
) -> None:
    for at in range(3):
        queue.append(UID, 1, [line(at)], last=False)
        queue.next_batches(KEY.sign, at)
    queue.append(UID, 1, [line(3)], last=False)
    queue.record_answers([], 1, 1000)
    before = state.name
    assert state.assign_new_name() != before
    assert checked(state, everything(queue)) == ["line 1", "line 2", "line 3"]


def test_lines_and_their_slices_are_queued_together_or_not_at_all(state: AgentState, queue: BatchQueue) -> None:
    bad = SliceLine(Slice(5, "a800", None, 15, 0, 2, "running"), "bad")  # type: ignore[arg-type]
    with pytest.raises(sqlite3.IntegrityError):
        queue.append(UID, 1, [line(0), bad], last=True)
    assert (queue.count_unacknowledged(), queue.list_slices(UID, 1)) == ((0, 0), [])
    assert not state.open_runs()[0].metered


def test_what_is_old_is_removed_and_the_chain_goes_on(state: AgentState, queue: BatchQueue) -> None:
    for at in range(2):
        queue.append(UID, 1, [line(at)], last=True)
        queue.next_batches(KEY.sign, at)
    head, slices = queue.head(), queue.list_slices(UID, 1)
    queue.record_answers([], 2, 1000)
    state.close_run(UID, 1, 1000)
    state.prune(1000 + LINES_KEPT + 1)
    assert (queue.head(), queue.last_acknowledged(), queue.list_slices(UID, 1)) == (head, 2, slices)
    state.prune(1000 + RUNS_KEPT + 1)
    assert queue.list_slices(UID, 1) == []
    queue.append(UID, 2, [line(9)], last=False)
    (batch,) = queue.next_batches(KEY.sign, 2)
    assert (batch.number, batch.previous) == (3, head[1])


def test_what_was_never_acknowledged_is_sent_though_the_file_was_pruned_and_the_agent_started_again(
    state: AgentState, queue: BatchQueue, tmp_path: Path
) -> None:
    for at in range(2):
        queue.append(UID, 1, [line(at)], last=False)
        queue.next_batches(KEY.sign, at)
    state.prune(1000)
    restarted = AgentState(tmp_path / "memory.sqlite3")
    queue = restarted.batch_queue
    assert queue.last_acknowledged() == 0
    assert [batch.number for batch in queue.next_batches(KEY.sign, queue.last_acknowledged())] == [1, 2]
    queue.record_answers([], 1, 1000)
    restarted.prune(1000 + RUNS_KEPT + 1)
    assert (queue.last_acknowledged(), queue.head()[0]) == (1, 2)
    restarted.close()


def test_a_day_without_the_platform_takes_bounded_room(queue: BatchQueue, tmp_path: Path) -> None:
    """24 hours of 1,000 running jobs: a line each an hour, signed and kept until the platform is back."""
    content = "x" * 700
    sizes = []
    for hour in range(24):
        queue.append(UID, 1, [line(hour * 10_000 + job, content) for job in range(1000)], last=False)
        queue.next_batches(KEY.sign, 0)
        sizes.append(sum(path.stat().st_size for path in tmp_path.iterdir()))
    growth = [later - earlier for earlier, later in pairwise(sizes)]
    assert max(growth) < 6_000_000  # of 700 kB of lines: the file, and what SQLite writes ahead
    assert sizes[-1] < 40_000_000
    assert len(queue.next_batches(KEY.sign, 0)) == 1  # what goes out at once is bounded too


def test_the_receipts_are_kept_and_given_out_as_an_auditor_takes_them(tmp_path: Path) -> None:
    state = AgentState(tmp_path / STATE_FILE)
    state.assign_new_name()
    state.put("centre", "hf")
    lines = [
        SliceLine(Slice(3600 * number, "a", number, 3600 * number + 60, 0, 1, "running"), "{}") for number in range(2)
    ]
    state.batch_queue.append("J1", 1, lines, last=False)
    (batch,) = state.batch_queue.next_batches(lambda digest: b"s" * 64, 0)
    assert state.batch_queue.list_receipts() == []
    state.batch_queue.record_answers([BatchAnswer(number=1, receipt="ab" * 64, chain="cd" * 32)], 1, 0)
    (held,) = state.batch_queue.list_receipts()
    assert held == {"number": 1, "digest": state.batch_queue.digest_of(1), "chain": "cd" * 32, "receipt": "ab" * 64}
    assert batch.number == 1
    write_config(tmp_path, Config(url="http://127.0.0.1:1", engine="local"))
    given = held_receipts(tmp_path)
    (tmp_path / "receipts.json").write_text(json.dumps(given))
    (file,) = load_trust(receipts=[tmp_path / "receipts.json"]).receipts
    assert (file.centre, [receipt.model_dump() for receipt in file.receipts]) == (
        "hf", [{"agent": state.name, **held}],
    )  # fmt: skip
    state.close()
