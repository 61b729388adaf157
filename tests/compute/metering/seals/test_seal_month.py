"""Sealing: in order, once, when a month is over; what is late goes to the next; the centre counts before it signs."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from huisuan.base.errors import Refused
from huisuan.base.months import Month
from huisuan.compute.keys import platform_key
from huisuan.compute.metering.checks.flags import answer_flag
from huisuan.compute.metering.ledger.merkle import EMPTY, merkle_root, root_from_proof
from huisuan.compute.metering.ledger.record_hash import RECORD_FIELDS, HashedRecord, record_leaf
from huisuan.compute.metering.seals.queries import (
    list_unsigned_seals,
    prove_record,
    record_countersignature,
    seal_to_dict,
    sealed_parquet,
)
from huisuan.compute.metering.seals.seal_month import parquet_path, seal_month
from huisuan.compute.models import MeterFlag, Seal, SealSignature, SiteAgent, UsageRecord
from huisuan.protocol.agent import SealWord
from huisuan.protocol.batch_chain import (
    SentBatch,
    count_sealed,
    objection,
    seal_digest,
    sealed_part_of,
    statement_sha256,
)
from support.metering import HOUR, T0, Agent, agent, leased, said
from support.usage_records import centre, imported, line, sacct

pytestmark = pytest.mark.django_db
NOW = datetime(2024, 7, 1, 4, tzinfo=UTC)
MARCH, APRIL, MAY = Month(2024, 3), Month(2024, 4), Month(2024, 5)


@pytest.fixture(autouse=True)
def at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A home of its own: sealed files of one test are none of another's."""
    monkeypatch.setenv("HUISUAN_HOME", str(tmp_path))


def sealed(month: Month = MARCH, **options: Any) -> Seal:
    return seal_month("c1", month, by="专班", now=NOW, **options)


def rows(month: Month = MARCH) -> list[tuple[Any, ...]]:
    """What the month's file holds: records as they are hashed, each with its leaf and whether it is late."""
    return duckdb.execute(f"FROM read_parquet('{parquet_path('c1', month)}')").fetchall()


def run_line(number: int, start: str, end: str, **fields: object) -> dict[str, str]:
    return line(number, Submit=start, Start=start, End=end, **fields)


def test_a_month_that_is_over_is_sealed_as_a_file_a_root_and_a_signed_statement() -> None:
    centre()
    imported(sacct(line(), line(1002, NodeList="gpu[01-02]")))
    made = sealed()
    held = rows()
    assert [HashedRecord(*row[: len(RECORD_FIELDS)]).job_id for row in held] == ["1001", "1002"]
    entries = [record_leaf(HashedRecord(*row[: len(RECORD_FIELDS)])) for row in held]
    assert [row[len(RECORD_FIELDS)] for row in held] == [each.hex() for each in entries]
    assert (made.records, made.late, made.card_seconds, made.root) == (2, 0, 2 * 8 * 3600, merkle_root(entries).hex())
    assert made.parquet_sha256 == hashlib.sha256(parquet_path("c1", MARCH).read_bytes()).hexdigest()
    told = json.loads(made.statement)
    assert (told["month"], told["records"], told["root"], told["previous"]) == ("2024-03", 2, made.root, None)
    key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(platform_key.public()))
    key.verify(bytes.fromhex(made.signature), seal_digest(made.statement))


def test_months_are_sealed_in_order_once_and_only_when_they_are_over() -> None:
    centre()
    imported(sacct(line(), run_line(1002, "2024-05-01T09:00:00", "2024-05-01T10:00:00")))
    for month, why in (
        (APRIL, "下一个该封 2024-03"),
        (Month(2024, 7), "还没有过完"),
        (Month(2024, 2), "早于最早的用量"),
    ):
        with pytest.raises(Refused, match=why):
            sealed(month)
    sealed()
    with pytest.raises(Refused, match="已经封账"):
        sealed()
    empty = sealed(APRIL)
    assert (empty.records, empty.root) == (0, EMPTY.hex())
    assert json.loads(empty.statement)["previous"] == statement_sha256(
        Seal.objects.get(month=MARCH.first_day).statement
    )
    assert sealed(MAY).records == 1


def test_a_record_belongs_to_the_month_of_its_last_second() -> None:
    centre()
    imported(
        sacct(
            run_line(1, "2024-03-31T23:00:00", "2024-04-01T00:00:00"),  # its last second is March's
            run_line(2, "2024-03-31T23:00:00", "2024-04-01T00:00:01"),
            run_line(3, "2024-04-01T00:00:00", "2024-04-01T00:00:00"),  # no length: a moment in April
        )
    )
    sealed()
    sealed(APRIL)
    assert [[row[4] for row in rows(month)] for month in (MARCH, APRIL)] == [["1"], ["2", "3"]]


