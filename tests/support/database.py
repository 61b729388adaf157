"""The database of the tests: one private PostgreSQL a run, one migrated template in it, one copy of that a worker.

Nothing here runs before a test asks for the database: the pure tests start no server.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from support.migrated_cluster import copy_cluster

TEMPLATE = "test_template"


def start() -> None:
    """Start the private PostgreSQL of this run unless another worker has, with a migrated template in it."""
    from huisuan.serving import database

    with _alone():
        if not (Path(os.environ["HUISUAN_HOME"]) / "pg" / "PG_VERSION").exists():
            copy_cluster(Path(os.environ["HUISUAN_HOME"]))
        database.start_private_server()
        with _admin() as admin:
            if not admin.execute("SELECT 1 FROM pg_database WHERE datname = %s", (TEMPLATE,)).fetchone():
                admin.execute(f"ALTER DATABASE {database.django_database()['NAME']} RENAME TO {TEMPLATE}")


def stop() -> None:
    """Stop it, if it was ever started, also where workers were killed, whose names stand on its list of users."""
    from huisuan.serving import postmaster
    from huisuan.serving.database import private_directory, release_private_server

    if private_directory().exists():
        release_private_server()
        postmaster.kill_postmaster(private_directory())


def copy_template(name: str) -> None:
    """Make the database `name` as a copy of the template; Django's connection leads to the copy afterwards."""
    from django.db import connection

    with _alone(), _admin() as admin:
        admin.execute(f'CREATE DATABASE "{name}" TEMPLATE {TEMPLATE} STRATEGY file_copy')
    connection.close()
    connection.settings_dict["NAME"] = name
    _empty_by_rows(connection)


def _empty_by_rows(connection: Any) -> None:
    """Have the tables emptied that hold something, row by row, after a test whose transactions were real.

    Django truncates all of them: a hundred tables and all their indexes are new files each time, for a few rows.
    """

    def deletes(style: object, tables: Sequence[str], **options: object) -> list[str]:
        named = [connection.ops.quote_name(table) for table in tables]
        with connection.cursor() as cursor:
            cursor.execute("SELECT " + ", ".join(f"EXISTS (SELECT 1 FROM {name})" for name in named))
            filled = [name for name, has_rows in zip(named, cursor.fetchone(), strict=True) if has_rows]
        # as a replica: neither what is append-only nor what others refer to may refuse
        return ["SET LOCAL session_replication_role = replica", *(f"DELETE FROM {name}" for name in filled),
                "SET LOCAL session_replication_role = origin"]  # fmt: skip

    connection.ops.sql_flush = deletes


def _alone() -> Any:
    """One worker at a time."""
    import fasteners

    return fasteners.InterProcessLock(Path(os.environ["HUISUAN_HOME"]) / "template.lock")


def _admin() -> Any:
    import psycopg

    from huisuan.serving.database import private_directory

    return psycopg.connect(host=str(private_directory()), user="postgres", dbname="postgres", autocommit=True)
