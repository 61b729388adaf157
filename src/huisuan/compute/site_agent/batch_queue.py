"""The agent's queue of usage: slices, lines, and the signed chain of batches until the platform has acknowledged them.

Every method is one transaction, on the disk when it returns.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from huisuan.compute.site_agent.state_database import StateDatabase
from huisuan.compute.site_agent.usage_slices import Slice, SliceLine
from huisuan.protocol.agent import BATCH_LINES, BatchAnswer, SignedBatch
from huisuan.protocol.batch_chain import START, SentBatch, batch_digest

LINES_KEPT = 70 * 86400  # seconds after they were acknowledged: a month is counted against them soon after its end
BATCHES_KEPT = 400 * 86400  # seconds after they were acknowledged: numbers, digests and receipts
BATCH_BYTES = 512 * 1024


class BatchQueue:
    """Usage that is to reach the platform; `agent` gives the agent's present name, which its digests cover."""

    def __init__(self, database: StateDatabase, agent: Callable[[], str]) -> None:
        self._database, self._agent = database, agent

    def list_slices(self, uid: str, lease: int) -> list[Slice]:
        """The slices of a run's use that were queued so far."""
        columns = "started, local_card, number, ended, suspended, cards, state"
        rows = self._database.execute(f"SELECT {columns} FROM slice WHERE uid = ? AND lease = ?", [uid, lease])  # noqa: S608
        return [Slice(*row) for row in rows]

    def append(self, uid: str, lease: int, lines: Sequence[SliceLine], *, last: bool) -> None:
        """Queue a run's lines and record the slices they stand for; `last`: nothing follows."""
        with self._database.transaction():
            self._database.executemany("INSERT INTO line (content) VALUES (?)", [(line.content,) for line in lines])
            self._database.executemany(
                "INSERT OR REPLACE INTO slice (uid, lease, started, local_card, number, ended, suspended, cards, state)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    (uid, lease, at.started, at.local_card, at.number, at.ended, at.suspended, at.cards, at.state)
                    for at in (line.slice for line in lines)
                ],
            )
            if last:
                self._database.execute("UPDATE run SET metered = 1 WHERE uid = ? AND lease = ?", [uid, lease])

    def last_acknowledged(self) -> int:
        """Number of the last batch that the platform acknowledged."""
        (waits,) = self._database.execute("SELECT min(number) FROM batch WHERE taken_at IS NULL").fetchone()
        return self.head()[0] if waits is None else int(waits) - 1  # the platform takes them in order

    def next_batches(self, sign: Callable[[bytes], bytes], after: int) -> list[SignedBatch]:
        """The batches after number `after`, at most BATCH_BYTES but at least one; signed once, the same ever after."""
        self._sign_queued(sign)
        found: list[SignedBatch] = []
        size = 0
        columns = "number, previous, lines, signature"
        later = f"SELECT {columns} FROM batch WHERE number > ? AND lines IS NOT NULL ORDER BY number"  # noqa: S608
        rows = self._database.execute(later, [after])
        for number, previous, lines, signature in rows:
            size += len(lines)
            if found and size > BATCH_BYTES:
                break
            found.append(
                SignedBatch(number=number, previous=previous, lines=json.loads(lines), signature=signature)
            )  # fmt: skip
        return found

    def _sign_queued(self, sign: Callable[[bytes], bytes]) -> None:
        """Put the queued lines into batches; each signature covers the digest of the batch before."""
        while True:
            with self._database.transaction():
                rows = self._database.execute(
                    "SELECT id, content FROM line ORDER BY id LIMIT ?", [BATCH_LINES]
                ).fetchall()
                if not rows:
                    return
                kept: list[tuple[int, str]] = []
                size = 0
                for number, content in rows:
                    size += len(content)
                    if kept and size > BATCH_BYTES:
                        break
                    kept.append((number, content))
                number, previous = self.head()
                lines = [content for _, content in kept]
                digest = batch_digest(self._agent(), number + 1, previous, lines)
                self._database.execute(
                    "INSERT INTO batch (number, previous, digest, signature, lines) VALUES (?, ?, ?, ?, ?)",
                    [number + 1, previous, digest.hex(), sign(digest).hex(), json.dumps(lines, ensure_ascii=False)],
                )
                self._database.execute("DELETE FROM line WHERE id <= ?", [kept[-1][0]])

    def head(self) -> tuple[int, str]:
        """Number and digest of the last batch that was signed."""
        last = self._database.execute("SELECT number, digest FROM batch ORDER BY number DESC LIMIT 1").fetchone()
        if last:
            return int(last[0]), str(last[1])
        return int(self._database.get("batch") or 0), self._database.get("chain") or START

    def record_answers(self, answers: Iterable[BatchAnswer], last: int, now: int) -> None:
        """Keep the receipts; `last` is the number of the last batch that the platform has."""
        with self._database.transaction():
            self._database.executemany(
                "UPDATE batch SET chain = ?, receipt = ?, flagged = ? WHERE number = ?",
                [
                    (answer.chain, answer.receipt, json.dumps(sorted(answer.flagged)), answer.number)
                    for answer in answers
                    if answer.receipt
                ],
            )
            self._database.execute("UPDATE batch SET taken_at = ? WHERE number <= ? AND taken_at IS NULL", [now, last])

    def digest_of(self, number: int) -> str | None:
        """Digest of the batch of that number; None for one that is not kept any more."""
        found = self._database.execute("SELECT digest FROM batch WHERE number = ?", [number]).fetchone()
        return str(found[0]) if found else None

    def sent_up_to(self, last: int) -> list[SentBatch] | None:
        """The batches up to number `last`; None where the lines of some are not kept any more."""
        rows = self._database.execute(
            "SELECT number, lines, flagged FROM batch WHERE number <= ? ORDER BY number", [last]
        ).fetchall()
        if [number for number, _, _ in rows] != list(range(1, last + 1)) or any(lines is None for _, lines, _ in rows):
            return None
        return [SentBatch(number, json.loads(lines), json.loads(flagged)) for number, lines, flagged in rows]

    def list_receipts(self) -> list[dict[str, Any]]:
        """Number, digest, chain and receipt of every batch that the platform acknowledged and that is kept."""
        names = ("number", "digest", "chain", "receipt")
        query = f"SELECT {', '.join(names)} FROM batch WHERE receipt <> '' ORDER BY number"  # noqa: S608 (names of ours)
        return [dict(zip(names, row, strict=True)) for row in self._database.execute(query)]

    def count_unacknowledged(self) -> tuple[int, int]:
        """How many lines are not signed yet, and how many batches the platform has not acknowledged."""
        (lines,) = self._database.execute("SELECT count(*) FROM line").fetchone()
        (batches,) = self._database.execute("SELECT count(*) FROM batch WHERE taken_at IS NULL").fetchone()
        return int(lines), int(batches)

    def requeue_all(self) -> None:
        """Start an empty chain; what was signed and not acknowledged is queued again. Must run in a transaction."""
        signed = self._database.execute("SELECT lines FROM batch WHERE taken_at IS NULL ORDER BY number").fetchall()
        queued = self._database.execute("SELECT content FROM line ORDER BY id").fetchall()
        self._database.execute("DELETE FROM line")
        lines = [line for (batch,) in signed for line in json.loads(batch)] + [line for (line,) in queued]
        self._database.executemany("INSERT INTO line (content) VALUES (?)", [(line,) for line in lines])
        self._database.execute("DELETE FROM batch")
        self._database.put("batch", "0")
        self._database.put("chain", START)

    def prune(self, now: int) -> None:
        """Drop lines and batches that are old; the chain's head stays. Must run in a transaction."""
        number, digest = self.head()
        self._database.put("batch", str(number))
        self._database.put("chain", digest)
        self._database.execute("UPDATE batch SET lines = NULL WHERE taken_at < ?", [now - LINES_KEPT])
        self._database.execute("DELETE FROM batch WHERE taken_at < ?", [now - BATCHES_KEPT])
