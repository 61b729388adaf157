"""The platform's own jobs in a centre's accounting file: metered by its agent already, so compared instead of counted.

A run's name at the centre is the job's uid, with `-N` from its second run on. Without this an agent's job that also
stands in an imported file would be paid twice, under two names.
"""

from __future__ import annotations

from datetime import datetime

import duckdb
from django.db import connection

from huisuan.compute.metering.agent_usage.leases import load_leases
from huisuan.compute.metering.checks.anomaly import Anomaly, FlagKind
from huisuan.compute.metering.checks.completeness import CURRENT, SETTLED
from huisuan.compute.metering.checks.flags import BY_THE_PLATFORM, open_flags
from huisuan.compute.metering.intake.tables import PLATFORM_JOB_NAME
from huisuan.compute.models import Centre

UID_LENGTH = 26
_NAMES = f"""
SELECT DISTINCT job_name FROM reading
WHERE regexp_full_match(job_name, '[0-9abcdefghjkmnpqrstvwxyz]{{{UID_LENGTH}}}(-[0-9]+)?')
"""  # noqa: S608 (a number of ours)
SCHEDULER_SECONDS = """
SELECT job_name, sum(cards::BIGINT * (ended - started - suspended))::BIGINT FROM platform_line
GROUP BY job_name HAVING max(ended) < ?
"""
METERED_SECONDS = f"""
SELECT u.job_id, u.run, sum(u.card_seconds)::bigint FROM compute_usagerecord u
WHERE u.centre_id = %s AND u.job_id = ANY(%s) AND {CURRENT} GROUP BY u.job_id, u.run
"""  # noqa: S608 (our own SQL)


def split_platform_jobs(con: duckdb.DuckDBPyConnection, centre: Centre, now: datetime) -> tuple[int, list[Anomaly]]:
    """Take the lines of jobs that the platform placed here out of `reading`; how many, and where they differ.

    A difference that was flagged and is none any more is answered.
    """
    named = {name: name[:UID_LENGTH] for (name,) in con.execute(_NAMES).fetchall()}
    placed = {uid for uid, _ in load_leases(centre, named.values()).here} if named else set()
    ours = [(name,) for name, uid in named.items() if uid in placed]
    if not ours:
        return 0, []
    PLATFORM_JOB_NAME.load(con, ours)
    con.execute(
        "CREATE TABLE platform_line AS SELECT * FROM reading WHERE job_name IN (SELECT job_name FROM platform_job_name)"
    )
    con.execute("DELETE FROM reading WHERE job_name IN (SELECT job_name FROM platform_job_name)")
    scheduler_seconds = dict(con.execute(SCHEDULER_SECONDS, [int((now - SETTLED).timestamp())]).fetchall())
    anomalies = _compare_with_records(centre, scheduler_seconds, now)
    ((lines,),) = con.execute("SELECT count(DISTINCT line_no) FROM platform_line").fetchall()
    return lines, anomalies


def _compare_with_records(centre: Centre, scheduler_seconds: dict[str, int], now: datetime) -> list[Anomaly]:
    with connection.cursor() as cursor:
        cursor.execute(METERED_SECONDS, [centre.pk, [name[:UID_LENGTH] for name in scheduler_seconds]])
        metered = {(uid, run): seconds for uid, run, seconds in cursor.fetchall()}
    anomalies, same = [], []
    for name, seconds in sorted(scheduler_seconds.items()):
        uid, run = name[:UID_LENGTH], int(name[UID_LENGTH + 1 :] or 0)
        found = metered.get((uid, run), 0)
        about = f"{uid} {run} accounting"
        if found == seconds:
            same.append(about)
        else:
            text = f"作业 {uid} 第 {run} 次运行：调度器记账 {seconds:,} 卡秒，站点代理报来的记录 {found:,} 卡秒"
            anomalies.append(Anomaly(FlagKind.SCHEDULER, about, text, size=abs(found - seconds)))
    open_flags(centre).filter(kind=FlagKind.SCHEDULER, key__in=same).update(
        answered_at=now, answered_by=BY_THE_PLATFORM, answer="与后来的记账文件相符"
    )
    return anomalies
