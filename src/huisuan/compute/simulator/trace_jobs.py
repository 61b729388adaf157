"""Public job traces for a replay: the jobs that `usage import --format trace` would meter, in order of submission."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from huisuan.base.errors import InvalidRequest, Unavailable
from huisuan.base.time_zones import parse_time_zone
from huisuan.compute.duck.source_lines import split_source
from huisuan.compute.traces.columns import MISSING_VALUES, TraceColumns
from huisuan.compute.traces.inflate import inflate
from huisuan.compute.traces.read import TraceRows, parse_trace_rows
from huisuan.compute.traces.timestamps import Clock

AS_WRITTEN = ZoneInfo("UTC")
_COLUMNS = (
    "line_no, job_id, coalesce(submit_at, started), ended - started - suspended, cards, account_, user_, "
    '"limit", models_'
)


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
    """A trace that was read. `faults`: lines that say nothing usable, with column and reason. `counts`: what became of
    every line (`TraceRows.counts`). `dated`: whether second 0 is 1970 (else it is the trace's own beginning).
    """

    name: str
    form: str
    jobs: list[TraceJob] = field(default_factory=list)
    faults: list[tuple[int, str]] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    dated: bool = True

    def in_month(self, month: str) -> Trace:
        """Only the jobs submitted in a month such as 2017-10, as the trace writes its times.

        Raises:
            InvalidRequest: no month, or the trace counts its seconds from an unknown day.
        """
        try:
            first = datetime.strptime(month, "%Y-%m").replace(tzinfo=UTC)
        except ValueError:
            raise InvalidRequest(f'--month: "{month}" 不是月份；请写成 2017-10', code="month.malformed") from None
        if not self.dated:
            raise InvalidRequest(f"--month：{self.name} 只有相对秒数，没有日期，不能按月筛选", code="trace.no_dates")
        following = first.replace(year=first.year + first.month // 12, month=first.month % 12 + 1)
        since, until = int(first.timestamp()), int(following.timestamp())
        return replace(self, jobs=[job for job in self.jobs if since <= job.submitted_s < until])


def read_trace(path: Path, columns: TraceColumns | None = None, timezone: str | None = None) -> Trace:
    """Read a trace file (gzip or not); its jobs in the order of submission, equal moments in that of the file.

    Times without an offset are taken as they are written, unless `timezone` (IANA) says where they were.

    Raises:
        Unavailable: it cannot be read.
        InvalidRequest: it is of no known format, or holds no job.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise Unavailable(f"{path}：读不出来：{error}", code="file.unreadable") from None
    zone = parse_time_zone(timezone) if timezone else AS_WRITTEN
    source = split_source(inflate(content, path.name), path.name)
    rows = parse_trace_rows(source, columns or TraceColumns(), Clock(zone, relative=True))
    trace = Trace(path.name, rows.layout.form, _jobs(rows), rows.refused, rows.counts(), rows.notes, rows.dated)
    rows.con.close()
    if not trace.jobs:
        found = "；".join(f"行 {line} {text}" for line, text in trace.faults[:3])
        raise InvalidRequest(f"{path.name}：没有可重放的作业{'：' + found if found else ''}", code="trace.no_jobs")
    return trace


def _jobs(rows: TraceRows) -> list[TraceJob]:
    jobs = []
    for line, job_id, submitted_s, duration_s, cards, account, user, limit, models in rows.jobs(_COLUMNS):
        tenant = account or user or "all"
        wanted = tuple(model for model in (models or "").split("|") if model.lower() not in MISSING_VALUES)
        limit_s = max(limit, duration_s) if limit and limit > 0 else None
        jobs.append(TraceJob(line, job_id, submitted_s, duration_s, cards, tenant, user or tenant, limit_s, wanted))
    jobs.sort(key=lambda job: (job.submitted_s, job.line))
    return jobs
