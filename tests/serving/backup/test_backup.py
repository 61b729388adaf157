"""A backup of a real home, and what comes back from it: the same to the fen, or nothing at all."""

from __future__ import annotations

import stat
import tarfile
from pathlib import Path
from typing import Any

import pytest

from huisuan.base.errors import Refused
from huisuan.serving.backup import archive
from support.homes import Homes

pytestmark = pytest.mark.db


def test_what_comes_back_is_the_same_to_the_last_hash(homes: Homes, backup: Path, state: dict[str, Any]) -> None:
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    assert [each.name for each in homes.folder.iterdir() if each.name.endswith(".part")] == []
    homes.huisuan("nowhere", "backup", "--verify", backup)
    assert not (homes.folder / "nowhere").exists()  # no database is needed for that

    homes.huisuan("b", "restore", backup)
    files = [path for path in (homes.folder / "b").rglob("*") if path.is_file() and "pg" not in path.parts]
    assert {stat.S_IMODE(path.stat().st_mode) & 0o077 for path in files} <= {0}
    assert {path.name for path in files} >= {"platform-key", "2024-03.parquet"}
    before, after = state, homes.state("b")
    assert not after["new"]
    assert after == before
    export = homes.folder / "export"
    homes.huisuan("b", "meter", "export", "c1", export)
    key = after["key"] if isinstance(after["key"], str) else ""
    homes.huisuan("b", "meter", "verify", export, *(["--platform-key", key] if key else []))

    assert "不是空的（有 " in homes.huisuan("b", "restore", backup, code=1)  # never over something


def test_one_changed_bit_or_a_missing_end_is_found_and_nothing_is_restored(homes: Homes, backup: Path) -> None:
    content = backup.read_bytes()
    with tarfile.open(backup) as members:
        places = [(each.name, each.offset_data, each.size) for each in members if each.size]
    broken = homes.folder / "broken.huisuan"
    for name, offset, size in places:
        if name != archive.MANIFEST:
            broken.write_bytes(
                content[: offset + size // 2]
                + bytes([content[offset + size // 2] ^ 1])
                + content[offset + size // 2 + 1 :]
            )
            with pytest.raises(Refused, match=name.split("/")[-1]):
                archive.read_backup(broken, lambda count: None)
    for end in (places[-1][1], places[0][1] + 10, 100, 0):
        broken.write_bytes(content[:end])
        with pytest.raises(Refused, match="备份"):
            archive.read_backup(broken, lambda count: None)
    homes.huisuan("c", "restore", broken, code=1)
    assert not (homes.folder / "c").exists()
    assert not list(homes.folder.glob(".c*"))


def test_a_backup_cannot_write_outside_its_place(tmp_path: Path) -> None:
    outside = tmp_path / "evil"
    with tarfile.open(outside, "w") as members:
        for name in ("files/../../x", "/etc/x"):
            members.addfile(tarfile.TarInfo(name))
    with pytest.raises(Refused, match="不该出现"):
        archive.read_backup(outside, lambda count: None, lambda name, blocks: pytest.fail("was given out"))


def test_a_file_that_the_database_names_and_is_gone_stops_the_backup(homes: Homes, backup: Path) -> None:
    sealed = homes.folder / "a" / "seals" / "c1" / "2024-03.parquet"
    away = sealed.rename(sealed.with_suffix(".away"))
    try:
        assert "seals/c1/2024-03.parquet" in homes.huisuan("a", "backup", homes.folder / "d", code=1)
    finally:
        away.rename(sealed)
    assert not list(homes.folder.glob("d*"))


def test_a_file_that_is_not_what_the_database_states_stops_the_backup(homes: Homes, backup: Path) -> None:
    sealed = homes.folder / "a" / "seals" / "c1" / "2024-03.parquet"
    content = sealed.read_bytes()
    sealed.write_bytes(content[:-1])
    try:
        report = homes.huisuan("a", "backup", homes.folder / "d", code=1)
    finally:
        sealed.write_bytes(content)
    assert "SHA-256 不符：seals/c1/2024-03.parquet" in report
    assert not list(homes.folder.glob("d*"))
