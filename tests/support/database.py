"""The database of the tests: one private PostgreSQL a run, one migrated template in it, one copy of that a worker.

Nothing here runs before a test asks for the database: the pure tests start no server. Migrations run once a run (they
took each worker ten seconds); a copy of the template takes a tenth of one.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

TEMPLATE = "test_template"
#: the files of this server are thrown away with the run: nothing in them has to outlive a power cut
NOT_DURABLE = ("fsync", "synchronous_commit", "full_page_writes")


def start() -> None:
    """Start the private PostgreSQL of this run unless another worker has."""
    from huisuan.serving import database

    database.start_private_server()
    with _admin() as admin:
        for setting in NOT_DURABLE:
            admin.execute(f"ALTER SYSTEM SET {setting} = off")
        admin.execute("SELECT pg_reload_conf()")


def stop() -> None:
    """Stop it, if it was ever started, also where workers were killed, whose names stand on its list of users."""
    from huisuan.serving import postmaster
    from huisuan.serving.database import private_directory, release_private_server

    if private_directory().exists():
        release_private_server()
        postmaster.kill_postmaster(private_directory())


def copy_template(name: str) -> None:
    """Make the database `name` as a copy of the template, which the first worker to come here migrates.

    Django's connection leads to the copy afterwards.
    """
    with _alone(), _admin() as admin:
        if not admin.execute("SELECT 1 FROM pg_database WHERE datname = %s", (TEMPLATE,)).fetchone():
            _migrate_template(admin)
        admin.execute(f'CREATE DATABASE "{name}" TEMPLATE {TEMPLATE} STRATEGY file_copy')
    _connect_to(name)


def _migrate_template(admin: Any) -> None:
    """Under another name until all migrations are in: a worker that fails here leaves no half-migrated template."""
    from django.core.management import call_command

    admin.execute(f"CREATE DATABASE {TEMPLATE}_unfinished ENCODING 'UTF8' TEMPLATE template0")
    _connect_to(f"{TEMPLATE}_unfinished")
    call_command("migrate", verbosity=0, interactive=False)
    _connect_to("postgres")
    admin.execute(f"ALTER DATABASE {TEMPLATE}_unfinished RENAME TO {TEMPLATE}")


def _alone() -> Any:
    """One worker at a time."""
    import fasteners

    return fasteners.InterProcessLock(Path(os.environ["HUISUAN_HOME"]) / "template.lock")


def _connect_to(name: str) -> None:
    from django.db import connection

    connection.close()
    connection.settings_dict["NAME"] = name


def _admin() -> Any:
    import psycopg

    from huisuan.serving.database import private_directory

    return psycopg.connect(host=str(private_directory()), user="postgres", dbname="postgres", autocommit=True)
