"""Work in progress lies in the home, and what a killed process left of it is removed by the next."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from huisuan.base.duck import connect_duck
from huisuan.base.temporary import (
    TEMP_FOLDER,
    lock_folder,
    process_folder,
    remove_abandoned_folders,
    temporary_folder,
)
from huisuan.serving import disk

SPILLS_AND_IS_KILLED = """
import os, signal
from huisuan.base.duck import connect_duck
from huisuan.base.temporary import temporary_folder
with temporary_folder() as folder:
    (folder / "usage.csv").write_text("x" * 1000)
    con = connect_duck({"memory_limit": "32MB", "threads": "1"})
    con.execute("SET enable_progress_bar = false")
    rows = con.execute("SELECT hash(range) AS h, repeat('x', 100) || range FROM range(1000000) ORDER BY h")
    print(sum(len(names) for _, _, names in os.walk(folder.parent)), flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HUISUAN_HOME", str(tmp_path))
    return tmp_path


def test_what_a_killed_process_spilled_goes_and_what_a_living_one_has_stays(home: Path) -> None:
    elsewhere = home / "cwd"
    elsewhere.mkdir()
    killed = subprocess.run(
        [sys.executable, "-c", SPILLS_AND_IS_KILLED], cwd=elsewhere, env={**os.environ, "TMPDIR": str(elsewhere)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert int(killed.stdout) > 1  # DuckDB had spilled
    assert list(elsewhere.iterdir()) == []  # all of it in the home
    left = set((home / TEMP_FOLDER).iterdir())
    assert len(left) == 2
    with temporary_folder() as folder:
        assert not {path for path in left if path.exists()}
        (folder / "x").write_text("x")
        connect_duck().execute("SELECT 1")
        assert disk.remove_leftovers() == []
        assert (folder / "x").exists()
        assert process_folder().is_dir()
    assert not folder.exists()


def test_a_folder_is_claimed_once_and_a_link_never(home: Path) -> None:
    with temporary_folder() as folder:
        assert lock_folder(folder) is None
    assert lock_folder(folder) is None  # gone
    outside = home / "outside"
    outside.mkdir()
    (home / TEMP_FOLDER / "link").symlink_to(outside)
    assert remove_abandoned_folders() == []
    assert outside.exists()
