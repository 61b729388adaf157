# ruff: noqa: S608 (places are numbers)
"""CSV traces of GPU jobs: Philly (filtered), Helios, Acme (Seren, Kalos), Alibaba's openb pods, and their like."""

from __future__ import annotations

import csv

import duckdb
import pyarrow.compute as pc

from huisuan.base.errors import InvalidRequest
from huisuan.compute.duck.source_lines import SourceLines
from huisuan.compute.traces.columns import KNOWN_NAMES, TraceColumns
from huisuan.compute.traces.layout import TraceLayout, fill_fields
from huisuan.compute.traces.tables import QUOTED_LINES


def fill_from_csv(con: duckdb.DuckDBPyConnection, source: SourceLines, columns: TraceColumns) -> TraceLayout:
    """Fill `field` with the file's lines.

    Raises:
        InvalidRequest: a column that is named is not there, or none says when or how many cards.
    """
    header = [cell.strip() for cell in next(csv.reader([source.first_line]), [])]
    place = _places(header, columns, source.name)
    _cut(con, source, len(header))
    expressions = {what: f"trim(f[{at + 1}])" for what, at in place.items()}
    fill_fields(con, expressions, f"FROM cut WHERE len(f) = {len(header)}")
    con.execute("DROP VIEW cut")
    layout = TraceLayout("csv", {what: header[at] for what, at in place.items()})
    if not layout.has("start"):
        layout.notes.append(f"文件没有开始时间列：以 {header[place['submit']]}（提交）作为开始，等待时间视为零")
    return layout


def _places(header: list[str], columns: TraceColumns, name: str) -> dict[str, int]:
    """Where each thing stands in a line.

    Raises:
        InvalidRequest: see `fill`.
    """
    small = [cell.lower() for cell in header]
    place: dict[str, int] = {}
    for what, known in KNOWN_NAMES.items():
        asked = columns.named(what)
        if asked is not None and asked.lower() not in small:
            raise InvalidRequest(
                f'{name} 行 1: 没有列 "{asked}"（--{what}-column）；有：{"、".join(header)}',
                code="trace.column_unknown",
            )
        names = [asked.lower()] if asked else [column for column in known if column in small]
        if names:
            place[what] = small.index(names[0])
    if "user" not in place and "account" in place:
        place["user"] = place["account"]  # Philly names its tenants only by virtual cluster
    missing = [
        text
        for text, there in (
            ("卡数（--cards-column）", "cards" in place),
            ("提交或开始时间（--submit-column、--start-column）", "submit" in place or "start" in place),
            ("结束时间或时长（--end-column、--duration-column）", "end" in place or "duration" in place),
        )
        if not there
    ]
    if missing:
        raise InvalidRequest(
            f"{name} 行 1: 认不出 {'、'.join(missing)}；有：{'、'.join(header)}", code="trace.columns_missing"
        )
    return place


def _cut(con: duckdb.DuckDBPyConnection, source: SourceLines, cells: int) -> None:
    """Make the view `cut` of the lines, cut at commas; only those with quotes go through Python."""
    lines = source.lines
    assert lines is not None
    quoted = lines.filter(pc.match_substring(lines["line"], '"')).to_pylist() if source.content.find(b'"') >= 0 else []
    rows = [(row["line_no"], next(csv.reader([row["line"].rstrip("\r")]))) for row in quoted]
    QUOTED_LINES.load(con, rows)
    con.execute(f"""
        CREATE VIEW cut AS SELECT line_no, line, coalesce(quoted_lines.f, string_split(rtrim(line, chr(13)), ',')) AS f
            FROM source_lines LEFT JOIN quoted_lines USING (line_no) WHERE line_no > 1 AND rtrim(line, chr(13)) <> '';
        INSERT INTO fault SELECT line_no, '有 ' || len(f) || ' 个字段，表头有 {cells} 个；请核对这一行'
            FROM cut WHERE len(f) <> {cells};
        INSERT INTO line_count SELECT 'lines', count(*) FROM cut;
    """)
