# ruff: noqa: S608 (names of columns come from our own lists; values are parameters)
"""`meter export`: everything that a centre's ledger rests on, as files for a verifier that trusts no party.

manifest.json    what is in it, each file's SHA-256, the keys, the head of the ledger; signed by the platform
records.parquet  usage records as they are hashed, each with its leaf
leaves.parquet   for a month: leaves of the other records in the same batches
batches.parquet  the ledger's chain, and in it the agents' own
leases.parquet   the platform's placements at the centre: what bounds when its jobs can have run
sources.parquet  the raw lines as they came, in compressed pieces
seals.json       the months that are sealed, with both signatures
flags.json       what looked wrong, and what was answered
"""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from django.db import transaction

from huisuan.base.errors import Conflict, InvalidRequest
from huisuan.base.hashing import file_sha256
from huisuan.base.json_values import to_json_value
from huisuan.base.months import Month
from huisuan.compute.accelerators.registry import load_card_names
from huisuan.compute.centres.services import centre_by_code
from huisuan.compute.duck.workbench import literal, workbench
from huisuan.compute.keys import platform_key
from huisuan.compute.metering.agent_usage.leases import load_leases
from huisuan.compute.metering.audit.folder import (
    BATCHES,
    EXPORT_KIND,
    FLAGS,
    LEASE,
    LEASES,
    LEAVES,
    MANIFEST,
    NUMBER_COLUMNS,
    RECORDS,
    SEALS,
    SIGNATURE,
    SOURCES,
    canonical,
    export_digest,
)  # fmt: skip
from huisuan.compute.metering.audit.lines import card_names_to_dict
from huisuan.compute.metering.checks.flags import flag_to_dict
from huisuan.compute.metering.ledger.append import append_batches, batch_header
from huisuan.compute.metering.ledger.chain import START, Header
from huisuan.compute.metering.ledger.record_hash import RECORD_FIELDS
from huisuan.compute.metering.ledger.stored_records import stored_records
from huisuan.compute.metering.seals.queries import list_seals, seal_to_dict, sealed_parquet
from huisuan.compute.models import AgentKey, Centre, MeterBatch, MeterFlag, Seal, SourceChunk, SourceFile, UsageRecord

_PIECES = 200  # of sources at once
_COLUMNS = ", ".join(f'"{name}"' for name in RECORD_FIELDS)
BATCH_SCHEMA = pa.schema(
    [
        (name, pa.int64() if name in NUMBER_COLUMNS else pa.string())
        for name in (*Header._fields, "previous", "chain", "receipt")
    ]
)
LEASE_SCHEMA = pa.schema([(name, pa.string() if kind == "VARCHAR" else pa.int64()) for name, kind in LEASE.items()])
SOURCE_SCHEMA = pa.schema(
    [
        ("source", pa.string()), ("name", pa.string()), ("format", pa.string()), ("timezone", pa.string()),
        ("collector", pa.string()), ("line_count", pa.int64()), ("first_line", pa.int64()), ("lines", pa.int64()),
        ("raw_bytes", pa.int64()), ("content", pa.binary()),
    ]
)  # fmt: skip


