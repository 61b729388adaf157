"""A settlement rests on sealed months where there are any, comes to the same as before, and refuses what differs."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb
import pytest
from django.db import connection

from huisuan.base.errors import Refused
from huisuan.base.months import Month
from huisuan.compute.centres.tariffs import set_tariff
from huisuan.compute.metering.exports.usage_parquet import export_usage, sealed_usage
from huisuan.compute.metering.seals.seal_month import next_month_to_seal, parquet_path, seal_month
from huisuan.compute.models import Centre, Seal
from huisuan.settlement.models import SettlementRun
from huisuan.settlement.runs.settle import SettleResult, settle
from support.usage_records import A800, NPU, centre, imported, line, party, sacct

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 1, 5, 4, tzinfo=UTC)
YEAR = (datetime(2023, 12, 31, 16, tzinfo=UTC), datetime(2024, 12, 31, 16, tzinfo=UTC))
MARCH, APRIL = Month(2024, 3), Month(2024, 4)


@pytest.fixture(autouse=True)
def at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Centre:
    """A centre with prices and a home of its own."""
    monkeypatch.setenv("HUISUAN_HOME", str(tmp_path))
    made = centre()
    for model, fen in ((A800, "1280"), (NPU, "950")):
        set_tariff("c1", model, fen, date(2023, 1, 1))
    return made


def tenants() -> tuple[bytes, str]:
    return f"user,uscc\nzhang,{party(1).uscc}\n".encode(), "t"


def used(*lines: dict[str, str]) -> None:
    imported(sacct(*lines), tenants=tenants())


def on(month: int, job: int, **fields: object) -> dict[str, str]:
    """A job on the tenth of a month, one hour of eight cards."""
    day = f"2024-{month:02d}-10"
    times = {"Submit": f"{day}T08:00:00", "Start": f"{day}T09:00:00", "End": f"{day}T10:00:00"}
    return line(job, **(times | fields))


def sealed(month: Month = MARCH) -> Seal:
    return seal_month("c1", month, by="专班", now=NOW, despite="测试")


def settled() -> SettleResult:
    return settle("anhui-agi-2023", 2024, now=NOW, by="test")


def test_a_settlement_over_sealed_months_comes_to_the_same_and_names_them() -> None:
    used(on(3, 1), on(3, 2), on(4, 3), on(5, 4))
    before = settled().run
    assert before.seals == []
    roots = [sealed(month).root for month in (MARCH, APRIL)]
    after = settled()
    assert after.new
    assert after.run.seals == [
        {"centre": "c1", "month": "2024-03", "root": roots[0]}, {"centre": "c1", "month": "2024-04", "root": roots[1]},
    ]  # fmt: skip
    assert (after.run.result_sha256, after.run.amount_fen) == (before.result_sha256, before.amount_fen)
    assert not settled().new


def test_a_seal_of_another_year_is_not_named_and_makes_no_new_run() -> None:
    used(on(3, 1))
    used(line(2, Submit="2025-02-01T00:00:00", Start="2025-02-01T00:00:00", End="2025-02-01T01:00:00"))
    month = MARCH
    while month <= Month(2024, 12):
        sealed(month)
        month = month.following
    first = settled()
    for month in (Month(2025, 1), Month(2025, 2)):
        sealed(month)
    assert [each["month"] for each in first.run.seals] == ["2024-03"]
    assert not settled().new


def test_a_late_correction_counts_though_the_month_it_corrects_is_sealed() -> None:
    used(on(3, 1), on(3, 2))
    sealed()
    before = settled().run
    used(on(3, 2, End="2024-03-10T10:30:00"))
    after = settled().run
    assert after.card_seconds - before.card_seconds == 8 * 1800
    assert after.records == 2
    assert [each["month"] for each in after.seals] == ["2024-03"]
    sealed(APRIL)  # which holds the correction, late
    last = settled().run
    assert ([each["month"] for each in last.seals], last.card_seconds) == (["2024-03", "2024-04"], after.card_seconds)


def test_a_past_reading_is_repeated_though_more_was_sealed_since() -> None:
    used(on(3, 1))
    past = settled().run
    used(on(3, 1, End="2024-03-10T09:30:00"), on(3, 2))
    sealed()
    again = settle("anhui-agi-2023", 2024, now=NOW, by="test", cursors=past.cursors)
    assert (again.run.result_sha256, again.run.card_seconds) == (past.result_sha256, 8 * 3600)


def test_records_that_are_not_as_they_were_sealed_are_refused() -> None:
    used(on(3, 1), on(3, 2))
    root = sealed().root
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")  # what only somebody with the whole database can do
        cursor.execute("UPDATE compute_usagerecord SET cards = 16, card_seconds = card_seconds * 2 WHERE sequence = 2")
    with pytest.raises(
        Refused, match=f"2024-03 封了 2 条、57,600 卡秒（默克尔根 {root[:12]}…），数据库里却是 2 条、86,400"
    ):
        settled()
    assert not SettlementRun.objects.exists()


def test_a_sealed_file_that_was_changed_or_lost_is_refused() -> None:
    used(on(3, 1))
    sealed()
    path = parquet_path("c1", MARCH)
    path.write_bytes(path.read_bytes() + b"\0")
    with pytest.raises(Refused, match="与 2024-03 的封账不符"):
        settled()
    path.unlink()
    with pytest.raises(Refused, match="从备份恢复"):
        settled()


@pytest.mark.parametrize("seed", range(6))
def test_what_is_read_over_seals_is_what_the_database_alone_gives(seed: int, at: Centre, tmp_path: Path) -> None:
    """Random jobs across a year, corrected and sealed at random moments, asked for as of random cursors."""
    chance = random.Random(seed)
    jobs: dict[int, int] = {}
    for _ in range(4):
        lines = []
        for _ in range(chance.randint(1, 6)):
            number = chance.choice([*jobs, len(jobs) + 1])
            month = jobs.setdefault(number, chance.randint(1, 12))
            hours = chance.choice([0, 1, 30, 24 * 22])  # some cross the month, some two
            end = datetime(2024, month, 10, 9, tzinfo=UTC) + timedelta(hours=hours)  # of the clock in Shanghai
            lines.append(on(month, number, End=f"{end:%FT%T}", State=chance.choice(["COMPLETED", "FAILED"])))
        used(*lines)
        for _ in range(chance.randint(0, 3)):
            due = next_month_to_seal(at)
            if due is not None and due < Month(2025, 6):
                sealed(due)
    last = Centre.objects.get(pk=at.pk).last_sequence
    for cursors in (None, {"c1": last}, {"c1": chance.randint(0, last)}):
        for span in (YEAR, (datetime(2024, chance.randint(1, 11), 20, tzinfo=UTC), YEAR[1])):
            over, alone = tmp_path / "over.parquet", tmp_path / "alone.parquet"
            counts = [export_usage(over, cursors, *span), export_usage(alone, cursors, *span, sealed=[])]
            rows = [duckdb.execute(f"FROM read_parquet('{path}')").fetchall() for path in (over, alone)]
            assert rows[0] == rows[1]
            assert counts == [len(rows[1])] * 2
    assert sealed_usage(None, *YEAR) or not Seal.objects.filter(records__gt=0).exists()
