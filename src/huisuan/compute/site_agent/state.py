"""What an agent must not forget, in one SQLite file: who it is, the runs it took on, the use not yet acknowledged.

Every method is one transaction, on the disk when it returns: the process may be killed between any two statements.
"""

from __future__ import annotations

import json
import sqlite3
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from huisuan.compute.engines.interface import run_name
from huisuan.compute.site_agent.usage_slices import Line, Slice
from huisuan.protocol.agent import BATCH_LINES, BatchAnswer, SignedBatch
from huisuan.protocol.batch_chain import START, Sent, batch_digest

SCHEMA = """
CREATE TABLE IF NOT EXISTS known (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS run (
    uid TEXT NOT NULL, lease INTEGER NOT NULL, run INTEGER NOT NULL,
    verdict TEXT NOT NULL DEFAULT '',        -- an end that no engine can tell: never begun here, or lost
    reason TEXT NOT NULL DEFAULT '',
    log_base INTEGER NOT NULL DEFAULT 0,     -- bytes of output that earlier runs of the job left at the platform
    log_offset INTEGER NOT NULL DEFAULT 0,   -- bytes of this run's output that the platform has
    told TEXT NOT NULL DEFAULT '',           -- digest of the last word that the platform acknowledged
    over INTEGER NOT NULL DEFAULT 0,         -- its end is acknowledged
    metered INTEGER NOT NULL DEFAULT 0,      -- its last use is queued, or it has none
    closed_at INTEGER,                       -- the platform has everything
    PRIMARY KEY (uid, lease)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS run_open ON run (uid) WHERE closed_at IS NULL;
CREATE TABLE IF NOT EXISTS ending (          -- how a run ended, once its scheduler's word of it is forgotten
    uid TEXT NOT NULL, lease INTEGER NOT NULL, observation TEXT NOT NULL, PRIMARY KEY (uid, lease)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS slice (           -- of use, as last queued
    uid TEXT NOT NULL, lease INTEGER NOT NULL, started INTEGER NOT NULL, local_card TEXT NOT NULL,
    number INTEGER NOT NULL, ended INTEGER NOT NULL, suspended INTEGER NOT NULL, cards INTEGER NOT NULL,
    state TEXT NOT NULL,
    PRIMARY KEY (uid, lease, started, local_card)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS line (id INTEGER PRIMARY KEY AUTOINCREMENT, content TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS batch (           -- signed; its lines are kept a while after it was taken, its digest longer
    number INTEGER PRIMARY KEY, previous TEXT NOT NULL, digest TEXT NOT NULL, signature TEXT NOT NULL,
    lines TEXT,
    flagged TEXT NOT NULL DEFAULT '[]',      -- places of lines that the platform keeps as doubtful and does not meter
    chain TEXT NOT NULL DEFAULT '', receipt TEXT NOT NULL DEFAULT '', taken_at INTEGER
);
"""
LINES_KEPT = 70 * 86400  # seconds after they were taken: a month is counted against them soon after its end
RUNS_KEPT = 400 * 86400  # and the digests of batches
BATCH_BYTES = 512 * 1024


@dataclass(frozen=True)
class Run:
    """A run that the platform has not heard all of."""

    uid: str
    lease: int
    run: int
    verdict: str
    reason: str
    log_base: int
    log_offset: int
    told: str
    over: bool
    metered: bool
    ending: str  # JSON; "" unless it was closed before and is told again

    @property
    def name(self) -> str:
        """What the engine calls it."""
        return run_name(self.uid, self.run)

    @property
    def key(self) -> tuple[str, int]:
        """What the platform calls it."""
        return self.uid, self.lease


