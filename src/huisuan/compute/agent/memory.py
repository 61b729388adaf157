"""What an agent must not forget: its own name, the jobs it took on, the usage not yet acknowledged. SQLite."""

from __future__ import annotations

import hashlib
import sqlite3
import uuid
from pathlib import Path

SCHEMA = """
CREATE TABLE IF NOT EXISTS agent (only INTEGER PRIMARY KEY CHECK (only = 1), name TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS job (
    uid TEXT PRIMARY KEY,
    verdict TEXT,                              -- an end that no engine can tell: never begun here, or lost
    log_offset INTEGER NOT NULL DEFAULT 0,     -- bytes of output that the platform has
    closed INTEGER NOT NULL DEFAULT 0          -- the platform has everything
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS job_open ON job (uid) WHERE closed = 0;
CREATE TABLE IF NOT EXISTS usage (
    sha256 TEXT PRIMARY KEY,
    uid TEXT NOT NULL,
    line TEXT NOT NULL,
    answer TEXT                                -- NULL: not yet; '' taken; else why it was refused
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS usage_waiting ON usage (uid) WHERE answer IS NULL;
"""


class Memory:
    """The agent's file. Every method is one transaction, on the disk when it returns."""

    def __init__(self, path: Path) -> None:
        self._file = sqlite3.connect(path, isolation_level=None)
        self._file.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;" + SCHEMA)
        self._file.execute("INSERT OR IGNORE INTO agent VALUES (1, ?)", [str(uuid.uuid4())])

    def close(self) -> None:
        """Let the file go."""
        self._file.close()

    @property
    def name(self) -> str:
        """The agent's own name, made once."""
        return str(self._file.execute("SELECT name FROM agent").fetchone()[0])

    # --- jobs

    def take_on(self, uid: str, verdict: str | None = None) -> None:
        """Answer for a job from now on; `verdict` is an end that needs no engine."""
        self._file.execute(
            "INSERT INTO job (uid, verdict) VALUES (?, ?) ON CONFLICT (uid) DO UPDATE SET closed = 0", [uid, verdict]
        )

    def knows(self, uid: str) -> bool:
        """Whether the job was ever taken on."""
        return self._file.execute("SELECT 1 FROM job WHERE uid = ?", [uid]).fetchone() is not None

    def open_jobs(self) -> list[tuple[str, str | None, int]]:
        """Jobs that the platform has not heard all of: uid, verdict, how much of its output it has."""
        return self._file.execute("SELECT uid, verdict, log_offset FROM job WHERE closed = 0 ORDER BY uid").fetchall()

    def log_received(self, uid: str, offset: int) -> None:
        """Note how much of a job's output the platform has."""
        self._file.execute("UPDATE job SET log_offset = ? WHERE uid = ? AND log_offset <> ?", [offset, uid, offset])

    def close_job(self, uid: str) -> None:
        """The platform has the job's end; it is closed once its usage is answered too."""
        self._file.execute(
            "UPDATE job SET closed = 1 WHERE uid = ? AND NOT EXISTS"
            " (SELECT 1 FROM usage WHERE usage.uid = job.uid AND answer IS NULL)",
            [uid],
        )

    # --- usage

    def queue_usage(self, uid: str, line: str) -> None:
        """Queue a usage line; the same line again is the same line."""
        sha256 = hashlib.sha256(line.encode()).hexdigest()
        self._file.execute("INSERT OR IGNORE INTO usage (sha256, uid, line) VALUES (?, ?, ?)", [sha256, uid, line])

    def waiting_usage(self, limit: int) -> list[str]:
        """Lines that the platform has not answered for."""
        rows = self._file.execute("SELECT line FROM usage WHERE answer IS NULL ORDER BY uid LIMIT ?", [limit])
        return [line for (line,) in rows]

    def usage_answered(self, sha256: str, refused: str) -> bool:
        """Note the platform's answer; False for a line already answered."""
        changed = self._file.execute(
            "UPDATE usage SET answer = ? WHERE sha256 = ? AND answer IS NULL", [refused, sha256]
        )
        return changed.rowcount > 0
