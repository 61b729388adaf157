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

LEAST_FREE_MIB = 500
SETTING = "HUISUAN_DISK_FREE_MIB"
STALE_SECONDS = 24 * 3600
#: drafts that are renamed when they are whole, the spool of uploads, what a restore or a backup left
LITTER = re.compile(r"\..+\.[0-9a-f]{8}|\..+\.[0-9]{1,7}|.+\.part|.+\.new")
SPOOL = ("spool",)


def least_free_bytes() -> int:
    """Below so many free bytes the platform counts as full: `HUISUAN_DISK_FREE_MIB`."""
    named = os.environ.get(SETTING, "")
    return (int(named) if named.isascii() and named.isdecimal() else LEAST_FREE_MIB) * 2**20


def full() -> str:
    """Which folder has too little room, and how much; "" while all have."""
    for place in (home(), Path(tempfile.gettempdir())):
        free = shutil.disk_usage(place).free
        if free < least_free_bytes():
            return f"{place}: {free // 2**20} MiB free"
    return ""


def tidy(now: float | None = None) -> list[str]:
    """Remove folders of killed processes, and what was left half-written a day ago and longer.

    Gives the names within the home.
    """
    moment = time.time() if now is None else now
    removed = temporary.remove_abandoned_folders()
    for path in _litter():
        try:
            if moment - path.lstat().st_mtime > STALE_SECONDS:
                path.unlink()
                removed.append(str(path.relative_to(home())))
        except FileNotFoundError:
            continue
    return removed


def _litter() -> Iterator[Path]:
    """Half-written files of the platform; PostgreSQL and the agent look after their own."""
    for folder, folders, names in os.walk(home()):
        here = Path(folder)
        if here == home():
            folders[:] = [name for name in folders if name not in ("pg", "agent", temporary.TEMP_FOLDER)]
        spool = here.relative_to(home()).parts[:1] == SPOOL
        yield from (here / name for name in names if spool or LITTER.fullmatch(name))
