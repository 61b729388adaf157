"""A backup that was interrupted goes on from what is whole of it, and nothing else of it is believed."""

from __future__ import annotations

import json
import os
import tarfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from huisuan.base.errors import Conflict
from huisuan.serving.backup import archive
from huisuan.serving.backup.archive import FILES, BackupWriter
from huisuan.serving.backup.resuming import find_reusable_members
from support.examples import examples
from support.homes import Homes

KILLED_IN_CONTENT = """
from huisuan.serving.backup import archive
seen = 0
def read(self, size=-1, before=archive._Hashing.read):
    global seen
    seen += size
    if seen > 1_000_000:
        os.kill(os.getpid(), signal.SIGKILL)
    return before(self, size)
archive._Hashing.read = read
"""
KILLED_IN_DUMP = """
from huisuan.serving.backup import making
making.tools.dump_database = lambda *words: os.kill(os.getpid(), signal.SIGKILL)
"""
STORES_EVIDENCE = """
from huisuan.programmes.applications.evidence_store import evidence_store
print(evidence_store().store(b'%PDF-1.7 later'))
"""


def test_a_killed_backup_goes_on_and_holds_what_came_since(homes: Homes, backup: Path) -> None:
    made = homes.folder / "r.huisuan"
    homes.killed("a", KILLED_IN_CONTENT, "backup", made)
    assert not made.exists()
    assert (homes.folder / "r.huisuan.part").stat().st_size > 300_000
    homes.killed("a", KILLED_IN_DUMP, "backup", made)  # by then all content is there

    later = homes.run("a", "-c", STORES_EVIDENCE).strip()
    report = json.loads(homes.huisuan("a", "backup", made, "--json"))
    assert (report["resumed_files"], report["resumed_bytes"] > 2_400_000) == (10, True)
    manifest = json.loads(homes.huisuan("nowhere", "backup", "--verify", made, "--json"))
    assert (manifest["records"], manifest["settlement_runs"]) == (2, 1)
    with tarfile.open(made) as members:
        assert f"files/evidence/{later[:2]}/{later[2:]}" in members.getnames()
    assert not list(homes.folder.glob("r.huisuan.*part"))


def test_two_backups_do_not_write_one_file(homes: Homes, backup: Path, tmp_path: Path) -> None:
    first = BackupWriter(tmp_path / "x", lambda count: None, lambda part: find_reusable_members(part, tmp_path))
    with pytest.raises(Conflict, match="正在写"):
        BackupWriter(tmp_path / "x", lambda count: None, lambda part: find_reusable_members(part, tmp_path))
    first.abandon()
    assert not list(tmp_path.iterdir())


@given(sizes=st.lists(st.integers(0, 3000), min_size=1, max_size=5), place=st.integers(0, 40_000), cut=st.booleans())
@settings(max_examples=examples(30), suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_wherever_it_is_cut_or_changed_the_resumed_backup_is_whole(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int], place: int, cut: bool
) -> None:
    home = tmp_path_factory.mktemp("home")
    contents = {f"evidence/ab/{number}": os.urandom(size) for number, size in enumerate(sizes)} | {"settings/x": b"old"}
    for name, content in contents.items():
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_bytes(content)
    made = home / "backup"
    first = BackupWriter(made, lambda count: None, lambda part: find_reusable_members(part, home))
    for name in contents:
        first.add(FILES + name, home / name)
    first.leave()
    part = bytearray(first.part.read_bytes())
    place = place % (len(part) + 1)
    if cut:
        del part[place:]
    elif place < len(part):
        part[place] ^= 1
    first.part.write_bytes(part)
    (home / "settings/x").write_bytes(b"new")

    second = BackupWriter(made, lambda count: None, lambda part: find_reusable_members(part, home))
    assert FILES + "settings/x" not in second.kept
    for name in contents:
        if FILES + name not in second.members:
            second.add(FILES + name, home / name)
    second.finish({})
    found: dict[str, bytes] = {}
    archive.read_backup(made, lambda count: None, lambda name, blocks: found.update({name: b"".join(blocks)}))
    assert found == {FILES + name: content for name, content in contents.items()} | {FILES + "settings/x": b"new"}
