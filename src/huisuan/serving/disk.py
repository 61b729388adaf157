"""Whether the disk of the home has room, and what killed processes left on it."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from huisuan.base import temporary
from huisuan.base.paths import home

_MIN_FREE_MIB = 500
_SETTING = "HUISUAN_DISK_FREE_MIB"
_STALE_SECONDS = 24 * 3600
#: drafts that are renamed when they are whole, the spool of uploads, what a restore or a backup left
_LEFTOVER_NAME = re.compile(r"\..+\.[0-9a-f]{8}|\..+\.[0-9]{1,7}|.+\.part|.+\.new")
_SPOOL = ("spool",)


def min_free_bytes() -> int:
    """Below so many free bytes the platform counts as full: `HUISUAN_DISK_FREE_MIB`."""
    named = os.environ.get(_SETTING, "")
    return (int(named) if named.isascii() and named.isdecimal() else _MIN_FREE_MIB) * 2**20


def find_full_disk() -> str:
    """Which folder has too little room, and how much; "" while all have."""
    for place in (home(), Path(tempfile.gettempdir())):
        free = shutil.disk_usage(place).free
        if free < min_free_bytes():
            return f"{place}: {free // 2**20} MiB free"
    return ""


def remove_leftovers(now: float | None = None) -> list[str]:
    """Remove folders of killed processes, and what was left half-written a day ago and longer.

    Gives the names within the home.
    """
    moment = time.time() if now is None else now
    removed = temporary.remove_abandoned_folders()
    for path in _leftovers():
        try:
            if moment - path.lstat().st_mtime > _STALE_SECONDS:
                path.unlink()
                removed.append(str(path.relative_to(home())))
        except FileNotFoundError:
            continue
    return removed


def _leftovers() -> Iterator[Path]:
    """Half-written files of the platform; PostgreSQL and the agent look after their own."""
    for folder, folders, names in os.walk(home()):
        here = Path(folder)
        if here == home():
            folders[:] = [name for name in folders if name not in ("pg", "agent", temporary.TEMP_FOLDER)]
        spool = here.relative_to(home()).parts[:1] == _SPOOL
        yield from (here / name for name in names if spool or _LEFTOVER_NAME.fullmatch(name))
