"""Public job traces, in the formats in which they are published: recognised by how they begin."""

from __future__ import annotations

import gzip
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from huisuan.console import Refused

LONGEST_S = 400 * 86_400  # no job runs for more than a year: a slip of the pen, or of the clock
MOST_CARDS = 1_000_000


@dataclass(frozen=True, slots=True)
class TraceJob:
    """A job as the trace tells it: seconds since the trace's own zero (often 1970), seconds, cards.

    `limit_s`: the time that its user asked for, where the trace says so. `models`: the cards that would do.
    """

    line: int
    job_id: str
    submitted_s: int
    duration_s: int
    cards: int
    tenant: str
    user: str
    limit_s: int | None = None
    models: tuple[str, ...] = ()


@dataclass
class Trace:
    """A trace that was read. `faults`: lines that say nothing usable, with column and reason; `left_out`: lines that
    are rightly no job to replay, by kind. `dated`: whether second 0 is 1970 (else it is the trace's own beginning).
    """

    name: str
    form: str
    jobs: list[TraceJob] = field(default_factory=list)
    faults: list[tuple[int, str]] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)
    dated: bool = True

    def in_month(self, month: str) -> Trace:
        """Only the jobs submitted in a month such as 2017-10, as the trace writes its times.

        Raises:
            Refused: no month, or the trace counts its seconds from an unknown day.
        """
        try:
            first = datetime.strptime(month, "%Y-%m").replace(tzinfo=UTC)
        except ValueError:
            raise Refused(f'--month: "{month}" 不是月份；请写成 2017-10') from None
        if not self.dated:
            raise Refused(f"--month：{self.name} 只有相对秒数，没有日期，不能按月筛选")
        following = first.replace(year=first.year + first.month // 12, month=first.month % 12 + 1)
        since, until = int(first.timestamp()), int(following.timestamp())
        jobs = [job for job in self.jobs if since <= job.submitted_s < until]
        return Trace(self.name, self.form, jobs, self.faults, self.left_out, self.notes, self.dated)


Reader = Callable[[Trace, Iterator[tuple[int, str]]], None]


class Fault(Exception):
    """A line that says nothing usable: column, value, rule, remedy."""


def read_trace(path: Path) -> Trace:
    """Read a trace file (gzip or not); its jobs in the order of submission, equal moments in that of the file.

    Raises:
        Refused: it cannot be read, is of no known format, or holds no job.
    """
    from huisuan.compute.simulator import trace_csv, trace_philly, trace_swf

    text = _text(path)
    first = next((line for line in text.splitlines() if line.strip()), "")
    for form, recognises, read in (
        ("swf", trace_swf.recognises, trace_swf.read),
        ("philly-json", trace_philly.recognises, trace_philly.read),
        ("csv", trace_csv.recognises, trace_csv.read),
    ):
        if recognises(first):
            trace = Trace(path.name, form)
            read(trace, text)
            break
    else:
        raise Refused(
            f"{path.name} 行 1：认不出格式：{first[:60]!r}；认得 SWF、Philly 的 cluster_job_log（JSON），"
            "以及有提交时间、时长（或起止）和卡数列的 CSV（Philly、Helios、Acme、openb）"
        )
    if not trace.jobs:
        told = "；".join(f"行 {line} {text}" for line, text in trace.faults[:3])
        raise Refused(f"{path.name}：没有可重放的作业{'：' + told if told else ''}")
    trace.jobs.sort(key=lambda job: (job.submitted_s, job.line))
    return trace


def _text(path: Path) -> str:
    try:
        content = path.read_bytes()
        if content[:2] == b"\x1f\x8b":
            content = gzip.decompress(content)
    except (OSError, EOFError) as error:
        raise Refused(f"{path}：读不出来：{error}") from None
    return content.decode("utf-8-sig", "replace")


def whole(text: str, column: str, *, least: int = 0, most: int = LONGEST_S) -> int:
    """An integer out of a field; 66.0 is one, 66.5 is cut (traces that were computed say seconds so).

    Raises:
        Fault: no number, or out of bounds.
    """
    try:
        value = int(text)
    except ValueError:
        try:
            value = int(float(text))
        except (ValueError, OverflowError):
            raise Fault(f'列 {column}: "{text}" 不是数；请核对这一行') from None
    if not least <= value <= most:
        raise Fault(f'列 {column}: "{text}" 不在 {least:,}–{most:,} 之间；请核对这一行')
    return value


def moment(text: str, column: str) -> tuple[int, bool]:
    """Seconds of a time, and whether it is a date; without an offset it is taken as it is written.

    Raises:
        Fault: neither a number nor a time.
    """
    try:
        return int(text), False
    except ValueError:
        pass
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        try:
            return int(float(text)), False
        except (ValueError, OverflowError):
            raise Fault(f'列 {column}: "{text}" 不是时间；应如 2024-01-31 08:00:00 或秒数') from None
    return int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()), True
