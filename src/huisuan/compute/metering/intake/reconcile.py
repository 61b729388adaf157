# ruff: noqa: S608 (names of columns come from our own lists)
"""What was read against what is stored: new, known, corrected; which run it is; whose it is. Pure (DuckDB only).

The identity of a record is (centre, cluster, job id, start, model). The same identity with other content is a
correction: a new record that supersedes the current one, or waits for a person (corrections.py). Content that was
superseded before is not taken up again, so that an old export, imported late, undoes nothing.
"""

from __future__ import annotations

import duckdb

from huisuan.compute.metering.intake.corrections import flag_emptied_runs, hold_corrections
from huisuan.compute.metering.intake.overlaps import SAME_CLUSTER, hold_overlaps, resolve_repeats
from huisuan.compute.metering.intake.parsed_file import OPTIONAL, ParsedFile

#: A job id came round again if the new submission lies more than this after the end of the id's previous run.
WRAPPED_AFTER = 86_400

#: what the content's hash covers, in this order; `run` is ours where the scheduler does not say
CONTENT = [
    "job_id",
    "array_index",
    "user",
    "account",
    "partition",
    "model",
    "requested_cards",
    "cards",
    "nodes",
    "node_count",
    "submitted",
    "started",
    "ended",
    "suspended",
    "state",
    "exit_code",
]


def stored_window(con: duckdb.DuckDBPyConnection) -> tuple[int, int] | None:
    """From when to when (UTC seconds) stored records can matter to what was read; None if nothing was read.

    A stored record matters if it ended after the first and started before the second.
    """
    first, last = con.execute(f"""
        SELECT least(min(first), (SELECT min(started) FROM cardless_run)),
            greatest(max(last), (SELECT max(started) FROM cardless_run))
        FROM (SELECT least(min(started), min(submitted)) - {WRAPPED_AFTER} AS first, max(ended) AS last FROM reading)
    """).fetchall()[0]
    return None if first is None else (first, last)


def reconcile(parsed: ParsedFile) -> dict[str, int]:
    """Make `record`: the rows to append, each with what it supersedes. Tables `stored` and `tenant` must be there.

    Returns:
        Lines by what became of them: `unchanged`, `older` (content that was superseded before), `repeated` (said
        again further down in the same file).
    """
    con = parsed.con
    counts = {"repeated": resolve_repeats(parsed)}
    _match(con)
    _pair_changed_models(con)
    _number_runs(con)
    _decide(con, parsed.given)
    parsed.corrections = hold_corrections(parsed)
    hold_overlaps(parsed)
    flag_emptied_runs(parsed)
    for verdict in ("known", "older"):
        row = con.execute(
            "SELECT count(DISTINCT line_no) FROM verdict WHERE verdict = ? "
            "AND line_no NOT IN (SELECT line_no FROM verdict WHERE verdict = 'record')",
            [verdict],
        ).fetchall()[0]
        counts["unchanged" if verdict == "known" else "older"] = row[0]
    return counts


def _match(con: duckdb.DuckDBPyConnection) -> None:
    con.execute(f"""
        CREATE TABLE matched AS
        SELECT r.line_no, r.accelerator_id, min(s.sequence) AS match FROM reading r JOIN stored s
            ON s.current AND s.job_id = r.job_id AND s.started = r.started AND s.accelerator_id = r.accelerator_id
                AND {SAME_CLUSTER.format("s", "r")}
        GROUP BY ALL;
    """)


def _pair_changed_models(con: duckdb.DuckDBPyConnection) -> None:
    """A run whose cards now carry another model supersedes what it was, instead of being paid beside it."""
    con.execute(f"""
        CREATE TABLE unmatched_record AS
        SELECT DISTINCT r.line_no, s.sequence FROM reading r JOIN stored s
            ON s.current AND s.job_id = r.job_id AND s.started = r.started AND {SAME_CLUSTER.format("s", "r")}
        WHERE s.sequence NOT IN (SELECT match FROM matched);
        INSERT INTO matched SELECT r.line_no, r.accelerator_id, l.sequence FROM (
            SELECT line_no, accelerator_id, row_number() OVER (PARTITION BY line_no ORDER BY accelerator_id) AS place
            FROM reading WHERE line_no IN (SELECT line_no FROM unmatched_record)
                AND (line_no, accelerator_id) NOT IN (SELECT (line_no, accelerator_id) FROM matched)
        ) r JOIN (
            SELECT line_no, sequence, row_number() OVER (PARTITION BY line_no ORDER BY sequence) AS place
            FROM unmatched_record
        ) l USING (line_no, place);
        INSERT INTO fault SELECT line_no, '此前按 ' || count(*) || ' 种更多的型号记过这一次运行，'
            || '记录只增不删，无法自动更正；请核对 AllocTRES 后由中心出具更正说明'
            FROM unmatched_record WHERE sequence NOT IN (SELECT match FROM matched) GROUP BY line_no;
        DELETE FROM reading WHERE line_no IN (SELECT line_no FROM fault);
    """)


