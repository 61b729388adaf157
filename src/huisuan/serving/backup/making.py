"""Making a backup while the platform runs: what never changes first, then one snapshot of the database, then the rest.

Files that rows name (evidence, seals) are only ever added. Those that are there are written first, as most of the work;
what an interrupted attempt wrote of them is kept. After the snapshot whatever has come since is added, and every file
that a row of the snapshot names must be there with the SHA-256 that the row states before the backup counts.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from django.db import connection, transaction

from huisuan import __version__
from huisuan.base.errors import Conflict, NotFound, Unavailable
from huisuan.base.months import SHANGHAI
from huisuan.base.paths import home
from huisuan.serving import database
from huisuan.serving.backup import tools
from huisuan.serving.backup.archive import DATABASE, FILES, PART, BackupWriter, CountBytes
from huisuan.serving.backup.resuming import find_reusable_members, is_immutable

#: of this machine or of this moment, not of the platform; and the agent, whose state may not go back in time
_EXCLUDED = {
    "pg", "logs", "agent", "instance.json", "up.lock", "pg.lock", "restore-unfinished", "credentials.json", "spool",
    "uploads", "imports", "temp",
}  # fmt: skip
_SPARE_FACTOR = 1.1  # of the space that a backup may need
_ENVIRONMENT_SETTINGS = ("HUISUAN_PLATFORM_KEY", "HUISUAN_SECRET_KEY", "HUISUAN_POLICIES", "HUISUAN_SETTINGS")

_CHAIN_HEADS = "SELECT code, last_sequence FROM compute_centre ORDER BY code"
_TOTALS = """
SELECT (SELECT count(*) FROM compute_usagerecord), (SELECT coalesce(sum(card_seconds), 0)::bigint FROM
    compute_usagerecord), (SELECT count(*) FROM settlement_settlementrun), (SELECT coalesce(max(id), 0) FROM
    settlement_settlementrun)
"""


def max_backup_bytes(path: Path) -> int:
    """The most that a backup takes: the database as it lies on the disk, and the files."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_database_size(current_database())")
        (size,) = cursor.fetchone()
    return int(size) + sum(file.stat().st_size for file in list_files(path))


def check_space(path: Path) -> int:
    """The bytes that it may take, once it is clear that they are free.

    Raises:
        Refused: they are not, or there is no such folder.
    """
    if not path.parent.is_dir():
        raise NotFound(f"没有目录 {path.parent}", code="file.folder_unknown")
    needed = max_backup_bytes(path)
    part = path.with_name(f"{path.name}{PART}")
    free = shutil.disk_usage(path.parent).free + (part.stat().st_size if part.is_file() else 0)
    wanted = int(2 * needed * _SPARE_FACTOR)
    if free < wanted:  # the dump lies beside the archive while it is made
        raise Unavailable(
            f"{path.parent} 所在的磁盘只剩 {free // 2**20:,} MiB，备份最多要 {wanted // 2**20:,} MiB："
            "请腾出空间，或写到别的磁盘",
            code="disk.too_full",
        )
    return needed


def create_backup(path: Path, now: datetime, count: CountBytes) -> dict[str, Any]:
    """Write a backup; gives what its manifest says, and what was taken over from an interrupted attempt.

    Killed or stopped by Ctrl-C, it leaves what the next attempt goes on from; where it fails, nothing.

    Raises:
        Conflict: another process is writing this backup.
        Refused: the database cannot be dumped, or a file that the database names is not there as it was stored.
    """
    dumped = path.with_name(f"{path.name}.database{PART}")
    writer = BackupWriter(path, count, lambda part: find_reusable_members(part, home()))
    try:
        _add_files(writer, is_immutable)
        with transaction.atomic():
            manifest, named = _snapshot(dumped, now)
        writer.add(DATABASE, dumped)
        _add_files(writer, lambda relative: True)
        _check_named(writer, named)
        writer.finish(manifest)
    except KeyboardInterrupt:
        writer.leave()
        raise
    except BaseException:
        writer.abandon()
        raise
    finally:
        dumped.unlink(missing_ok=True)
    resumed = {
        "resumed_files": len(writer.kept),
        "resumed_bytes": sum(writer.members[name].size for name in writer.kept),
    }
    return {**manifest, "files": len(writer.members) - 1, **resumed}


