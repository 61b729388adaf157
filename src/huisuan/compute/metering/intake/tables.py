"""The road of a line through DuckDB on one page: every table and view of an import, who makes it, who uses it. Pure.

A file's lines become `field` (sacct) or `judged` (a trace), these `reading`; `reading` is compared with `stored` and
becomes `verdict`; what of it is to be appended is `record`, which gets its numbers in `appended`. Modules are named
within `huisuan.compute.metering`. Times are UTC seconds since the epoch. The tables between a trace's lines and
`reading` are its own (`huisuan.compute.traces`). A test compares this page with the SQL.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from huisuan.compute.duck.reader_tables import CARDLESS_RUN, FAULT, LINE_COUNT, READING, SEEN_RUN, STATE_MAP
from huisuan.compute.duck.relation import DuckRelation

#: columns of `field` that hold sacct's own texts, by its names for them
SACCT_FIELDS = (
    "JobIDRaw", "JobID", "Cluster", "User", "Account", "Partition", "State", "Submit", "Start", "End", "ElapsedRaw",
    "Suspended", "AllocTRES", "ReqTRES", "NNodes", "NodeList", "ExitCode", "JobName", "Restarts",
)  # fmt: skip
_FIELD = {"line_no": "BIGINT", "job_id": "VARCHAR", **{f"{name}_": "VARCHAR" for name in SACCT_FIELDS}}
_FIELD |= {"raw_sha256": "VARCHAR"}
_TIMED = {
    "submitted": "BIGINT", "started": "BIGINT", "ended": "BIGINT", "started_odd": "VARCHAR", "ended_odd": "VARCHAR",
    "state": "VARCHAR", "state_kind": "VARCHAR", "suspended": "BIGINT", "suspended_bad": "BOOLEAN", "key": "BIGINT",
    "outcome": "VARCHAR", "tres_reason": "VARCHAR",
}  # fmt: skip
_RUN = {"cluster": "VARCHAR", "job_id": "VARCHAR", "started": "BIGINT"}
_KNOWN = {
    "supersedes": "BIGINT", "known_content": "VARCHAR", "known_party": "BIGINT", "known_user": "VARCHAR",
    "known_account": "VARCHAR", "known_card_seconds": "BIGINT", "known_accelerator": "BIGINT",
}  # fmt: skip
_RECORD = {**{name: kind for name, kind in READING.columns.items() if name != "run"}, **_KNOWN}
_RECORD |= {"content_sha256": "VARCHAR", "run": "INTEGER", "party_id": "BIGINT", "mapping": "VARCHAR"}

# --- what every reader fills
_reading = replace(
    READING, producer="intake.sacct",
    consumers=("intake.corrections", "intake.gpu_trace", "intake.overlaps", "intake.reconcile", "imports.own_jobs"),
)  # fmt: skip
_fault = replace(FAULT, producer="intake.sacct", consumers=(
    "intake.free_text", "intake.overlaps", "intake.reconcile", "intake.sacct_json", "intake.sacct_text",
))  # fmt: skip
_line_count = replace(
    LINE_COUNT, producer="intake.sacct", consumers=("intake.free_text", "intake.sacct_json", "intake.sacct_text")
)
_cardless_run = replace(CARDLESS_RUN, producer="intake.sacct", consumers=("intake.corrections", "intake.reconcile"))
_seen_run = replace(SEEN_RUN, producer="intake.sacct", consumers=("intake.reconcile",))

# --- sacct's text and JSON, cut into fields
SOURCE_LINES = DuckRelation(
    "source_lines", {"line_no": "BIGINT", "line": "VARCHAR"}, "intake.sacct", ("intake.sacct_text",)
)
WRONG_WIDTH = DuckRelation("wrong_width", {"line_no": "BIGINT", "width": "INTEGER"}, "intake.sacct_text")
JOINED_LINE = DuckRelation("joined_line", {"line_no": "BIGINT", "line": "VARCHAR"}, "intake.sacct_text")
REPLACED_LINE = DuckRelation("replaced_line", {"line_no": "BIGINT", "sha": "VARCHAR"}, "intake.sacct_text")
FIELD = DuckRelation("field", _FIELD, "intake.sacct_text", ("intake.free_text", "intake.sacct", "intake.sacct_json"))

JSON_JOB = DuckRelation("json_job", _FIELD, "intake.sacct_json")

# --- what its texts mean
_state_map = replace(STATE_MAP, producer="intake.sacct")
SUSPENDED_MAP = DuckRelation("suspended_map", {"text": "VARCHAR", "seconds": "BIGINT"}, "intake.sacct")
TRES_MAP = DuckRelation("tres_map", {
    "key": "BIGINT", "alloc": "VARCHAR", "asked": "VARCHAR", "part": "VARCHAR", "outcome": "VARCHAR",
    "reason": "VARCHAR",
}, "intake.sacct", ("intake.missing_cards",))  # fmt: skip
CARD_MAP = DuckRelation("card_map", {
    "key": "BIGINT", "accelerator_id": "BIGINT", "model": "VARCHAR", "cards": "BIGINT", "requested": "BIGINT",
}, "intake.sacct")  # fmt: skip
TIMED = DuckRelation("timed", {**_FIELD, **_TIMED}, "intake.sacct")
RESIZED = DuckRelation("resized", {"job": "VARCHAR", "place": "VARCHAR", "resized_at": "BIGINT"}, "intake.sacct")
JUDGED = DuckRelation("judged", {
    **_FIELD, **{name: kind for name, kind in _TIMED.items() if name != "started"}, "job": "VARCHAR",
    "place": "VARCHAR", "resized_at": "BIGINT", "started": "BIGINT", "kind": "VARCHAR", "reason": "VARCHAR",
}, "intake.sacct", ("intake.gpu_trace",))  # fmt: skip
WITHOUT_CARDS = DuckRelation("without_cards", {
    "line_no": "BIGINT", "part": "VARCHAR", "alloc": "VARCHAR", "asked": "VARCHAR", "started": "BIGINT",
    "raw_sha256": "VARCHAR",
}, "intake.sacct", ("intake.missing_cards",))  # fmt: skip

# --- the platform's own jobs, which its agents meter
PLATFORM_JOB_NAME = DuckRelation("platform_job_name", {"job_name": "VARCHAR"}, "imports.own_jobs")
PLATFORM_LINE = DuckRelation("platform_line", READING.columns, "imports.own_jobs")

# --- what is stored
#: `mapping` names the occasion on which an account became whose it is: a mapping made anew is another one
TENANT = DuckRelation(
    "tenant", {"kind": "VARCHAR", "name": "VARCHAR", "party_id": "BIGINT", "mapping": "VARCHAR"},
    "imports.append_records", ("intake.reconcile",),
)  # fmt: skip
#: current and superseded records that overlap what was read
STORED = DuckRelation("stored", {
    "sequence": "BIGINT", "current": "BOOLEAN", "cluster": "VARCHAR", "job_id": "VARCHAR", "array_index": "INTEGER",
    "run": "INTEGER", "user": "VARCHAR", "account": "VARCHAR", "party_id": "BIGINT", "partition": "VARCHAR",
    "accelerator_id": "BIGINT", "requested_cards": "INTEGER", "nodes": "VARCHAR", "node_count": "INTEGER",
    "submitted": "BIGINT", "started": "BIGINT", "ended": "BIGINT", "suspended": "BIGINT", "exit_code": "VARCHAR",
    "content_sha256": "VARCHAR", "card_seconds": "BIGINT",
}, "imports.append_records", ("intake.corrections", "intake.overlaps", "intake.reconcile"))  # fmt: skip

# --- the two compared
MULTI_LINE_JOB = DuckRelation("multi_line_job", {"job_id": "VARCHAR"}, "intake.overlaps")
REPEATED_RUN = DuckRelation("repeated_run", {
    "line_no": "BIGINT", **_RUN, "nothing": "BOOLEAN", "signature": "VARCHAR", "lines": "BIGINT", "last": "BIGINT",
    "differs": "BOOLEAN",
}, "intake.overlaps")  # fmt: skip
REPEATED_LINE = DuckRelation("repeated_line", {"line_no": "BIGINT"}, "intake.overlaps")
MATCHED = DuckRelation(
    "matched", {"line_no": "BIGINT", "accelerator_id": "BIGINT", "match": "BIGINT"}, "intake.reconcile"
)
UNMATCHED_RECORD = DuckRelation("unmatched_record", {"line_no": "BIGINT", "sequence": "BIGINT"}, "intake.reconcile")
JOB_RUN = DuckRelation("job_run", {
    "cluster": "VARCHAR", "job_id": "VARCHAR", "submitted": "BIGINT", "started": "BIGINT", "ended": "BIGINT",
    "run": "INTEGER",
}, "intake.reconcile")  # fmt: skip
RUN_NUMBER = DuckRelation("run_number", {**_RUN, "run": "BIGINT"}, "intake.reconcile")
SUPERSEDED_CONTENT = DuckRelation(
    "superseded_content", {"job_id": "VARCHAR", "started": "BIGINT", "content_sha256": "VARCHAR"}, "intake.reconcile"
)
VERDICT = DuckRelation(
    "verdict", {**_RECORD, "verdict": "VARCHAR"}, "intake.reconcile",
    ("intake.corrections", "intake.overlaps", "imports.import_file"),
)  # fmt: skip
HELD_CORRECTION = DuckRelation("held_correction", {**VERDICT.columns, "waits": "VARCHAR"}, "intake.corrections")
OVERLAP_SUSPECT = DuckRelation("overlap_suspect", {"job_id": "VARCHAR"}, "intake.overlaps")
RECORD = DuckRelation(
    "record", _RECORD, "intake.reconcile",
    ("imports.append_records", "imports.import_file", "imports.pending_corrections"),
)  # fmt: skip

# --- what is appended
RECORD_PARTY = DuckRelation("record_party", {"party_id": "BIGINT", "uscc": "VARCHAR"}, "imports.append_records")
APPENDED = DuckRelation("appended", {}, "imports.append_records")  # a leaf's columns: ledger.record_hash.FIELDS

RELATIONS: Mapping[str, DuckRelation] = {
    relation.name: relation
    for relation in (
        _reading, _fault, _line_count, _cardless_run, _seen_run, SOURCE_LINES, WRONG_WIDTH, JOINED_LINE, REPLACED_LINE,
        FIELD, JSON_JOB,
        _state_map, SUSPENDED_MAP, TRES_MAP, CARD_MAP, TIMED, RESIZED, JUDGED, WITHOUT_CARDS, PLATFORM_JOB_NAME,
        PLATFORM_LINE, TENANT, STORED, MULTI_LINE_JOB, REPEATED_RUN, REPEATED_LINE, MATCHED, UNMATCHED_RECORD, JOB_RUN,
        RUN_NUMBER, SUPERSEDED_CONTENT, VERDICT, HELD_CORRECTION, OVERLAP_SUSPECT, RECORD, RECORD_PARTY, APPENDED,
    )
}  # fmt: skip
