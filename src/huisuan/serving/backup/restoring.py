"""Restoring a backup into an empty home: everything is made ready beside it and put in its place at the very end.

Killed at any moment before, nothing of the home has changed, and the next attempt begins anew. A database of another
server is marked until the home is in its place (`unfinished`).
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from huisuan.base.errors import Conflict, InvalidRequest, Refused, Unavailable
from huisuan.base.hashing import text_sha256
from huisuan.base.paths import home
from huisuan.base.temporary import lock_folder
from huisuan.serving import database, postmaster
from huisuan.serving.backup import archive, tools, unfinished
from huisuan.serving.backup.archive import DATABASE, FILES, CountBytes
from huisuan.serving.orphan_guard import guarded

_IGNORED_IN_HOME = {"pg.lock", "up.lock"}  # what an empty home may hold
_MAX_NAMES_SHOWN = 5
_INSERT_RESTORATION = """
INSERT INTO compute_restoration (backup_made_at, restored_at, released_at) VALUES (%s, %s, NULL)
"""

_WAIT_REASON = "平台从备份恢复：这个作业可能已在中心运行过，核对后由运维 huisuan restore --release 放行"
_HOLD_WAITING_JOBS = "UPDATE compute_job SET reasons = %s::jsonb WHERE state = 'waiting'"


def restore_backup(path: Path, now: datetime, count: CountBytes, say: Callable[[str], None]) -> dict[str, Any]:
    """Bring a backup back; gives its manifest.

    Raises:
        Refused: the backup is damaged or newer than this program, the home or the database is not empty, another
            restore is at work, or the disk is too full.
    """
    target = home()
    refuse_unless_empty(target)
    say("核对备份……")
    manifest = archive.read_backup(path, count)
    _refuse_newer(manifest)
    backup = _digest(manifest)
    if (target / unfinished.MARKER_FILE).exists():
        _finish(target, backup)
        return manifest
    draft = draft_of(target)
    lock = _lock_draft(draft)
    try:
        _check_space(draft, manifest)
        say("解开文件……")
        archive.read_backup(path, count, lambda name, blocks: _put(draft, name, blocks))
        say("恢复数据库……")
        with _as_home(draft):
            _load(draft / DATABASE, manifest, backup, now)
        (draft / DATABASE).unlink()
        if not database.is_private():
            (draft / unfinished.MARKER_FILE).write_text(backup, encoding="ascii")
        _replace(draft, target)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    finally:
        os.close(lock)
    if not database.is_private():
        _finish(target, backup)
    return manifest


def draft_of(target: Path) -> Path:
    """Where a restore into a home makes everything ready."""
    return target.with_name(f".{target.name}.restoring")


def remove_abandoned_draft(target: Path) -> bool:
    """Remove what a killed restore into this home left beside it, its database server first; whether there was any."""
    draft = draft_of(target)
    lock = lock_folder(draft)
    if lock is None:
        return False
    try:
        postmaster.kill_postmaster(draft / "pg")
        shutil.rmtree(draft)
    finally:
        os.close(lock)
    return True


def refuse_unless_empty(target: Path) -> None:
    """Nothing is ever written over.

    Raises:
        Refused: names what is there.
    """
    if (target / unfinished.MARKER_FILE).exists():  # all but the last step of a restore is done
        return
    found = (
        sorted(entry.name for entry in target.iterdir() if entry.name not in _IGNORED_IN_HOME)
        if target.is_dir()
        else []
    )
    if found:
        shown = "、".join(found[:_MAX_NAMES_SHOWN]) + (f" 等 {len(found)} 项" if len(found) > _MAX_NAMES_SHOWN else "")
        raise Conflict(
            f"数据目录 {target} 不是空的（有 {shown}）：只恢复到空目录；请用 HUISUAN_HOME 指定一个新的目录",
            code="backup.home_not_empty",
        )


def _refuse_newer(manifest: dict[str, Any]) -> None:
    import huisuan

    root = Path(huisuan.__file__).parent
    ours = {path.parts[-3] for path in root.glob("*/migrations/0*.py")}
    known = {f"{path.parts[-3]}.{path.stem}" for path in root.glob("*/migrations/0*.py")}
    strange = [name for name in manifest["migrations"] if name.split(".")[0] in ours and name not in known]
    if strange:
        raise InvalidRequest(
            f"备份来自更新的版本（{manifest['version']}，有 {strange[0]}）：请先升级惠算再恢复",
            code="backup.version_newer",
        )


def _digest(manifest: dict[str, Any]) -> str:
    """What tells one backup from another."""
    return text_sha256(json.dumps(manifest, sort_keys=True))


def _lock_draft(draft: Path) -> int:
    """The draft's folder, empty and ours alone as long as the descriptor is open.

    Raises:
        Conflict: another process restores into this home.
    """
    remove_abandoned_draft(draft.with_name(draft.name.removeprefix(".").removesuffix(".restoring")))
    draft.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with contextlib.suppress(FileExistsError):
        draft.mkdir(mode=0o700)
        if (lock := lock_folder(draft)) is not None:
            return lock
    raise Conflict(f"另一个 huisuan restore 正在恢复到这里（{draft}）：请等它结束", code="restore.already_running")


def _check_space(draft: Path, manifest: dict[str, Any]) -> None:
    needed = 5 * sum(
        size for size, _ in manifest["members"].values()
    )  # a dump is compressed, its indexes are not in it
    free = shutil.disk_usage(draft).free
    if free < needed:
        raise Unavailable(
            f"{draft.parent} 所在的磁盘只剩 {free // 2**20:,} MiB，恢复可能要 {needed // 2**20:,} MiB",
            code="disk.too_full",
        )


def _put(draft: Path, name: str, blocks: Iterator[bytes]) -> None:
    place = draft / name.removeprefix(FILES)
    for folder in reversed(place.relative_to(draft).parents):
        (draft / folder).mkdir(mode=0o700, exist_ok=True)
    descriptor = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        for block in blocks:
            file.write(block)
        file.flush()
        os.fsync(file.fileno())


@contextmanager
def _as_home(place: Path) -> Iterator[None]:
    before = os.environ.get("HUISUAN_HOME")
    os.environ["HUISUAN_HOME"] = str(place)
    try:
        home()  # says so where the way to it is too long for a socket
        yield
    finally:
        if before is None:
            del os.environ["HUISUAN_HOME"]
        else:
            os.environ["HUISUAN_HOME"] = before


def _load(dumped: Path, manifest: dict[str, Any], backup: str, now: datetime) -> None:
    """Fill the database, which is the draft's own or the one that DATABASE_URL names.

    Raises:
        Conflict: it is not empty, or another restore works on it.
        Unavailable: it cannot be reached.
    """
    if database.is_private():
        with guarded(database.private_directory()):
            database.start_private_server()
            try:
                tools.load_dump(dumped)
                with _connected() as connection:
                    _hold(connection, manifest, now)
            finally:
                database.release_private_server()
    else:
        _load_outer(dumped, manifest, backup, now)


def _load_outer(dumped: Path, manifest: dict[str, Any], backup: str, now: datetime) -> None:
    """Fill another server's database, or as much of it as is not committed yet."""
    with _connected() as connection:
        unfinished.mark_restore(connection, backup)
        if unfinished.is_marked_complete(connection):
            return
        if not unfinished.is_loaded(connection, manifest["migrations"]):
            try:
                tools.load_dump(dumped)
            except Refused:
                unfinished.unmark_empty_database(connection)
                raise
        with connection.transaction():
            _hold(connection, manifest, now)
            unfinished.mark_complete(connection)


