"""An agent's lines and the records they become, in bulk: one question for what is known, one COPY for what is new."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import pyarrow as pa
from django.db import connection
from psycopg import Copy

from huisuan.base.hashing import bytes_sha256
from huisuan.compute.metering.agent_usage.judge import KnownRecords, MeteredSlice
from huisuan.compute.metering.agent_usage.lease import Lease
from huisuan.compute.metering.agent_usage.usage_line import UsageLineFields, epoch_second
from huisuan.compute.metering.ledger.record_hash import encode_run_fields, leaf_of_slice
from huisuan.compute.models import Centre, SourceChunk, SourceFile

FORMAT = "agent"
ZONE = "UTC"
WANTED = "u.sequence, u.job_id, u.run, u.started_at, u.ended_at, u.content_sha256"
#: Slices of a run do not overlap, so that of those that began before a line only the last one with a length can reach
#: into it, and only the first and the last of its run bound it. A correction may have taken the length of any number,
#: so each is followed to its present word: behind a fixed number of neighbours an agent hid slices by empty ones. Runs
#: that began in one second are told apart by their end: the one that goes on is the one that reaches.
HOLDING = """
SELECT u.* FROM compute_usagerecord u CROSS JOIN LATERAL (
    WITH RECURSIVE word AS (
        SELECT u.sequence, u.ended_at
        UNION ALL SELECT n.sequence, n.ended_at FROM word JOIN compute_usagerecord n
            ON n.centre_id = %(centre)s AND n.supersedes = word.sequence
    )
    SELECT ended_at FROM word ORDER BY sequence DESC LIMIT 1
) AS present
WHERE u.centre_id = %(centre)s AND u.supersedes IS NULL AND present.ended_at > u.started_at
"""

_KNOWN = f"""
WITH RECURSIVE asked AS (
    SELECT job_id, to_timestamp(first) AS first, to_timestamp(last) AS last
    FROM unnest(%(jobs)s::text[], %(first)s::bigint[], %(last)s::bigint[]) AS a(job_id, first, last)
), runs AS (
    SELECT job_id, run FROM unnest(%(jobs_of)s::text[], %(runs)s::int[]) AS r(job_id, run)
), seed AS (
    SELECT {WANTED} FROM asked CROSS JOIN LATERAL (
        SELECT * FROM compute_usagerecord u
        WHERE u.centre_id = %(centre)s AND u.job_id = asked.job_id AND u.supersedes IS NULL
          AND u.started_at >= asked.first AND u.started_at <= asked.last
        UNION ALL (
            {HOLDING} AND u.job_id = asked.job_id AND u.started_at < asked.first
            ORDER BY u.started_at DESC, present.ended_at DESC LIMIT 1
        )
    ) AS u
    UNION
    SELECT {WANTED} FROM runs CROSS JOIN LATERAL (
        ({HOLDING} AND u.job_id = runs.job_id AND u.run = runs.run ORDER BY u.started_at LIMIT 1)
        UNION ALL
        ({HOLDING} AND u.job_id = runs.job_id AND u.run = runs.run ORDER BY u.started_at DESC LIMIT 1)
    ) AS u
), chain AS (
    SELECT * FROM seed
    UNION ALL
    SELECT {WANTED} FROM chain JOIN compute_usagerecord u ON u.centre_id = %(centre)s AND u.supersedes = chain.sequence
)
SELECT sequence, job_id, run, extract(epoch FROM started_at)::bigint, extract(epoch FROM ended_at)::bigint,
    content_sha256 FROM chain ORDER BY sequence
