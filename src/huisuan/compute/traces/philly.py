"""Philly's own log, `cluster_job_log`: JSON, a list of jobs with the attempts to run each.

A job holds its cards from the start of its first attempt to the end of its last, but for the time between attempts.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from itertools import pairwise
from typing import Any

import duckdb

from huisuan.base.errors import InvalidRequest
from huisuan.compute.duck.relation import DuckRelation
from huisuan.compute.duck.source_lines import SourceLines
from huisuan.compute.traces.columns import MISSING_VALUES
from huisuan.compute.traces.layout import TraceLayout, add_faults, fill_fields

_COLUMNS = {
    "job": "jobid", "user": "user", "account": "vc", "submit": "submitted_time", "start": "attempts.start_time",
    "end": "attempts.end_time", "cards": "attempts.detail.gpus", "state": "status",
}  # fmt: skip
_ROW = ("line_no", "line", "job", "user", "account", "submit", "start", "end", "cards", "state", "paused")
PHILLY_JOBS = DuckRelation("philly_jobs", {name: "BIGINT" if name == "line_no" else "VARCHAR" for name in _ROW})


def is_philly(first: str) -> bool:
    """Whether it is a list in JSON."""
    return first.lstrip().startswith("[")


def fill_from_philly(con: duckdb.DuckDBPyConnection, source: SourceLines) -> TraceLayout:
    """Fill `field` with the file's jobs; a job's line is the one on which it begins.

    Raises:
        InvalidRequest: no JSON, or not a list of jobs.
    """
    text = bytes(source.content).decode("utf-8-sig", "replace")
    raw = text.split("\n")
    rows: list[tuple[Any, ...]] = []
    faults: list[tuple[int, str]] = []
    differ = 0
    for number, (line, entry) in enumerate(_entries(text, source.name), 1):
        try:
            row, alike = _row(entry)
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            faults.append((line, f"（第 {number} 个作业）缺少或不合：{error}；请核对这个作业"))
            continue
        differ += not alike
        rows.append((line, raw[line - 1], *row))
    PHILLY_JOBS.load(con, rows)
    fill_fields(con, {name: f'"{name}"' for name in _ROW[2:]}, "FROM philly_jobs")
    con.execute("DROP TABLE philly_jobs")
    con.execute("INSERT INTO line_count VALUES ('lines', ?)", [len(rows) + len({line for line, _ in faults})])
    add_faults(con, faults)
    notes = [f"{differ:,} 个作业各次尝试的卡数不同：按第一次的卡数"] if differ else []
    return TraceLayout("philly-json", _COLUMNS, notes=notes)


def _entries(text: str, name: str) -> Iterator[tuple[int, Any]]:
    """Each entry of the list with the line on which it begins.

    Raises:
        InvalidRequest: no JSON, or not a list.
    """
    decoder, at, line, counted = json.JSONDecoder(), text.index("[") + 1, 1, 0
    try:
        while True:
            at = _skip(text, at)
            if text[at : at + 1] == "]":
                return
            line, counted = line + text.count("\n", counted, at), at
            entry, at = decoder.raw_decode(text, at)
            yield line, entry
            at = _skip(text, at)
            if text[at : at + 1] not in ("]", ","):
                raise json.JSONDecodeError("应是逗号或 ]", text, at)
            at += text[at] == ","
    except json.JSONDecodeError as error:
        raise InvalidRequest(
            f"{name} 行 {error.lineno} 列 {error.colno}：不是 JSON：{error.msg}", code="trace.json_malformed"
        ) from None


def _skip(text: str, at: int) -> int:
    while text[at : at + 1].isspace():
        at += 1
    return at


def _row(entry: dict[str, Any]) -> tuple[tuple[str | None, ...], bool]:
    """A job's texts in the order of ROW, and whether all of its attempts held as many cards."""
    attempts = [attempt for attempt in entry["attempts"] if _given(attempt["start_time"])]
    plain = tuple(str(entry[name]) for name in ("jobid", "user", "vc", "submitted_time"))
    if not attempts:
        return (*plain, "", "", None, str(entry["status"]), "0"), True
    cards = [sum(len(node["gpus"]) for node in attempt["detail"]) for attempt in attempts]
    paused = sum(
        _seconds(after["start_time"]) - _seconds(before["end_time"])
        for before, after in pairwise(attempts)
        if _given(before["end_time"])
    )
    start, end = attempts[0]["start_time"], attempts[-1]["end_time"] or ""
    return (*plain, start, end, str(cards[0]), str(entry["status"]), str(max(paused, 0))), len(set(cards)) == 1


def _given(text: str | None) -> bool:
    return text is not None and text.lower() not in MISSING_VALUES


def _seconds(text: str) -> int:
    """Seconds of a time, for differences: all are written in the same zone."""
    return int((datetime.fromisoformat(text) - datetime(1970, 1, 1)).total_seconds())  # noqa: DTZ001
