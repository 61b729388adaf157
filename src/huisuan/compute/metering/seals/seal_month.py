# ruff: noqa: S608 (our own SQL; values are parameters)
"""A centre's month, closed: its records in a Parquet file, their Merkle root, a statement that both sides sign.

A month holds the records that ended by its end (Shanghai), came before it was sealed and are in no earlier seal. What
comes later goes to the next month that is sealed, marked late: a seal never changes.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
from django.db import transaction
from django.db.models import Min, Q

from huisuan.base.errors import Conflict, InvalidRequest
from huisuan.base.hashing import file_sha256
from huisuan.base.months import SHANGHAI, Month
from huisuan.base.paths import ensure_folder, home
from huisuan.compute.centres.services import centre_by_code
from huisuan.compute.duck.relation import DuckRelation
from huisuan.compute.duck.workbench import literal
from huisuan.compute.keys import platform_key
from huisuan.compute.metering.agent_usage.usage_line import epoch_second, parse_usage_line
from huisuan.compute.metering.checks.completeness import check_completeness
from huisuan.compute.metering.checks.flags import open_flags
from huisuan.compute.metering.ledger.append import append_batches
from huisuan.compute.metering.ledger.chain import START
from huisuan.compute.metering.ledger.merkle import merkle_root
from huisuan.compute.metering.ledger.record_hash import RECORD_FIELDS
from huisuan.compute.metering.ledger.stored_records import load_leaves, stored_records
from huisuan.compute.metering.seals.seal_messages import tell_sealed
from huisuan.compute.models import Centre, MeterBatch, MeterFlag, Seal, UsageRecord
from huisuan.protocol.batch_chain import seal_digest, statement_sha256

FALLS_BEFORE = "(u.ended_at < %s OR (u.ended_at = %s AND u.started_at < %s))"
AGENT_BATCH = DuckRelation("agent_batch", {"first": "BIGINT", "name": "VARCHAR"})
#: batches that hold records, and whose they are: what a record came in is the last that begins at or before it
AGENTS = """
SELECT b.name, count(*)::BIGINT, sum(r.card_seconds)::BIGINT
FROM row r ASOF JOIN agent_batch b ON r.sequence >= b.first WHERE b.name IS NOT NULL GROUP BY b.name
"""


@dataclass(frozen=True)
class PreviousSeal:
    """Where the last seal ended: its month's end, the head of the ledger then, the number of its last batch."""

    ends: datetime
    last_sequence: int
    batch: int
    statement: str


def seal_month(code: str, month: Month, *, by: str, now: datetime, despite: str = "") -> Seal:
    """Seal a month of a centre: the next one, and only one that is over.

    Args:
        code: the centre's.
        month: to seal.
        by: who seals.
        now: when.
        despite: why it is sealed although flags stand open; goes into the statement.

    Raises:
        NotFound: no such centre.
        InvalidRequest: the month is not over.
        Conflict: not the next month, a gap in the ledger, or open flags and no reason to seal despite them.
    """
    with transaction.atomic():
        centre = _locked(code)
        _refuse_out_of_turn(centre, month, now)
        append_batches(centre, centre.last_sequence, [], now)  # whatever no batch covers yet
    gaps = check_completeness(
        centre, month, now
    ).gaps  # what it finds missing stays flagged, also when the seal is refused for it
    if gaps:
        raise Conflict(f"智算中心 {code} 的账本有缺口，不能封账：{'；'.join(gaps[:5])}", code="ledger.gaps")
    with transaction.atomic():
        centre = _locked(code)
        _refuse_out_of_turn(centre, month, now)
        before = _previous_seal(centre)
        unanswered = open_flags_in(centre, month)
        if unanswered and not despite.strip():
            raise Conflict(
                f"智算中心 {code} 的 {month} 有 {len(unanswered)} 个疑点未答复：先 huisuan meter flags {code} 查看、"
                "huisuan meter answer 答复；确要先封，用 --despite 写明理由，理由写进封账书",
                code="seal.flags_open",
            )
        return _create_seal(centre, month, before, len(unanswered), by, now, despite.strip() if unanswered else "")


