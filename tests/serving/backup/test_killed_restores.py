"""A restore that is killed: the home is as it was or says that it is not whole, and the next attempt finishes."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest

from huisuan.serving.backup import archive
from huisuan.serving.backup.archive import BackupWriter, ReusableMembers
from support.homes import Homes
from support.outer_postgres import OuterServer, outer_server

KILLED_UNPACKING = """
from huisuan.serving.backup import restoring
restoring._put = lambda *words: os.kill(os.getpid(), signal.SIGKILL)
"""
KILLED_LOADING = """
import threading, time
import psycopg
from huisuan.serving.backup import restoring, tools

def kill_once_it_writes():
    with restoring._connected() as connection:
        while not connection.execute(
            "SELECT FROM pg_stat_activity WHERE application_name = 'pg_restore' AND backend_xid IS NOT NULL"
        ).fetchall():
            time.sleep(0.001)
        os.kill(os.getpid(), signal.SIGKILL)

def load(path, before=tools.load_dump):
    threading.Thread(target=kill_once_it_writes, daemon=True).start()
    before(path)
    os.kill(os.getpid(), signal.SIGKILL)
tools.load_dump = load
"""
KILLED_LOADED = """
from huisuan.serving.backup import restoring
restoring._hold = lambda *words: os.kill(os.getpid(), signal.SIGKILL)
"""
KILLED_BEFORE_ITS_PLACE = """
from huisuan.serving.backup import restoring
restoring._replace = lambda *words: os.kill(os.getpid(), signal.SIGKILL)
"""
KILLED_BEFORE_THE_END = """
from huisuan.serving.backup import restoring
restoring._finish = lambda *words: os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture(scope="module")
def outer() -> Iterator[OuterServer]:
    import shutil
    import tempfile

    folder = Path(tempfile.mkdtemp(prefix="hs-pg-"))
    try:
        with outer_server(folder) as server:
            yield server
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _servers_in(folder: Path) -> list[int]:
    """The PostgreSQL processes that work below a folder."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.name().startswith("postgres") and Path(process.cwd()).is_relative_to(folder):
                found.append(process.pid)
    return found


@pytest.mark.parametrize("where", [KILLED_UNPACKING, KILLED_LOADING], ids=["unpacking", "loading"])
def test_a_killed_restore_leaves_the_home_empty_and_the_next_one_finishes(
    homes: Homes, backup: Path, state: dict[str, Any], where: str
) -> None:
    homes.killed("k", where, "restore", backup)
    assert not (homes.folder / "k").exists()
    assert (homes.folder / ".k.restoring").exists()
    if where == KILLED_UNPACKING:
        return  # the next attempt is the next test's first
    homes.huisuan("k", "restore", backup)
    assert not (homes.folder / ".k.restoring").exists()
    assert _servers_in(homes.folder) == []
    assert homes.state("k") == state


def _other(backup: Path) -> Path:
    """A backup of the same of another moment."""
    folder = backup.with_name("unpacked")

    def put(name: str, blocks: Iterator[bytes]) -> None:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"".join(blocks))

    manifest = archive.read_backup(backup, lambda count: None, put)
    other = BackupWriter(backup.with_name("other.huisuan"), lambda count: None, lambda part: ReusableMembers({}, 0))
    for name in manifest.pop("members"):
        other.add(name, folder / name)
    other.finish({**manifest, "made_at": "2026-01-06T00:00:00+08:00"})
    return other.path


def test_a_backup_and_a_restore_on_an_outside_server_and_kills_at_each_step(
    homes: Homes, backup: Path, state: dict[str, Any], outer: OuterServer
) -> None:
    homes.outer["o"] = outer.new_database("first")
    homes.killed("o", KILLED_LOADING, "restore", backup)
    assert "恢复到一半" in homes.huisuan("o", "migrate", code=1)
    homes.killed("o", KILLED_LOADED, "restore", backup)
    assert "另一份备份" in homes.huisuan("o", "restore", _other(backup), code=1)
    homes.killed("o", KILLED_BEFORE_ITS_PLACE, "restore", backup)
    assert not (homes.folder / "o").exists()
    homes.killed("o", KILLED_BEFORE_THE_END, "restore", backup)
    assert (homes.folder / "o").exists()  # in its place, and not served
    assert "恢复到一半" in homes.huisuan("o", "migrate", code=1)
    homes.huisuan("o", "restore", backup)

    again = homes.folder / "again.huisuan"
    homes.huisuan("o", "backup", again)
    homes.outer["p"] = outer.new_database("second")
    homes.huisuan("p", "restore", again)
    assert homes.state("p") == state
    assert not (homes.folder / "p" / "pg").exists()


def test_a_database_that_is_not_empty_is_refused_and_nothing_of_it_is_touched(
    homes: Homes, backup: Path, outer: OuterServer
) -> None:
    homes.outer["q"] = outer.new_database("taken")
    with psycopg.connect(homes.outer["q"], autocommit=True) as connection:
        connection.execute("CREATE SCHEMA accounts")
        connection.execute("CREATE TABLE accounts.payroll (fen bigint)")
        connection.execute("INSERT INTO accounts.payroll VALUES (7)")
    assert "不是空的" in homes.huisuan("q", "restore", backup, code=1)
    assert not (homes.folder / "q").exists()
    assert not (homes.folder / ".q.restoring").exists()
    with psycopg.connect(homes.outer["q"]) as connection:
        tables = connection.execute(
            "SELECT schemaname, tablename FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
        ).fetchall()
        assert tables == [("accounts", "payroll")]
        assert connection.execute("SELECT fen FROM accounts.payroll").fetchall() == [(7,)]
