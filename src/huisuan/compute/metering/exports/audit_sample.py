# ruff: noqa: S608 (names of columns come from our own lists; paths and texts are quoted)
"""`audit sample`: sealed records drawn by a seed, each with its proof and its source line, in one signed document."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import duckdb
from django.db.models import Q

from huisuan.base.errors import Conflict, NotFound
from huisuan.base.months import Month, midnight
from huisuan.compute.duck.relation import DuckRelation
from huisuan.compute.duck.workbench import literal, workbench
from huisuan.compute.keys import platform_key
from huisuan.compute.metering.audit.sample import (
    AMOUNT_EDGES_FEN,
    SAMPLE_KIND,
    allocate_sample,
    check_sample_request,
    sample_digest,
)
from huisuan.compute.metering.imports.raw_lines import load_raw_lines
from huisuan.compute.metering.ledger.merkle import inclusion_proofs
from huisuan.compute.metering.ledger.record_hash import RECORD_FIELDS
from huisuan.compute.metering.ledger.stored_records import load_leaves
from huisuan.compute.metering.seals.queries import SIGNED, seal_to_dict, sealed_parquet
from huisuan.compute.models import Seal, SourceFile, Tariff, UsageRecord

PRICE = DuckRelation(
    "price", {"centre": "VARCHAR", "model": "VARCHAR", "fen": "BIGINT", "starts": "BIGINT", "ends": "BIGINT"}
)
_NEVER = 2**62  # seconds: the end of a price that holds still
#: stratum of a record in the population, by how it is divided; the edges are those of `audit.sample.amount_stratum`
_STRATUM = {
    "centre": "centre",
    "party": "coalesce(party, 'none')",
    "amount": "CASE WHEN fen IS NULL THEN 'none' ELSE CAST("
    + " + ".join(f"(fen >= {edge})::INTEGER" for edge in AMOUNT_EDGES_FEN)
    + " AS VARCHAR) END",
}
_WEIGHT = {"centre": "count(*)", "party": "count(*)", "amount": "coalesce(sum(fen), 0)"}
_POPULATION = """
CREATE TABLE population AS
WITH priced AS (
    SELECT s.*, CAST((2 * s.card_seconds * p.fen + 3600) // 7200 AS BIGINT) AS fen
    FROM sealed s LEFT JOIN price p
        ON p.centre = s.centre AND p.model = s.model AND s.started >= p.starts AND s.started < p.ends
)
SELECT seal, place, leaf, card_seconds, fen, {stratum} AS stratum, sha256({word} || leaf) AS rank FROM priced
"""


@dataclass(frozen=True)
class SampleRequest:
    """What to draw: how many, by which seed and division, from which sealed months; None: all of them."""

    seed: str
    size: int
    by: str
    year: int | None = None
    month: Month | None = None
    centre: str | None = None


def draw_sample(wanted: SampleRequest, now: datetime, centres: Q | None = None) -> dict[str, Any]:
    """The sample as one document, signed by the platform; `centres` filters the seals that the caller may see.

    Raises:
        InvalidRequest: what cannot be drawn.
        NotFound: no sealed month there.
        Conflict: a sealed file that is not as it was sealed.
        Unavailable: a sealed file that is gone.
    """
    check_sample_request(wanted.seed, wanted.size, wanted.by)
    seals = _seals(wanted, centres)
    with workbench() as con:
        paths = [sealed_parquet(seal) for seal in seals]
        _load_population(con, wanted, paths)
        strata = _strata(con, wanted)
        drawn = con.execute(
            "SELECT seal, place, stratum, rank, fen FROM (SELECT *, row_number() OVER "
            "(PARTITION BY stratum ORDER BY rank, leaf) AS number FROM population) "
            "JOIN taken USING (stratum) WHERE number <= taken ORDER BY stratum, rank"
        ).fetchall()
        lines = list(_lines(con, seals, paths, drawn))
    used = sorted({line["seal"] for line in lines})
    document = {
        "kind": SAMPLE_KIND, "seed": wanted.seed, "size": len(lines), "by": wanted.by,
        "drawn_at": int(now.timestamp()), "platform_key": platform_key.public(),
        "months": [{"centre": seal.centre.code, "month": str(Month.containing(seal.month)), "root": seal.root,
                    "records": seal.records} for seal in seals],
        "strata": strata, "amount_edges_fen": list(AMOUNT_EDGES_FEN),
        "seals": [{name: seal_to_dict(seals[at])[name] for name in SIGNED} for at in used],
        "lines": [{**line, "seal": used.index(line["seal"])} for line in lines],
    }  # fmt: skip
    return {**document, "signature": platform_key.sign(sample_digest(document))}


def _seals(wanted: SampleRequest, centres: Q | None) -> list[Seal]:
    rows = Seal.objects.filter(records__gt=0).select_related("centre", "countersigned__key")
    if centres is not None:
        rows = rows.filter(centres)
    if wanted.centre is not None:
        rows = rows.filter(centre__code=wanted.centre)
    if wanted.month is not None:
        rows = rows.filter(month=wanted.month.first_day)
    elif wanted.year is not None:
        rows = rows.filter(month__year=wanted.year)
    found = list(rows.order_by("centre__code", "month"))
    if not found:
        raise NotFound("这个范围里没有封过的月：样本只从封账的记录里抽，先封账", code="sample.nothing_sealed")
    return found


def _load_population(con: duckdb.DuckDBPyConnection, wanted: SampleRequest, paths: Sequence[str]) -> None:
    """`sealed`: every record with the number of its seal and its place there; `population`: stratum and rank."""
    files = " UNION ALL BY NAME ".join(
        f"SELECT *, {at} AS seal, row_number() OVER (ORDER BY sequence) - 1 AS place FROM read_parquet({literal(path)})"
        for at, path in enumerate(paths)
    )
    con.execute(f"CREATE VIEW sealed AS {files}")
    rows = Tariff.objects.values_list(
        "centre__code", "accelerator__model", "fen_per_card_hour", "valid_from", "valid_to"
    )
    PRICE.load(con, [(*row[:3], midnight(row[3]), midnight(row[4]) if row[4] else _NEVER) for row in rows])
    word = f"{SAMPLE_KIND};{len(wanted.seed)}:{wanted.seed};"
    con.execute(_POPULATION.format(stratum=_STRATUM[wanted.by], word=literal(word)))


def _strata(con: duckdb.DuckDBPyConnection, wanted: SampleRequest) -> dict[str, dict[str, int]]:
    """Each stratum with what is in it and how many of it are taken, in the table `taken` too."""
    rows = con.execute(
        f"SELECT stratum, count(*), CAST(sum(card_seconds) AS BIGINT), CAST(coalesce(sum(fen), 0) AS BIGINT), "
        f"CAST({_WEIGHT[wanted.by]} AS BIGINT) FROM population GROUP BY stratum ORDER BY stratum"
    ).fetchall()
    taken = allocate_sample(wanted.size, {name: (records, weight) for name, records, _, _, weight in rows})
    DuckRelation("taken", {"stratum": "VARCHAR", "taken": "BIGINT"}).load(con, list(taken.items()))
    return {
        name: {"records": records, "card_seconds": seconds, "amount_fen": fen, "taken": taken[name]}
        for name, records, seconds, fen, _ in rows
    }


def _lines(
    con: duckdb.DuckDBPyConnection, seals: Sequence[Seal], paths: Sequence[str], drawn: Sequence[tuple[Any, ...]]
) -> Iterator[dict[str, Any]]:
    """The drawn records, each with its proof and its source line."""
    columns = ", ".join(f'"{name}"' for name in RECORD_FIELDS)
    found: dict[tuple[int, int], dict[str, Any]] = {}
    for at in sorted({seal for seal, *_ in drawn}):
        places = sorted(place for seal, place, *_ in drawn if seal == at)
        con.execute(f"CREATE OR REPLACE VIEW one AS FROM read_parquet({literal(paths[at])})")
        entries = load_leaves(con, "one")
        if len(entries) != seals[at].records:
            raise Conflict(f"封账文件 {paths[at]} 的记录数与封账书不符", code="seal.records_differ")
        rows = con.execute(
            f"SELECT {columns}, leaf, place FROM sealed WHERE seal = {at} AND place IN "
            f"({', '.join(map(str, places))}) ORDER BY place"
        ).fetchall()
        proofs = inclusion_proofs(entries, places)
        for row, proof in zip(rows, proofs, strict=True):
            record = dict(zip(RECORD_FIELDS, row[:-2], strict=True))
            found[at, row[-1]] = {
                "record": record, "leaf": row[-2], "index": row[-1], "size": len(entries),
                "path": [each.hex() for each in proof], "seal": at,
            }  # fmt: skip
    records = [line["record"] for line in found.values()]
    sources, corrected = _sources(records), _corrected_by(records)
    for seal, place, stratum, rank, fen in drawn:
        line = found[seal, place]
        record = line["record"]
        yield {**line, "stratum": stratum, "rank": rank, "amount_fen": fen,
               "superseded_by": corrected.get((record["centre"], record["sequence"])),
               "source": sources[record["centre"], record["source"], record["source_line"]]}  # fmt: skip


def _corrected_by(records: Sequence[Mapping[str, Any]]) -> dict[tuple[str, int], int]:
    """Which of them a later record took the place of: centre and sequence to that record's sequence."""
    named: dict[str, list[int]] = {}
    for record in records:
        named.setdefault(record["centre"], []).append(record["sequence"])
    found: dict[tuple[str, int], int] = {}
    for code, sequences in named.items():
        later = UsageRecord.objects.filter(centre__code=code, supersedes__in=sequences)
        found |= {(code, old): new for old, new in later.values_list("supersedes", "sequence") if old is not None}
    return found


def _sources(records: Sequence[Mapping[str, Any]]) -> dict[tuple[str, str, int], dict[str, Any]]:
    """The source lines of records, by the centre, the SHA-256 of the file and the line."""
    places = {(each["centre"], each["source"], each["source_line"]) for each in records}
    rows = SourceFile.objects.filter(sha256__in={sha for _, sha, _ in places}).select_related("centre")
    files = {(file.centre.code, file.sha256): file for file in rows}
    raw = load_raw_lines((files[code, sha].pk, line) for code, sha, line in places)
    found = {}
    for code, sha, line in places:
        content = raw[files[code, sha].pk, line]
        found[code, sha, line] = {
            "file": files[code, sha].name, "line": line, "text": content.decode("utf-8", "replace"),
            "raw_base64": base64.b64encode(content).decode(),
        }  # fmt: skip
    return found