def _locked(code: str) -> Centre:
    return Centre.objects.select_for_update(no_key=True).get(pk=centre_by_code(code).pk)


def next_month_to_seal(centre: Centre) -> Month | None:
    """The month that is to be sealed next; None: there is nothing to seal."""
    last = Seal.objects.filter(centre=centre).order_by("-month").values_list("month", flat=True).first()
    if last is not None:
        return Month.containing(last).following
    ended = UsageRecord.objects.filter(centre=centre).aggregate(first=Min("ended_at"))["first"]
    if ended is None:
        return None
    moment = UsageRecord.objects.filter(centre=centre, ended_at=ended).aggregate(started=Min("started_at"))["started"]
    return Month.of_record(int(moment.timestamp()), int(ended.timestamp()))


def _refuse_out_of_turn(centre: Centre, month: Month, now: datetime) -> None:
    if int(now.timestamp()) < month.ends:
        raise InvalidRequest(
            f"{month} 还没有过完，不能封账（现在是 {now.astimezone(SHANGHAI):%Y-%m-%d}）", code="month.not_over"
        )
    due = next_month_to_seal(centre)
    if due is not None and month < due:
        sealed = Seal.objects.filter(centre=centre, month=month.first_day).exists()
        late = "迟到的记录随下一个月封入，封过的不再变"
        why = f"{month} 已经封账；{late}" if sealed else f"{month} 早于最早的用量（{due}）；{late}"
        raise Conflict(why, code="seal.month_closed")
    if due is not None and month > due:
        raise Conflict(
            f"要按顺序封账：智算中心 {centre.code} 下一个该封 {due}（--through 可一直封到 {month}）",
            code="seal.out_of_order",
        )


def _previous_seal(centre: Centre) -> PreviousSeal | None:
    last = Seal.objects.filter(centre=centre).order_by("-month").first()
    if last is None:
        return None
    batch = MeterBatch.objects.filter(centre=centre, chain=last.chain).values_list("number", flat=True).first()
    return PreviousSeal(_month_end(Month.containing(last.month)), last.last_sequence, batch or 0, last.statement)


def _month_end(month: Month) -> datetime:
    return datetime.fromtimestamp(month.ends, UTC)


def in_seal_of_month(month: Month, before: tuple[datetime, int] | None) -> tuple[str, list[Any]]:
    """SQL over a stored record `u`, with its parameters: whether it is in a seal of this month that is made now.

    `before`: end and last sequence of the seal before. As both grow from seal to seal, what is in any earlier one is
    in what that one's end and sequence enclose.
    """
    end = _month_end(month)
    where, parameters = FALLS_BEFORE, [end] * 3
    if before is None:
        return where, parameters
    return f"{where} AND NOT (u.sequence <= %s AND {FALLS_BEFORE})", [*parameters, before[1], *[before[0]] * 3]


def open_flags_in(centre: Centre, month: Month) -> list[MeterFlag]:
    """Open flags that bear on the month: about a record in it or before, a line that ended by its end, or no time."""
    found = []
    end = _month_end(month)
    after = Q(ended_at__gt=end) | Q(ended_at=end, started_at=end)
    later = set(
        UsageRecord.objects.filter(after, centre=centre, sequence__in=open_flags(centre).values("sequence"))
        .values_list("sequence", flat=True)
    )  # fmt: skip
    for flag in open_flags(centre):
        line = parse_usage_line(flag.line) if flag.line else ""
        ended = epoch_second(line["ended_at"]) if not isinstance(line, str) else None
        if flag.sequence not in later and (ended is None or ended <= month.ends):
            found.append(flag)
    return found


