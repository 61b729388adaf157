# ruff: noqa: S608 (names of columns come from our own lists; values are quoted by `literal`)
"""Every row of a trace judged: a job that ran, one of the kinds that are rightly no job, or refused with the reason."""

from __future__ import annotations

import duckdb

from huisuan.base.slurm.states import SLURM_FINAL_STATES, SLURM_LIVE_STATES, SLURM_PENDING_STATES
from huisuan.compute.duck.reader_tables import MOST_CHARACTERS, STATE_MAP
from huisuan.compute.duck.workbench import literal
from huisuan.compute.traces.columns import MISSING_VALUES
from huisuan.compute.traces.layout import TraceLayout
from huisuan.protocol.agent import HUGE_CARDS

_STATES = {"PASS": "COMPLETED", "SUCCEEDED": "COMPLETED", "KILLED": "CANCELLED", "CANCELED": "CANCELLED"}
PARTIAL = "PARTIAL"
LONGEST_S = 400 * 86_400  # no job runs for more than a year: a slip of the pen, or of the clock
_EMPTY = ", ".join(map(literal, MISSING_VALUES))


def map_states(con: duckdb.DuckDBPyConnection) -> None:
    """Make `state_map`: each text of a state, the word that it means, and its kind."""
    rows = []
    for (text,) in con.execute("SELECT DISTINCT coalesce(state_, '') FROM timed").fetchall():
        word = _STATES.get(text.upper(), text.upper())
        known = word if word in SLURM_FINAL_STATES | SLURM_LIVE_STATES | SLURM_PENDING_STATES else "UNKNOWN"
        kinds = (
            (SLURM_LIVE_STATES, "live"),
            (SLURM_PENDING_STATES, "waiting"),
            (SLURM_FINAL_STATES, "final"),
            ({PARTIAL}, "partial"),
        )
        rows.append((text, known, next((kind for words, kind in kinds if word in words), "unknown")))
    STATE_MAP.load(con, rows)


def judge_rows(con: duckdb.DuckDBPyConnection, layout: TraceLayout, synthetic: str) -> None:
    """From `timed` make `judged`, and fill `fault` and `line_count`.

    A row of `judged` has `kind`: job (it ran), never_started, cpu_only, running (no end yet), partial (counted again by
    its job's summary), repeated (word for word as before) or refused. `synthetic`: names jobs that have none.
    """
    begins = layout.begins
    ended = "end_at" if layout.has("end") else f"{begins}_at + duration"
    job = "job_" if layout.has("job") else f"{literal(synthetic)} || line_no"
    con.execute(f"""
        CREATE TABLE judged AS
        SELECT * EXCLUDE (says, kind_if_sound),
            CASE WHEN kind_if_sound = 'job' AND reason IS NOT NULL THEN 'refused' ELSE kind_if_sound END AS kind
        FROM (SELECT *, {_kind(layout)} AS kind_if_sound, {_reason(layout, ended)} AS reason
            FROM (
                SELECT timed.*, {begins}_at AS started, {ended} AS ended, {job} AS job_id,
                    coalesce(paused, 0) AS suspended, state_map.word AS state, state_map.kind AS says,
                    coalesce(milli BETWEEN 1 AND 999, false) AS fractional
                FROM timed JOIN state_map ON state_map.text = coalesce(state_, '')
            ));
        DROP TABLE timed;
    """)
    if layout.form == "swf":
        _find_lone_parts(con)
    if layout.has("job"):
        _find_repeated(con)
    con.execute("""
        INSERT INTO fault SELECT line_no, reason FROM judged WHERE kind = 'refused';
        INSERT INTO line_count SELECT kind, count(*) FROM judged WHERE kind NOT IN ('job', 'refused') GROUP BY kind;
    """)


def _find_lone_parts(con: duckdb.DuckDBPyConnection) -> None:
    """Parts of a job that nothing sums up would be lost without a word."""
    con.execute("""
        UPDATE judged SET kind = 'refused', reason = '作业 ' || job_id
            || ' 只有分段（状态 2、3、4），没有状态 0 或 1 的汇总行，用量不能确定；请补上汇总行'
        WHERE kind = 'partial' AND job_id NOT IN (SELECT job_id FROM judged WHERE kind <> 'partial');
    """)


def _find_repeated(con: duckdb.DuckDBPyConnection) -> None:
    """One job that starts twice at one moment: a repeated line, or a contradiction."""
    con.execute("""
        CREATE TABLE twice AS SELECT job_id, started, min(line_no) AS first_line,
            count(DISTINCT (ended, suspended, cards, milli, user_, account_, state)) AS contents
        FROM judged WHERE kind = 'job' GROUP BY job_id, started HAVING count(*) > 1;
        UPDATE judged SET kind = CASE WHEN contents > 1 THEN 'refused' ELSE 'repeated' END,
            reason = '作业 ' || job_id || ' 在同一时刻开始了不止一次，内容不同（先见于行 ' || first_line
                || '）：都没有采用；请核对，或用 --job-column 另选作业号列'
        FROM (SELECT job_id AS twice_job, started AS twice_started, first_line, contents FROM twice) AS twice
        WHERE kind = 'job' AND job_id = twice_job AND started = twice_started
            AND (contents > 1 OR line_no > first_line);
        DROP TABLE twice;
    """)


