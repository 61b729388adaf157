# ruff: noqa: S608 (names of columns come from our own lists; values are quoted by `literal`)
"""Slurm's own accounting, as `sacct` prints it in text or JSON, parsed into `reading`. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import duckdb

from huisuan.base.slurm.durations import parse_slurm_duration
from huisuan.base.slurm.states import SLURM_FINAL_STATES, SLURM_LIVE_STATES, SLURM_PENDING_STATES
from huisuan.base.time_zones import EARLIEST_SECOND, LATEST_SECOND, to_utc
from huisuan.compute.accelerators import (
    CardNames,
    PartOfCard,
    Unmetered,
    allocated_cards,
    count_cards,
    part_of,
    requested_by_model,
)
from huisuan.compute.duck.reader_tables import MOST_CHARACTERS, STATE_MAP, reader_workbench
from huisuan.compute.duck.source_lines import SourceLines
from huisuan.compute.metering.intake.missing_cards import PARTS, flag_missing_cards
from huisuan.compute.metering.intake.parsed_file import ParsedFile
from huisuan.compute.metering.intake.sacct_json import is_json, parse_json
from huisuan.compute.metering.intake.sacct_text import FIELDS_READ, GRES, detect_layout, split_lines
from huisuan.compute.metering.intake.tables import CARD_MAP, SUSPENDED_MAP, TRES_MAP

#: our optional column -> sacct's field
GIVEN_BY = {
    "array_index": "JobID",
    "user": "User",
    "account": "Account",
    "partition": "Partition",
    "requested_cards": "ReqTRES",
    "nodes": "NodeList",
    "node_count": "NNodes",
    "submitted": "Submit",
    "suspended": "Suspended",
    "exit_code": "ExitCode",
}


NOT_STARTED = "('', 'None', 'Unknown')"
UNTYPED = "卡若切分过（MIG 等），不写型号就分不出来：请在 AccountingStorageTRES 中加入带型号的 gres/gpu:型号"


def parse_sacct(source: SourceLines, names: CardNames, zone: ZoneInfo, *, trust_all_lines: bool = False) -> ParsedFile:
    """Parse the file's lines into `reading`, `fault` and `line_count`.

    `trust_all_lines`: every line of a plain file, to compare what is stored already with it; never to store from it.

    Raises:
        InvalidRequest: the header lacks a field without which nothing can be metered.
    """
    form = None if is_json(source) else detect_layout(source)
    columns = form.columns if form else list(FIELDS_READ)
    con = reader_workbench()
    parsed = ParsedFile(con, {ours for ours, theirs in GIVEN_BY.items() if theirs in columns})
    con.register("source_lines", source.lines)
    if form:
        split_lines(parsed, form, source, trust_all_lines=trust_all_lines)
    else:
        parse_json(parsed, source)
    _map_states(con)
    _map_suspensions(con)
    _map_cards(parsed, names)
    _clock(con, zone)
    _judge(con, zone, columns)
    _store_judged(con)
    flag_missing_cards(parsed, names)
    con.unregister("source_lines")
    return parsed


def _map_states(con: duckdb.DuckDBPyConnection) -> None:
    rows = []
    for (text,) in con.execute("SELECT DISTINCT State_ FROM field").fetchall():
        word = text.split(" ", 1)[0].rstrip("+").upper()  # CANCELLED by 1001
        kinds = (("final", SLURM_FINAL_STATES), ("live", SLURM_LIVE_STATES), ("waiting", SLURM_PENDING_STATES))
        rows.append((text, word, next((kind for kind, states in kinds if word in states), None)))
    STATE_MAP.load(con, rows)


def _map_suspensions(con: duckdb.DuckDBPyConnection) -> None:
    texts = con.execute("SELECT DISTINCT Suspended_ FROM field WHERE Suspended_ IS NOT NULL").fetchall()
    SUSPENDED_MAP.load(con, [(text, parse_slurm_duration(text)) for (text,) in texts])


def _map_cards(parsed: ParsedFile, names: CardNames) -> None:
    """What each distinct (AllocTRES, ReqTRES, Partition) means: `tres_map`, and its cards by model in `card_map`."""
    con = parsed.con
    texts = con.execute("""
        SELECT AllocTRES_, coalesce(ReqTRES_, ''), coalesce(Partition_, ''), count(*) FROM field GROUP BY ALL
    """).fetchall()
    cut_partitions = {partition for alloc, _, partition, _ in texts if _has_parts(alloc)}
    untyped = 0
    meanings: list[tuple[int, str, str, str, str, str | None]] = []
    cards: list[tuple[int, int, str, int, int | None]] = []
    for key, (alloc, asked, partition, lines) in enumerate(texts):
        try:
            given = allocated_cards(alloc, partition, names)
            if given and _untyped(alloc):
                if partition in cut_partitions:
                    raise Unmetered(
                        f'没有写型号，而分区 "{partition}" 里有部分卡（见别的行）：{UNTYPED}', code="card.type_unknown"
                    )
                untyped += lines
        except Unmetered as why:
            if isinstance(why, PartOfCard):
                parsed.no_cards[PARTS] = parsed.no_cards.get(PARTS, 0) + lines
            meanings.append((key, alloc, asked, partition, "fault", f'列 AllocTRES: "{alloc}" {why}'))
            continue
        meanings.append((key, alloc, asked, partition, "cards" if given else "none", None))
        wanted = requested_by_model(asked, partition, given, names)
        cards += [(key, card.id, card.model, count, wanted[card]) for card, count in given.items()]
    if untyped:
        parsed.notes.append(f"{untyped:,} 行的卡没有写型号（如 gres/gpu=1），按分区的型号计为整卡；{UNTYPED}")
    TRES_MAP.load(con, meanings)
    CARD_MAP.load(con, cards)


def _has_parts(alloc: str) -> bool:
    return any(part_of(key) for item in alloc.split(",") if (key := item.partition("=")[0]).startswith("gres/gpu:"))


def _untyped(alloc: str) -> bool:
    bare, typed = count_cards(alloc)
    return any(count and family not in typed for family, count in bare.items())


def _clock(con: duckdb.DuckDBPyConnection, zone: ZoneInfo) -> None:
    """`timed`: every field line with its times in UTC seconds (epoch seconds are taken as they are)."""
    local = "epoch_us(try_strptime({0}, '%Y-%m-%dT%H:%M:%S')) // 1000000"
    stamp = (
        "CASE WHEN regexp_full_match({0}, '[0-9]{{9,10}}') "
        f"AND CAST({{0}} AS BIGINT) BETWEEN {EARLIEST_SECOND} AND {LATEST_SECOND} THEN CAST({{0}} AS BIGINT) END"
    )
    times = {"submitted": "Submit_", "started": "Start_", "ended": "End_"}
    utc, why = to_utc(zone, *_local_span(con, times.values()))
    moments = [f"coalesce({utc(f'{name}_local')}, {stamp.format(text)}) AS {name}" for name, text in times.items()]
    con.execute(f"""
        CREATE VIEW timed AS SELECT clocked.* EXCLUDE (started_local, ended_local, submitted_local),
            {", ".join(moments)},
            {", ".join(f"{why(f'{name}_local')} AS {name}_odd" for name in ("started", "ended"))},
            state_map.word AS state, state_map.kind AS state_kind,
            coalesce(suspended_map.seconds, 0) AS suspended,
            Suspended_ IS NOT NULL AND suspended_map.seconds IS NULL AS suspended_bad,
            tres_map.key, tres_map.outcome, tres_map.reason AS tres_reason
        FROM (
            SELECT *, {", ".join(f"{local.format(text)} AS {name}_local" for name, text in times.items())} FROM field
        ) AS clocked
        JOIN state_map ON state_map.text = State_
        LEFT JOIN suspended_map ON suspended_map.text = Suspended_
        JOIN tres_map ON alloc = AllocTRES_ AND asked = coalesce(ReqTRES_, '') AND part = coalesce(Partition_, '');
    """)


def _local_span(con: duckdb.DuckDBPyConnection, columns: Iterable[str]) -> tuple[int, int]:
    """The first and last local time in the file, in local seconds: ISO times sort as texts."""
    picked = ", ".join(f"{edge}({text}) FILTER ({text} LIKE '2___-%')" for text in columns for edge in ("min", "max"))
    found = [text for text in con.execute(f"SELECT {picked} FROM field").fetchall()[0] if text]
    try:
        edges = [int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) for text in found]
    except ValueError:  # a text that only begins like a time
        return EARLIEST_SECOND, LATEST_SECOND
    return min(edges, default=EARLIEST_SECOND), max(edges, default=EARLIEST_SECOND)


def _odd_time(column: str, name: str, zone: ZoneInfo) -> str:
    """SQL: why a time is refused, or NULL."""
    place = f"'列 {column}: \"' || {column}_ || '\" '"
    remedy = "请以 SLURM_TIME_FORMAT=%s（Unix 秒）或 TZ=UTC 重新导出"
    return f"""CASE WHEN {name} IS NOT NULL THEN NULL
        WHEN {name}_odd = 'skips' THEN {place} || '在时区 {zone.key} 不存在（夏令时开始时跳过）；{remedy}'
        WHEN {name}_odd = 'repeats' THEN {place} || '在时区 {zone.key} 出现两次（夏令时结束），无法判定；{remedy}'
        ELSE {place} || '不是 2000 年至 2099 年间的时间；应如 2024-01-31T08:00:00 或 Unix 秒' END"""


def _judge(con: duckdb.DuckDBPyConnection, zone: ZoneInfo, header: list[str]) -> None:
    """Each line becomes a reading, a fault with its reason, or is counted as rightly no record."""
    columns = {"cluster": "Cluster_", "job_id": "job_id", "user": "User_", "account": "Account_"}
    columns |= {"partition": "Partition_", "exit_code": "ExitCode_"}
    too_long = " ".join(
        f"WHEN length({text}) > {MOST_CHARACTERS[name]} "
        f"THEN '列 {name} 超过 {MOST_CHARACTERS[name]} 个字符；请核对这一行'"
        for name, text in columns.items()
    )
    con.execute(f"""
        CREATE TABLE resized AS SELECT DISTINCT job_id AS job, coalesce(Cluster_, '') AS place, ended AS resized_at
            FROM timed WHERE state = 'RESIZING';
        CREATE TABLE judged AS SELECT timed.* EXCLUDE (started),
            -- after a resize Slurm writes the job again from its first start: the piece begins at the new Submit
            CASE WHEN submitted > started AND resized_at IS NOT NULL THEN submitted ELSE started END AS started,
            CASE
                WHEN state_kind IS NULL THEN 'fault'
                WHEN state_kind = 'waiting' OR Start_ IN {NOT_STARTED} THEN 'never_started'
                WHEN AllocTRES_ = '' AND Start_ = End_ THEN 'never_started'
                WHEN outcome = 'none' THEN 'cpu_only'
                WHEN state_kind = 'live' THEN 'running'
                ELSE 'record' END AS kind,
            CASE
                WHEN state_kind IS NULL THEN '列 State: "' || State_ || '" 不是已知的作业状态；请核对这一行'
                WHEN regexp_full_match(job_id, '[0-9]+[_+][0-9]+')
                    THEN '列 JobID: "' || job_id || '" 是数组或异构作业的一份，没有 JobIDRaw 就认不出它在别的导出里的'
                        || '同一条记录，会重复计量；请在 --format 中加上 JobIDRaw 重新导出'
                WHEN NOT regexp_full_match(job_id, '[0-9]+')
                    THEN '列 JobIDRaw: "' || job_id || '" 不是作业号；请核对这一行'
                {too_long}
                WHEN End_ IN {NOT_STARTED}
                    THEN '列 End: "' || End_ || '" 而状态已是 ' || state || '：结束时间不明，不能计量；'
                        || '请在 Slurm 中用 sacctmgr show runawayjobs 修正后重新导出'
                WHEN started IS NULL THEN {_odd_time("Start", "started", zone)}
                WHEN ended IS NULL THEN {_odd_time("End", "ended", zone)}
                WHEN ended < started THEN '列 End: "' || End_ || '" 早于 Start "' || Start_ || '"；请核对这一行'
                WHEN suspended_bad THEN '列 Suspended: "' || Suspended_ || '" 不是时长；应如 00:05:00 或 1-02:00:00'
                WHEN suspended > ended - started
                    THEN '列 Suspended: "' || Suspended_ || '" 长于 End − Start = ' || (ended - started)
                        || ' 秒；请核对这一行'
                WHEN ElapsedRaw_ <> '' AND TRY_CAST(ElapsedRaw_ AS BIGINT) IS DISTINCT FROM ended - started
                        AND TRY_CAST(ElapsedRaw_ AS BIGINT) IS DISTINCT FROM ended - started - suspended
                    THEN '列 ElapsedRaw: "' || ElapsedRaw_ || '" 与 End − Start = ' || (ended - started) || ' 秒'
                        || CASE WHEN suspended > 0 THEN '（减去暂停为 ' || (ended - started - suspended) || ' 秒）'
                           ELSE '' END || '不符；{_elapsed_remedy(header)}'
                WHEN outcome = 'fault' THEN tres_reason
                WHEN resized_at IS NOT NULL AND submitted > started AND suspended > ended - submitted
                    THEN '列 Suspended: "' || Suspended_ || '" 长于缩容之后的 ' || (ended - submitted)
                        || ' 秒，无法分摊；请由中心按卡分段报送'
                WHEN NNodes_ <> '' AND TRY_CAST(NNodes_ AS INTEGER) IS NULL
                    THEN '列 NNodes: "' || NNodes_ || '" 不是整数；请核对这一行'
            END AS reason
        FROM timed
        LEFT JOIN resized ON job = job_id AND place = coalesce(Cluster_, '') AND resized_at = submitted;
    """)


def _store_judged(con: duckdb.DuckDBPyConnection) -> None:
    """Put what became of each line where it belongs: faults, counts, runs seen, readings."""
    con.execute(f"""
        INSERT INTO fault SELECT line_no, reason FROM judged WHERE kind IN ('fault', 'record') AND reason IS NOT NULL;
        INSERT INTO line_count SELECT kind, count(*) FROM judged
            WHERE kind NOT IN ('fault', 'record') GROUP BY kind;
        CREATE TABLE without_cards AS SELECT line_no, coalesce(Partition_, '') AS part, AllocTRES_ AS alloc,
            {_requests(con)} AS asked, started, raw_sha256 FROM judged WHERE kind = 'cpu_only';
        INSERT INTO seen_run SELECT DISTINCT job_id, coalesce(Cluster_, ''), submitted, started, ended FROM judged
            WHERE started IS NOT NULL AND kind IN ('record', 'running')
              AND job_id IN (SELECT job_id FROM judged GROUP BY job_id HAVING count(*) > 1);
        INSERT INTO reading SELECT line_no, coalesce(Cluster_, ''), job_id,
            TRY_CAST(regexp_extract(JobID_, '_([0-9]+)$', 1) AS INTEGER), TRY_CAST(Restarts_ AS INTEGER),
            coalesce(User_, ''), coalesce(Account_, ''), coalesce(Partition_, ''), accelerator_id, model,
            requested, cards, CASE WHEN NodeList_ IS NULL OR NodeList_ = 'None assigned' THEN '' ELSE NodeList_ END,
            coalesce(TRY_CAST(NNodes_ AS INTEGER), 1), submitted, started, ended, suspended, state,
            coalesce(ExitCode_, ''), raw_sha256, coalesce(JobName_, '')
        FROM judged JOIN card_map USING (key) WHERE kind = 'record' AND reason IS NULL;
        INSERT INTO cardless_run SELECT line_no, coalesce(Cluster_, ''), job_id, started FROM judged
            WHERE kind IN ('cpu_only', 'never_started') AND started IS NOT NULL;
        DROP VIEW timed;
        DROP TABLE field;
        DROP TABLE judged;
    """)


def _requests(con: duckdb.DuckDBPyConnection) -> str:
    """SQL of all that a line says of what was asked for."""
    there = {name for (name,) in con.execute("SELECT column_name FROM (DESCRIBE field)").fetchall()}
    return f"concat_ws(',', {', '.join(f'{name}_' for name in ('ReqTRES', *GRES) if f'{name}_' in there)})"


def _elapsed_remedy(header: list[str]) -> str:
    if "Suspended" not in header:
        return "若作业曾被暂停，请在 --format 中加上 Suspended 重新导出"
    return "请核对时区（--timezone）与这一行"
