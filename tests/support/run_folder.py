"""The folder of a test run: gone with its PostgreSQL when the process of the run is, however that ended.

`python -m support.run_folder FOLDER` guards one: its standard input is the line to the run. A folder that is left all
the same, by a machine that was switched off, say, is removed by the next run.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from huisuan.base.temporary import lock_folder
from huisuan.serving import orphan_guard, postmaster

PREFIX = "huisuan-run-"
OLDER_PREFIX = "huisuan-test-"  # before folders were locked
OLD_SECONDS = 24 * 3600
_held: list[object] = []  # as long as this process lives


def new_run_folder() -> Path:
    """A new folder, locked by this process; those of runs that are gone are removed."""
    for place in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        lock = lock_folder(place) if place.is_dir() else None
        if lock is not None:
            _remove(place)
    for place in Path(tempfile.gettempdir()).glob(f"{OLDER_PREFIX}*"):
        if place.is_dir() and time.time() - place.stat().st_mtime > OLD_SECONDS:
            _remove(place)
    folder = Path(tempfile.mkdtemp(prefix=PREFIX))
    _held.append(lock_folder(folder))
    return folder


def guard(folder: Path) -> None:
    """Have the folder and its server removed when this process is gone."""
    command = [sys.executable, "-m", __name__, str(folder)]
    tests = Path(__file__).parents[1]
    _held.append(subprocess.Popen(command, cwd=tests, stdin=subprocess.PIPE, start_new_session=True))


def _remove(folder: Path) -> None:
    for data in (folder / "pg", folder / "cluster" / "pg"):  # of `support.migrated_cluster`
        postmaster.kill_postmaster(data)
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    orphan_guard.wait_for_parent_exit()
    _remove(Path(sys.argv[1]))
