# ruff: noqa: S608 (our own SQL)
"""Lines of a plain sacct file that a job's name could have written are held, not metered. Pure.

A name may hold line ends and `|`: every line after a genuine one may be a part of that one's last column, and nothing
in the line itself shows which. Two things are known. The first record is genuine, for no text of a user stands before
it. And who writes a line into a name can only gain by another's account: so lines are taken as long as they all have
the user and account of the first, and are flagged; from the first other one on, all are held. Docs: decision 016.
"""

from __future__ import annotations

import duckdb

from huisuan.compute.duck.source_lines import SourceLines
from huisuan.compute.metering.intake.parsed_file import FileAnomaly, ParsedFile

#: Columns that hold no line end whatever a user does: Slurm's own words and numbers, what an administrator names, and
#: login names, which a passwd entry cannot break. Every other column is free text, known or not.
SAFE_NAMES = """
JobIDRaw JobID Cluster User Account Partition State Submit Eligible Start End Elapsed ElapsedRaw Suspended AllocTRES
AllocGRES ReqGRES ReqTRES NNodes NodeList ExitCode DerivedExitCode Restarts UID GID Group QOS QOSRAW AllocCPUS
AllocNodes NCPUS NTasks
ReqCPUS ReqNodes ReqMem Timelimit TimelimitRaw TotalCPU UserCPU SystemCPU CPUTime CPUTimeRAW MaxRSS AveRSS MaxVMSize
AveVMSize MinCPU AveCPU Priority AssocID DBIndex Planned PlannedCPU PlannedCPURAW Reserved ResvCPU ResvCPURAW
ConsumedEnergy ConsumedEnergyRaw AveDiskRead AveDiskWrite MaxDiskRead MaxDiskWrite AvePages MaxPages Flags
TRESUsageInAve TRESUsageInMax TRESUsageInMin TRESUsageInTot TRESUsageOutAve TRESUsageOutMax TRESUsageOutTot
"""
SAFE = frozenset(SAFE_NAMES.split()) | {""}  # "": `--parsable` ends its lines with the delimiter
#: a step whose job is not the one before it, and lines between that and its own job
STRAY = """
WITH line AS (
    SELECT line_no, split_part(job_id, '.', 1) AS job, contains(job_id, '.') AS step FROM field
), owned AS (
    SELECT *, last_value(CASE WHEN NOT step THEN job END IGNORE NULLS) OVER (ORDER BY line_no) AS owner,
        last_value(CASE WHEN NOT step THEN line_no END IGNORE NULLS) OVER (PARTITION BY job ORDER BY line_no) AS own,
        lead(step) OVER (ORDER BY line_no) AS step_follows
    FROM line
)
SELECT between_.line_no FROM owned s
JOIN owned own ON own.line_no = s.own AND NOT own.step_follows
JOIN owned between_ ON between_.line_no > own.line_no AND between_.line_no < s.line_no AND NOT between_.step
WHERE s.step AND s.owner <> s.job
"""
_REMEDY = "请用打印的导出命令（huisuan usage export-command）重新导出后再导入"


def hold_forgeable(parsed: ParsedFile, columns: list[str], source: SourceLines) -> None:
    """Take what a name could have written out of `field`, count it as `held`, and say so."""
    con = parsed.con
    named = [f"{name}_" for name in ("User", "Account") if name in columns]
    who = f"concat_ws(chr(31), {', '.join(named)})" if named else "line_no::VARCHAR"
    jobs = con.execute(f"""
        SELECT line_no, job_id, {who} FROM field WHERE raw_sha256 IS NOT NULL ORDER BY line_no LIMIT 2
    """).fetchall()
    if len(jobs) < 2:
        return
    (first, job, owner), (_, second, _) = jobs
    parsed.sure_line = first if job != second else None
    others = con.execute(f"SELECT DISTINCT {who} AS who FROM field WHERE raw_sha256 IS NOT NULL").fetchall()
    forged = [line for (line,) in con.execute(STRAY).fetchall()] if len(others) > 1 else []
    _drop(con, forged)
    ((begin,),) = con.execute(
        f"SELECT min(line_no) FROM field WHERE raw_sha256 IS NOT NULL AND {who} <> ?", [owner]
    ).fetchall()
    held = []
    if begin is not None:
        held = con.execute(
            "SELECT line_no FROM field WHERE raw_sha256 IS NOT NULL AND line_no >= ?", [begin]
        ).fetchall()
        _drop(con, [line for (line,) in held])
    _flag_held_lines(parsed, source, forged, [line for (line,) in held])


def _drop(con: duckdb.DuckDBPyConnection, lines: list[int]) -> None:
    if lines:
        con.execute("DELETE FROM field WHERE line_no IN (SELECT unnest(?::BIGINT[]))", [lines])
        con.execute("INSERT INTO line_count VALUES ('held', ?), ('lines', ?)", [len(lines), len(lines)])


def _flag_held_lines(parsed: ParsedFile, source: SourceLines, forged: list[int], held: list[int]) -> None:
    con = parsed.con
    for line in forged:
        reason = f"夹在一个作业与它的作业步之间，是写在作业名里的文字，不是记录；{_REMEDY}"
        con.execute("INSERT INTO fault VALUES (?, ?)", [line, reason])
    if held:
        reason = (
            f"从这一行起到行 {held[-1]} 共 {len(held):,} 行可能是写在前面某个作业名里的（作业名里可以有换行和“|”），"
            f"普通的 -P 输出无从分辨，都没有计量；{_REMEDY}"
        )
        con.execute("INSERT INTO fault VALUES (?, ?)", [held[0], reason])
    text = f"{source.name}：普通的 -P 输出，末列是用户写的文字。" + (
        f"{len(forged) + len(held):,} 行可能出自作业名，没有计量；"
        if forged or held
        else "各行同属一个用户与账户，照计；其中是否有写在作业名里的行，无从分辨；"
    )
    about = [*forged, *held, 0][0]
    parsed.anomalies.append(FileAnomaly("forgeable", source.sha256, text + _REMEDY, about))
