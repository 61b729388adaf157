"""Slices of use: cut at the hours, meeting end to start, and in the end what the accounting says to the second."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from huisuan.compute.engines.interface import RunState, RunUsage
from huisuan.compute.site_agent.usage_slices import HOUR, SETTLED_AFTER, Slice, SliceLine, due_lines

UID = "01m8558jnns7cryxk3r3r51yjp"
TEN = int(datetime(2024, 6, 3, 10, tzinfo=UTC).timestamp())


def at(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def held(start: int, end: int | None = None, **rest: Any) -> RunUsage:
    state = RunState.RUNNING if end is None else RunState.COMPLETED
    return RunUsage(
        name=UID, restart=0, nodes="n1", node_count=1, cards=2, local_card="a800", started_at=at(start),
        ended_at=None if end is None else at(end), **{"state": state, **rest},
    )  # fmt: skip


class Ledger:
    """What was queued, as the platform would hold it: the last word for each start."""

    def __init__(self) -> None:
        self.slices: dict[tuple[int, str], Slice] = {}
        self.lines: list[SliceLine] = []

    def look(self, now: int, *stretches: RunUsage) -> list[SliceLine]:
        lines = due_lines(UID, 0, 1, stretches, list(self.slices.values()), now, "test/1")
        for each in lines:
            told = json.loads(each.content)
            assert told["corrects"] == (each.slice.key in self.slices)
            self.slices[each.slice.key] = each.slice
        self.lines += lines
        return lines

    @property
    def spans(self) -> list[tuple[int, int]]:
        """Those that held something, in order."""
        return sorted((each.started, each.ended) for each in self.slices.values() if each.ended > each.started)

    @property
    def seconds(self) -> int:
        return sum(each.ended - each.started - each.suspended for each in self.slices.values())


def test_a_running_run_is_cut_at_the_hours_that_are_over() -> None:
    ledger = Ledger()
    running = held(TEN + 600)
    assert ledger.look(TEN + HOUR + SETTLED_AFTER - 1, running) == []
    ledger.look(TEN + HOUR + SETTLED_AFTER, running)
    ledger.look(TEN + 2 * HOUR + 1800, running)
    assert ledger.spans == [(TEN + 600, TEN + HOUR), (TEN + HOUR, TEN + 2 * HOUR)]
    assert ledger.look(TEN + 2 * HOUR + 1801, running) == []
    last = ledger.look(TEN + 3 * HOUR, held(TEN + 600, TEN + 2 * HOUR + 7))
    assert ledger.seconds == 2 * HOUR + 7 - 600
    assert [json.loads(line.content)["state"] for line in ledger.lines] == ["running", "running", "completed"]
    assert json.loads(last[0].content)["slice"] == 2


def test_a_run_that_began_and_ended_unseen_is_cut_all_the_same() -> None:
    ledger = Ledger()
    ledger.look(TEN + 9 * HOUR, held(TEN - 30, TEN + HOUR))
    assert ledger.spans == [(TEN - 30, TEN), (TEN, TEN + HOUR)]


def test_a_run_of_no_second_is_one_slice() -> None:
    ledger = Ledger()
    (line,) = ledger.look(TEN, held(TEN, TEN))
    assert (line.slice.started, line.slice.ended) == (TEN, TEN)


def test_accounting_that_ends_earlier_than_was_told_corrects_what_was_told() -> None:
    ledger = Ledger()
    ledger.look(TEN + 2 * HOUR + 100, held(TEN))
    corrections = ledger.look(TEN + 3 * HOUR, held(TEN, TEN + 1800))
    assert ledger.spans == [(TEN, TEN + 1800)]
    assert all(json.loads(line.content)["corrects"] for line in corrections)


def test_a_last_slice_that_was_told_as_running_is_told_again_with_the_end() -> None:
    ledger = Ledger()
    ledger.look(TEN + HOUR + 100, held(TEN))
    (line,) = ledger.look(TEN + HOUR + 200, held(TEN, TEN + HOUR, state=RunState.FAILED, exit_code=3))
    told = json.loads(line.content)
    assert (told["corrects"], told["state"], told["exit_code"], told["slice"]) == (True, "failed", 3, 0)
    assert ledger.look(TEN + HOUR + 300, held(TEN, TEN + HOUR, state=RunState.FAILED, exit_code=3)) == []


def test_the_stretches_of_a_requeued_run_are_told_apart() -> None:
    ledger = Ledger()
    first = held(TEN, TEN + 1800, state=RunState.FAILED)
    ledger.look(TEN + 2 * HOUR + 100, first, held(TEN + 4000))
    assert ledger.spans == [(TEN, TEN + 1800), (TEN + 4000, TEN + 2 * HOUR)]
    ledger.look(TEN + 3 * HOUR, first, held(TEN + 4000, TEN + 2 * HOUR + 60))
    assert ledger.seconds == 1800 + 2 * HOUR + 60 - 4000


def test_a_stretch_that_ended_earlier_than_was_told_makes_room_for_the_next_before_that_is_told() -> None:
    ledger = Ledger()
    ledger.look(TEN + HOUR + 100, held(TEN))
    lines = ledger.look(TEN + 2 * HOUR + 100, held(TEN, TEN + 600, state=RunState.FAILED), held(TEN + 700))
    assert [(line.slice.started, line.slice.ended) for line in lines] == [
        (TEN, TEN + 600),
        (TEN + 700, TEN + HOUR),
        (TEN + HOUR, TEN + 2 * HOUR),
    ]
    assert ledger.spans == [(line.slice.started, line.slice.ended) for line in lines]


def test_what_was_suspended_is_left_out_of_the_hour_in_which_it_was() -> None:
    ledger = Ledger()
    ledger.look(TEN + HOUR + 100, held(TEN, suspended_seconds=100))
    ledger.look(TEN + 2 * HOUR + 100, held(TEN, suspended_seconds=150))
    assert [each.suspended for each in ledger.slices.values()] == [100, 50]
    ledger.look(TEN + 3 * HOUR, held(TEN, TEN + 2 * HOUR + 10, suspended_seconds=40))
    assert ledger.seconds == 2 * HOUR + 10 - 40


def test_what_a_user_or_a_scheduler_wrote_never_breaks_a_line() -> None:
    ledger = Ledger()
    ledger.look(TEN, held(TEN - 5, TEN - 1, raw="a\tb\nc" + "x" * 9000))
    told = json.loads(ledger.lines[0].content)
    assert told["raw"].startswith("a b c")
    assert len(told["raw"]) == 4000


looks = st.lists(st.integers(0, 12 * HOUR), max_size=6)


@given(
    start=st.integers(0, 2 * HOUR),
    length=st.integers(0, 8 * HOUR),
    share=st.floats(0, 1),
    at_looks=looks,
    believed=st.integers(0, 12 * HOUR),
)
def test_whenever_it_is_looked_at_the_slices_sum_to_what_the_accounting_says_in_the_end(
    start: int, length: int, share: float, at_looks: list[int], believed: int
) -> None:
    """Looks while the run goes on may even see too much: `believed` is how long it is taken to run."""
    ledger, suspended = Ledger(), int(length * share)
    for look in sorted(at_looks):
        if start <= look <= start + max(length, believed):
            so_far = min(suspended, look - start)
            ledger.look(TEN + look, held(TEN + start, suspended_seconds=so_far))
    over = held(TEN + start, TEN + start + length, suspended_seconds=suspended)
    ledger.look(TEN + 24 * HOUR, over)
    assert ledger.seconds == length - suspended
    for (_, ended), (started, _) in zip(ledger.spans, ledger.spans[1:], strict=False):
        assert ended == started
    if length:
        assert (ledger.spans[0][0], ledger.spans[-1][1]) == (TEN + start, TEN + start + length)
        assert all(first // HOUR == (last - 1) // HOUR for first, last in ledger.spans)
    assert ledger.look(TEN + 25 * HOUR, over) == []
    assert all(0 <= each.suspended <= each.ended - each.started for each in ledger.slices.values())
