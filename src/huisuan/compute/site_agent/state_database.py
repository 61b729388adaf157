"""The agent's SQLite file: schema, transactions, named values. Read and written by state and batch_queue.

Every change is on the disk when it returns: the process may be killed between any two statements.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

SCHEMA = """
CREATE TABLE IF NOT EXISTS known (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS run (
    uid TEXT NOT NULL, lease INTEGER NOT NULL, run INTEGER NOT NULL,
    verdict TEXT NOT NULL DEFAULT '',        -- an end that no engine can tell: never begun here, or lost
    reason TEXT NOT NULL DEFAULT '',
    log_base INTEGER NOT NULL DEFAULT 0,     -- bytes of output that earlier runs of the job left at the platform
    log_offset INTEGER NOT NULL DEFAULT 0,   -- bytes of this run's output that the platform has
    told TEXT NOT NULL DEFAULT '',           -- digest of the last observation that the platform acknowledged
    over INTEGER NOT NULL DEFAULT 0,         -- its end is acknowledged
    metered INTEGER NOT NULL DEFAULT 0,      -- its last use is queued, or it has none
    closed_at INTEGER,                       -- the platform has everything
    PRIMARY KEY (uid, lease)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS run_open ON run (uid) WHERE closed_at IS NULL;
CREATE TABLE IF NOT EXISTS ending (          -- how a run ended, once its scheduler has forgotten it
    uid TEXT NOT NULL, lease INTEGER NOT NULL, observation TEXT NOT NULL, PRIMARY KEY (uid, lease)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS slice (           -- of use, as last queued
    uid TEXT NOT NULL, lease INTEGER NOT NULL, started INTEGER NOT NULL, local_card TEXT NOT NULL,
    number INTEGER NOT NULL, ended INTEGER NOT NULL, suspended INTEGER NOT NULL, cards INTEGER NOT NULL,
    state TEXT NOT NULL,
    PRIMARY KEY (uid, lease, started, local_card)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS line (id INTEGER PRIMARY KEY AUTOINCREMENT, content TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS batch (           -- signed; the lines are kept a while once acknowledged, the digest longer
    number INTEGER PRIMARY KEY, previous TEXT NOT NULL, digest TEXT NOT NULL, signature TEXT NOT NULL,
    lines TEXT,
    flagged TEXT NOT NULL DEFAULT '[]',      -- places of lines that the platform keeps as doubtful and does not meter
    chain TEXT NOT NULL DEFAULT '', receipt TEXT NOT NULL DEFAULT '', taken_at INTEGER
);
"""


class StateDatabase:
    """The file at `path`, created where there is none; readable by its owner only."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None)
        self._connection.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;" + SCHEMA)
        path.chmod(0o600)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def execute(self, statement: str, values: Sequence[Any] = ()) -> sqlite3.Cursor:
        """Execute one statement."""
        return self._connection.execute(statement, values)

    def executemany(self, statement: str, rows: Iterable[Sequence[Any]]) -> None:
        """Execute a statement once for each row."""
        self._connection.executemany(statement, rows)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All statements inside take effect, or none."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    def get(self, name: str) -> str:
        """The value stored under that name; "" for none."""
        found = self._connection.execute("SELECT value FROM known WHERE name = ?", [name]).fetchone()
        return str(found[0]) if found else ""

    def put(self, name: str, value: str) -> None:
        """Store a value under that name."""
        self._connection.execute("INSERT OR REPLACE INTO known VALUES (?, ?)", [name, value])

    def is_intact(self) -> bool:
        """Whether the file is whole, as far as SQLite can tell."""
        return bool(self._connection.execute("PRAGMA quick_check(1)").fetchone()[0] == "ok")