def test_what_comes_after_the_seal_goes_to_the_next_one_marked_late_and_changes_nothing_before() -> None:
    centre()
    imported(sacct(line(), line(1002)))
    before = sealed()
    imported(
        sacct(
            line(1002, End="2024-03-01T10:30:00"),  # a correction
            line(1003),  # forgotten
            run_line(1004, "2024-04-02T09:00:00", "2024-04-02T10:00:00"),
        )
    )
    after = sealed(APRIL)
    assert (after.records, after.late) == (3, 2)
    assert [(row[4], row[2], row[-1]) for row in rows(APRIL)] == [
        ("1002", 2, True), ("1003", None, True), ("1004", None, False),
    ]  # fmt: skip
    assert (
        Seal.objects.get(pk=before.pk).root == before.root == merkle_root(map(record_leaf, map(record, rows()))).hex()
    )


def record(row: tuple[Any, ...]) -> HashedRecord:
    return HashedRecord(*row[: len(RECORD_FIELDS)])


def test_every_record_is_in_exactly_one_seal() -> None:
    centre()
    months = ["2024-03", "2024-04", "2024-05"]
    for step, month in enumerate(months):
        imported(
            sacct(
                *(
                    run_line(100 * step + number, f"{each}-10T09:00:00", f"{each}-10T10:00:00")
                    for number, each in enumerate(months)
                )
            )
        )
        sealed(Month.parse(month))
    held = [row[1] for month in months for row in rows(Month.parse(month))]
    ended = UsageRecord.objects.filter(ended_at__lt=datetime(2024, 6, 1, tzinfo=UTC)).count()
    assert sorted(held) == sorted(set(held))
    assert len(held) == ended == 9


def test_open_flags_hold_a_seal_up_until_they_are_answered_or_a_reason_is_given() -> None:
    site = agent()
    leased(site.centre)
    site.report(said(), said(uid="nobody"))
    with pytest.raises(Refused, match="1 个疑点未答复"):
        sealed()
    made = sealed(despite="对方已书面说明，下月更正")
    told = json.loads(made.statement)
    assert (told["open_flags"], told["despite"]) == (1, "对方已书面说明，下月更正")


def test_an_answered_flag_and_one_about_a_later_month_hold_nothing_up() -> None:
    site = agent()
    leased(site.centre)
    leased(site.centre, "J2")
    site.report(said(), said(uid="nobody"))
    answer_flag(MeterFlag.objects.get().pk, "查无此作业", "专班", NOW)
    site.report(said("nobody", T0 + timedelta(days=40)), now=NOW)
    told = json.loads(sealed().statement)
    assert (told["open_flags"], told["despite"]) == (0, "")


def test_a_run_without_records_holds_a_seal_up() -> None:
    site = agent()
    leased(site.centre, state="done", started_at=T0, ended_at=T0 + HOUR)
    imported(sacct(line()))
    with pytest.raises(Refused, match="疑点未答复"):
        sealed()
    assert MeterFlag.objects.get().kind == "missing"
    site.report(said())  # it came
    assert json.loads(sealed().statement)["open_flags"] == 0


def test_a_seal_that_fails_leaves_no_file() -> None:
    centre()
    with pytest.raises(Refused):
        sealed(Month(2024, 7))
    assert not list(parquet_path("c1", Month(2024, 7)).parent.glob("*2024-07*"))


# --- the centre's side


@pytest.fixture
def site() -> Agent:
    """An agent that serves a centre, with a day of a job in March, two hours of it in April, and a doubtful line."""
    made = agent()
    leased(made.centre, placed=T0.replace(day=30))
    SiteAgent.objects.create(
        centre=made.centre, key=made.key, boot="1", host="login01", version="0", engine="slurm", last_seen_at=NOW
    )
    return made


def reported(site: Agent) -> list[SentBatch]:
    """Send three batches; what the agent remembers of them."""
    start = T0.replace(day=31, hour=13)  # 21:00 in Shanghai
    hours = [said(started=start + hour * HOUR) for hour in range(5)]
    batches = [hours[:2], [hours[2], said(uid="nobody", started=start)], [*hours[3:], hours[0]]]
    return [
        SentBatch(number, lines, site.report(*lines, now=NOW).flagged)
        for number, lines in enumerate(batches, start=1)
    ]  # fmt: skip


def word(site: Agent, month: str = "2024-03", **fields: Any) -> SealWord:
    """What the agent answers: its signature, unless said otherwise."""
    statement = Seal.objects.get(month=Month.parse(month).first_day).statement
    plain = {
        "month": month, "statement_sha256": statement_sha256(statement),
        "signature": site.private.sign(seal_digest(statement)).hex(),
    }  # fmt: skip
    return SealWord.model_validate(plain | fields)


