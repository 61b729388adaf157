"""Lists and sums of usage: exact, current, and only what a viewer may see."""

from __future__ import annotations

import random
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import pytest

from huisuan.base.errors import Refused
from huisuan.compute.metering.exports.usage_parquet import export_usage
from huisuan.compute.metering.usage.slicing import HeldSpan, card_seconds_by_month
from huisuan.compute.metering.usage.summaries import UsageFilter, list_usage_records, summarise_usage, usage_rows
from huisuan.parties.viewer import Viewer
from support.usage_records import A800, H20, NPU, centre, code, imported, line, party, records, sacct

pytestmark = pytest.mark.django_db
SHANGHAI = ZoneInfo("Asia/Shanghai")


def two_tenants() -> None:
    for number in (1, 2):
        party(number)
    centre()
    lines = [
        line(1, Account="lab1", User="a", Start="2024-01-31T23:00:00", End="2024-02-01T02:00:00"),
        line(2, "gres/npu:910b3=2", Account="lab2", User="b", State="FAILED"),
        line(3, Account="nobody", User="c", Start="2024-02-29T23:00:00", End="2024-03-01T00:00:00"),
    ]
    tenants = f"account,uscc\nlab1,{code(1)}\nlab2,{code(2)}\n".encode()
    imported(sacct(*lines), tenants=(tenants, "t"))


def test_a_job_that_crosses_a_month_is_summed_in_both_and_nobodys_use_is_there() -> None:
    two_tenants()
    assert summarise_usage(["party", "month"], UsageFilter()) == [
        {"party": code(1), "month": "2024-01", "card_seconds": 8 * 3600, "records": 1},
        {"party": code(1), "month": "2024-02", "card_seconds": 8 * 7200, "records": 1},
        {"party": code(2), "month": "2024-03", "card_seconds": 2 * 3600, "records": 1},
        {"party": None, "month": "2024-02", "card_seconds": 8 * 3600, "records": 1},
    ]


def test_a_month_asked_for_counts_its_slices_only() -> None:
    two_tenants()
    (january,) = summarise_usage(["centre"], UsageFilter(month="2024-01"))
    assert january == {"centre": "c1", "card_seconds": 8 * 3600, "records": 1}
    assert [row["job_id"] for row in usage_rows(list_usage_records(UsageFilter(month="2024-03")))] == ["2"]


def test_sums_by_other_things() -> None:
    two_tenants()
    by_model = {row["model"]: row["records"] for row in summarise_usage(["model"], UsageFilter())}
    assert by_model == {A800: 2, NPU: 1}
    by_state = {(row["user"], row["state"]) for row in summarise_usage(["user", "state"], UsageFilter())}
    assert by_state == {("a", "COMPLETED"), ("b", "FAILED"), ("c", "COMPLETED")}
    with pytest.raises(Refused, match="colour"):
        summarise_usage(["colour"], UsageFilter())
    with pytest.raises(Refused, match="2024-13"):
        summarise_usage(["party"], UsageFilter(month="2024-13"))


@pytest.mark.parametrize("seed", range(3))
def test_months_in_the_database_are_the_months_of_the_meter(seed: int) -> None:
    chance = random.Random(seed)
    centre()
    lines, expected = [], Counter[str]()
    for job in range(60):
        start = chance.randrange(1_700_000_000, 1_730_000_000)
        end = start + chance.choice([0, 1, 3600, chance.randrange(100 * 86_400)])
        suspended = chance.choice([0, chance.randrange(end - start + 1)])
        cards = chance.choice([1, 7, 8])
        clock = f"{suspended // 3600}:{suspended // 60 % 60:02d}:{suspended % 60:02d}"
        lines.append(line(job, f"gres/gpu:a800={cards}", Submit=start, Start=start, End=end, Suspended=clock))
        for month, seconds in card_seconds_by_month(HeldSpan(start, end, suspended), cards, SHANGHAI).items():
            expected[f"{month:%Y-%m}"] += seconds
    imported(sacct(*lines))
    found = {row["month"]: row["card_seconds"] for row in summarise_usage(["month"], UsageFilter())}
    assert found == expected
    assert sum(found.values()) == sum(record.card_seconds for record in records())


def test_a_list_goes_on_after_the_last_of_the_page_before() -> None:
    centre()
    centre("c2", f"gpu={H20}:1x8")
    imported(sacct(*(line(job) for job in range(1, 6))))
    imported(sacct(line(9, "gres/gpu=1")), "c2")
    seen, after = [], None
    while page := list(usage_rows(list_usage_records(UsageFilter(after=after)), 2)):
        seen += [row["job_id"] for row in page]
        after = f"{page[-1]['centre']}/{page[-1]['sequence']}"
    assert seen == ["1", "2", "3", "4", "5", "9"]
    with pytest.raises(Refused, match="after"):
        list_usage_records(UsageFilter(after="7"))


def test_each_viewer_sees_its_own() -> None:
    two_tenants()

    def jobs(viewer: Viewer) -> list[str]:
        return [row["job_id"] for row in usage_rows(list_usage_records(UsageFilter(), viewer))]

    assert jobs(Viewer("user", "a", party_id=party(1).pk)) == ["1"]
    assert jobs(Viewer("centre", "c", party_id=party(99).pk)) == ["1", "2", "3"]
    assert jobs(Viewer("centre", "d", party_id=party(1).pk)) == []
    assert jobs(Viewer("city", "w", city="340200")) == []
    assert jobs(Viewer("auditor", "e")) == ["1", "2", "3"]
    only = summarise_usage(["party"], UsageFilter(), Viewer("user", "a", party_id=party(2).pk))
    assert [row["party"] for row in only] == [code(2)]


def test_the_export_holds_what_overlaps_the_interval_as_known_then(tmp_path: Path) -> None:
    two_tenants()
    imported(sacct(line(2, "gres/npu:910b3=4", Account="lab2", User="b", State="FAILED")))
    path = tmp_path / "usage.parquet"
    march = datetime(2024, 2, 29, 16, tzinfo=UTC), datetime(2024, 3, 31, 16, tzinfo=UTC)
    assert export_usage(path, {"c1": 4}, *march) == 1
    ((now,),) = duckdb.execute(f"SELECT t FROM '{path}' t").fetchall()
    started = 1_709_254_800
    assert now == {
        "centre": "c1",
        "party": code(2),
        "model": NPU,
        "cards": 4,
        "started": started,
        "ended": started + 3600,
        "suspended": 0,
        "card_seconds": 14_400,
        "sequence": 4,
        "centre_id": records()[0].centre_id,
    }
    assert export_usage(path, {"c1": 3}, *march) == 1
    assert duckdb.execute(f"SELECT cards FROM '{path}'").fetchall() == [(2,)]
    assert export_usage(path, {"c1": 0}, *march) == 0
    assert duckdb.execute(f"SELECT count(*) FROM '{path}'").fetchall() == [(0,)]
    january = datetime(2023, 12, 31, 16, tzinfo=UTC), datetime(2024, 1, 31, 16, tzinfo=UTC)
    assert export_usage(path, None, *january) == 1
