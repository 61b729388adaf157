"""Making a backup while the platform runs: one snapshot of the database first, then the files, which only ever grow.

So every file that a row of the snapshot names is there; that is checked before the backup counts.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from django.db import connection, transaction

from huisuan import __version__
from huisuan.base.errors import Refused
from huisuan.base.months import SHANGHAI
from huisuan.base.paths import home
from huisuan.serving import database
from huisuan.serving.backup import tools
from huisuan.serving.backup.archive import DATABASE, FILES, Count, Writer

#: of this machine or of this moment, not of the platform; and the agent, whose state may not go back in time
LEFT_OUT = {"pg", "logs", "agent", "instance.json", "up.lock", "pg.lock", "credentials.json", "spool", "uploads"}
SPARE = 1.1  # of the space that a backup may need
IN_ENVIRONMENT = ("HUISUAN_PLATFORM_KEY", "HUISUAN_SECRET_KEY", "HUISUAN_POLICIES", "HUISUAN_SETTINGS")

HEADS = "SELECT code, last_sequence FROM compute_centre ORDER BY code"
SUMS = """
SELECT (SELECT count(*) FROM compute_usagerecord), (SELECT coalesce(sum(card_seconds), 0)::bigint FROM
    compute_usagerecord), (SELECT count(*) FROM settlement_settlementrun), (SELECT coalesce(max(id), 0) FROM
    settlement_settlementrun)
"""


def needed_bytes(path: Path) -> int:
    """The most that a backup takes: the database as it lies on the disk, and the files."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_database_size(current_database())")
        (size,) = cursor.fetchone()
    return int(size) + sum(each.stat().st_size for each in kept_files(path))


def check_space(path: Path) -> int:
    """The bytes that it may take, once it is clear that they are free.

    Raises:
        Refused: they are not, or there is no such folder.
    """
    if not path.parent.is_dir():
        raise Refused(f"没有目录 {path.parent}")
    needed = needed_bytes(path)
    free = shutil.disk_usage(path.parent).free
    if free < 2 * needed * SPARE:  # the dump lies beside the archive while it is made
        raise Refused(
            f"{path.parent} 所在的磁盘只剩 {free // 2**20:,} MiB，备份最多要 {int(2 * needed * SPARE) // 2**20:,} MiB："
            "请腾出空间，或写到别的磁盘"
        )
    return needed


def make(path: Path, now: datetime, count: Count) -> dict[str, Any]:
    """Write a backup; gives what its manifest says. Nothing stays behind where it fails.

    Raises:
        Refused: the database cannot be dumped, or a file that the database names is not there.
    """
    dumped = path.with_name(f"{path.name}.database.part")
    writer = Writer(path, count)
    try:
        with transaction.atomic():
            manifest, named = _snapshot(dumped, now)
        writer.add(DATABASE, dumped)
        for each in kept_files(path):
            writer.add(FILES + each.relative_to(home()).as_posix(), each)
        lacking = sorted(name for name in named if FILES + name not in writer.members)
        if lacking:
            raise Refused(f"数据库里登记的文件不在数据目录：{'、'.join(lacking[:5])}；先从较早的备份找回，再备份")
        writer.finish(manifest)
    except BaseException:
        writer.abandon()
        raise
    finally:
        dumped.unlink(missing_ok=True)
    return {**manifest, "files": len(writer.members) - 1}


def kept_files(besides: Path) -> Iterator[Path]:
    """Every file of the home that belongs to the platform, in a fixed order; `besides` the backup itself."""
    for folder, folders, names in os.walk(home()):
        here = Path(folder)
        top = here == home()
        folders[:] = sorted(name for name in folders if not name.startswith(".") and not (top and name in LEFT_OUT))
        for name in sorted(names):
            path = here / name
            left_out = name.startswith(".") or name.endswith(".part") or (top and name in LEFT_OUT)
            if not left_out and path.is_file() and not path.is_symlink() and path.resolve() != besides.resolve():
                yield path


def _snapshot(dumped: Path, now: datetime) -> tuple[dict[str, Any], list[str]]:
    """Dump one snapshot; what it holds, and the files that its rows name. Inside a transaction."""
    dumped.unlink(missing_ok=True)
    os.close(os.open(dumped, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    with connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        cursor.execute("SELECT pg_export_snapshot()")
        (snapshot,) = cursor.fetchone()
        cursor.execute(HEADS)
        heads = dict(cursor.fetchall())
        cursor.execute(SUMS)
        records, card_seconds, runs, last_run = cursor.fetchone()
        cursor.execute("SELECT app || '.' || name FROM django_migrations ORDER BY 1")
        migrations = [name for (name,) in cursor.fetchall()]
        named = _named_files(cursor)
        tools.dump(dumped, snapshot)
    manifest = {
        "version": __version__, "made_at": now.astimezone(SHANGHAI).isoformat(), "private": database.is_private(),
        "migrations": migrations, "heads": heads, "records": records, "card_seconds": card_seconds,
        "settlement_runs": runs, "last_run": last_run,
        "from_environment": [name for name in IN_ENVIRONMENT if os.environ.get(name)],
    }  # fmt: skip
    return manifest, named


def _named_files(cursor: Any) -> list[str]:
    from huisuan.base.months import Month
    from huisuan.compute.metering.seals.seal_month import parquet_path
    from huisuan.programmes.applications.evidence_store import evidence_store

    cursor.execute("SELECT DISTINCT sha256 FROM programmes_evidence")
    store = evidence_store()
    places = [store.path_of(sha256) for (sha256,) in cursor.fetchall()]
    cursor.execute("SELECT c.code, s.month FROM compute_seal s JOIN compute_centre c ON c.id = s.centre_id")
    places += [parquet_path(code, Month.of(month)) for code, month in cursor.fetchall()]
    return [place.relative_to(home()).as_posix() for place in places]
