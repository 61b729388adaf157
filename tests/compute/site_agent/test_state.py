"""The agent's file: what is queued is signed once, taken once, and kept no longer than it is needed."""

from __future__ import annotations

import json
import sqlite3
import stat
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from huisuan.compute.metering.audit.trust import load_trust
from huisuan.compute.site_agent import state as remembering
from huisuan.compute.site_agent.config import MEMORY, Config, write_config
from huisuan.compute.site_agent.diagnostics import held_receipts
from huisuan.compute.site_agent.state import Memory
from huisuan.compute.site_agent.usage_slices import Line, Slice
from huisuan.protocol.agent import BATCH_LINES, BatchAnswer, SignedBatch
from huisuan.protocol.batch_chain import START, batch_digest
from huisuan.protocol.signatures import is_signed_by, public_half

UID = "01m8558jnns7cryxk3r3r51yjp"
KEY = Ed25519PrivateKey.generate()


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Memory]:
    made = Memory(tmp_path / "memory.sqlite3")
    made.new_name()
    made.take_on(UID, 1, 0)
    yield made
    made.close()


def line(started: int, text: str = "") -> Line:
    return Line(Slice(started, "a800", 0, started + 10, 0, 2, "running"), text or f"line {started}")


def checked(memory: Memory, batches: list[SignedBatch]) -> list[str]:
    """The lines of a chain whose numbers, digests and signatures are right."""
    previous, lines = START, []
    for number, batch in enumerate(batches, start=1):
        assert (batch.number, batch.previous) == (number, previous)
        digest = batch_digest(memory.name, batch.number, batch.previous, batch.lines)
        assert is_signed_by(public_half(KEY), batch.signature, digest)
        previous = digest.hex()
        lines += batch.lines
    return lines


def everything(memory: Memory) -> list[SignedBatch]:
    found: list[SignedBatch] = []
    while more := memory.batches(KEY.sign, found[-1].number if found else 0):
        found += more
    return found


def test_lines_are_cut_into_batches_that_follow_each_other_and_stay_the_same(memory: Memory) -> None:
    memory.queue(UID, 1, [line(at) for at in range(BATCH_LINES + 1)], last=False)
    first = everything(memory)
    assert [len(batch.lines) for batch in first] == [BATCH_LINES, 1]
    memory.queue(UID, 1, [line(BATCH_LINES + 1)], last=False)
    assert everything(memory)[:2] == first
    assert checked(memory, everything(memory)) == [f"line {at}" for at in range(BATCH_LINES + 2)]
    assert memory.waiting() == (0, 3)


def test_what_was_taken_is_sent_again_only_to_a_platform_that_forgot_it(memory: Memory) -> None:
    for at in range(3):
        memory.queue(UID, 1, [line(at)], last=False)
        memory.batches(KEY.sign, at)
    answers = [BatchAnswer(number=number, receipt=f"r{number}", chain="c") for number in (1, 2)]
    memory.batches_answered(answers, 2, 1000)
    assert (memory.last_taken(), memory.waiting()) == (2, (0, 1))
    assert [batch.number for batch in memory.batches(KEY.sign, memory.last_taken())] == [3]
    assert [batch.number for batch in memory.batches(KEY.sign, 0)] == [1, 2, 3]  # it was restored from a backup


def test_under_another_key_what_was_not_taken_is_signed_anew_in_a_new_chain(memory: Memory) -> None:
    for at in range(3):
        memory.queue(UID, 1, [line(at)], last=False)
        memory.batches(KEY.sign, at)
    memory.queue(UID, 1, [line(3)], last=False)
    memory.batches_answered([], 1, 1000)
    before = memory.name
    assert memory.new_name() != before
    assert checked(memory, everything(memory)) == ["line 1", "line 2", "line 3"]


def test_lines_and_their_slices_are_queued_together_or_not_at_all(memory: Memory, tmp_path: Path) -> None:
    bad = Line(Slice(5, "a800", None, 15, 0, 2, "running"), "bad")  # type: ignore[arg-type]
    with pytest.raises(sqlite3.IntegrityError):
        memory.queue(UID, 1, [line(0), bad], last=True)
    assert (memory.waiting(), memory.slices(UID, 1), memory.open_runs()[0].metered) == ((0, 0), [], 0)


def test_a_run_taken_on_twice_is_one_and_one_that_was_closed_is_told_again(memory: Memory) -> None:
    memory.take_on(UID, 1, 0)
    memory.take_on(UID, 2, 1, verdict="lost", reason="why")
    assert [(run.name, run.lease, run.verdict) for run in memory.open_runs()] == [(UID, 1, ""), (f"{UID}-1", 2, "lost")]
    memory.told([(UID, 1, "digest", True)])
    memory.close_run(UID, 1, 1000)
    assert memory.known([(UID, 1), (UID, 2), (UID, 3)]) == {(UID, 1): False, (UID, 2): True}
    memory.take_on(UID, 1, 0)
    (again, _) = memory.open_runs()
    assert (again.told, again.over) == ("", 0)