def export_ledger(code: str, folder: Path, month: Month | None, now: datetime) -> dict[str, Any]:
    """Write a centre's ledger, or one sealed month of it, to a folder; returns the manifest.

    Raises:
        NotFound: no such centre.
        InvalidRequest: the folder is not empty.
        Conflict: the month is not sealed.
    """
    centre = centre_by_code(code)
    if folder.exists() and any(folder.iterdir()):
        raise InvalidRequest(f"目录 {folder} 不是空的：请另选一个，以免新旧混在一起", code="export.folder_not_empty")
    folder.mkdir(parents=True, exist_ok=True)
    with transaction.atomic():
        centre = Centre.objects.select_for_update(no_key=True).get(pk=centre.pk)
        append_batches(centre, centre.last_sequence, [], now)
    seals = list(list_seals(centre))
    batches = list(MeterBatch.objects.filter(centre=centre).select_related("key", "source_file").order_by("number"))
    if month is None:
        _whole(centre, folder)
        sources = {source for (source,) in _query(folder, f"SELECT DISTINCT source FROM {_file(folder / RECORDS)}")}
        touched = batches
    else:
        seal, seals, batches = _of_month(seals, batches, month)
        touched = _sealed_month(centre, folder, seal, batches)
        sources = {source for (source,) in _query(folder, f"SELECT DISTINCT source FROM {_file(folder / RECORDS)}")}
    sources |= {batch.source_file.sha256 for batch in touched if batch.source_file}
    _batches(folder, centre.code, batches)
    _leases(folder, centre, sources)
    _sources(folder, centre, sources)
    _json(folder / SEALS, [seal_to_dict(seal) for seal in seals])
    _json(
        folder / FLAGS,
        [flag_to_dict(flag) for flag in MeterFlag.objects.filter(centre=centre).select_related("centre")],
    )
    return _manifest(folder, centre, month, batches, touched, now)


def _of_month(seals: list[Seal], batches: list[MeterBatch], month: Month) -> tuple[Seal, list[Seal], list[MeterBatch]]:
    """The month's seal, the seals up to it, the batches that it rests on."""
    upto = [seal for seal in seals if seal.month <= month.first_day]
    if not upto or upto[-1].month != month.first_day:
        raise Conflict(
            f"{month} 还没有封账：先 huisuan meter seal，或不写 --month 导出整个账本", code="seal.month_not_sealed"
        )
    last = json.loads(upto[-1].statement)["batches"]
    return upto[-1], upto, [batch for batch in batches if batch.number <= last]


def _whole(centre: Centre, folder: Path) -> None:
    with stored_records(centre, "u.sequence <= %s", [centre.last_sequence]) as con:
        con.execute(f"COPY (SELECT {_COLUMNS}, leaf FROM row ORDER BY sequence) TO {_to(folder / RECORDS)}")


def _sealed_month(centre: Centre, folder: Path, seal: Seal, batches: Sequence[MeterBatch]) -> list[MeterBatch]:
    """The sealed file as it is, and the leaves of what else came in the same batches, which are returned."""
    (folder / RECORDS).write_bytes(Path(sealed_parquet(seal)).read_bytes())
    held = [sequence for (sequence,) in _query(folder, f"SELECT sequence FROM {_file(folder / RECORDS)} ORDER BY 1")]
    touched = [batch for batch in batches if _holds(held, batch.first, batch.last)]
    spans = _joined_spans([(batch.first, batch.last) for batch in touched])
    where = " OR ".join(["u.sequence BETWEEN %s AND %s"] * len(spans)) or "false"
    with stored_records(centre, where, [edge for span in spans for edge in span]) as con:
        con.execute(
            f"COPY (SELECT sequence, leaf FROM row WHERE sequence NOT IN (SELECT sequence FROM "
            f"{_file(folder / RECORDS)}) ORDER BY sequence) TO {_to(folder / LEAVES)}"
        )
    return touched


def _holds(held: Sequence[int], first: int, last: int) -> bool:
    """Whether one of these numbers, in order, lies between the two."""
    at = bisect_left(held, first)
    return at < len(held) and held[at] <= last