"""  # noqa: S608 (a number of ours)

#: the columns that are the same for every slice of a run, then those that are not
_RUN_COLUMNS = (
    'centre_id, cluster, job_id, run, array_index, "user", account, party_id, contract, "partition", accelerator_id, '
    "requested_cards, cards, submitted_at, source_zone, received_at"
)
SLICE_COLUMNS = (
    "sequence, supersedes, nodes, node_count, started_at, ended_at, suspended_seconds, card_seconds, state, exit_code, "
    "raw_sha256, content_sha256, source_line, source_file_id"
)


def load_known_records(centre: Centre, lines: Iterable[UsageLineFields]) -> KnownRecords:
    """What is stored of the runs that these lines speak of, as far as it can bear on them."""
    spans: dict[str, tuple[int, int]] = {}
    runs: dict[tuple[str, int], None] = {}
    for line in lines:
        runs[line["uid"], line["run"]] = None
        started, ended = epoch_second(line["started_at"]), epoch_second(line["ended_at"])
        if started is not None and ended is not None:
            first, last = spans.get(line["uid"], (started, ended))
            spans[line["uid"]] = (min(first, started), max(last, ended))
    known = KnownRecords()
    if not spans or centre.last_sequence == 0:
        return known
    first_last = [[span[edge] for span in spans.values()] for edge in (0, 1)]
    asked: dict[str, Any] = {"jobs": list(spans), "first": first_last[0], "last": first_last[1], "centre": centre.pk}
    asked |= {"jobs_of": [uid for uid, _ in runs], "runs": [run for _, run in runs]}
    with connection.cursor() as cursor:
        cursor.execute(_KNOWN, asked)
        for sequence, uid, run, started, ended, content in cursor.fetchall():  # a correction after what it corrects
            known.put(uid, run, started, sequence, ended, content)
    return known


def store_lines(centre: Centre, contents: Sequence[tuple[str, bytes]], version: str, now: datetime) -> list[SourceFile]:
    """Keep the lines of some batches, each with its name, as they came; the same lines, sent again, are kept once."""
    digests = [bytes_sha256(content) for _, content in contents]
    kept = {file.sha256: file for file in SourceFile.objects.filter(centre=centre, sha256__in=digests)}
    fresh: dict[str, tuple[SourceFile, bytes]] = {}
    for digest, (name, content) in zip(digests, contents, strict=True):
        if digest not in kept:
            file = SourceFile(
                centre=centre, sha256=digest, name=name, format=FORMAT, timezone=ZONE, imported_at=now,
                line_count=content.count(b"\n"), collector=f"huisuan-agent/{version}"[:60],
            )  # fmt: skip
            fresh[digest], kept[digest] = (file, content), file
    SourceFile.objects.bulk_create([file for file, _ in fresh.values()])
    SourceChunk.objects.bulk_create(
        SourceChunk(
            file=file, first_line=1, line_count=file.line_count, raw_bytes=len(content),
            content=pa.compress(content, codec="zstd", asbytes=True),
        )
        for file, content in fresh.values()
    )  # fmt: skip
    return [kept[digest] for digest in digests]


class RecordWriter:
    """Writes one batch's records after the other into one COPY: PostgreSQL stores them while the next is judged."""

    def __init__(self, copy: Copy, centre: Centre, now: datetime) -> None:
        self.copy, self.centre, self.now = copy, centre, now
        self.stems: dict[int, tuple[str, str]] = {}  # of each lease: in the leaf, and in the row

    def write(self, records: Sequence[MeteredSlice], file: SourceFile) -> list[bytes]:
        """Write a batch's records; returns their leaves."""
        rows, leaves = [], []
        code, sha256, tail = self.centre.code, file.sha256, f"{file.pk}\n"
        for m in records:
            of_run, row = self.stems.get(id(m.lease)) or self._stems(m.lease)
            card_seconds = m.lease.cards * (m.ended - m.started - m.suspended)
            leaves.append(
                leaf_of_slice(
                    code, m.sequence, m.supersedes, of_run, m.nodes, m.node_count, m.lease.submitted, m.started,
                    m.ended, m.suspended, card_seconds, m.state, m.exit_code, ZONE, m.raw.sha256, m.content_sha256,
                    sha256, m.raw.place,
                )
            )  # fmt: skip
            rows.append(
                f"{row}{m.sequence}\t{_or_none(m.supersedes)}\t{_text(m.nodes)}\t{m.node_count}\t{_format_time(m.started)}\t"
                f"{_format_time(m.ended)}\t{m.suspended}\t{card_seconds}\t{m.state}\t{m.exit_code}\t{m.raw.sha256}\t"
                f"{m.content_sha256}\t{m.raw.place}\t{tail}"
            )
        self.copy.write("".join(rows))
        return leaves

    def _stems(self, lease: Lease) -> tuple[str, str]:
        code = self.centre.code
        of_run = encode_run_fields(
            code, lease.uid, lease.run, lease.array_index, lease.user, "", lease.party, "", lease.partition,
            lease.model, lease.cards, lease.cards,
        )  # fmt: skip
        row = (
            f"{self.centre.pk}\t{_text(code)}\t{_text(lease.uid)}\t{lease.run}\t{_or_none(lease.array_index)}\t"
            f"{_text(lease.user)}\t\t{lease.party_id}\t\t{_text(lease.partition)}\t{lease.accelerator}\t{lease.cards}\t"
            f"{lease.cards}\t{_format_time(lease.submitted)}\t{ZONE}\t{self.now.isoformat()}\t"
        )
        made = self.stems[id(lease)] = (of_run, row)
        return made


@contextmanager
def record_writer(centre: Centre, now: datetime) -> Iterator[RecordWriter]:
    """One COPY into the usage records; nothing else can be asked of the database meanwhile."""
    statement = f"COPY compute_usagerecord ({_RUN_COLUMNS}, {SLICE_COLUMNS}) FROM STDIN"
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        yield RecordWriter(copy, centre, now)


def _or_none(value: int | None) -> str:
    return "\\N" if value is None else str(value)


def _text(value: str) -> str:
    if "\\" not in value and value.isprintable():  # nearly always
        return value
    return value.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")


@lru_cache(maxsize=1 << 14)
def _format_time(second: int | None) -> str:
    return "\\N" if second is None else datetime.fromtimestamp(second, UTC).isoformat()