def _add_files(writer: BackupWriter, wanted: Callable[[Path], bool]) -> None:
    """Add the files of the home that are wanted, by their names within it, and not yet there."""
    for path in list_files(writer.path):
        relative = path.relative_to(home())
        name = FILES + relative.as_posix()
        if name not in writer.members and wanted(relative):
            writer.add(name, path)


def _check_named(writer: BackupWriter, named: Mapping[str, str]) -> None:
    """Every file that the snapshot names is in the backup, as it was when it was stored.

    Raises:
        Refused: names those that are not.
    """
    lacking = sorted(name for name in named if FILES + name not in writer.members)
    if lacking:
        raise Conflict(
            f"数据库里登记的文件不在数据目录：{'、'.join(lacking[:5])}；先从较早的备份找回，再备份",
            code="backup.file_missing",
        )
    changed = sorted(name for name, sha256 in named.items() if writer.members[FILES + name].sha256 != sha256)
    if changed:
        raise Conflict(
            f"数据目录里的文件与数据库登记的 SHA-256 不符：{'、'.join(changed[:5])}；先从较早的备份找回，再备份",
            code="backup.file_changed",
        )


def list_files(besides: Path) -> Iterator[Path]:
    """Every file of the home that belongs to the platform, in a fixed order; `besides` the backup itself."""
    for folder, folders, names in os.walk(home()):
        here = Path(folder)
        top = here == home()
        folders[:] = sorted(name for name in folders if not name.startswith(".") and not (top and name in _EXCLUDED))
        for name in sorted(names):
            path = here / name
            left_out = name.startswith(".") or name.endswith(PART) or (top and name in _EXCLUDED)
            if not left_out and path.is_file() and not path.is_symlink() and path.resolve() != besides.resolve():
                yield path


def _snapshot(dumped: Path, now: datetime) -> tuple[dict[str, Any], dict[str, str]]:
    """Dump one snapshot; what it holds, and the files that its rows name. Inside a transaction."""
    dumped.unlink(missing_ok=True)
    os.close(os.open(dumped, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    with connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        cursor.execute("SELECT pg_export_snapshot()")
        (snapshot,) = cursor.fetchone()
        cursor.execute(_CHAIN_HEADS)
        heads = dict(cursor.fetchall())
        cursor.execute(_TOTALS)
        records, card_seconds, runs, last_run = cursor.fetchone()
        cursor.execute("SELECT app || '.' || name FROM django_migrations ORDER BY 1")
        migrations = [name for (name,) in cursor.fetchall()]
        named = _named_files(cursor)
        tools.dump_database(dumped, snapshot)
    manifest = {
        "version": __version__, "made_at": now.astimezone(SHANGHAI).isoformat(), "private": database.is_private(),
        "migrations": migrations, "heads": heads, "records": records, "card_seconds": card_seconds,
        "settlement_runs": runs, "last_run": last_run,
        "from_environment": [name for name in _ENVIRONMENT_SETTINGS if os.environ.get(name)],
    }  # fmt: skip
    return manifest, named


def _named_files(cursor: Any) -> dict[str, str]:
    """The files that rows name, within the home, each with the SHA-256 that its row states."""
    from huisuan.base.months import Month
    from huisuan.compute.metering.seals.seal_month import parquet_path
    from huisuan.programmes.applications.evidence_store import evidence_store

    cursor.execute("SELECT DISTINCT sha256 FROM programmes_evidence")
    store = evidence_store()
    named = {store.path_of(sha256): sha256 for (sha256,) in cursor.fetchall()}
    cursor.execute(
        "SELECT c.code, s.month, s.parquet_sha256 FROM compute_seal s JOIN compute_centre c ON c.id = s.centre_id"
    )
    named |= {parquet_path(code, Month.containing(month)): sha256 for code, month, sha256 in cursor.fetchall()}
    return {place.relative_to(home()).as_posix(): sha256 for place, sha256 in named.items()}
