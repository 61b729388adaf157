"""An export against what its checker holds from elsewhere: what of it stands or falls by that. Pure.

An export that its platform wrote anew agrees with itself: only what is not in its writer's hand can show what it left
out, what it put in another's name, and where it ends too early.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from huisuan.base.hashing import bytes_sha256, text_sha256
from huisuan.compute.metering.audit.batches import batch_name
from huisuan.compute.metering.audit.folder import OpenedExport, is_signed, open_export
from huisuan.compute.metering.audit.register import ListedCentre, check_register, check_same
from huisuan.compute.metering.audit.seals import AgentPart, Statement, seal_name
from huisuan.compute.metering.audit.trust import ReceiptFile, Trust
from huisuan.compute.metering.ledger.chain import receipt_message
from huisuan.protocol.batch_chain import seal_digest

END = "账本末端"
SHORTER = "账本被截短或改写"


@dataclass
class EvidenceReach:
    """How far what is held reaches: the last batch it names, whether keys and months were compared."""

    batch: int = 0
    ends: bool = False
    keys: bool = False
    months: bool = False


def check_against_evidence(
    opened: OpenedExport, trust: Trust, platform_key: str, chain: dict[int, str]
) -> EvidenceReach:
    """Compare an export with what is held of its centre; what differs is found and named."""
    shown = EvidenceReach()
    if keys := trust.agent_keys.of(opened.manifest.centre):
        shown.keys = True
        _by_keys(opened, keys)
    for file in trust.receipts:
        if file.centre == opened.manifest.centre:
            _by_receipts(opened, file, platform_key, shown)
    for folder in trust.earlier:
        _by_earlier(opened, folder, platform_key, chain, shown)
    for seal in trust.seals:
        _by_seal(opened, seal, platform_key, chain, shown)
    _by_registers(opened, trust, platform_key, chain, shown)
    return shown


# --- keys of agents


def _by_keys(opened: OpenedExport, keys: set[str]) -> None:
    rows = opened.rows(
        "SELECT agent, agent_key, min(number) FROM batch WHERE agent IS NOT NULL GROUP BY 1, 2 ORDER BY 3"
    )
    for agent, key, number in rows:
        if key not in keys and _fingerprint(key) not in keys:
            opened.find(batch_name(number), f"从这一批起，站点代理 {agent} 的公钥不在您给出的公钥之内：密钥被换过")


def _fingerprint(key: str) -> str:
    return f"sha256:{bytes_sha256(bytes.fromhex(key))}" if re.fullmatch("[0-9a-f]{64}", key) else ""


# --- how far the ledger went


def _pin(
    opened: OpenedExport, chain: dict[int, str], number: int, value: str, whose: str, shown: EvidenceReach
) -> None:
    """The ledger's chain had that value after that batch, says something that is held."""
    shown.ends = True
    if number == 0 or not chain:
        return
    found = chain.get(number)
    if found is None and opened.month is None:
        opened.find(END, f"{whose}说到第 {number} 批，这里到第 {max(chain)} 批：{SHORTER}")
    elif found is not None and found != value:
        opened.find(batch_name(number), f"与{whose}所载的链值不同：账本被改写")
    elif found is not None:
        shown.batch = max(shown.batch, number)


def _by_receipts(opened: OpenedExport, file: ReceiptFile, platform_key: str, shown: EvidenceReach) -> None:
    rows = opened.rows("SELECT agent, agent_number, agent_digest, chain, number FROM batch WHERE agent IS NOT NULL")
    batches = {(agent, number): rest for agent, number, *rest in rows}
    last = max([number for _, number in batches], default=0)
    for receipt in file.receipts:
        where = f"站点代理 {receipt.agent} 的第 {receipt.number} 批"
        shown.ends = True
        if not is_signed(platform_key, receipt.receipt, receipt_message(receipt.chain)):
            opened.find(where, "您持有的收据不是这个平台签的")
            continue
        found = batches.get((receipt.agent, receipt.number))
        if found is None:
            if opened.month is None or receipt.number <= last:
                opened.find(where, f"您持有它的收据，账本里没有它：{SHORTER}")
        elif found[:2] != [receipt.digest, receipt.chain]:
            opened.find(where, f"与您持有的收据不同：账本被改写（现在是第 {found[2]} 批）")
        else:
            shown.batch = max(shown.batch, found[2])


def _by_earlier(
    opened: OpenedExport, folder: Path, platform_key: str, chain: dict[int, str], shown: EvidenceReach
) -> None:
    earlier = open_export(folder, platform_key)
    try:
        if earlier.manifest.centre != opened.manifest.centre:
            return
        whose = f"较早的导出 {folder.name}"
        if earlier.findings:
            opened.find(whose, f"自身不符（{earlier.findings[0].where}：{earlier.findings[0].what}），不能作为依据")
            return
        for number, value in earlier.rows("SELECT number, chain FROM batch ORDER BY number"):
            if number in chain and chain[number] != value:
                opened.find(batch_name(number), f"与{whose}里的不同：账本被改写")
        head = earlier.manifest.head
        _pin(opened, chain, head.batches, head.chain, whose, shown)
        for agent, key in earlier.manifest.keys.items():
            if opened.manifest.keys.get(agent) != key:
                opened.find(f"站点代理 {agent}", f"公钥与{whose}里的不同，或不在清单里：密钥被换过")
        for seal in earlier.seals:
            _by_seal(opened, seal, platform_key, chain, shown, whose)
        _same_leases(opened, earlier, whose)
        _same_flags(opened, earlier, whose)
    finally:
        earlier.con.close()


