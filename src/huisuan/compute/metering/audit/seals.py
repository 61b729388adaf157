# ruff: noqa: S608 (our own SQL)
"""Seals: what each says it holds against the records that belong in it, the root over their leaves, both signatures."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, Field

from huisuan.base.hashing import file_sha256
from huisuan.base.text_length import shortened
from huisuan.compute.metering.audit.folder import RECORDS, OpenedExport, is_signed
from huisuan.compute.metering.ledger.merkle import merkle_root, root_from_proof
from huisuan.compute.metering.ledger.record_hash import HashedRecord, record_leaf
from huisuan.protocol.batch_chain import falls_before, seal_digest, statement_sha256

LEAF = "CASE WHEN regexp_full_match(leaf, '[0-9a-f]{64}') THEN unhex(leaf) ELSE '' END"
_BEFORE = "(ended < {end} OR (ended = {end} AND started < {end}))"
STATED = ("centre", "month", "records", "late", "card_seconds", "root")
Big = Annotated[int, Field(ge=0, lt=2**62)]


class AgentPart(BaseModel):
    """What a seal says of an agent."""

    name: str
    batches: Big
    digest: str


class Statement(BaseModel):
    """What a seal says (`metering.sealing`), as far as it is checked."""

    centre: str
    month: Annotated[str, Field(pattern=r"^2\d{3}-(0[1-9]|1[0-2])$")]
    ends: Big
    previous: str | None
    previous_ends: Big | None
    last_sequence: Big
    batches: Big
    chain: str
    records: Big
    late: Big
    card_seconds: Big
    root: str
    parquet_sha256: str
    agents: list[AgentPart]


def check_seals(opened: OpenedExport, platform_key: str, chain: dict[int, str]) -> int:
    """Check every seal; gives how many carry the centre's signature. `chain`: values of the ledger's chain by batch."""
    previous: Statement | None = None
    statement_text, signed = "", 0
    for row in opened.seals:
        statement = _statement(opened, row, platform_key)
        if statement is None:
            continue
        where = seal_name(statement.month)
        before = (statement_sha256(statement_text), previous.ends) if previous else (None, None)
        if (statement.previous, statement.previous_ends) != before:
            opened.find(where, "没有接上前一次封账")
        if chain and chain.get(statement.batches) != statement.chain:
            opened.find(where, f"封账书所载第 {statement.batches} 批的链值与账本不符")
        signed += _countersigned(opened, where, row, statement)
        if "record" not in opened.unreadable and opened.month in (None, statement.month):
            _holds(opened, where, statement, previous)
        previous, statement_text = statement, row["statement"]
    if opened.month is not None and (previous is None or previous.month != opened.month):
        opened.find(seal_name(opened.month), "封账书不在导出里")
    return signed


def seal_name(month: str) -> str:
    """What a seal is called in a finding."""
    return f"{month} 封账"


def _statement(opened: OpenedExport, row: dict[str, Any], platform_key: str) -> Statement | None:
    """What a seal's statement says; None, and found, where it cannot be read."""
    try:
        statement = Statement.model_validate_json(row["statement"])
    except (KeyError, ValueError) as error:
        opened.find(f"{row.get('month', '?')} 封账", f"封账书读不出来：{shortened(str(error).splitlines()[0], 200)}")
        return None
    where = seal_name(statement.month)
    if not is_signed(platform_key, row.get("signature"), seal_digest(row["statement"])):
        opened.find(where, "平台的签名与封账书不符")
    if (
        any(row.get(field) != getattr(statement, field) for field in STATED)
        or statement.centre != opened.manifest.centre
    ):
        opened.find(where, "列出的数字与封账书不符")
    return statement


def _countersigned(opened: OpenedExport, where: str, row: dict[str, Any], statement: Statement) -> int:
    agent, signature = row.get("countersigned_by"), row.get("countersignature")
    if not signature:
        opened.notes.append(f"{where}没有中心的签名（只有平台的）")
        return 0
    if not is_signed(opened.manifest.keys.get(str(agent)), str(signature), seal_digest(row["statement"])):
        opened.find(where, "中心的签名与封账书不符")
        return 0
    for signer in statement.agents:
        last = opened.rows(
            "SELECT agent_digest FROM batch WHERE agent = ? AND agent_number = ?", [signer.name, signer.batches]
        )
        if "batch" not in opened.unreadable and last != [(signer.digest,)]:
            opened.find(where, f"站点代理 {signer.name} 的第 {signer.batches} 批与它签过的封账书不符")
    return 1


def _holds(opened: OpenedExport, where: str, statement: Statement, previous: Statement | None) -> None:
    """Count, sum and root over the records that belong in the month."""
    inside, late = f"sequence <= {statement.last_sequence} AND {_BEFORE.format(end=statement.ends)}", "false"
    if previous is not None:
        late = _BEFORE.format(end=previous.ends)
        inside += f" AND NOT (sequence <= {previous.last_sequence} AND {late})"
    rows = opened.rows(f"SELECT {LEAF}, card_seconds, {late} FROM record WHERE {inside} ORDER BY sequence")
    counts = (
        ("记录数", statement.records, len(rows)),
        ("迟到的记录数", statement.late, sum(amount for *_, amount in rows)),
        ("卡秒", statement.card_seconds, sum(amount for _, amount, _ in rows)),
    )
    for what, stated, found in counts:
        if stated != found:
            opened.find(where, f"{what}：封账书 {stated:,}，导出 {found:,}")
    if merkle_root(entry for entry, *_ in rows).hex() != statement.root:
        opened.find(where, "默克尔根与记录的叶不符：有记录被改、被删、被加或换了次序")
    if opened.month is None:
        return
    ((count,),) = opened.rows("SELECT count(*) FROM record")
    if count != len(rows):
        opened.find(where, f"{RECORDS} 里有 {count - len(rows):,} 条不属于这个月")
    if file_sha256(opened.folder / RECORDS) != statement.parquet_sha256:
        opened.find(where, f"{RECORDS} 不是封账时的那个文件")


def check_inclusion(proof: dict[str, Any], platform_key: str | None) -> list[str]:
    """What is wrong with a proof that a record is in a sealed month (`meter proof --json`); nothing where it holds.

    Raises:
        KeyError, TypeError, ValueError: it is no proof.
    """
    record, seal = HashedRecord(**proof["record"]), proof["seal"]
    statement = Statement.model_validate_json(seal["statement"])
    key = platform_key or proof["platform_key"]
    reached = root_from_proof(
        record_leaf(record), proof["index"], proof["size"], [bytes.fromhex(node_hash) for node_hash in proof["path"]]
    )
    checks = {
        "平台公钥不是您指定的那一把": platform_key in (None, proof["platform_key"]),
        "平台的签名与封账书不符": is_signed(key, seal["signature"], seal_digest(seal["statement"])),
        "记录与它的叶不符": record_leaf(record).hex() == proof["leaf"],
        "路径到不了封账书的默克尔根": reached is not None and reached.hex() == statement.root,
        "树的大小与封账书的记录数不符": proof["size"] == statement.records,
        "记录不是这个中心的": record.centre == statement.centre,
        "记录晚于这个月": falls_before(record.started, record.ended, statement.ends),
    }
    return [what for what, held in checks.items() if not held]
