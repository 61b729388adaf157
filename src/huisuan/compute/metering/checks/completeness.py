"""Is anything missing? The ledger against itself, runs against records, records against leases, seals against agents.

Everything is found by the database, set by set, so that a month of a million records is asked about in seconds.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection, transaction

from huisuan.base.months import Month
from huisuan.compute.metering.checks.anomaly import Anomaly, FlagKind
from huisuan.compute.metering.checks.clock import limit_seconds
from huisuan.compute.metering.checks.flags import BY_THE_PLATFORM, open_flags, raise_flags
from huisuan.compute.metering.checks.run_bounds import most_seconds
from huisuan.compute.models import Centre, Job, MeterFlag, Seal, UsageRecord

#: seconds by which the span that an agent saw may differ from what the scheduler's accounting says
TOLERANCE = 120
#: by when the records of a run, or of an hour of one that goes on, have surely come from a centre that is in touch
SETTLED = timedelta(hours=2)
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)

CURRENT = (
    "NOT EXISTS (SELECT 1 FROM compute_usagerecord s WHERE s.centre_id = u.centre_id AND s.supersedes = u.sequence)"
)
#: Runs that a centre's agent saw begin, and what the records of each cover of it up to the end of what is asked about.
#: A run that was requeued begins more than once: its records may begin before the start that is known.
LATEST_RUNS = f"""
WITH ran AS (
    SELECT uid, run, cards, started_at, least(coalesce(ended_at, %(limit)s), %(limit)s) AS until, ended_at
    FROM compute_job
    WHERE centre_id = %(centre)s AND started_at < %(limit)s AND (ended_at IS NULL OR ended_at >= %(first)s)
      AND (ended_at IS NULL OR ended_at < %(settled)s)
)
SELECT ran.uid, ran.run, ran.started_at, ran.until, ran.ended_at IS NULL,
    extract(epoch FROM ran.until - ran.started_at)::bigint,
    extract(epoch FROM ran.ended_at - least(ran.started_at, min(u.started_at)))::bigint,
    coalesce(sum(extract(epoch FROM least(u.ended_at, ran.until) - greatest(u.started_at, ran.started_at)))
        FILTER (WHERE u.ended_at > ran.started_at AND u.started_at < ran.until), 0)::bigint,
    coalesce(sum(extract(epoch FROM u.ended_at - u.started_at)), 0)::bigint,
    coalesce(extract(epoch FROM max(u.ended_at) - ran.ended_at), 0)::bigint
FROM ran LEFT JOIN compute_usagerecord u
    ON u.centre_id = %(centre)s AND u.job_id = ran.uid AND u.run = ran.run AND {CURRENT}
GROUP BY ran.uid, ran.run, ran.started_at, ran.until, ran.ended_at ORDER BY ran.uid
"""  # noqa: S608 (our own SQL)
#: Runs before a job's latest one, or that it had here before it went elsewhere, of which there is no record at all.
EARLIER_RUNS = """
SELECT DISTINCT e.job_id, e.run FROM compute_jobevent e JOIN compute_job j ON j.uid = e.job_id
WHERE e.centre_id = %(centre)s AND e.state = 'running' AND e.at >= %(first)s AND e.at < %(limit)s
  AND (e.run < j.run OR j.centre_id IS DISTINCT FROM %(centre)s)
  AND NOT EXISTS (
    SELECT 1 FROM compute_usagerecord u
    WHERE u.centre_id = %(centre)s AND u.job_id = e.job_id AND u.run = e.run
  )
ORDER BY e.job_id, e.run
"""
#: An agent's records whose job was never placed at the centre.
UNLEASED = f"""
SELECT u.sequence, u.job_id FROM compute_usagerecord u JOIN compute_sourcefile f ON f.id = u.source_file_id
WHERE u.centre_id = %(centre)s AND u.ended_at >= %(first)s AND u.started_at < %(limit)s AND f.format = 'agent'
  AND {CURRENT}
  AND NOT EXISTS (SELECT 1 FROM compute_job j WHERE j.uid = u.job_id AND j.centre_id = u.centre_id)
  AND NOT EXISTS (
    SELECT 1 FROM compute_placementdecision d WHERE d.job_id = u.job_id AND d.centre_id = u.centre_id
  )
ORDER BY u.sequence
"""  # noqa: S608 (our own SQL)
#: An agent's records outside the time of the placement that their run had here, or together longer than it.
UNTIMELY = f"""
WITH placed AS (
    SELECT d.job_id, d.run, min(floor(extract(epoch FROM d.at))) AS at FROM compute_placementdecision d
    WHERE d.centre_id = %(centre)s GROUP BY d.job_id, d.run
)
SELECT u.job_id, u.run, min(u.sequence),
    (max(extract(epoch FROM u.ended_at)) - min(extract(epoch FROM u.started_at)))::bigint, p.at::bigint,
    max(ceil(extract(epoch FROM u.received_at)))::bigint, min(extract(epoch FROM u.started_at))::bigint,
    bool_or(extract(epoch FROM u.ended_at) > ceil(extract(epoch FROM u.received_at)) + %(clock)s)
