"""A disk that is full, and what is left lying on one: really full, on a small file system of its own."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import Client

from huisuan.base.paths import write_private
from huisuan.programmes.applications.evidence_store import evidence_store
from huisuan.serving import disk, permissions
from huisuan.serving.backup.archive import BackupWriter
from huisuan.serving.backup.resuming import find_reusable_members


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home on a file system of one MiB."""
    words = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(tmp_path)]
    if os.geteuid() or subprocess.run(words, capture_output=True, check=False).returncode:
        pytest.skip("a file system of its own can be mounted by root only")
    monkeypatch.setenv("HUISUAN_HOME", str(tmp_path))
    yield tmp_path
    subprocess.run(["umount", "-l", str(tmp_path)], check=True)


def files(place: Path) -> set[str]:
    return {path.name for path in place.rglob("*") if path.is_file()}


def test_a_full_disk_leaves_nothing_half_written_and_healthz_tells_it(small: Path) -> None:
    big = bytes(2 * 2**20)
    with pytest.raises(OSError, match="No space") as full:
        evidence_store().store(big)
    assert full.value.errno == errno.ENOSPC
    with pytest.raises(OSError, match="No space"):
        write_private(small / "note", "x" * len(big))
    source = Path("/dev/shm" if Path("/dev/shm").is_dir() else "/tmp") / f"huisuan-{os.getpid()}"
    source.write_bytes(big)
    writer = BackupWriter(small / "b", lambda count: None, lambda part: find_reusable_members(part, small))
    try:
        with pytest.raises(OSError, match="No space"):
            writer.add("files/x", source)
    finally:
        source.unlink()
        writer.abandon()
    assert files(small) == set()
    assert "1 MiB free" in disk.find_full_disk() or "0 MiB free" in disk.find_full_disk()


@pytest.mark.django_db
def test_healthz_says_that_the_disk_is_full_and_pages_are_still_read(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert client.get("/healthz").json()["status"] == "ok"
    monkeypatch.setenv(disk._SETTING, str(10**12))
    told = client.get("/healthz")
    assert (told.status_code, told.json()["status"]) == (503, "disk full")
    assert client.get("/sign-in").status_code == 200


def test_what_was_left_half_written_long_ago_goes_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUISUAN_HOME", str(tmp_path))
    litter = ["evidence/ab/.cdef.0123abcd", "seals/c1/2024-03.parquet.part", "spool/x", ".instance.json.01234567"]
    kept = ["evidence/ab/cdef", "seals/c1/2024-03.parquet", "platform-key", "pg/x.part", "agent/y.part"]
    for name in litter + kept:
        place = tmp_path / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text("x")
    now = (tmp_path / "platform-key").stat().st_mtime
    assert disk.remove_leftovers(now + 60) == []  # somebody may be writing
    assert sorted(disk.remove_leftovers(now + 2 * disk._STALE_SECONDS)) == sorted(litter)
    assert all((tmp_path / name).exists() for name in kept)


def test_what_others_could_read_is_closed_and_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUISUAN_HOME", str(tmp_path))
    tmp_path.chmod(0o755)
    for name in ("platform-key", "settings/p/x.py", "agent/lease", "pg/x"):
        place = tmp_path / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text("x")
        place.chmod(0o644)
        place.parent.chmod(0o755)
    assert set(permissions.restrict_existing_files()) >= {"platform-key", "settings", "settings/p", "settings/p/x.py"}
    assert permissions.restrict_existing_files() == []
    modes = {
        name: stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("platform-key", "settings/p", "agent/lease")
    }
    assert modes == {"platform-key": 0o600, "settings/p": 0o700, "agent/lease": 0o644}
    assert not stat.S_IMODE(tmp_path.stat().st_mode) & 0o066