def _joined_spans(spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Spans in order, those that meet made one."""
    made: list[tuple[int, int]] = []
    for first, last in spans:
        if made and made[-1][1] + 1 == first:
            made[-1] = (made[-1][0], last)
        else:
            made.append((first, last))
    return made


def _batches(folder: Path, code: str, batches: Sequence[MeterBatch]) -> None:
    rows = [
        {
            **batch_header(batch, code)._asdict(),
            "previous": batch.previous,
            "chain": batch.chain,
            "receipt": batch.receipt,
        }
        for batch in batches
    ]
    pq.write_table(pa.Table.from_pylist(rows, BATCH_SCHEMA), folder / BATCHES)


def _sources(folder: Path, centre: Centre, wanted: set[str]) -> None:
    files = SourceFile.objects.filter(centre=centre, sha256__in=wanted).order_by("id")
    chunks = SourceChunk.objects.filter(file__in=files).select_related("file").order_by("file_id", "first_line")
    with pq.ParquetWriter(folder / SOURCES, SOURCE_SCHEMA) as writer:
        for piece in _chunked(_PIECES, chunks.iterator(chunk_size=_PIECES)):
            writer.write_table(pa.Table.from_pylist([_source(part) for part in piece], SOURCE_SCHEMA))


def _leases(folder: Path, centre: Centre, sources: set[str]) -> None:
    """The placements of the jobs that these files speak of."""
    files = SourceFile.objects.filter(centre=centre, sha256__in=sources, format="agent")
    uids = UsageRecord.objects.filter(centre=centre, source_file__in=files).values_list("job_id", flat=True).distinct()
    found = load_leases(centre, uids).here
    rows = [{name: getattr(lease, name) for name in LEASE} for _, lease in sorted(found.items())]
    pq.write_table(pa.Table.from_pylist(rows, LEASE_SCHEMA), folder / LEASES)


def _chunked(count: int, items: Iterator[SourceChunk]) -> Iterator[list[SourceChunk]]:
    held: list[SourceChunk] = []
    for item in items:
        held.append(item)
        if len(held) == count:
            yield held
            held = []
    if held:
        yield held


def _source(chunk: SourceChunk) -> dict[str, Any]:
    file = chunk.file
    return {
        "source": file.sha256, "name": file.name, "format": file.format, "timezone": file.timezone,
        "collector": file.collector, "line_count": file.line_count, "first_line": chunk.first_line,
        "lines": chunk.line_count, "raw_bytes": chunk.raw_bytes, "content": bytes(chunk.content),
    }  # fmt: skip


def _manifest(
    folder: Path,
    centre: Centre,
    month: Month | None,
    batches: Sequence[MeterBatch],
    touched: Sequence[MeterBatch],
    now: datetime,
) -> dict[str, Any]:
    last = batches[-1] if batches else None
    keys = AgentKey.objects.filter(centre=centre).order_by("enrolled_at")
    manifest = {
        "kind": EXPORT_KIND, "centre": centre.code, "name": centre.name, "month": str(month) if month else None,
        "platform_key": platform_key.public(), "exported_at": now,
        "agents": [
            {"name": key.name, "key": key.public_key, "host": key.host, "enrolled_at": key.enrolled_at,
             "revoked_at": key.revoked_at} for key in keys
        ],
        "head": {"batches": last.number if last else 0, "last_sequence": last.last if last else 0,
                 "chain": last.chain if last else START},
        "touched": [batch.number for batch in touched] if month else None,
        "cards": card_names_to_dict(load_card_names(centre)),
        "files": {path.name: file_sha256(path) for path in sorted(folder.iterdir())},
    }  # fmt: skip
    text = canonical(json.loads(json.dumps(manifest, default=to_json_value)))
    (folder / MANIFEST).write_text(text, encoding="utf-8")
    (folder / SIGNATURE).write_text(platform_key.sign(export_digest(text)), encoding="ascii")
    found: dict[str, Any] = json.loads(text)
    return found


def _json(path: Path, data: Any) -> None:
    path.write_text(json.dumps(data, ensure_ascii=False, indent=1, default=to_json_value), encoding="utf-8")


def _query(folder: Path, query: str) -> list[tuple[Any, ...]]:
    with workbench() as con:
        return con.execute(query).fetchall()


def _file(path: Path) -> str:
    return f"read_parquet({literal(str(path))})"


def _to(path: Path) -> str:
    return f"{literal(str(path))} (FORMAT parquet, COMPRESSION zstd)"