FROM compute_usagerecord u JOIN compute_sourcefile f ON f.id = u.source_file_id
JOIN placed p ON p.job_id = u.job_id AND p.run = u.run
WHERE u.centre_id = %(centre)s AND f.format = 'agent' AND u.ended_at > u.started_at AND {CURRENT}
GROUP BY u.job_id, u.run, p.at
HAVING max(u.ended_at) >= %(first)s AND min(u.started_at) < %(limit)s ORDER BY u.job_id, u.run
"""  # noqa: S608 (our own SQL)
SEQUENCE = """
SELECT count(*), coalesce(min(sequence), 1), coalesce(max(sequence), 0) FROM compute_usagerecord WHERE centre_id = %s
"""
BATCHES = """
SELECT number, first, last, number = row_number() OVER w,
    first = coalesce(lag(last) OVER w, 0) + 1, previous = coalesce(lag(chain) OVER w, repeat('0', 64))
FROM compute_meterbatch WHERE centre_id = %s WINDOW w AS (ORDER BY number) ORDER BY number
"""
_AGENT_BATCHES = """
SELECT k.host, b.number, b.agent_number, b.agent_number = row_number() OVER w,
    b.agent_previous = coalesce(lag(b.agent_digest) OVER w, repeat('0', 64))
FROM compute_meterbatch b JOIN compute_agentkey k ON k.id = b.key_id
WHERE b.centre_id = %s WINDOW w AS (PARTITION BY b.key_id ORDER BY b.agent_number) ORDER BY b.number
"""


@dataclass
class Completeness:
    """What was looked at, and what is wrong. `gaps` are faults of the ledger itself, which nobody can answer for."""

    centre: str
    month: str | None
    records: int = 0
    batches: int = 0
    runs: int = 0
    gaps: list[str] = field(default_factory=list)
    doubts: list[Anomaly] = field(default_factory=list)
    unsigned: list[str] = field(default_factory=list)  # months sealed without the centre's signature
    open_flags: int = 0

    @property
    def is_whole(self) -> bool:
        """Nothing is missing and nothing waits for an answer."""
        return not (self.gaps or self.doubts or self.open_flags)

    def as_json(self) -> dict[str, Any]:
        """All of it."""
        doubts = [{"kind": str(doubt.kind), "about": doubt.key, "text": doubt.text} for doubt in self.doubts]
        return {**vars(self), "doubts": doubts, "whole": self.is_whole}


def check_completeness(centre: Centre, month: Month | None, now: datetime) -> Completeness:
    """Look at a centre's ledger, whole or for a month; what is missing is flagged, what has come since is answered.

    Records of runs that have just ended may still be on their way: they are asked for when `SETTLED` has passed.
    """
    report = Completeness(centre.code, str(month) if month else None)
    first = datetime.fromtimestamp(month.starts, UTC) if month else EARLIEST
    hour = (now - SETTLED).replace(minute=0, second=0, microsecond=0)
    limit = min(hour, datetime.fromtimestamp(month.ends, UTC)) if month else hour
    asked = {"centre": centre.pk, "first": first, "limit": limit, "settled": now - SETTLED}
    asked["clock"] = limit_seconds()
    with transaction.atomic():
        report.gaps = _gaps(centre, report)
        looked_at: set[str] = set()
        report.doubts = [*_runs(asked, looked_at), *_unleased(asked), *_untimely(asked)]
        report.runs = len(looked_at)
        raise_flags(centre, report.doubts, now)
        _answer_what_came(centre, report.doubts, looked_at, now)
        still_open = set(open_flags(centre).values_list("kind", "key"))
        report.doubts = [doubt for doubt in report.doubts if (doubt.kind.value, doubt.key) in still_open]
    report.open_flags = open_flags(centre).count()
    unsigned = Seal.objects.filter(centre=centre, countersigned__isnull=True).values_list("month", flat=True)
    report.unsigned = [f"{day:%Y-%m}" for day in unsigned]
    return report


def _rows(query: str, parameters: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query, parameters)
        found: list[tuple[Any, ...]] = cursor.fetchall()
    return found


def _gaps(centre: Centre, report: Completeness) -> list[str]:
    """Faults of the ledger: numbers that are missing, batches that do not follow each other or do not cover it."""
    ((count, lowest, highest),) = _rows(SEQUENCE, [centre.pk])
    last = Centre.objects.values_list("last_sequence", flat=True).get(pk=centre.pk)
    report.records, gaps = count, []
    if lowest != 1 or count != highest or highest != last:
        gaps.append(f"用量记录序号不连续：共 {count:,} 条，最小 {lowest:,}，最大 {highest:,}，中心记到 {last:,}")
    covered = 0
    for number, first, final, in_order, follows, chained in _rows(BATCHES, [centre.pk]):
        report.batches, covered = report.batches + 1, final
        for well, what in ((in_order, "批号断了"), (follows, f"从 {first:,} 起，没有接上前一批"), (chained, "链断了")):
            if not well:
                gaps.append(f"第 {number} 批：{what}")
    if covered != last:
        gaps.append(f"批次只覆盖到第 {covered:,} 条，账本到第 {last:,} 条")
    for host, number, agent_number, in_order, chained in _rows(_AGENT_BATCHES, [centre.pk]):
        if not (in_order and chained):
            gaps.append(f"第 {number} 批：{host} 的站点代理的第 {agent_number} 批没有接上它的前一批")
    return gaps


def _runs(asked: dict[str, Any], looked_at: set[str]) -> list[Anomaly]:
    """Runs whose records do not cover them, or say more than they lasted; every run's key goes to `looked_at`."""
    anomalies = []
    for uid, run, started, until, live, span, whole, covered, recorded, over in _rows(LATEST_RUNS, asked):
        looked_at.add(f"{uid} {run}")
        name = f"作业 {uid} 第 {run} 次运行（{started:%Y-%m-%d %H:%M:%S} 至 {until:%Y-%m-%d %H:%M:%S} UTC）"
        if covered + TOLERANCE < span:
            why = "还在运行" if live else "已结束"
            anomalies.append(
                Anomaly(FlagKind.MISSING, f"{uid} {run}", f"{name}{why}，{span:,} 秒中有记录的只有 {covered:,} 秒")
            )
        elif not live and (recorded > whole + TOLERANCE or over > TOLERANCE):
            text = (
                f"{name}自最早的记录起历时 {whole:,} 秒，记录却有 {recorded:,} 秒，最后一条晚于结束 {max(over, 0):,} 秒"
            )
            size = max(recorded - whole, over)
            anomalies.append(Anomaly(FlagKind.SCHEDULER, f"{uid} {run}", text, size=size))
    for uid, run in _rows(EARLIER_RUNS, asked):
        looked_at.add(f"{uid} {run}")
        anomalies.append(
            Anomaly(FlagKind.MISSING, f"{uid} {run}", f"作业 {uid} 第 {run} 次运行在本中心开始过，没有任何记录")
        )
    return anomalies