def _number_runs(con: duckdb.DuckDBPyConnection) -> None:
    """`run_number`: which run of its job each reading is, by start, where the scheduler does not count restarts."""
    con.execute(f"""
        CREATE TABLE job_run AS
            SELECT DISTINCT cluster, job_id, submitted, started, ended, NULL::INTEGER AS run FROM seen_run
            UNION SELECT DISTINCT cluster, job_id, submitted, started, ended, NULL::INTEGER FROM reading
                WHERE job_id IN (SELECT job_id FROM stored UNION SELECT job_id FROM seen_run);
        CREATE TABLE run_number AS
        WITH lives AS (
            SELECT cluster, job_id, started, min(submitted) AS submitted, max(ended) AS ended, max(run) AS run FROM (
                FROM job_run UNION ALL
                SELECT cluster, job_id, submitted, started, ended, run FROM stored
                WHERE current AND job_id IN (SELECT job_id FROM job_run)
            ) GROUP BY cluster, job_id, started
        ), chained AS (
            SELECT *, sum(CASE WHEN coalesce(submitted, started) > previous + {WRAPPED_AFTER} THEN 1 ELSE 0 END)
                OVER (PARTITION BY cluster, job_id ORDER BY started) AS chain
            FROM (SELECT *, lag(ended) OVER (PARTITION BY cluster, job_id ORDER BY started) AS previous FROM lives)
        ), ranked AS (
            SELECT *, row_number() OVER (PARTITION BY cluster, job_id, chain ORDER BY started) - 1 AS place FROM chained
        )
        SELECT cluster, job_id, started,
            place + max(greatest(coalesce(run - place, 0), 0)) OVER (PARTITION BY cluster, job_id, chain) AS run
        FROM ranked;
    """)


def _decide(con: duckdb.DuckDBPyConnection, given: set[str]) -> None:
    """What the file does not say stays as it is known; the content's hash; whose it is; whether to append it."""
    lacking = [name for name in OPTIONAL if name not in given]
    replaced = ", ".join(f'coalesce(s."{name}", r."{name}") AS "{name}"' for name in lacking)
    content = ", ".join(f"coalesce(CAST(\"{name}\" AS VARCHAR), '')" for name in CONTENT)
    con.execute(f"""
        CREATE TABLE superseded_content AS
            SELECT DISTINCT job_id, started, content_sha256 FROM stored WHERE NOT current;
        CREATE TABLE verdict AS
        SELECT f.* EXCLUDE (run, counted_run),
            coalesce(f.run, counted_run, 0)::INTEGER AS run,
            coalesce(by_user.party_id, by_account.party_id,
                CASE WHEN f."user" = known_user AND f.account = known_account AND by_user.name IS NULL
                          AND by_account.name IS NULL THEN known_party END) AS party_id,
            CASE WHEN by_user.party_id IS NULL AND by_account.party_id IS NOT NULL THEN by_account.mapping
                ELSE coalesce(by_user.mapping, by_account.mapping) END AS mapping,
            CASE
                WHEN supersedes IS NULL THEN 'record'
                WHEN f.content_sha256 = known_content
                    THEN CASE WHEN coalesce(by_user.party_id, by_account.party_id,
                                       CASE WHEN by_user.name IS NULL AND by_account.name IS NULL THEN known_party END)
                              IS NOT DISTINCT FROM known_party THEN 'known' ELSE 'record' END
                WHEN past.content_sha256 IS NOT NULL THEN 'older'
                ELSE 'record' END AS verdict
        FROM (
            SELECT *, sha256(concat_ws(chr(31), {content})) AS content_sha256 FROM (
                SELECT r.* {f"REPLACE ({replaced})" if lacking else ""}, s.sequence AS supersedes,
                    s.content_sha256 AS known_content, s.party_id AS known_party, s."user" AS known_user,
                    s.account AS known_account, s.card_seconds AS known_card_seconds,
                    s.accelerator_id AS known_accelerator, n.run AS counted_run
                FROM reading r LEFT JOIN matched USING (line_no, accelerator_id)
                LEFT JOIN stored s ON s.sequence = match
                LEFT JOIN run_number n ON n.cluster = r.cluster AND n.job_id = r.job_id
                    AND n.started = r.started
            )
        ) f
        LEFT JOIN superseded_content past ON past.job_id = f.job_id AND past.started = f.started
            AND past.content_sha256 = f.content_sha256
        LEFT JOIN tenant by_user ON by_user.kind = 'user' AND by_user.name = f."user"
        LEFT JOIN tenant by_account ON by_account.kind = 'account' AND by_account.name = f.account;
        CREATE VIEW record AS SELECT * EXCLUDE (verdict) FROM verdict WHERE verdict = 'record';
    """)
