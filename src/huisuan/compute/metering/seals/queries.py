"""Seals as they are read: lists, the centre's countersignature, and the proof that a record is in one."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from django.db import connection
from django.db.models import QuerySet

from huisuan.base.duck import lease_duck
from huisuan.base.errors import Conflict, NotFound, Unavailable
from huisuan.base.hashing import file_sha256
from huisuan.base.months import Month
from huisuan.compute.duck.workbench import literal
from huisuan.compute.keys import platform_key
from huisuan.compute.metering.checks.anomaly import Anomaly, FlagKind
from huisuan.compute.metering.checks.flags import open_flags, raise_flags
from huisuan.compute.metering.ledger.merkle import inclusion_proof
from huisuan.compute.metering.ledger.record_hash import RECORD_FIELDS
from huisuan.compute.metering.ledger.stored_records import load_leaves, stored_records
from huisuan.compute.metering.seals.seal_month import parquet_path
from huisuan.compute.models import AgentKey, Centre, Seal, SealSignature, SiteAgent
from huisuan.protocol.agent import SealAsked, SealWord
from huisuan.protocol.batch_chain import falls_before, seal_digest, statement_sha256
from huisuan.protocol.signatures import is_signed_by

ASKED_AT_ONCE = 24


def list_seals(centre: Centre) -> QuerySet[Seal]:
    """The seals of a centre with their countersignatures, by month."""
    return Seal.objects.filter(centre=centre).select_related("centre", "countersigned__key").order_by("month")


_MONTHS_TO_SEAL = """
SELECT d.centre_id, min(d.day), max(d.day) FROM compute_usageday d
LEFT JOIN (SELECT centre_id, max(month) AS month FROM compute_seal GROUP BY centre_id) s ON s.centre_id = d.centre_id
WHERE d.centre_id = ANY(%s) AND d.accelerator_id IS NULL AND d.day < %s
  AND (s.month IS NULL OR d.day >= s.month + interval '1 month')
GROUP BY d.centre_id ORDER BY min(d.day), d.centre_id
"""


def months_to_seal(centres: Sequence[int], today: date) -> dict[int, tuple[Month, Month]]:
    """By centre (its primary key) the first and the last of the months that are over, have use and can still be sealed.

    Centres without such a month are left out. Use that the worker has still to count by days does not count yet.
    """
    with connection.cursor() as cursor:
        cursor.execute(_MONTHS_TO_SEAL, [list(centres), today.replace(day=1)])
        rows = cursor.fetchall()
    return {centre: (Month.containing(first), Month.containing(last)) for centre, first, last in rows}


def list_unsigned_seals(centre: Centre) -> list[SealAsked]:
    """The seals that want the signature of the agent that serves the centre; not those it has refused, until that
    refusal is answered.
    """
    if not Seal.objects.filter(centre=centre, countersigned__isnull=True).exists():
        return []
    serving = SiteAgent.objects.filter(centre=centre).values_list("key__name", flat=True).first()
    refused = set(open_flags(centre).filter(kind=FlagKind.SCHEDULER).values_list("key", flat=True))
    unsigned = [
        seal
        for seal in Seal.objects.filter(centre=centre, countersigned__isnull=True).order_by("month")
        if _flag_key(seal) not in refused
        and any(agent["name"] == serving for agent in json.loads(seal.statement)["agents"])
    ]
    return [
        SealAsked(month=str(Month.containing(seal.month)), statement=seal.statement, signature=seal.signature)
        for seal in unsigned[:ASKED_AT_ONCE]
    ]


def record_countersignature(centre: Centre, key: AgentKey, word: SealWord, now: datetime) -> None:
    """Keep an agent's signature under a seal, or flag why it will not sign. Idempotent."""
    seal = list_seals(centre).filter(month=Month.parse(word.month).first_day).first()
    if seal is None or statement_sha256(seal.statement) != word.statement_sha256 or hasattr(seal, "countersigned"):
        return
    if word.signature is None:
        why = f"{key.host} 的站点代理不签 {word.month} 的封账：{word.refused or '没有说明原因'}"
        raise_flags(centre, [Anomaly(FlagKind.SCHEDULER, _flag_key(seal), why, recurs=True)], now)
        return
    if not is_signed_by(key.public_key, word.signature, seal_digest(seal.statement)):
        text = f"{key.host} 的站点代理在 {word.month} 封账上的签名与其公钥不符"
        raise_flags(centre, [Anomaly(FlagKind.SIGNATURE, f"{_flag_key(seal)} {key.name}", text)], now)
        return
    SealSignature.objects.get_or_create(seal=seal, defaults={"key": key, "signature": word.signature, "signed_at": now})