class Memory:
    """The agent's file."""

    def __init__(self, path: Path) -> None:
        self._file = sqlite3.connect(path, isolation_level=None)
        self._file.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;" + SCHEMA)
        path.chmod(0o600)

    def close(self) -> None:
        """Let the file go."""
        self._file.close()

    @contextmanager
    def _all_or_nothing(self) -> Iterator[None]:
        self._file.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._file.execute("ROLLBACK")
            raise
        self._file.execute("COMMIT")

    # --- who it is

    def get(self, name: str) -> str:
        """What is known by that name; "" for nothing."""
        found = self._file.execute("SELECT value FROM known WHERE name = ?", [name]).fetchone()
        return str(found[0]) if found else ""

    def put(self, name: str, value: str) -> None:
        """Know something by that name."""
        self._file.execute("INSERT OR REPLACE INTO known VALUES (?, ?)", [name, value])

    @property
    def name(self) -> str:
        """The agent's own name; "" before it joined."""
        return self.get("name")

    def new_name(self) -> str:
        """Another name, for another key. What was signed with the one before and not taken is signed anew."""
        name = str(uuid.uuid4())
        with self._all_or_nothing():
            waiting = self._file.execute("SELECT lines FROM batch WHERE taken_at IS NULL ORDER BY number").fetchall()
            later = self._file.execute("SELECT content FROM line ORDER BY id").fetchall()
            self._file.execute("DELETE FROM line")
            lines = [line for (lines,) in waiting for line in json.loads(lines)] + [line for (line,) in later]
            self._file.executemany("INSERT INTO line (content) VALUES (?)", [(line,) for line in lines])
            self._file.execute("DELETE FROM batch")
            for known, value in (("name", name), ("batch", "0"), ("chain", START)):
                self.put(known, value)
        return name

    def next_numbers(self, count: int) -> range:
        """So many request numbers that were never used; what is not used of them is skipped."""
        with self._all_or_nothing():
            first = int(self.get("request") or 0) + 1
            self.put("request", str(first + count - 1))
        return range(first, first + count)

    # --- runs

    def take_on(
        self, uid: str, lease: int, run: int, *, log_base: int = 0, verdict: str = "", reason: str = ""
    ) -> None:
        """Answer for a run from now on; `verdict` is an end that needs no engine. One that was closed is told again."""
        self._file.execute(
            "INSERT INTO run (uid, lease, run, log_base, verdict, reason) VALUES (?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (uid, lease) DO UPDATE SET closed_at = NULL, told = '', over = 0",
            [uid, lease, run, log_base, verdict, reason],
        )

    def known(self, keys: Iterable[tuple[str, int]]) -> dict[tuple[str, int], bool]:
        """Those of these runs that were ever taken on, and whether the platform has not heard all of them."""
        rows = self._file.execute(
            "SELECT uid, lease, closed_at IS NULL FROM json_each(?) JOIN run"
            " ON uid = json_extract(value, '$[0]') AND lease = json_extract(value, '$[1]')",
            [json.dumps(list(keys))],
        )
        return {(uid, lease): bool(is_open) for uid, lease, is_open in rows}

    def open_runs(self) -> list[Run]:
        """Runs that the platform has not heard all of."""
        columns = "uid, lease, run, verdict, reason, log_base, log_offset, told, over, metered"
        rows = self._file.execute(
            f"SELECT {columns}, coalesce(observation, '') FROM run LEFT JOIN ending USING (uid, lease)"  # noqa: S608
            " WHERE closed_at IS NULL ORDER BY uid, lease"
        )
        return [Run(*row) for row in rows]

    def told(self, words: Iterable[tuple[str, int, str, bool]]) -> None:
        """The platform acknowledged these: uid, lease, digest of the word, whether it was the end."""
        with self._all_or_nothing():
            self._file.executemany("UPDATE run SET told = ?3, over = ?4 WHERE uid = ?1 AND lease = ?2", list(words))

    def logs_received(self, offsets: Iterable[tuple[str, int, int]]) -> None:
        """How much of these runs' output the platform has: uid, lease, bytes."""
        with self._all_or_nothing():
            self._file.executemany("UPDATE run SET log_offset = ?3 WHERE uid = ?1 AND lease = ?2", list(offsets))

    def keep_ending(self, uid: str, lease: int, observation: str) -> None:
        """Keep how a run ended: a platform restored from a backup may ask again."""
        self._file.execute("INSERT OR REPLACE INTO ending VALUES (?, ?, ?)", [uid, lease, observation])

    def close_run(self, uid: str, lease: int, now: int) -> None:
        """The platform has everything of it."""
        self._file.execute("UPDATE run SET closed_at = ? WHERE uid = ? AND lease = ?", [now, uid, lease])

    def closed_runs(self, before: int) -> dict[str, tuple[str, int]]:
        """Runs closed at that time or earlier, under every lease: uid and number, by what the engine calls them."""
        rows = self._file.execute(
            "SELECT uid, run FROM run GROUP BY uid, run HAVING count(*) = count(closed_at) AND max(closed_at) <= ?",
            [before],
        )
        return {run_name(uid, run): (uid, run) for uid, run in rows}

    # --- use

    def slices(self, uid: str, lease: int) -> list[Slice]:
        """What was queued of a run's use."""
        columns = "started, local_card, number, ended, suspended, cards, state"
        rows = self._file.execute(f"SELECT {columns} FROM slice WHERE uid = ? AND lease = ?", [uid, lease])  # noqa: S608
        return [Slice(*row) for row in rows]

    def queue(self, uid: str, lease: int, lines: Sequence[Line], *, last: bool) -> None:
        """Queue a run's lines and remember the slices they stand for; `last`: nothing follows."""
        with self._all_or_nothing():
            self._file.executemany("INSERT INTO line (content) VALUES (?)", [(each.written,) for each in lines])
            self._file.executemany(
                "INSERT OR REPLACE INTO slice (uid, lease, started, local_card, number, ended, suspended, cards, state)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    (uid, lease, at.started, at.local_card, at.number, at.ended, at.suspended, at.cards, at.state)
                    for at in (each.slice for each in lines)
                ],
            )
            if last:
                self._file.execute("UPDATE run SET metered = 1 WHERE uid = ? AND lease = ?", [uid, lease])

    def last_taken(self) -> int:
        """Number of the last batch that the platform acknowledged."""
        (waits,) = self._file.execute("SELECT min(number) FROM batch WHERE taken_at IS NULL").fetchone()
        return self.head()[0] if waits is None else int(waits) - 1  # they are taken in their order

    def batches(self, sign: Callable[[bytes], bytes], after: int) -> list[SignedBatch]:
        """Some batches that follow the platform's last, signed once and the same ever after; at least one, if any."""
        self._cut(sign)
        found: list[SignedBatch] = []
        size = 0
        columns = "number, previous, lines, signature"
        later = f"SELECT {columns} FROM batch WHERE number > ? AND lines IS NOT NULL ORDER BY number"  # noqa: S608
        rows = self._file.execute(later, [after])
        for number, previous, lines, signature in rows:
            size += len(lines)
            if found and size > BATCH_BYTES:
                break
            found.append(
                SignedBatch(number=number, previous=previous, lines=json.loads(lines), signature=signature)
            )  # fmt: skip
        return found

    def _cut(self, sign: Callable[[bytes], bytes]) -> None:
        """Put the queued lines into batches, each signed on the one before."""
        while True:
            with self._all_or_nothing():
                rows = self._file.execute("SELECT id, content FROM line ORDER BY id LIMIT ?", [BATCH_LINES]).fetchall()
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
                digest = batch_digest(self.name, number + 1, previous, lines)
                self._file.execute(
                    "INSERT INTO batch (number, previous, digest, signature, lines) VALUES (?, ?, ?, ?, ?)",
                    [number + 1, previous, digest.hex(), sign(digest).hex(), json.dumps(lines, ensure_ascii=False)],
                )
                self._file.execute("DELETE FROM line WHERE id <= ?", [kept[-1][0]])

    def head(self) -> tuple[int, str]:
        """Number and digest of the last batch that was signed."""
        last = self._file.execute("SELECT number, digest FROM batch ORDER BY number DESC LIMIT 1").fetchone()
        return (int(last[0]), str(last[1])) if last else (int(self.get("batch") or 0), self.get("chain") or START)

    def batches_answered(self, answers: Iterable[BatchAnswer], last: int, now: int) -> None:
        """Keep the receipts; `last` is the number of the last batch that the platform has."""
        with self._all_or_nothing():
            self._file.executemany(
                "UPDATE batch SET chain = ?, receipt = ?, flagged = ? WHERE number = ?",
                [
                    (each.chain, each.receipt, json.dumps(sorted(each.flagged)), each.number)
                    for each in answers
                    if each.receipt
                ],
            )
            self._file.execute("UPDATE batch SET taken_at = ? WHERE number <= ? AND taken_at IS NULL", [now, last])

    def digest_of(self, number: int) -> str | None:
        """Digest of one of its batches; None for one that it does not remember."""
        found = self._file.execute("SELECT digest FROM batch WHERE number = ?", [number]).fetchone()
        return str(found[0]) if found else None

    def sent_batches(self, last: int) -> list[Sent] | None:
        """Its batches up to the one of that number; None where it does not keep the lines of all of them any more."""
        rows = self._file.execute(
            "SELECT number, lines, flagged FROM batch WHERE number <= ? ORDER BY number", [last]
        ).fetchall()
        if [number for number, _, _ in rows] != list(range(1, last + 1)) or any(lines is None for _, lines, _ in rows):
            return None
        return [Sent(number, json.loads(lines), json.loads(flagged)) for number, lines, flagged in rows]

    def receipts(self) -> list[dict[str, Any]]:
        """Number, digest, chain and receipt of every batch that it remembers and the platform took."""
        names = ("number", "digest", "chain", "receipt")
        query = f"SELECT {', '.join(names)} FROM batch WHERE receipt <> '' ORDER BY number"  # noqa: S608 (names of ours)
        return [dict(zip(names, row, strict=True)) for row in self._file.execute(query)]

    def waiting(self) -> tuple[int, int]:
        """How many lines and how many batches the platform has not taken."""
        (lines,) = self._file.execute("SELECT count(*) FROM line").fetchone()
        (batches,) = self._file.execute("SELECT count(*) FROM batch WHERE taken_at IS NULL").fetchone()
        return int(lines), int(batches)

    def is_sound(self) -> bool:
        """Whether the file is whole, as far as SQLite can tell."""
        return bool(self._file.execute("PRAGMA quick_check(1)").fetchone()[0] == "ok")

    def tidy(self, now: int) -> None:
        """Forget what is old: this file must not grow for ever. The chain's head stays."""
        with self._all_or_nothing():
            number, digest = self.head()
            self.put("batch", str(number))
            self.put("chain", digest)
            self._file.execute("UPDATE batch SET lines = NULL WHERE taken_at < ?", [now - LINES_KEPT])
            old = [now - RUNS_KEPT]
            self._file.execute("DELETE FROM batch WHERE taken_at < ?", old)
            self._file.execute(
                "DELETE FROM slice WHERE (uid, lease) IN (SELECT uid, lease FROM run WHERE closed_at < ?)", old
            )
            self._file.execute(
                "DELETE FROM ending WHERE (uid, lease) IN (SELECT uid, lease FROM run WHERE closed_at < ?)", old
            )
            self._file.execute("DELETE FROM run WHERE closed_at < ?", old)