def _create_seal(
    centre: Centre, month: Month, before: PreviousSeal | None, flags: int, by: str, now: datetime, despite: str
) -> Seal:
    where, parameters = in_seal_of_month(month, (before.ends, before.last_sequence) if before else None)
    draft = ensure_folder(parquet_path(centre.code, month).parent) / f".{month}.{secrets.token_hex(4)}"
    try:
        with stored_records(centre, where, parameters) as con:
            fields = _statement_fields(con, centre, month, before, draft)
        fields |= {"open_flags": flags, "despite": despite, "sealed_at": int(now.timestamp()), "sealed_by": by[:80]}
        statement = json.dumps(fields, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        columns = ("last_sequence", "chain", "records", "late", "card_seconds", "root", "parquet_sha256")
        new = Seal.objects.create(
            centre=centre, month=month.first_day, statement=statement, sealed_at=now, sealed_by=by[:80],
            signature=platform_key.sign(seal_digest(statement)), **{name: fields[name] for name in columns},
        )  # fmt: skip
        tell_sealed(new, Seal.objects.filter(centre=centre).exclude(pk=new.pk).order_by("-month").first(), now)
        draft.replace(parquet_path(centre.code, month))  # last: what fails before leaves no file under its name
    finally:
        draft.unlink(missing_ok=True)
    return new


def _statement_fields(
    con: duckdb.DuckDBPyConnection, centre: Centre, month: Month, before: PreviousSeal | None, draft: Path
) -> dict[str, Any]:
    """What the statement says of the records in `row`, which are written to `draft`."""
    over = int(before.ends.timestamp()) if before else 0
    columns = ", ".join(f'"{name}"' for name in RECORD_FIELDS)
    con.execute(
        f"CREATE VIEW sealed AS SELECT {columns}, leaf, (ended < {over} OR (ended = {over} AND started < {over})) "
        "AS late FROM row ORDER BY sequence"
    )
    con.execute(f"COPY (FROM sealed) TO {literal(str(draft))} (FORMAT parquet, COMPRESSION zstd)")
    ((records, late, card_seconds),) = con.execute(
        "SELECT count(*), count(*) FILTER (late), coalesce(sum(card_seconds), 0)::BIGINT FROM sealed"
    ).fetchall()
    head = MeterBatch.objects.filter(centre=centre).order_by("-number").values_list("number", "chain").first()
    number, chain = head or (0, START)
    return {
        "kind": "huisuan-seal-1", "centre": centre.code, "month": str(month), "ends": month.ends,
        "previous": statement_sha256(before.statement) if before else None, "previous_ends": over or None,
        "last_sequence": centre.last_sequence, "batches": number, "chain": chain, "records": records, "late": late,
        "card_seconds": card_seconds, "root": merkle_root(load_leaves(con)).hex(), "parquet_sha256": file_sha256(draft),
        "agents": _agents(con, centre, before.batch if before else 0),
    }  # fmt: skip


def parquet_path(code: str, month: Month) -> Path:
    """Where the records of a sealed month lie."""
    return home() / "seals" / code / f"{month}.parquet"


def _agents(con: duckdb.DuckDBPyConnection, centre: Centre, sealed_before: int) -> list[dict[str, Any]]:
    """What each agent ever sent before this seal, and how much of it the month holds: what it can check for itself.

    `sealed_before` is the number of the last batch before the seal that came before.
    """
    rows = MeterBatch.objects.filter(centre=centre).order_by("number").values_list(
        "number", "first", "last", "agent_number", "agent_digest", "key__name", "key__public_key"
    )  # fmt: skip
    heads: dict[str, dict[str, Any]] = {}
    spans: list[tuple[int, str | None]] = []
    for number, first, last, agent_number, digest, name, key in rows.iterator(chunk_size=10_000):
        if last >= first:
            spans.append((first, name))
        if name is not None:
            after = agent_number if number <= sealed_before else heads.get(name, {"after": 0})["after"]
            heads[name] = {"name": name, "key": key, "batches": agent_number, "digest": digest, "after": after}
    AGENT_BATCH.load(con, spans)
    counted = {name: (records, total) for name, records, total in con.execute(AGENTS).fetchall()}
    none = (0, 0)
    return [
        heads[name] | dict(zip(("records", "card_seconds"), counted.get(name, none), strict=True))
        for name in sorted(heads)
    ]
