# ruff: noqa: S608 (names of columns come from our own lists; values are quoted by `literal`)
"""Public GPU job traces: CSV with submit or start, end or duration, and cards, read into `reading`. Pure."""

from __future__ import annotations

import csv
from dataclasses import dataclass, fields
from datetime import datetime
from zoneinfo import ZoneInfo

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from huisuan.compute.metering.readings import LONGEST, Reading, literal, load_rows, workbench
from huisuan.compute.metering.sacct import FINAL, LIVE, WAITING
from huisuan.compute.metering.source import SourceLines
from huisuan.compute.metering.tres import HUGE_CARDS, Card
from huisuan.compute.metering.zones import EARLIEST, LATEST, to_utc
from huisuan.compute.trace_names import KNOWN_NAMES
from huisuan.console import Refused

STATES = {"PASS": "COMPLETED", "SUCCEEDED": "COMPLETED", "KILLED": "CANCELLED", "CANCELED": "CANCELLED"}
DAY = 86_400
NOT_STARTED = "('', 'None', 'none', 'NULL', 'null', 'NaT', 'Unknown')"


@dataclass(frozen=True)
class TraceColumns:
    """Which column of the file says what; None: recognised by its name."""

    submit: str | None = None
    start: str | None = None
    end: str | None = None
    duration: str | None = None
    cards: str | None = None
    user: str | None = None
    account: str | None = None
    job: str | None = None
    state: str | None = None


@dataclass(frozen=True)
class Clock:
    """How the file writes time: the zone of times without one, and what second 0 is where it counts seconds.

    `shift` seconds are added to every time: public traces are often replayed in another year.
    """

    zone: ZoneInfo
    epoch: int | None = None
    shift: int = 0