def _same_leases(opened: OpenedExport, earlier: OpenedExport, whose: str) -> None:
    """A placement stays as it was; only its end may have come since."""
    columns = "uid, lease, run, placed, cards, model, until"
    now = {row[:2]: row for row in opened.rows(f"SELECT {columns} FROM lease")}  # noqa: S608 (names of ours)
    for row in earlier.rows(f"SELECT {columns} FROM lease ORDER BY uid, lease"):  # noqa: S608 (names of ours)
        later = now.get(row[:2])
        if later is None and opened.month is not None:
            continue
        if later is None or later[:6] != row[:6] or (row[6] is not None and later[6] != row[6]):
            opened.find(f"作业 {row[0]} 的第 {row[1]} 次调度", f"与{whose}里的不同，或不见了")


def _same_flags(opened: OpenedExport, earlier: OpenedExport, whose: str) -> None:
    now = {(flag.get("kind"), flag.get("about")): flag for flag in opened.flags}
    for flag in earlier.flags:
        later = now.get((flag.get("kind"), flag.get("about")))
        if later is None or any(later.get(key) != flag.get(key) for key in ("text", "line")):
            opened.find(f"疑点 {flag.get('id')}", f"与{whose}里的不同，或不见了")


# --- seals


def _by_seal(
    opened: OpenedExport, seal: dict[str, Any], platform_key: str, chain: dict[int, str], shown: EvidenceReach,
    whose: str = "您持有的封账书",
) -> None:  # fmt: skip
    text = str(seal.get("statement"))
    try:
        statement = Statement.model_validate_json(text)
    except ValueError:
        opened.find(whose, "读不出来")
        return
    if statement.centre != opened.manifest.centre:
        return
    where = seal_name(statement.month)
    if not is_signed(platform_key, seal.get("signature"), seal_digest(text)):
        opened.find(where, f"{whose}不是这个平台签的")
        return
    _pin(opened, chain, statement.batches, statement.chain, f"{statement.month} 的封账书", shown)
    for part in statement.agents:
        _agents_end(opened, part, where)
    if opened.month is not None and statement.month > opened.month:
        return
    there = {seal.get("month"): seal for seal in opened.seals}.get(statement.month)
    if there is None:
        opened.find(where, f"有{whose}，导出里却没有这次封账：封账被撤掉")
    elif there.get("statement") != text:
        opened.find(where, f"与{whose}不同：重新封过")
    elif seal.get("countersignature") and not there.get("countersignature"):
        opened.find(where, f"{whose}有中心的签名，导出里没有：签名被撤掉")


def _agents_end(opened: OpenedExport, part: AgentPart, where: str) -> None:
    rows = opened.rows("SELECT agent_digest FROM batch WHERE agent = ? AND agent_number = ?", [part.name, part.batches])
    if rows and rows != [(part.digest,)]:
        opened.find(where, f"站点代理 {part.name} 的第 {part.batches} 批与封账书所载的不同")


# --- the register


def _by_registers(
    opened: OpenedExport, trust: Trust, platform_key: str, chain: dict[int, str], shown: EvidenceReach
) -> None:
    for found in check_same(trust.registers):
        opened.find(found.where, found.what)
    for register in trust.registers:
        for found in check_register(register, platform_key):
            opened.find(found.where, found.what)
        for _, statement in register.entries:
            for centre in statement.centres:
                if centre.code == opened.manifest.centre:
                    _pin(opened, chain, centre.batches, centre.chain, f"登记册 {statement.month} ", shown)
    newest = trust.register
    if newest is None:
        return
    missing = [key for key in trust.countersigners if key not in newest.signers]
    for key in missing:
        opened.find(f"登记册 {newest.newest.month}", f"没有 {key[:16]}… 的会签")
    listed = newest.centre(opened.manifest.centre)
    if listed is None:
        opened.find(f"登记册 {newest.newest.month}", f"没有中心 {opened.manifest.centre}")
        return
    shown.months = True
    shown.keys |= bool(trust.countersigners) and not missing
    _listed_keys(opened, listed)
    _listed_months(opened, listed)


def _listed_keys(opened: OpenedExport, listed: ListedCentre) -> None:
    keys = {agent.name: agent for agent in listed.agents}
    rows = opened.rows(
        "SELECT agent, agent_key, min(number), min(received) // 1000000, max(received) // 1000000 FROM batch "
        "WHERE agent IS NOT NULL GROUP BY 1, 2 ORDER BY 3"
    )
    for agent, key, number, first, last in rows:
        held = keys.get(agent)
        if held is None:
            if number <= listed.batches:
                opened.find(batch_name(number), f"站点代理 {agent} 不在登记册里")
        elif held.key != key:
            opened.find(batch_name(number), f"站点代理 {agent} 的公钥与登记册的不同：密钥被换过")
        elif first < held.valid_from or (held.valid_to is not None and last > held.valid_to + 1):
            opened.find(batch_name(number), f"站点代理 {agent} 的公钥在收到这些批次时不在有效期内")


def _listed_months(opened: OpenedExport, listed: ListedCentre) -> None:
    there = {str(seal.get("month")): seal for seal in opened.seals}
    for month in listed.months:
        if opened.month is not None and month.month > opened.month:
            continue
        seal = there.get(month.month)
        if month.state != "sealed":
            continue
        if seal is None:
            opened.find(seal_name(month.month), "登记册里有这次封账，导出里没有：封账被撤掉")
        elif seal.get("root") != month.root or text_sha256(str(seal.get("statement"))) != month.statement_sha256:
            opened.find(seal_name(month.month), "与登记册所载的封账不同：重新封过")
