"""Restoring a backup into an empty home: everything is made ready beside it and put in its place at the very end.

Killed at any moment before, nothing of the home has changed, and the next attempt begins anew.
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

from huisuan.base.errors import Refused
from huisuan.base.paths import home
from huisuan.serving import database
from huisuan.serving.backup import archive, tools
from huisuan.serving.backup.archive import DATABASE, FILES, Count

PASSING = {"pg.lock", "up.lock"}  # what an empty home may hold
SHOWN = 5
RESTORED = """
INSERT INTO compute_restoration (backup_made_at, restored_at, released_at) VALUES (%s, %s, NULL)
"""

WAITS = "平台从备份恢复：这个作业可能已在中心运行过，核对后由运维 huisuan restore --release 放行"
HELD = "UPDATE compute_job SET reasons = %s::jsonb WHERE state = 'waiting'"


def restore(path: Path, now: datetime, count: Count, say: Callable[[str], None]) -> dict[str, Any]:
    """Bring a backup back; gives its manifest.

    Raises:
        Refused: the backup is damaged or newer than this program, the home or the database is not empty, or the
            disk is too full.
    """
    target = home()
    refuse_unless_empty(target)
    say("核对备份……")
    manifest = archive.read(path, count)
    _refuse_newer(manifest)
    draft = target.with_name(f".{target.name}.restoring")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(mode=0o700, parents=True)
    _check_space(draft, manifest)
    try:
        say("解开文件……")
        archive.read(path, count, lambda name, blocks: _put(draft, name, blocks))
        say("恢复数据库……")
        with _as_home(draft):
            _load(draft / DATABASE, manifest, now)
        (draft / DATABASE).unlink()
        _replace(draft, target)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    return manifest


def refuse_unless_empty(target: Path) -> None:
    """Nothing is ever written over.

    Raises:
        Refused: names what is there.
    """
    found = sorted(each.name for each in target.iterdir() if each.name not in PASSING) if target.is_dir() else []
    if found:
        shown = "、".join(found[:SHOWN]) + (f" 等 {len(found)} 项" if len(found) > SHOWN else "")
        raise Refused(f"数据目录 {target} 不是空的（有 {shown}）：只恢复到空目录；请用 HUISUAN_HOME 指定一个新的目录")


def _refuse_newer(manifest: dict[str, Any]) -> None:
    import huisuan

    root = Path(huisuan.__file__).parent
    ours = {path.parts[-3] for path in root.glob("*/migrations/0*.py")}
    known = {f"{path.parts[-3]}.{path.stem}" for path in root.glob("*/migrations/0*.py")}
    strange = [name for name in manifest["migrations"] if name.split(".")[0] in ours and name not in known]
    if strange:
        raise Refused(f"备份来自更新的版本（{manifest['version']}，有 {strange[0]}）：请先升级惠算再恢复")


def _check_space(draft: Path, manifest: dict[str, Any]) -> None:
    needed = 5 * sum(
        size for size, _ in manifest["members"].values()
    )  # a dump is compressed, its indexes are not in it
    free = shutil.disk_usage(draft).free
    if free < needed:
        shutil.rmtree(draft)
        raise Refused(f"{draft.parent} 所在的磁盘只剩 {free // 2**20:,} MiB，恢复可能要 {needed // 2**20:,} MiB")


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


def _load(dumped: Path, manifest: dict[str, Any], now: datetime) -> None:
    import psycopg

    private = database.is_private()
    database.start()
    try:
        where = database.description()
        keys = {"NAME": "dbname", "USER": "user", "PASSWORD": "password", "HOST": "host", "PORT": "port"}
        address = {word: where[key] for key, word in keys.items() if where.get(key)} | where.get("OPTIONS", {})
        with psycopg.connect(**address) as connection:
            tables = connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone()
            if tables and tables[0]:
                raise Refused("DATABASE_URL 指定的库不是空的：只恢复到空库，请新建一个")
        tools.load(dumped)
        with psycopg.connect(**address) as connection:
            connection.execute(RESTORED, [manifest["made_at"], now])
            connection.execute(HELD, [json.dumps([WAITS], ensure_ascii=False)])
    except psycopg.OperationalError as error:
        raise Refused(f"连不上数据库：{error}") from None
    finally:
        if private:
            database.let_go()


def _replace(draft: Path, target: Path) -> None:
    """Put what was made ready in the place of the empty home."""
    for name in PASSING:
        (target / name).unlink(missing_ok=True)
        (draft / name).unlink(missing_ok=True)
    with contextlib.suppress(FileNotFoundError):
        target.rmdir()
    archive.sync_folder(draft)
    draft.rename(target)
    archive.sync_folder(target.parent)