def _unleased(asked: dict[str, Any]) -> list[Anomaly]:
    return [
        Anomaly(
            FlagKind.NO_LEASE,
            f"record {sequence}",
            f"第 {sequence} 条记录的作业 {uid} 从未调度到本中心",
            sequence=sequence,
        )
        for sequence, uid in _rows(UNLEASED, asked)
    ]


def _untimely(asked: dict[str, Any]) -> list[Anomaly]:
    """What the judging of lines lets through nowhere: found here, it was stored by another way."""
    anomalies = []
    for uid, run, sequence, span, placed, received, started, early in _rows(UNTIMELY, asked):
        if span > most_seconds(placed, received) or started < placed - asked["clock"] or early:
            text = f"作业 {uid} 第 {run} 次运行的记录共跨 {span:,} 秒，不在调度与收到之间（{received - placed:,} 秒）"
            anomalies.append(Anomaly(FlagKind.CLOCK, f"run {uid} {run}", text, sequence=sequence))
    return anomalies


def _answer_what_came(centre: Centre, anomalies: list[Anomaly], looked_at: set[str], now: datetime) -> None:
    """Close what was missing at an earlier look and is there now."""
    still = {anomaly.key for anomaly in anomalies if anomaly.kind == FlagKind.MISSING}
    came = []
    for flag in open_flags(centre).filter(kind=MeterFlag.Kind.MISSING).exclude(key__in=still):
        uid, _, run = flag.key.partition(" ")
        # a run that is not the job's latest has come when there is any record of it
        records = UsageRecord.objects.filter(centre=centre, job_id=uid, run=int(run))
        if flag.key in looked_at or (records.exists() and not Job.objects.filter(pk=uid, run=run).exists()):
            came.append(flag.pk)
    answer = {"answered_at": now, "answered_by": BY_THE_PLATFORM, "answer": "记录已经补齐"}
    open_flags(centre).filter(pk__in=came).update(**answer)
