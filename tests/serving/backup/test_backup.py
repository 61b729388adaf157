"""A backup of a real home, and what comes back from it: the same to the fen, or nothing at all."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import stat
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from huisuan.base.errors import Refused
from huisuan.serving.backup import archive

TESTS = Path(__file__).parents[2]
SEED = """
from huisuan.serving.database import ready; ready()
from datetime import UTC, date, datetime
from support.usage_records import A800, centre, imported, line, party, sacct
from huisuan.compute.keys import platform_key
from huisuan.compute.centres.tariffs import set_tariff
from huisuan.base.months import Month
from huisuan.compute.metering.seals.seal_month import seal
from huisuan.parties.models import Person
from huisuan.programmes.models import Draft, Evidence
from huisuan.programmes.applications.evidence_store import evidence_store
from huisuan.settlement.runs.settle import settle
NOW = datetime(2026, 1, 5, 4, tzinfo=UTC)
centre(); set_tariff("c1", A800, "1280", date(2023, 1, 1))
imported(sacct(line(1), line(2)), tenants=(f"user,uscc\\nzhang,{party(1).uscc}\\n".encode(), "t"))
seal("c1", Month(2024, 3), by="x", now=NOW, despite="x")
settle("anhui-agi-2023", 2024, now=NOW, by="x")
evidence_store().store(b"%PDF-1.7 a contract")
"""
STATE = """
from huisuan.serving.database import ready; ready()
import json
from datetime import UTC, datetime
from huisuan.compute.keys import platform_key
from huisuan.compute.models import MeterBatch
from huisuan.parties.viewer import Viewer
from huisuan.programmes.applications.evidence_store import load_evidence
from huisuan.settlement.models import Entitlement
from huisuan.settlement.runs.queries import entitlement, run_json
from huisuan.settlement.runs.trace import trace
from huisuan.settlement.runs.settle import settle
again = settle("anhui-agi-2023", 2024, now=datetime(2026, 1, 5, 4, tzinfo=UTC), by="x")
print(json.dumps({
    "traces": [trace(entitlement(Viewer(role="province", name="x"), each.pk)) for each in Entitlement.objects.all()],
    "run": run_json(again.run), "new": again.new, "key": platform_key.public(),
    "chain": list(MeterBatch.objects.values_list("chain", "receipt")),
    "evidence": len(load_evidence("%s")),
}, default=str))
"""


class Homes:
    """Data directories, and commands run on them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def run(self, home: str, *words: str, code: int = 0) -> str:
        """Run something on a home."""
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("HUISUAN_", "DATABASE_"))}
        environment = {**kept, "HUISUAN_HOME": str(self.folder / home), "PYTHONPATH": str(TESTS)}
        done = subprocess.run(
            [sys.executable, *words], env=environment, capture_output=True, text=True, check=False, timeout=240
        )
        assert done.returncode == code, done.stderr
        return done.stdout if code == 0 else done.stderr

    def huisuan(self, home: str, *words: str | Path, code: int = 0) -> str:
        """Run a command."""
        start = "from huisuan.cli.main import main; main()"
        return self.run(home, "-c", start, *map(str, words), code=code)


@pytest.fixture(scope="module")
def homes() -> Iterator[Homes]:
    folder = Path(tempfile.mkdtemp(prefix="hs-bk-"))
    yield Homes(folder)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def backup(homes: Homes) -> Path:
    """A backup of a home with a sealed month, a settlement, and a file of evidence."""
    homes.run("a", "-c", SEED)
    made = homes.folder / "b.huisuan"
    said = json.loads(homes.huisuan("a", "backup", made, "--json"))
    assert (said["records"], said["settlement_runs"], said["heads"]) == (2, 1, {"c1": 2})
    return made


def test_what_comes_back_is_the_same_to_the_last_hash(homes: Homes, backup: Path) -> None:
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    assert [each.name for each in homes.folder.iterdir() if each.name.endswith(".part")] == []
    homes.huisuan("nowhere", "backup", "--verify", backup)
    assert not (homes.folder / "nowhere").exists()  # no database is needed for that

    homes.huisuan("b", "restore", backup)
    files = [path for path in (homes.folder / "b").rglob("*") if path.is_file() and "pg" not in path.parts]
    assert {stat.S_IMODE(path.stat().st_mode) & 0o077 for path in files} <= {0}
    assert {path.name for path in files} >= {"platform-key", "2024-03.parquet"}
    state = STATE % hashlib.sha256(b"%PDF-1.7 a contract").hexdigest()
    before, after = (json.loads(homes.run(home, "-c", state)) for home in ("a", "b"))
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
                archive.read(broken, lambda count: None)
    for end in (places[-1][1], places[0][1] + 10, 100, 0):
        broken.write_bytes(content[:end])
        with pytest.raises(Refused, match="备份"):
            archive.read(broken, lambda count: None)
    homes.huisuan("c", "restore", broken, code=1)
    assert not (homes.folder / "c").exists()
    assert not list(homes.folder.glob(".c*"))


def test_a_backup_cannot_write_outside_its_place(tmp_path: Path) -> None:
    outside = tmp_path / "evil"
    with tarfile.open(outside, "w") as members:
        for name in ("files/../../x", "/etc/x"):
            members.addfile(tarfile.TarInfo(name))
    with pytest.raises(Refused, match="不该出现"):
        archive.read(outside, lambda count: None, lambda name, blocks: pytest.fail("was given out"))


def test_a_file_that_the_database_names_and_is_gone_stops_the_backup(homes: Homes, backup: Path) -> None:
    sealed = homes.folder / "a" / "seals" / "c1" / "2024-03.parquet"
    away = sealed.rename(sealed.with_suffix(".away"))
    try:
        assert "seals/c1/2024-03.parquet" in homes.huisuan("a", "backup", homes.folder / "d", code=1)
    finally:
        away.rename(sealed)
    assert not list(homes.folder.glob("d*"))