def _flag_key(seal: Seal) -> str:
    return f"seal {Month.containing(seal.month)}"


def seal_reference(seal: Seal) -> dict[str, str]:
    """A seal as what rests on it names it."""
    return {"centre": seal.centre.code, "month": str(Month.containing(seal.month)), "root": seal.root}


def seal_to_dict(seal: Seal) -> dict[str, Any]:
    """A seal as lists, exports and JSON show it."""
    countersigned: SealSignature | None = getattr(seal, "countersigned", None)
    return {
        "centre": seal.centre.code, "month": str(Month.containing(seal.month)), "records": seal.records,
        "late": seal.late, "card_seconds": seal.card_seconds, "root": seal.root, "last_sequence": seal.last_sequence,
        "sealed_at": seal.sealed_at, "sealed_by": seal.sealed_by, "parquet_sha256": seal.parquet_sha256,
        "statement": seal.statement, "signature": seal.signature,
        "countersigned_by": countersigned.key.name if countersigned else None,
        "countersignature": countersigned.signature if countersigned else None,
        "countersigned_at": countersigned.signed_at if countersigned else None,
    }  # fmt: skip


def sealed_parquet(seal: Seal) -> str:
    """The path of a sealed month's file, which is checked against the seal.

    Raises:
        Unavailable: it is not there.
        Conflict: it is not as it was sealed.
    """
    month = Month.containing(seal.month)
    file = parquet_path(seal.centre.code, month)
    if not file.exists():
        raise Unavailable(
            f"封账文件 {file} 不在了：请从备份恢复（SHA-256 应为 {seal.parquet_sha256}）", code="seal.file_missing"
        )
    found = file_sha256(file)
    if found != seal.parquet_sha256:
        raise Conflict(
            f"封账文件 {file} 与 {month} 的封账不符：SHA-256 是 {found}，封的是 {seal.parquet_sha256}",
            code="seal.file_damaged",
        )
    return str(file)


def prove_record(centre: Centre, sequence: int) -> dict[str, Any]:
    """That a record is in a sealed month: the record, its path to the Merkle root, the signed statement.

    Raises:
        NotFound: there is no such record.
        Conflict: no seal holds it yet, or the sealed records differ.
    """
    with stored_records(centre, "u.sequence = %s", [sequence]) as con:
        rows = con.execute(f"SELECT {', '.join(_quoted(name) for name in RECORD_FIELDS)}, leaf FROM row").fetchall()  # noqa: S608
    if not rows:
        raise NotFound(
            f"智算中心 {centre.code} 没有第 {sequence} 条用量记录（共 {centre.last_sequence:,} 条）",
            code="usage.record_unknown",
        )
    record, own = dict(zip(RECORD_FIELDS, rows[0][:-1], strict=True)), rows[0][-1]
    seal = next((seal for seal in list_seals(centre) if _encloses(seal, record)), None)
    if seal is None:
        raise Conflict(f"第 {sequence} 条用量记录还没有封入任何一个月；封账后再取证明", code="seal.record_not_sealed")
    with lease_duck() as con:
        con.execute(f"CREATE VIEW sealed AS FROM read_parquet({literal(sealed_parquet(seal))})")
        entries = load_leaves(con, "sealed")
        places = con.execute("SELECT count(*) FROM sealed WHERE sequence < ?", [sequence]).fetchall()
    index = int(places[0][0])
    if index >= len(entries) or entries[index].hex() != own:
        raise Conflict(
            f"第 {sequence} 条用量记录与 {Month.containing(seal.month)} 封账时的不同：请用 huisuan meter verify 查清",
            code="seal.records_differ",
        )
    return {
        "kind": "huisuan-proof-1", "record": record, "leaf": own, "index": index, "size": len(entries),
        "path": [node_hash.hex() for node_hash in inclusion_proof(entries, index)],
        "platform_key": platform_key.public(),
        "seal": {name: seal_to_dict(seal)[name] for name in SIGNED},
    }  # fmt: skip


SIGNED = ("statement", "signature", "countersigned_by", "countersignature")


def _encloses(seal: Seal, record: dict[str, Any]) -> bool:
    """Whether a record is in this seal or an earlier one."""
    ends = Month.containing(seal.month).ends
    return record["sequence"] <= seal.last_sequence and falls_before(record["started"], record["ended"], ends)


def _quoted(name: str) -> str:
    return f'"{name}"'