def _nothing(name: str) -> str:
    return f"(coalesce(lower({name}_), '') IN ({_EMPTY}))"


def _kind(layout: TraceLayout) -> str:
    ended = _nothing("end") if layout.has("end") else "true"
    # a pod that still says Running, but was deleted, is over; one that has no end yet is not
    still = f"{ended} AND says <> 'final'" if layout.has("end") else "says = 'live'"
    return f"""CASE
        WHEN says = 'partial' THEN 'partial'
        WHEN cards_number = 0 AND NOT fractional THEN 'cpu_only'
        WHEN {_nothing(layout.begins)} OR (says = 'waiting' AND {ended}) THEN 'never_started'
        WHEN {still} THEN 'running'
        ELSE 'job' END"""


def _reason(layout: TraceLayout, ended: str) -> str:
    """Why a job is refused; NULL: it is not. The first broken rule counts."""
    begins, column = layout.begins, {what: literal(name)[1:-1] for what, name in layout.columns.items()}
    cards = f"列 {column['cards']}"
    rules = [
        f"""cards_number IS NOT NULL AND cards IS NULL THEN '{cards}: "' || cards_
            || '" 不是整数；部分卡请用 gpu_milli 列（千分之几卡）写明，或按整卡折算后导入'""",
        f"""cards IS NULL THEN '{cards}: "' || coalesce(cards_, '') || '" 不是整数；请核对这一行'""",
        f"""cards < 0 THEN '{cards}: "' || cards_ || '" 是负数；请核对这一行'""",
        f"""cards > {HUGE_CARDS} THEN '{cards}: "' || cards_ || '" 超过 {HUGE_CARDS}；请核对这一行'""",
        *_milli_rules(layout, column),
        f"{begins}_at IS NULL THEN {_odd_time(begins, column[begins])}",
        *([f"end_at IS NULL THEN {_odd_time('end', column['end'])}"] if layout.has("end") else []),
        *(_duration_rules(layout, column) if layout.has("duration") else []),
        f"{ended} < {begins}_at THEN '结束早于开始；请核对这一行'",
        *(_agreement(layout, column) if layout.has("duration") and layout.has("end") else []),
        f"{ended} - {begins}_at > {LONGEST_S} THEN '运行超过 {LONGEST_S // 86_400} 天；请核对这一行'",
        *([f"job_ = '' THEN '列 {column['job']} 为空；请补上作业号'"] if layout.has("job") else []),
        *(
            f"length({name}_) > {MOST_CHARACTERS[key]} "
            f"THEN '列 {column[name]} 超过 {MOST_CHARACTERS[key]} 个字符；请核对这一行'"
            for name, key in (("user", "user"), ("account", "account"), ("job", "job_id"))
            if layout.has(name)
        ),
    ]
    return "CASE " + " ".join(f"WHEN {rule}" for rule in rules) + " END"


def _milli_rules(layout: TraceLayout, column: dict[str, str]) -> list[str]:
    if not layout.has("milli"):
        return []
    text = f"""'列 {column["milli"]}: "' || milli_ || '" """
    return [
        f"NOT {_nothing('milli')} AND (milli IS NULL OR milli NOT BETWEEN 0 AND 1000) "
        f"THEN {text}不是 0–1000 的整数（千分之几卡）；请核对这一行'",
        f"milli BETWEEN 1 AND 999 AND cards <> 1 THEN {text}是部分卡，而卡数是 ' || cards || '；请核对这一行'",
    ]


def _duration_rules(layout: TraceLayout, column: dict[str, str]) -> list[str]:
    """Where there is an end, it says how long the job ran, and a duration may be missing."""
    given = f"NOT {_nothing('duration')} AND " if layout.has("end") else ""
    text = f"""'列 {column["duration"]}: "' || coalesce(duration_, '') || '" """
    return [
        f"{given}duration IS NULL THEN {text}不是整数秒；请先按原始日志取整'",
        f"{given}duration < 0 THEN {text}是负数；请核对这一行'",
    ]


def _agreement(layout: TraceLayout, column: dict[str, str]) -> list[str]:
    """A duration beside start and end must be their difference; Kalos counts the time in the queue into it, too."""
    begins = layout.begins
    queued = " AND duration <> coalesce(end_at - submit_at, -1)" if layout.has("submit") else ""
    return [
        f"""duration <> end_at - {begins}_at{queued} THEN '列 {column["duration"]}: "' || duration_
            || '" 与结束减开始 = ' || (end_at - {begins}_at) || ' 秒不符；请核对这一行'"""
    ]


def _odd_time(name: str, column: str) -> str:
    place = f"'列 {column}: \"' || coalesce({name}_, '') || '\" '"
    return f"""CASE WHEN {name}_odd IS NOT NULL
            THEN {place} || '在夏令时切换时不存在或出现两次，无法判定；请换成带时区偏移的时间或 Unix 秒'
        WHEN regexp_full_match({name}_, '-?[0-9.]+')
            THEN {place} || '不是 Unix 秒；若从某一时刻起计秒，请用 --epoch 写明零点'
        ELSE {place} || '不是时间；应如 2024-01-31 08:00:00、带偏移的时间或 Unix 秒' END"""
