# ruff: noqa: S608 (places are numbers)
"""The Standard Workload Format of the Parallel Workloads Archive: 18 numbers a line, -1 where nothing is known.

A processor counts as a card. Status: 0 failed, 1 completed, 5 cancelled. Where jobs were checkpointed or swapped out,
a line with status 0 or 1 sums a job up, and lines with 2 (to be continued), 3 or 4 (its last) repeat the parts of the
same run: only the summary counts.
"""

from __future__ import annotations

import re

import duckdb

from huisuan.base.errors import InvalidRequest
from huisuan.compute.duck.source_lines import SourceLines
from huisuan.compute.traces.columns import SWF_FIELDS, TraceColumns
from huisuan.compute.traces.layout import TraceLayout, fill_fields

CELLS = len(SWF_FIELDS)
_NUMBERS = re.compile(r"\s*-?[0-9.]+(\s+-?[0-9.]+){17}\s*")
ZERO = re.compile(rb"^;\s*UnixStartTime:\s*(\d+)", re.MULTILINE)
_USUAL = {"job": "job", "user": "user", "submit": "submit", "duration": "run", "limit": "limit", "state": "status"}
_STATES = {0: "FAILED", 1: "COMPLETED", 2: "PARTIAL", 3: "PARTIAL", 4: "PARTIAL", 5: "CANCELLED"}


def is_swf(first: str) -> bool:
    """Whether it begins with a comment, or with a line of 18 numbers."""
    return first.startswith(";") or _NUMBERS.fullmatch(first) is not None


def fill_from_swf(con: duckdb.DuckDBPyConnection, source: SourceLines, columns: TraceColumns) -> TraceLayout:
    """Fill `field` with the file's lines.

    Raises:
        InvalidRequest: a column that is named is no field of the format.
    """
    asked = {what: name for what in ("start", "end", "cards", "account", *_USUAL) if (name := columns.named(what))}
    unknown = [name for name in asked.values() if name.lower() not in SWF_FIELDS]
    if unknown:
        raise InvalidRequest(
            f"{source.name}：SWF 没有列 {'、'.join(unknown)}；有：{'、'.join(SWF_FIELDS)}", code="trace.column_unknown"
        )
    named = {what: name.lower() for what, name in {**_USUAL, **asked}.items()}
    con.execute(f"""
        CREATE TABLE cut AS SELECT line_no, line, string_split_regex(trim(line, ' ' || chr(9) || chr(13)), '\\s+') AS f
            FROM source_lines WHERE line NOT LIKE ';%' AND trim(line, ' ' || chr(9) || chr(13)) <> '';
        INSERT INTO fault SELECT line_no, '有 ' || len(f) || ' 个字段，SWF 有 {CELLS} 个；请核对这一行'
            FROM cut WHERE len(f) <> {CELLS};
        INSERT INTO line_count SELECT 'lines', count(*) FROM cut;
    """)
    fill_fields(con, _expressions(named), f"FROM cut WHERE len(f) = {CELLS}")
    zero = ZERO.search(source.content)
    layout = TraceLayout("swf", {**named, **_made(named)}, int(zero[1]) if zero else None, _notes(con, named))
    con.execute("DROP TABLE cut")
    return layout


def _made(named: dict[str, str]) -> dict[str, str]:
    """What is worked out of several fields, where no column was named for it."""
    made = {"start": "wait", "cards": "allocated"}
    return {what: text for what, text in made.items() if what not in named}


def _cell(name: str) -> str:
    return f"f[{SWF_FIELDS.index(name) + 1}]"


def _number(name: str) -> str:
    return f"TRY_CAST({_cell(name)} AS DECIMAL(20, 6))"


def _expressions(named: dict[str, str]) -> dict[str, str]:
    found = {what: _cell(name) for what, name in named.items()}
    for what in {"user", "account"} & named.keys():
        found[what] = f"nullif({found[what]}, '-1')"
    status = " ".join(f"WHEN {number} THEN '{word}'" for number, word in _STATES.items())
    found["state"] = f"CASE {_number(named['state'])} {status} ELSE '' END"
    if "start" not in named:
        submit, wait, run = _number(named["submit"]), _number("wait"), _number("run")
        never = f"({run} <= 0 AND {_number('status')} = 5) OR ({run} < 0 AND {wait} < 0)"
        found["start"] = f"CASE WHEN {never} THEN '' ELSE ({submit} + greatest({wait}, 0))::VARCHAR END"
    if "cards" not in named:
        found["cards"] = f"CASE WHEN {_number('allocated')} > 0 THEN {_cell('allocated')} ELSE {_cell('requested')} END"
    return found


def _notes(con: duckdb.DuckDBPyConnection, named: dict[str, str]) -> list[str]:
    """What the file leaves open for jobs that ran, and how that is read."""
    open_questions = {
        "start": ("wait", f"{_number('wait')} < 0", "没有等待时间：以提交作为开始"),
        "cards": ("allocated", f"{_number('allocated')} <= 0", "没有分到的处理器数：按申请数"),
    }
    notes = []
    for what, (_, asked, text) in open_questions.items():
        if what in named:
            continue
        (count,) = con.execute(
            f"SELECT count(*) FROM cut WHERE len(f) = {CELLS} AND {_number('run')} > 0 AND {asked}"
        ).fetchall()[0]
        if count:
            notes.append(f"{count:,} 行{text}")
    return notes