def epoch_of(text: str, zone: ZoneInfo) -> int:
    """The moment that `--epoch` names, in UTC seconds; without an offset it is local in `zone`.

    Raises:
        Refused: not a moment.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise Refused(f'--epoch: "{text}" 不是时刻；请写成 2020-09-01T00:00:00') from None
    return int((moment if moment.tzinfo else moment.replace(tzinfo=zone)).timestamp())


def read_trace(source: SourceLines, columns: TraceColumns, card: Card, clock: Clock, tenant: str = "") -> Reading:
    """Read a trace whose cards are all of one model. `tenant` is the user where the file names none.

    Raises:
        Refused: a column that is named is not there, or none says when or how many cards.
    """
    header = _header(source)
    place = _places(header, columns, source.name)
    con = workbench()
    con.register("source_lines", source.lines)
    _cut(con, source, header, place)
    _map_states(con)
    _clock(con, clock)
    _judge(con, card, {name: header[at] for name, at in place.items()}, source, tenant)
    con.unregister("source_lines")
    have = {"user": "user", "account": "account", "submit": "submitted"}
    reading = Reading(con, {ours for theirs, ours in have.items() if theirs in place})
    if "start" not in place:
        reading.notes.append(f"文件没有开始时间列：以 {header[place['submit']]}（提交）作为开始，等待时间视为零")
    if clock.shift:
        reading.notes.append(f"所有时间平移了 {clock.shift // DAY:+,} 天；原始行不变")
    return reading


def _header(source: SourceLines) -> list[str]:
    first = source.first_line
    return [cell.strip() for cell in next(csv.reader([first]), [])]


def _places(header: list[str], columns: TraceColumns, name: str) -> dict[str, int]:
    """Where each thing stands in a line.

    Raises:
        Refused: see `read_trace`.
    """
    small = [cell.lower() for cell in header]
    place: dict[str, int] = {}
    for each in fields(columns):
        asked = getattr(columns, each.name)
        if asked is not None and asked.lower() not in small:
            raise Refused(f'{name} 行 1: 没有列 "{asked}"（--{each.name}-column）；有：{"、".join(header)}')
        names = [asked.lower()] if asked else [known for known in KNOWN_NAMES[each.name] if known in small]
        if names:
            place[each.name] = small.index(names[0])
    if "user" not in place and "account" in place:
        place["user"] = place["account"]  # Philly names its tenants only by virtual cluster
    lacking = [
        text
        for text, there in (
            ("卡数（--cards-column）", "cards" in place),
            ("提交或开始时间（--submit-column、--start-column）", "submit" in place or "start" in place),
            ("结束时间或时长（--end-column、--duration-column）", "end" in place or "duration" in place),
        )
        if not there
    ]
    if lacking:
        raise Refused(f"{name} 行 1: 认不出 {'、'.join(lacking)}；有：{'、'.join(header)}")
    return place


def _cut(con: duckdb.DuckDBPyConnection, source: SourceLines, header: list[str], place: dict[str, int]) -> None:
    lines = source.lines
    assert lines is not None
    quoted = lines.filter(pc.match_substring(lines["line"], '"')).to_pylist() if b'"' in source.content else []
    rows = [(row["line_no"], next(csv.reader([row["line"].rstrip("\r")]))) for row in quoted]
    load_rows(con, "quoted_lines", pa.schema({"line_no": pa.int64(), "f": pa.list_(pa.string())}), rows)
    cells = [
        f"trim(f[{place[each.name] + 1}]) AS {each.name}_" if each.name in place else f"NULL::VARCHAR AS {each.name}_"
        for each in fields(TraceColumns)
    ]
    con.execute(f"""
        CREATE VIEW cut AS SELECT line_no, line, coalesce(quoted_lines.f, string_split(rtrim(line, chr(13)), ',')) AS f
            FROM source_lines LEFT JOIN quoted_lines USING (line_no) WHERE line_no > 1 AND rtrim(line, chr(13)) <> '';
        INSERT INTO fault SELECT line_no, '有 ' || len(f) || ' 个字段，表头有 {len(header)} 个；请核对这一行'
            FROM cut WHERE len(f) <> {len(header)};
        INSERT INTO counted SELECT 'lines', count(*) FROM cut;
        CREATE TABLE field AS SELECT line_no, sha256(line) AS raw_sha256, {", ".join(cells)}
            FROM cut WHERE len(f) = {len(header)};
    """)


def _map_states(con: duckdb.DuckDBPyConnection) -> None:
    rows = []
    for (text,) in con.execute("SELECT DISTINCT coalesce(state_, '') FROM field").fetchall():
        word = STATES.get(text.upper(), text.upper())
        kind = "live" if word in LIVE else "waiting" if word in WAITING else "final"
        known = word if word in FINAL | LIVE | WAITING else "UNKNOWN"
        rows.append((text, known, kind))
    load_rows(con, "state_map", pa.schema({"text": pa.string(), "word": pa.string(), "kind": pa.string()}), rows)


def _clock(con: duckdb.DuckDBPyConnection, clock: Clock) -> None:
    """`timed`: times in UTC seconds, whole numbers as BIGINT; what is neither stays NULL and is judged later."""
    local = "epoch_us(try_strptime(replace(left({0}, 19), 'T', ' '), '%Y-%m-%d %H:%M:%S')) // 1000000"
    number = "TRY_CAST({0} AS DECIMAL(20, 6))"
    times = ("submit", "start", "end")
    con.execute(f"""
        CREATE TABLE clocked AS SELECT *,
            {", ".join(f"{local.format(f'{name}_')} AS {name}_local" for name in times)},
            {", ".join(f"{number.format(f'{name}_')} AS {name}_number" for name in (*times, "duration", "cards"))}
        FROM field;
    """)
    spans = ", ".join(f"min({name}_local), max({name}_local)" for name in times)
    known = [value for value in con.execute(f"SELECT {spans} FROM clocked").fetchall()[0] if value is not None]
    utc, why = to_utc(clock.zone, min(known, default=0), max(known, default=0))
    zero = 0 if clock.epoch is None else clock.epoch

    def moment(name: str) -> str:
        offset = (
            f"(CASE substr({name}_, 20, 1) WHEN '-' THEN -1 ELSE 1 END * (60 * TRY_CAST(substr({name}_, 21, 2) AS INT)"
            f" + TRY_CAST(right({name}_, 2) AS INT)) * 60)"
        )
        return f"""(CASE WHEN {name}_number = trunc({name}_number)
                THEN CASE WHEN {zero} + {name}_number BETWEEN {EARLIEST} AND {LATEST}
                    THEN CAST({zero} + {name}_number AS BIGINT) END
            WHEN length({name}_) = 19 THEN {utc(f"{name}_local")}
            WHEN regexp_full_match({name}_, '.{{19}}(Z|[.]0+Z?)') THEN {name}_local
            WHEN regexp_full_match({name}_, '.{{19}}[+-][0-9]{{2}}:?[0-9]{{2}}') THEN {name}_local - {offset} END)"""

    def whole(name: str) -> str:
        return f"CASE WHEN {name}_number = trunc({name}_number) THEN CAST({name}_number AS BIGINT) END AS {name}"

    con.execute(f"""
        CREATE TABLE timed AS SELECT line_no, raw_sha256, {", ".join(f"{each.name}_" for each in fields(TraceColumns))},
            {", ".join(f"{moment(name)} + {clock.shift} AS {name}_at" for name in times)},
            {", ".join(f"{why(f'{name}_local')} AS {name}_odd" for name in times)},
            {whole("duration")}, {whole("cards")}, state_map.word AS state, state_map.kind AS state_kind
        FROM clocked JOIN state_map ON state_map.text = coalesce(state_, '');
    """)


def _odd_time(name: str, column: str) -> str:
    place = f"'列 {column}: \"' || {name}_ || '\" '"
    return f"""CASE WHEN {name}_odd IS NOT NULL
            THEN {place} || '在夏令时切换时不存在或出现两次，无法判定；请换成带时区偏移的时间或 Unix 秒'
        WHEN {name}_number_like THEN {place} || '不是 Unix 秒；若从某一时刻起计秒，请用 --epoch 写明零点'
        ELSE {place} || '不是时间；应如 2024-01-31 08:00:00、带偏移的时间或 Unix 秒' END"""


def _judge(
    con: duckdb.DuckDBPyConnection, card: Card, columns: dict[str, str], source: SourceLines, tenant: str
) -> None:
    columns = {name: literal(column)[1:-1] for name, column in columns.items()}
    begins = "start" if "start" in columns else "submit"
    ends = "end_at" if "end" in columns else f"{begins}_at + duration"
    job = "job_" if "job" in columns else f"{literal(source.sha256[:12] + '-')} || line_no"
    too_long = " ".join(
        f"WHEN length({name}_) > {LONGEST[key]} THEN '列 {columns.get(name)} 超过 {LONGEST[key]} 个字符；请核对这一行'"
        for name, key in (("user", "user"), ("account", "account"), ("job", "job_id"))
    )
    cards, duration = f"列 {columns['cards']}", f"列 {columns.get('duration')}"
    length = f"""
        WHEN duration IS NULL THEN '{duration}: "' || duration_ || '" 不是整数秒；请先按原始日志取整'
        WHEN duration < 0 THEN '{duration}: "' || duration_ || '" 是负数；请核对这一行'
    """
    agree = f"""
        WHEN duration <> end_at - {begins}_at
            THEN '{duration}: "' || duration_ || '" 与结束减开始 = ' || (end_at - {begins}_at)
                || ' 秒不符；请核对这一行'
    """
    con.execute(f"""
        CREATE TABLE judged AS SELECT *, {begins}_at AS started, {ends} AS ended, {job} AS job_id,
            CASE
                WHEN {begins}_ IN {NOT_STARTED} OR state_kind = 'waiting' THEN 'never_started'
                WHEN cards = 0 THEN 'cpu_only'
                WHEN state_kind = 'live' THEN 'running'
                ELSE 'record' END AS kind,
            CASE
                WHEN cards IS NULL THEN '{cards}: "' || cards_ || '" 不是整数；部分卡不能计量，请按整卡折算后导入'
                WHEN cards < 0 THEN '{cards}: "' || cards_ || '" 是负数；请核对这一行'
                WHEN cards > {HUGE_CARDS} THEN '{cards}: "' || cards_ || '" 超过 {HUGE_CARDS}；请核对这一行'
                WHEN {begins}_at IS NULL THEN {_odd_time(begins, columns[begins])}
                {f"WHEN end_at IS NULL THEN {_odd_time('end', columns['end'])}" if "end" in columns else ""}
                {length if "duration" in columns else ""}
                WHEN {ends} < {begins}_at THEN '结束早于开始；请核对这一行'
                {agree if "duration" in columns and "end" in columns else ""}
                WHEN job_ = '' THEN '列 {columns.get("job")} 为空；请补上作业号'
                {too_long}
            END AS reason
        FROM (SELECT *, {", ".join(f"regexp_full_match({n}_, '-?[0-9.]+') AS {n}_number_like" for n in _TIMES)}
              FROM timed);
        INSERT INTO fault SELECT line_no, reason FROM judged WHERE kind = 'record' AND reason IS NOT NULL;
        INSERT INTO counted SELECT kind, count(*) FROM judged WHERE kind <> 'record' GROUP BY kind;
        INSERT INTO reading SELECT line_no, '', job_id, NULL, NULL,
            coalesce(user_, {literal(tenant)}), coalesce(account_, ''), '',
            {card.id}, {literal(card.model)}, NULL, cards, '', 1, submit_at, started, ended, 0, state, '', raw_sha256,
            ''
        FROM judged WHERE kind = 'record' AND reason IS NULL;
    """)


_TIMES = ("submit", "start", "end")
