"""What agent and platform hash and sign: the agent's chain of batches, the seal of a month. The same for both, and for
an auditor who verifies them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from huisuan.base.hashing import text_sha256

START = "0" * 64  # what the first batch names as the one before


def batch_digest(agent: str, number: int, previous: str, lines: Sequence[str]) -> bytes:
    """32 bytes over who sends, which batch, the digest before it, and every line: what the agent signs.

    Args:
        agent: the agent's name.
        number: of the batch, from 1.
        previous: digest of the batch before, in hex; `START` for the first.
        lines: usage lines as `UsageLine.to_json_line` gives them.
    """
    return digest_over(agent, number, previous, [line_digest(line) for line in lines])


def line_digest(line: str) -> bytes:
    """SHA-256 of a line, 32 bytes."""
    return hashlib.sha256(line.encode()).digest()


def digest_over(agent: str, number: int, previous: str, digests: Sequence[bytes]) -> bytes:
    """`batch_digest` where the lines' digests are known already."""
    whole = hashlib.sha256(f"huisuan-batch-1\n{agent}\n{number}\n{previous}\n{len(digests)}\n".encode())
    whole.update(b"".join(digests))
    return whole.digest()


# --- seals


@dataclass(frozen=True)
class SentBatch:
    """One of the agent's batches as it remembers it; `refused`: places, from 0, of lines that were not metered."""

    number: int
    lines: Sequence[str]
    refused: Collection[int] = ()


@dataclass(frozen=True)
class SealedPart:
    """What a seal says of one agent: which batches it rests on, and what of them is in the month.

    `batches` and `digest` are number and digest of the last batch before the seal; `after` is the last batch before
    the seal that came before. `records` and `card_seconds` are those of the agent's lines that this seal holds.
    """

    batches: int
    digest: str
    after: int
    records: int
    card_seconds: int


def seal_digest(statement: str) -> bytes:
    """32 bytes over a seal's statement: what the platform and then the agent sign."""
    return hashlib.sha256(f"huisuan-seal-1\n{statement}".encode()).digest()


def statement_sha256(statement: str) -> str:
    """What a `SealWord` names the statement by."""
    return text_sha256(statement)


def sealed_part_of(statement: str, agent: str) -> SealedPart | None:
    """What a seal says of this agent; None: nothing, it sent nothing before."""
    for part in json.loads(statement)["agents"]:
        if part["name"] == agent:
            return SealedPart(*(part[name] for name in ("batches", "digest", "after", "records", "card_seconds")))
    return None


def count_sealed(statement: str, agent: str, sent: Iterable[SentBatch]) -> tuple[int, int]:
    """Records and card-seconds that a seal should hold of this agent, by the agent's own batches.

    A line is in the seal if it ended by the end of the month and its batch came before the seal, unless the seal
    before has it already. A line that is sent twice is metered once.
    """
    said: dict[str, Any] = json.loads(statement)
    part = sealed_part_of(statement, agent)
    if part is None:
        return 0, 0
    ends, before = said["ends"], said["previous_ends"]
    records, card_seconds, seen = 0, 0, set[str]()
    for batch in sorted(sent, key=lambda batch: batch.number):
        for place, written in enumerate(batch.lines):
            if batch.number > part.batches or place in batch.refused or written in seen:
                continue
            seen.add(written)
            line = json.loads(written)
            started, ended = _second(line["started_at"]), _second(line["ended_at"])
            sealed_before = before is not None and batch.number <= part.after and falls_before(started, ended, before)
            if falls_before(started, ended, ends) and not sealed_before:
                records += 1
                card_seconds += line["cards"] * (ended - started - line["suspended_seconds"])
    return records, card_seconds


def falls_before(started: int, ended: int, end: int) -> bool:
    """Whether a record's last second lies before `end`; one without length, its moment. All in UTC seconds."""
    return ended < end or (ended == end and started < end)


def objection(statement: str, agent: str, digest: str | None, counted: tuple[int, int] | None) -> str:
    """Why an agent must not sign a seal; "" where it may.

    Args:
        statement: whose signature by the platform was checked.
        agent: its own name.
        digest: of its batch with the number that the statement names, as it remembers it; None: it has none.
        counted: by `count_own`; None where it does not keep so old lines: then the digest alone speaks.
    """
    part = sealed_part_of(statement, agent)
    if part is None:
        return f"封账书里没有站点代理 {agent}"
    if digest is None:
        return f"封账书说收到过第 {part.batches} 批，本代理没有发过"
    if digest != part.digest:
        return f"第 {part.batches} 批的摘要不同：封账书 {part.digest[:12]}…，本代理 {digest[:12]}…"
    if counted is not None and counted != (part.records, part.card_seconds):
        return (
            f"封账书记本代理 {part.records:,} 条、{part.card_seconds:,} 卡秒，"
            f"本代理自己数得 {counted[0]:,} 条、{counted[1]:,} 卡秒"
        )
    return ""


def _second(text: str) -> int:
    return int(datetime.fromisoformat(text).astimezone(UTC).timestamp())


# --- the register of all centres and months


def register_digest(statement: str) -> bytes:
    """32 bytes over an entry of the register: what the platform, then centres and auditors sign."""
    return hashlib.sha256(f"huisuan-register-1\n{statement}".encode()).digest()
