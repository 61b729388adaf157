"""A restore into a database of another server, which cannot be put in its place by one rename as a folder can.

A table of one row is made in the empty database first and dropped last. While it is there the platform refuses to
serve, and the same backup restored again goes on from what is committed already. Nothing else is ever dropped.
"""

from __future__ import annotations

import time
from collections.abc import Collection
from pathlib import Path
from typing import Any

from huisuan.base.errors import Conflict, Unavailable

_TABLE = "huisuan_restore_unfinished"
MARKER_FILE = "restore-unfinished"  # in a home that is in its place while the table is still there
_LOCK_NUMBER = 0x6875697375616E  # "huisuan", of advisory locks
_WAIT_SECONDS = 60

_COUNT_RELATIONS = """
SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname <> 'information_schema' AND n.nspname !~ '^pg_' AND c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
    AND c.oid IS DISTINCT FROM to_regclass('public.huisuan_restore_unfinished')
    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')
"""
_END_PG_RESTORE = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND application_name = 'pg_restore' AND usename = current_user
"""
_NOT_EMPTY = "DATABASE_URL 指定的库不是空的：只恢复到空库，请新建一个"
_HALF_RESTORED = "DATABASE_URL 指定的库恢复到一半：请再运行一次 huisuan restore 备份文件，完成之前不提供服务"


def is_marked(cursor: Any) -> bool:
    """Whether a restore into this database was begun and is not finished."""
    cursor.execute("SELECT to_regclass(%s) IS NOT NULL", [f"public.{_TABLE}"])
    return bool(cursor.fetchone()[0])


def refuse_half_restored(cursor: Any) -> None:
    """Raises:
    Conflict: a restore into this database is not finished.
    """
    if is_marked(cursor):
        raise Conflict(_HALF_RESTORED, code="restore.not_finished")


def mark_restore(connection: Any, backup: str) -> None:
    """Mark an empty database, or find the mark of the same backup; alone, as long as the connection is open.

    Raises:
        Conflict: the database is not empty, is half restored from another backup, or another restore works on it.
    """
    if not connection.execute("SELECT pg_try_advisory_lock(%s)", [_LOCK_NUMBER]).fetchone()[0]:
        raise Conflict("另一个 huisuan restore 正在恢复到这个库：请等它结束", code="restore.already_running")
    with connection.cursor() as cursor:
        marked = is_marked(cursor)
    if marked:
        _end_loaders(connection)
    empty = _is_empty(connection)
    if not marked:
        if not empty:
            raise Conflict(_NOT_EMPTY, code="restore.database_not_empty")
        with connection.transaction():
            connection.execute(f"CREATE TABLE public.{_TABLE} (backup text NOT NULL, complete boolean NOT NULL)")
            connection.execute(f"INSERT INTO public.{_TABLE} VALUES (%s, false)", [backup])  # noqa: S608 (our own name)
    elif _mark(connection)[0] != backup:
        if not empty:
            raise Conflict(
                "DATABASE_URL 指定的库是用另一份备份恢复到一半的：请用那一份再运行 huisuan restore，或新建一个空库",
                code="restore.other_backup",
            )
        connection.execute(f"UPDATE public.{_TABLE} SET backup = %s, complete = false", [backup])  # noqa: S608


def is_loaded(connection: Any, migrations: Collection[str]) -> bool:
    """Whether the dump was committed already before an interruption.

    Raises:
        Conflict: there is something else in the database by now.
    """
    if _is_empty(connection):
        return False
    if connection.execute("SELECT to_regclass('public.django_migrations') IS NOT NULL").fetchone()[0]:
        rows = connection.execute("SELECT app || '.' || name FROM public.django_migrations").fetchall()
        if {name for (name,) in rows} == set(migrations):
            return True
    raise Conflict(_NOT_EMPTY, code="restore.database_not_empty")


def is_marked_complete(connection: Any) -> bool:
    """Whether everything is in the database, and only the home may lack."""
    return bool(_mark(connection)[1])


def mark_complete(connection: Any) -> None:
    """Note, inside the caller's transaction, that everything is in the database."""
    connection.execute(f"UPDATE public.{_TABLE} SET complete = true")  # noqa: S608 (our own name)


def unmark_empty_database(connection: Any) -> None:
    """Nothing came of it: an empty database is left without the mark."""
    if _is_empty(connection):
        connection.execute(f"DROP TABLE public.{_TABLE}")


def unmark_restored(connection: Any, home: Path) -> None:
    """The home is in its place: the database may be served from now on."""
    connection.execute(f"DROP TABLE IF EXISTS public.{_TABLE}")
    (home / MARKER_FILE).unlink(missing_ok=True)


def _mark(connection: Any) -> Any:
    return connection.execute(f"SELECT backup, complete FROM public.{_TABLE}").fetchone()  # noqa: S608 (our own name)


def _is_empty(connection: Any) -> bool:
    return bool(connection.execute(_COUNT_RELATIONS).fetchone()[0] == 0)


def _end_loaders(connection: Any) -> None:
    """End the pg_restore that a killed restore left at work: its transaction is undone, or was committed just before.

    Raises:
        Unavailable: it does not end.
    """
    deadline = time.monotonic() + _WAIT_SECONDS
    while connection.execute(_END_PG_RESTORE).fetchall():
        if time.monotonic() > deadline:
            raise Unavailable("上次恢复留下的 pg_restore 还没有结束：请稍后再试", code="restore.loader_still_running")
        time.sleep(0.05)
