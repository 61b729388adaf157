# ruff: noqa: S608 (values are quoted by `literal`)
"""Public job traces (`compute.traces`) as readings: each job that ran is a record on cards of one model. Pure."""

from __future__ import annotations

from huisuan.compute.accelerators import Card
from huisuan.compute.duck.source_lines import SourceLines
from huisuan.compute.duck.workbench import literal
from huisuan.compute.metering.intake.parsed_file import ParsedFile
from huisuan.compute.traces.columns import TraceColumns
from huisuan.compute.traces.read import parse_trace_rows
from huisuan.compute.traces.timestamps import Clock


def parse_trace(source: SourceLines, columns: TraceColumns, card: Card, clock: Clock, tenant: str = "") -> ParsedFile:
    """Read a trace whose cards are all of one model. `tenant` is the user where the file names none.

    Raises:
        InvalidRequest: of no known form, or it does not say when, how long or how many cards.
    """
    rows = parse_trace_rows(source, columns, clock)
    rows.con.execute(f"""
        INSERT INTO reading SELECT line_no, '', job_id, NULL, NULL,
            coalesce(user_, {literal(tenant)}), coalesce(account_, ''), '',
            {card.id}, {literal(card.model)}, NULL, cards, '', 1, submit_at, started, ended, suspended, state, '',
            sha256(line), ''
        FROM judged WHERE kind = 'job'
    """)
    have = {"user": "user", "account": "account", "submit": "submitted"}
    given = {ours for theirs, ours in have.items() if rows.layout.has(theirs)}
    return ParsedFile(rows.con, given, rows.notes, fractional=rows.counts()["fractional"])
