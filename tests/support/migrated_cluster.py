"""A private PostgreSQL's data directory with all migrations applied, stopped, to be copied to where a test needs one.

Migrations take twenty seconds of a processor, and every run, and every platform that a test starts in a home of its
own, began with them. The directory is kept in the user's cache, one for each state of the migrations and models; who
changes either, or the packages, gets a new one. That migrations take a new home all the way is what
`tests/system/packaging` and `tests/contract` show, which copy nothing.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import fasteners
import platformdirs

PROJECT = Path(__file__).parents[2]
#: what the tables and the rows in them at the beginning come from
SOURCES = ("src/huisuan/**/migrations/*.py", "src/huisuan/**/models.py", "src/huisuan/**/models/**/*.py",
           "src/huisuan/**/apps.py", "src/huisuan/serving/*.py", "requirements.lock")  # fmt: skip
KEPT = 20  # some 60 MB each: as many checkouts, each with migrations of its own, may be at work at once
#: the folder of the run, with its PostgreSQL, whatever HUISUAN_HOME a test has set meanwhile
RUN_FOLDER = "HUISUAN_TEST_RUN_FOLDER"
BUILDING = "cluster"  # in the folder of the run
#: files of servers that are thrown away with the run: nothing in them has to outlive a power cut
MIGRATE = """
from huisuan.serving.database import prepare_database
prepare_database()
from django.db import connection
for setting in ("fsync", "synchronous_commit", "full_page_writes"):
    connection.cursor().execute(f"ALTER SYSTEM SET {setting} = off")
"""


def copy_cluster(home: Path) -> None:
    """Put a migrated database where the platform of a home looks for it."""
    home.mkdir(exist_ok=True)
    cache = platformdirs.user_cache_path("huisuan-tests", ensure_exists=True)
    state = sources_digest()[:32]
    with fasteners.InterProcessLock(cache / f"lock-{state}"):
        kept = cache / f"cluster-{state}"
        if not kept.exists():
            _make(kept)
        os.utime(kept)
        _copy(kept, home / "pg")


def sources_digest(project: Path = PROJECT) -> str:
    """SHA-256 of everything that a migrated database depends on."""
    digest = hashlib.sha256(sys.version.encode())
    for path in sorted({path for pattern in SOURCES for path in project.glob(pattern)}):
        digest.update(f"\0{path.relative_to(project)}\0".encode() + path.read_bytes())
    return digest.hexdigest()


def _make(kept: Path) -> None:
    """Migrate in the folder of the run, which is removed with its server should this be killed."""
    building = Path(os.environ[RUN_FOLDER]) / BUILDING
    building.mkdir()
    kept_words = {key: value for key, value in os.environ.items() if not key.startswith(("HUISUAN_", "DATABASE_"))}
    done = subprocess.run(
        [sys.executable, "-c", MIGRATE],
        env={**kept_words, "HUISUAN_HOME": str(building)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (building / "pg" / ".handle_pids.json").unlink(missing_ok=True)  # of its users
    shutil.rmtree(building / "pg" / "logs", ignore_errors=True)
    unfinished = kept.with_name(f"unfinished-{kept.name}")
    shutil.rmtree(unfinished, ignore_errors=True)
    _copy(building / "pg", unfinished)
    shutil.rmtree(building)
    unfinished.rename(kept)
    for old in _by_age(kept.parent)[KEPT:]:
        shutil.rmtree(old, ignore_errors=True)


def _by_age(cache: Path) -> list[Path]:
    """The kept ones, what was used last first."""
    return sorted(cache.glob("cluster-*"), key=lambda path: path.stat().st_mtime, reverse=True)


def _copy(source: Path, target: Path) -> None:
    """With owners: where root runs the tests, PostgreSQL runs as another user."""
    subprocess.run(["cp", "-a", str(source), str(target)], check=True)
