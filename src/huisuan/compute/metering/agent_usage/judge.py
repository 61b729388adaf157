"""An agent's usage lines, one after the other: each becomes a record, is known already, or is doubtful and says why.

The lines of a call are judged in their order against what is stored and against those before them, so that a
correction and the slice that takes its place may come together.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

from huisuan.base.hashing import text_sha256
from huisuan.compute.metering.agent_usage.lease import Lease, Leases
from huisuan.compute.metering.agent_usage.usage_line import UsageLineFields, epoch_second
from huisuan.compute.metering.checks.anomaly import Anomaly, FlagKind
from huisuan.compute.metering.checks.run_bounds import most_seconds

CurrentRecord = tuple[int, int, str]  # a current record's sequence, end and content
_Interval = tuple[int, int]
RunSpan = tuple[int, int, int]  # and the run


class RawUsageLine(NamedTuple):
    """A line as it came, its SHA-256, and its place in the batch, from 1."""

    text: str
    sha256: str
    place: int


class MeteredSlice(NamedTuple):
    """A line as it is metered: what its record says beyond its lease."""

    lease: Lease
    sequence: int
    supersedes: int | None
    nodes: str
    node_count: int
    started: int
    ended: int
    suspended: int
    state: str
    exit_code: str
    content_sha256: str
    raw: RawUsageLine


class KnownRecords:
    """What is stored of the jobs that the lines speak of, and grows with each line that is taken."""

    def __init__(self) -> None:
        self.current: dict[tuple[str, int, int], CurrentRecord] = {}  # by uid, run and start
        self.past: set[tuple[str, int, int, str]] = set()  # contents that were corrected since
        self.spans: dict[str, tuple[RunSpan, ...]] = {}

    def put(self, uid: str, run: int, started: int, sequence: int, ended: int, content_sha256: str) -> None:
        """A record is current; the one of the same run and start before it is not any more."""
        before, spans = self.current.get((uid, run, started)), self.spans.get(uid, ())
        if before is not None:
            self.past.add((uid, run, started, before[2]))
            spans = tuple(span for span in spans if (span[0], span[2]) != (started, run))
        self.current[uid, run, started] = (sequence, ended, content_sha256)
        if ended > started:
            at = bisect_right(spans, (started, ended, run))
            spans = (*spans[:at], (started, ended, run), *spans[at:])
        self.spans[uid] = spans

    def reach(self, uid: str, run: int, started: int, ended: int) -> _Interval:
        """First and last second of a run with this slice, whose own earlier word, of the same start, does not count."""
        if ended == started:
            return started, ended  # it holds nothing
        spans = self.spans.get(uid, ())  # in order, and those of a run apart: its first and its last are enough
        first = next((span[0] for span in spans if span[2] == run and span[0] != started), started)
        last = next((span[1] for span in reversed(spans) if span[2] == run and span[0] != started), ended)
        return min(started, first), max(ended, last)

    def across(self, uid: str, run: int, started: int, ended: int) -> RunSpan | None:
        """Time of the job's that is metered under another start and meets [started, ended).

        The next run may begin in the second in which the one before ended: begins are rounded down, ends up.
        """
        spans = self.spans.get(uid)
        if not spans:
            return None
        at = bisect_right(spans, (started, ended, run))
        for span in spans[max(at - 2, 0) : at + 2]:  # two on each side: one of them may be its own, earlier word
            shared = 0 if span[2] == run else 1
            if (span[0], span[2]) != (started, run) and span[0] + shared < ended and started + shared < span[1]:
                return span
        return None


@dataclass
class LineJudge:
    """Judges lines for one centre. `sequence` is the last that is given, `now` when they came, by the platform's clock,
    `clock` the seconds by which the centre's may differ. When they were sent counts for nothing: its agent says it.
    """

    leases: Leases
    known: KnownRecords
    sequence: int
    now: int
    clock: int

    def judged(self, raw: RawUsageLine, usage: UsageLineFields | str) -> MeteredSlice | Anomaly | None:
        """What is metered by a line, or what is doubtful; None for a line that is known.

        `usage` is what it says, or why it is no usage line.
        """
        if isinstance(usage, str):
            return line_anomaly(FlagKind.FORM, raw, usage)
        lease = self.leases.of(usage["uid"], usage["lease"])
        if isinstance(lease, str):
            return line_anomaly(FlagKind.NO_LEASE, raw, lease)
        started, ended = epoch_second(usage["started_at"]), epoch_second(usage["ended_at"])
        if started is None or ended is None:
            return line_anomaly(FlagKind.FORM, raw, f"作业 {lease.uid}：起止时间应为带时区的整秒")
        why = self._odd(usage, lease, started, ended)
        if why:
            return line_anomaly(why[0], raw, f"作业 {lease.uid}：{why[1]}")
        outcome = self._among_known(raw, usage, lease, (started, ended))
        if isinstance(outcome, str):
            return line_anomaly(FlagKind.SCHEDULER, raw, f"作业 {lease.uid}：{outcome}")
        return outcome

    def _odd(self, usage: UsageLineFields, lease: Lease, started: int, ended: int) -> tuple[FlagKind, str] | None:
        """What in a line contradicts itself or the lease."""
        if ended < started or usage["suspended_seconds"] > ended - started:
            span = f"起 {_format_time(started)}、止 {_format_time(ended)}、挂起 {usage['suspended_seconds']} 秒"
            return FlagKind.FORM, f"{span} 相互矛盾"
        if usage["run"] != lease.run:
            return FlagKind.NO_LEASE, f"第 {lease.lease} 次调度是第 {lease.run} 次运行，上报的是第 {usage['run']} 次"
        if usage["cards"] != lease.cards:
            return FlagKind.OTHER_CARDS, f"上报 {usage['cards']} 卡，平台分配 {lease.cards} 卡"
        if not self.leases.may_mean(usage["local_card"], lease.accelerator):
            return FlagKind.OTHER_CARDS, f'上报的卡 "{usage["local_card"]}" 不是分配的 {lease.model}'
        return self._out_of_time(lease, started, ended)

    def _over(self, lease: Lease) -> int:
        """When the run was over for the platform, or these lines came."""
        return self.now if lease.until is None else min(lease.until, self.now)

    def _out_of_time(self, lease: Lease, started: int, ended: int) -> tuple[FlagKind, str] | None:
        """Whether a slice lies outside the time between its run's placement and the run's end, or its own receipt, or
        makes the run longer than that time.
        """
        over = self._over(lease)
        what = "收到" if over == self.now else "平台得知运行结束"
        between = f"调度（{_format_time(lease.placed)}）与{what}（{_format_time(over)}）之间"
        if started < lease.placed - self.clock or ended > over + self.clock:
            return FlagKind.CLOCK, f"{_format_time(started)} 至 {_format_time(ended)} 不在{between}；请校准中心的时钟"
        first, last = self.known.reach(lease.uid, lease.run, started, ended)
        if last - first > most_seconds(lease.placed, over):
            return FlagKind.CLOCK, f"这次运行共 {last - first:,} 秒，而{between}只有 {over - lease.placed:,} 秒"
        return None

    def _among_known(
        self, raw: RawUsageLine, usage: UsageLineFields, lease: Lease, span: _Interval
    ) -> MeteredSlice | str | None:
        """What is metered beside what is stored; why nothing can be, or None where it is metered already."""
        uid, (started, ended) = lease.uid, span
        suspended, state, nodes = usage["suspended_seconds"], usage["state"], usage["nodes"]
        exit_code = "" if usage["exit_code"] is None else str(usage["exit_code"])
        content = text_sha256(
            f"{uid}\x1f{lease.run}\x1f{lease.model}\x1f{lease.cards}\x1f{nodes}\x1f{usage['node_count']}\x1f{started}"
            f"\x1f{ended}\x1f{suspended}\x1f{state}\x1f{exit_code}"
        )
        before, supersedes = self.known.current.get((uid, lease.run, started)), None
        if before is not None:
            supersedes = before[0]
            if before[2] == content:
                return None
            if not usage["corrects"]:
                older = (uid, lease.run, started, content) in self.known.past
                return None if older else f"{_format_time(started)} 起的一段已另有计量，而这一行不是更正"
        across = self.known.across(uid, lease.run, started, ended)
        if across:
            met = f"与已计量的 {_format_time(across[0])} 至 {_format_time(across[1])} 重叠"
            return f"{_format_time(started)} 至 {_format_time(ended)} {met}"
        self.sequence += 1
        self.known.put(uid, lease.run, started, self.sequence, ended, content)
        return MeteredSlice(
            lease, self.sequence, supersedes, nodes, usage["node_count"], started, ended, suspended, state.upper(),
            exit_code, content, raw,
        )  # fmt: skip


def line_anomaly(kind: FlagKind, raw: RawUsageLine, text: str) -> Anomaly:
    """What is wrong with a line, which is kept with it; the same line is flagged once."""
    return Anomaly(kind, raw.sha256, text, line=raw.text)


def _format_time(moment: int) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat()