def test_the_agent_counts_what_the_seal_says_of_it(site: Agent) -> None:
    sent = reported(site)
    for month, records in ((MARCH, 3), (APRIL, 2)):
        statement = sealed(month, despite="测试").statement
        part = sealed_part_of(statement, site.name)
        assert part is not None
        assert (part.batches, part.digest, part.records) == (3, site.previous, records)
        assert count_sealed(statement, site.name, sent) == (records, records * 8 * 3600)
        assert objection(statement, site.name, site.previous, count_sealed(statement, site.name, sent)) == ""


@pytest.mark.parametrize(
    ("digest", "counted", "why"),
    [(None, None, "没有发过"), ("0" * 64, None, "摘要不同"), ("", (2, 57600), "3 条、86,400 卡秒")],
)
def test_the_agent_objects_to_what_is_not_as_it_knows(site: Agent, digest: str, counted: Any, why: str) -> None:
    reported(site)
    statement = sealed(despite="测试").statement
    assert why in objection(statement, site.name, site.previous if digest == "" else digest, counted)
    assert "没有站点代理 x" in objection(statement, "x", "0" * 64, None)


def test_the_centre_is_asked_and_its_signature_is_kept_once(site: Agent) -> None:
    reported(site)
    assert list_unsigned_seals(site.centre) == []
    made = sealed(despite="测试")
    (question,) = list_unsigned_seals(site.centre)
    assert (question.month, question.statement, question.signature) == ("2024-03", made.statement, made.signature)
    for _ in range(2):
        record_countersignature(site.centre, site.key, word(site), NOW)
    kept = SealSignature.objects.get()
    assert (kept.seal, kept.key, kept.signature) == (made, site.key, word(site).signature)
    assert list_unsigned_seals(site.centre) == []
    assert seal_to_dict(Seal.objects.get())["countersigned_by"] == site.name


def test_an_agent_that_sent_nothing_is_not_asked(site: Agent) -> None:
    imported(sacct(line()))
    sealed()
    assert list_unsigned_seals(site.centre) == []


def test_a_refusal_is_flagged_and_not_asked_again_until_it_is_answered(site: Agent) -> None:
    reported(site)
    sealed(despite="测试")
    record_countersignature(site.centre, site.key, word(site, signature=None, refused="少了一条"), NOW)
    flag = MeterFlag.objects.get(key="seal 2024-03")
    assert (flag.kind, "少了一条" in flag.text, list_unsigned_seals(site.centre)) == ("scheduler", True, [])
    answer_flag(flag.pk, "代理的数据库恢复过，已核对", "专班", NOW)
    assert len(list_unsigned_seals(site.centre)) == 1
    record_countersignature(site.centre, site.key, word(site, signature=None, refused="还是少一条"), NOW)
    again = MeterFlag.objects.get(key="seal 2024-03", answered_at=None)
    assert ("还是少一条" in again.text, again.occasion, list_unsigned_seals(site.centre)) == (True, 2, [])


def test_a_signature_of_another_key_or_over_another_statement_is_not_kept(site: Agent) -> None:
    reported(site)
    statement = sealed(despite="测试").statement
    record_countersignature(site.centre, site.key, word(site, statement_sha256="0" * 64), NOW)
    assert MeterFlag.objects.filter(kind="signature").count() == 0
    forged = Ed25519PrivateKey.generate().sign(seal_digest(statement)).hex()
    record_countersignature(site.centre, site.key, word(site, signature=forged), NOW)
    assert MeterFlag.objects.filter(kind="signature").count() == 1
    assert not SealSignature.objects.exists()


# --- proofs


def test_a_sealed_record_can_be_proven_with_a_path_to_the_root() -> None:
    at = centre()
    imported(sacct(*(line(1000 + number) for number in range(5))))
    made = sealed()
    for sequence in range(1, 6):
        given = prove_record(at, sequence)
        path = [bytes.fromhex(each) for each in given["path"]]
        found = root_from_proof(bytes.fromhex(given["leaf"]), given["index"], given["size"], path)
        assert (found or b"").hex() == made.root
        assert record_leaf(HashedRecord(**given["record"])).hex() == given["leaf"]


def test_there_is_no_proof_of_what_is_not_sealed_or_not_there() -> None:
    at = centre()
    imported(sacct(line(), run_line(1002, "2024-04-01T09:00:00", "2024-04-01T10:00:00")))
    sealed()
    with pytest.raises(Refused, match="还没有封入"):
        prove_record(at, 2)
    with pytest.raises(Refused, match="没有第 3 条"):
        prove_record(at, 3)


def test_a_file_that_is_not_as_it_was_sealed_is_refused() -> None:
    at = centre()
    imported(sacct(line()))
    made = sealed()
    file = parquet_path("c1", MARCH)
    content = file.read_bytes()
    file.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(Refused, match="与 2024-03 的封账不符"):
        prove_record(at, 1)
    file.unlink()
    with pytest.raises(Refused, match="从备份恢复"):
        sealed_parquet(made)