def test_request_numbers_are_never_used_twice_though_the_process_dies(memory: Memory, tmp_path: Path) -> None:
    first = memory.next_numbers(1000)
    other = Memory(tmp_path / "memory.sqlite3")
    second = other.next_numbers(1000)
    other.close()
    assert (first[0], second[0]) == (1, 1001)


def test_what_is_old_is_forgotten_and_the_chain_goes_on(memory: Memory) -> None:
    for at in range(2):
        memory.queue(UID, 1, [line(at)], last=True)
        memory.batches(KEY.sign, at)
    head = memory.head()
    memory.batches_answered([], 2, 1000)
    memory.close_run(UID, 1, 1000)
    memory.tidy(1000 + remembering.LINES_KEPT + 1)
    assert (memory.head(), memory.last_taken(), memory.slices(UID, 1)) == (head, 2, memory.slices(UID, 1))
    memory.tidy(1000 + remembering.RUNS_KEPT + 1)
    assert memory.slices(UID, 1) == []
    memory.queue(UID, 2, [line(9)], last=False)
    (batch,) = memory.batches(KEY.sign, 2)
    assert (batch.number, batch.previous) == (3, head[1])


def test_what_was_never_taken_is_sent_though_the_file_was_tidied_and_the_agent_started_again(
    memory: Memory, tmp_path: Path
) -> None:
    for at in range(2):
        memory.queue(UID, 1, [line(at)], last=False)
        memory.batches(KEY.sign, at)
    memory.tidy(1000)
    again = Memory(tmp_path / "memory.sqlite3")
    assert again.last_taken() == 0
    assert [batch.number for batch in again.batches(KEY.sign, again.last_taken())] == [1, 2]
    again.batches_answered([], 1, 1000)
    again.tidy(1000 + remembering.RUNS_KEPT + 1)
    assert (again.last_taken(), again.head()[0]) == (1, 2)
    again.close()


def test_a_day_without_the_platform_takes_bounded_room(memory: Memory, tmp_path: Path) -> None:
    """24 hours of 1,000 running jobs: a line each an hour, signed and kept until the platform is back."""
    written = "x" * 700
    sizes = []
    for hour in range(24):
        memory.queue(UID, 1, [line(hour * 10_000 + job, written) for job in range(1000)], last=False)
        memory.batches(KEY.sign, 0)
        sizes.append(sum(path.stat().st_size for path in tmp_path.iterdir()))
    growth = [later - earlier for earlier, later in pairwise(sizes)]
    assert max(growth) < 6_000_000  # of 700 kB of lines: the file, and what SQLite writes ahead
    assert sizes[-1] < 40_000_000
    assert len(memory.batches(KEY.sign, 0)) == 1  # what goes out at once is bounded too


def test_the_file_is_its_owners_alone(memory: Memory, tmp_path: Path) -> None:
    assert stat.S_IMODE((tmp_path / "memory.sqlite3").stat().st_mode) == 0o600
    assert memory.is_sound()


def test_the_receipts_are_kept_and_given_out_as_an_auditor_takes_them(tmp_path: Path) -> None:
    memory = Memory(tmp_path / MEMORY)
    memory.new_name()
    memory.put("centre", "hf")
    lines = [Line(Slice(3600 * number, "a", number, 3600 * number + 60, 0, 1, "running"), "{}") for number in range(2)]
    memory.queue("J1", 1, lines, last=False)
    (batch,) = memory.batches(lambda digest: b"s" * 64, 0)
    assert memory.receipts() == []
    memory.batches_answered([BatchAnswer(number=1, receipt="ab" * 64, chain="cd" * 32)], 1, 0)
    (held,) = memory.receipts()
    assert held == {"number": 1, "digest": memory.digest_of(1), "chain": "cd" * 32, "receipt": "ab" * 64}
    assert batch.number == 1
    write_config(tmp_path, Config(url="http://127.0.0.1:1", engine="local"))
    given = held_receipts(tmp_path)
    (tmp_path / "receipts.json").write_text(json.dumps(given))
    (file,) = load_trust(receipts=[tmp_path / "receipts.json"]).receipts
    assert (file.centre, [each.model_dump() for each in file.receipts]) == (
        "hf", [{"agent": memory.name, **held}],
    )  # fmt: skip
    memory.close()