def _hold(connection: Any, manifest: dict[str, Any], now: datetime) -> None:
    """Note the restore, by which the platform knows that it is behind its agents."""
    with connection.transaction():
        connection.execute(_INSERT_RESTORATION, [manifest["made_at"], now])
        connection.execute(_HOLD_WAITING_JOBS, [json.dumps([_WAIT_REASON], ensure_ascii=False)])


def _finish(target: Path, backup: str) -> None:
    """The last step where the database is another server's.

    Raises:
        Conflict: the home is from another backup.
    """
    if (target / unfinished.MARKER_FILE).read_text(encoding="ascii") != backup:
        raise Conflict(
            f"数据目录 {target} 是用另一份备份恢复的，还差最后一步：请用那一份再运行 huisuan restore",
            code="restore.other_backup",
        )
    with _connected() as connection:
        unfinished.unmark_restored(connection, target)


@contextmanager
def _connected() -> Iterator[Any]:
    """A connection to the database that each statement commits by itself.

    Raises:
        Unavailable: it cannot be reached.
    """
    import psycopg

    try:
        with psycopg.connect(**database.psycopg_parameters(), autocommit=True) as connection:
            yield connection
    except psycopg.OperationalError as error:
        raise database.unreachable_error(error) from None


def _replace(draft: Path, target: Path) -> None:
    """Put what was made ready in the place of the empty home."""
    for name in _IGNORED_IN_HOME:
        (target / name).unlink(missing_ok=True)
        (draft / name).unlink(missing_ok=True)
    with contextlib.suppress(FileNotFoundError):
        target.rmdir()
    archive.sync_folder(draft)
    draft.rename(target)
    archive.sync_folder(target.parent)
