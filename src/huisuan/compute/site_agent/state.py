"""The agent's durable state (SQLite): its identity, the runs it is responsible for, the usage not acknowledged.

Every method is one transaction, on the disk when it returns: the process may be killed between any two statements.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from huisuan.compute.engines.interface import run_name
from huisuan.compute.site_agent.batch_queue import BatchQueue
from huisuan.compute.site_agent.state_database import StateDatabase

RunLease = tuple[str, int]  # uid and lease: what the platform calls a run
RUNS_KEPT = 400 * 86400  # seconds after they were closed


@dataclass(frozen=True)
class Run:
    """A run of which the platform does not have everything yet."""

    uid: str
    lease: int
    run: int
    verdict: str
    reason: str
    log_base: int
    log_offset: int
    acknowledged: str  # digest of the last observation that the platform acknowledged
    over: bool
    metered: bool
    ending: str  # JSON; "" unless it was closed before and is reported again

    @property
    def name(self) -> str:
        """What the engine calls it."""
        return run_name(self.uid, self.run)

    @property
    def key(self) -> RunLease:
        """What the platform calls it: uid and lease."""
        return self.uid, self.lease


class AgentState:
    """What an agent must not lose. `batch_queue` holds the usage that the platform has not acknowledged."""

    def __init__(self, path: Path) -> None:
        self._database = StateDatabase(path)
        self.batch_queue = BatchQueue(self._database, lambda: self.name)

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    # --- identity

    def get(self, name: str) -> str:
        """The value stored under that name; "" for none."""
        return self._database.get(name)

    def put(self, name: str, value: str) -> None:
        """Store a value under that name."""
        self._database.put(name, value)

    @property
    def name(self) -> str:
        """The agent's own name; "" before it joined."""
        return self.get("name")

    def assign_new_name(self) -> str:
        """Take another name, for another key. What was signed with the old key and not acknowledged is signed anew."""
        name = str(uuid.uuid4())
        with self._database.transaction():
            self.batch_queue.requeue_all()
            self.put("name", name)
        return name

    def next_numbers(self, count: int) -> range:
        """Reserve `count` request numbers that were never used; those that stay unused are skipped."""
        with self._database.transaction():
            first = int(self.get("request") or 0) + 1
            self.put("request", str(first + count - 1))
        return range(first, first + count)

    # --- runs

    def adopt_run(
        self, uid: str, lease: int, run: int, *, log_base: int = 0, verdict: str = "", reason: str = ""
    ) -> None:
        """Be responsible for a run. `verdict`: an end that needs no engine. A run that was closed is reported again."""
        self._database.execute(
            "INSERT INTO run (uid, lease, run, log_base, verdict, reason) VALUES (?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (uid, lease) DO UPDATE SET closed_at = NULL, told = '', over = 0",
            [uid, lease, run, log_base, verdict, reason],
        )

    def find_adopted(self, keys: Iterable[tuple[str, int]]) -> dict[tuple[str, int], bool]:
        """Those of these runs (uid, lease) that were ever adopted, and whether each is still open."""
        rows = self._database.execute(
            "SELECT uid, lease, closed_at IS NULL FROM json_each(?) JOIN run"
            " ON uid = json_extract(value, '$[0]') AND lease = json_extract(value, '$[1]')",
            [json.dumps(list(keys))],
        )
        return {(uid, lease): bool(is_open) for uid, lease, is_open in rows}

    def open_runs(self) -> list[Run]:
        """Runs of which the platform does not have everything yet."""
        columns = "uid, lease, run, verdict, reason, log_base, log_offset, told, over, metered"
        rows = self._database.execute(
            f"SELECT {columns}, coalesce(observation, '') FROM run LEFT JOIN ending USING (uid, lease)"  # noqa: S608
            " WHERE closed_at IS NULL ORDER BY uid, lease"
        )
        return [Run(*row) for row in rows]

    def record_acknowledged(self, reports: Iterable[tuple[str, int, str, bool]]) -> None:
        """The platform acknowledged these: uid, lease, digest of the observation, whether it was final."""
        with self._database.transaction():
            self._database.executemany(
                "UPDATE run SET told = ?3, over = ?4 WHERE uid = ?1 AND lease = ?2", list(reports)
            )

    def record_log_offsets(self, offsets: Iterable[tuple[str, int, int]]) -> None:
        """Record how much of these runs' output the platform has: uid, lease, bytes."""
        with self._database.transaction():
            self._database.executemany("UPDATE run SET log_offset = ?3 WHERE uid = ?1 AND lease = ?2", list(offsets))

    def record_ending(self, uid: str, lease: int, observation: str) -> None:
        """Record how a run ended: a platform restored from a backup may ask again."""
        self._database.execute("INSERT OR REPLACE INTO ending VALUES (?, ?, ?)", [uid, lease, observation])

    def close_run(self, uid: str, lease: int, now: int) -> None:
        """The platform has everything of the run; `now` in seconds since 1970."""
        self._database.execute("UPDATE run SET closed_at = ? WHERE uid = ? AND lease = ?", [now, uid, lease])

    def closed_runs(self, before: int) -> dict[str, tuple[str, int]]:
        """Runs closed at that time or earlier, under every lease: uid and number, by what the engine calls them."""
        rows = self._database.execute(
            "SELECT uid, run FROM run GROUP BY uid, run HAVING count(*) = count(closed_at) AND max(closed_at) <= ?",
            [before],
        )
        return {run_name(uid, run): (uid, run) for uid, run in rows}

    # --- the file

    def is_intact(self) -> bool:
        """Whether the file is whole, as far as SQLite can tell."""
        return self._database.is_intact()

    def prune(self, now: int) -> None:
        """Drop what is old: this file must not grow for ever. `now` in seconds since 1970."""
        with self._database.transaction():
            self.batch_queue.prune(now)
            old = [now - RUNS_KEPT]
            closed = "(uid, lease) IN (SELECT uid, lease FROM run WHERE closed_at < ?)"
            self._database.execute(f"DELETE FROM slice WHERE {closed}", old)  # noqa: S608 (text of ours)
            self._database.execute(f"DELETE FROM ending WHERE {closed}", old)  # noqa: S608 (text of ours)
            self._database.execute("DELETE FROM run WHERE closed_at < ?", old)
