"""Both chains: the platform's over the ledger, and in it each agent's own; every link and every signature."""

from __future__ import annotations

from huisuan.base.hashing import bytes_sha256
from huisuan.compute.metering.audit.folder import OpenedExport, is_signed
from huisuan.compute.metering.ledger.chain import Header, next_chain_value, receipt_message
from huisuan.protocol.batch_chain import START

LEAVES = """
SELECT b.number, list(CASE WHEN regexp_full_match(l.leaf, '[0-9a-f]{64}') THEN unhex(l.leaf) END ORDER BY l.sequence)
FROM batch b
JOIN (SELECT sequence, leaf FROM record UNION ALL SELECT sequence, leaf FROM other) l
    ON l.sequence BETWEEN b.first AND b.last
GROUP BY b.number ORDER BY b.number
"""


def check_batches(opened: OpenedExport, platform_key: str) -> dict[int, str]:
    """Follow both chains; gives the chain's value after each batch, by number, as the batches themselves yield it."""
    if "batch" in opened.unreadable:
        return {}
    columns = ", ".join(f'"{name}"' for name in (*Header._fields, "previous", "chain", "receipt"))
    rows = opened.rows(f"SELECT {columns} FROM batch ORDER BY number")  # noqa: S608 (our own names)
    number, last, chain = 0, 0, START
    values = {0: START}
    agents: dict[str, tuple[int, str]] = {}
    for row in rows:
        header, (previous, stated, receipt) = Header(*row[:-3]), row[-3:]
        where = batch_name(header.number)
        _follows(opened, where, header, number + 1, last + 1)
        if previous != chain:
            opened.find(where, "没有接上前一批：所载前一批的链值不同")
        found = next_chain_value(previous, header)
        if found != stated:
            opened.find(where, "内容与它的链值不符")
        elif not is_signed(platform_key, receipt, receipt_message(stated)):
            opened.find(where, "平台的回执签名不对")
        if header.agent is not None:
            _agent(opened, where, header, agents)
        number, last, chain = header.number, max(last, header.last), stated
        values[header.number] = stated
    _head(opened, number, last, chain)
    _leaves(opened)
    return values


def batch_name(number: int) -> str:
    """What a batch is called in a finding."""
    return f"第 {number} 批"


def _follows(opened: OpenedExport, where: str, header: Header, number: int, first: int) -> None:
    if header.number != number:
        missing = f"第 {number} 批不在" if header.number > number else "这一批重复了"
        opened.find(where, f"批号不连续：{missing}")
    elif header.first != first:
        opened.find(where, f"应从第 {first} 条记录起，所载是第 {header.first} 条")
    if header.centre != opened.manifest.centre:
        opened.find(where, f"是中心 {header.centre} 的")


def _agent(opened: OpenedExport, where: str, header: Header, agents: dict[str, tuple[int, str]]) -> None:
    """The agent's own chain, inside the platform's."""
    agent, key = header.agent or "", header.agent_key or ""
    if opened.manifest.keys.get(agent) != key:
        opened.find(where, f"站点代理 {agent} 的公钥不是清单里的那一把")
    number, digest = agents.get(agent, (0, START))
    if (header.agent_number, header.agent_previous) != (number + 1, digest):
        opened.find(where, f"站点代理的第 {header.agent_number} 批没有接上它的第 {number} 批")
    try:
        message = bytes.fromhex(header.agent_digest or "")
    except ValueError:
        message = b""
    if not is_signed(key, header.signature, message):
        opened.find(where, "站点代理的签名不对")
    agents[agent] = (header.agent_number or 0, header.agent_digest or "")


def _head(opened: OpenedExport, number: int, last: int, chain: str) -> None:
    head = opened.manifest.head
    if (number, last, chain) != (head.batches, head.last_sequence, head.chain):
        opened.find(
            "账本末端",
            f"清单说到第 {head.batches} 批、第 {head.last_sequence:,} 条，"
            f"这里到第 {number} 批、第 {last:,} 条，链值{'相同' if chain == head.chain else '不同'}",
        )


def _leaves(opened: OpenedExport) -> None:
    """Each batch's leaves, end to end, against its header; in a month's export of the batches that it touches."""
    if {"record", "other"} & opened.unreadable:
        return
    stated = dict(opened.rows("SELECT number, leaves FROM batch"))
    found = dict(opened.rows(LEAVES))
    for number in sorted(stated.keys() if opened.touched is None else opened.touched & stated.keys()):
        if bytes_sha256(b"".join(leaf_hash or b"" for leaf_hash in found.get(number, []))) != stated[number]:
            opened.find(batch_name(number), "记录的叶与批头所载不符：有记录被改、被删、被加或换了次序")
