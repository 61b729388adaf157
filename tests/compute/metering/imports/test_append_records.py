"""An imported accounting file is one batch of the ledger, and use above capacity in it is flagged."""

from __future__ import annotations

import pytest

from huisuan.compute.metering.ledger.append import batch_header
from huisuan.compute.metering.ledger.chain import START, next_chain_value
from huisuan.compute.metering.ledger.record_hash import leaves_digest
from huisuan.compute.metering.ledger.stored_records import load_leaves, stored_records
from huisuan.compute.models import Centre, MeterBatch, MeterFlag, UsageRecord
from support.metering import HOUR, T0, Agent, agent, leased, said
from support.usage_records import A800, HEADER, NOW, centre, imported, line, party, sacct

pytestmark = pytest.mark.django_db


def stored_leaves(at: Centre, first: int, last: int) -> str:
    """The digest of the leaves of records, taken from the database anew."""
    with stored_records(at, "u.sequence BETWEEN %s AND %s", [first, last]) as con:
        return leaves_digest(load_leaves(con))


def test_an_import_appends_one_batch_over_its_records() -> None:
    at = centre()
    tenants = (f"user,uscc\nzhang,{party(1).uscc}\n".encode(), "t")
    odd = line(1002, User="o'neil \\t 张", NodeList="gpu[01-02]")
    imported(sacct(line(), odd, line(1003, Start="2024-03-01T09:00:01")), tenants=tenants)
    batch = MeterBatch.objects.get()
    assert (batch.number, batch.first, batch.last, batch.key, batch.previous) == (1, 1, 3, None, START)
    assert batch.source_file == UsageRecord.objects.get(sequence=1).source_file
    assert batch.leaves == stored_leaves(at, 1, 3)
    assert batch.chain == next_chain_value(START, batch_header(batch, "c1"))


def test_what_changes_nothing_adds_no_batch() -> None:
    centre()
    imported(sacct(line()))
    imported(sacct(line()))
    imported(sacct(line()), dry_run=True)
    assert MeterBatch.objects.count() == 1


def test_a_correction_by_a_later_file_is_a_batch_of_its_own() -> None:
    at = centre()
    imported(sacct(line()))
    imported(sacct(line(End="2024-03-01T10:30:00")))
    first, second = MeterBatch.objects.all()
    assert (second.first, second.last, second.previous) == (2, 2, first.chain)
    assert second.leaves == stored_leaves(at, 2, 2)


def test_records_from_before_there_was_a_chain_are_covered_by_a_first_batch() -> None:
    at = centre()
    imported(sacct(line(), line(1002)))
    fields = UsageRecord.objects.filter(sequence=2).values().get()
    UsageRecord.objects.create(**fields | {"sequence": 3, "job_id": "1003"})  # as what knows of no batches would
    imported(sacct(line(1004)))
    assert [(each.first, each.last, each.source_file_id is None) for each in MeterBatch.objects.all()] == [
        (1, 2, False), (3, 3, True), (4, 4, False),
    ]  # fmt: skip
    assert MeterBatch.objects.get(number=2).leaves == stored_leaves(at, 3, 3)


def test_an_import_that_uses_more_cards_than_there_are_says_so_and_is_metered() -> None:
    centre("c1", f"gpu={A800}:1x8:a800")
    report = imported(sacct(line(), line(1002), line(1003, Start="2024-03-01T10:00:00", End="2024-03-01T11:00:00")))
    assert (report.new, report.flagged) == (3, 1)
    flag = MeterFlag.objects.get()
    assert (flag.kind, flag.key, flag.flagged_at) == ("over_capacity", f"{A800} 2024-03-01", NOW)
    assert imported(sacct(line(1004, Start="2024-03-02T10:00:00", End="2024-03-02T11:00:00"))).flagged == 0


# --- the platform's own jobs in a centre's file

NAMED = f"{HEADER}|JobName"
UID = "01hqv6tkjb7n9r3ws5x1y2z4m8"


@pytest.fixture
def site() -> Agent:
    """A centre whose agent metered an hour of a job that the platform placed there."""
    made = agent()
    leased(made.centre, UID)
    made.report(said(UID))
    return made


def own(**fields: object) -> dict[str, str]:
    """The scheduler's line of that job."""
    return line(2001, JobName=UID, **fields)


def test_a_job_that_the_platform_placed_is_not_paid_again_under_the_schedulers_name(site: Agent) -> None:
    report = imported(sacct(own(), line(2002, JobName="training|v2"), header=NAMED))
    assert (report.new, report.own, report.own_doubts, report.refused) == (1, 1, [], [])
    assert [record.job_id for record in UsageRecord.objects.order_by("sequence")] == [UID, "2002"]


def test_where_the_accounting_says_otherwise_it_is_flagged_until_it_agrees(site: Agent) -> None:
    longer = own(End="2024-03-01T11:00:00")
    report = imported(sacct(longer, header=NAMED))
    assert "57,600 卡秒，站点代理报来的记录 28,800 卡秒" in report.own_doubts[0]
    flag = MeterFlag.objects.get()
    assert (flag.kind, flag.key, flag.answered_at) == ("scheduler", f"{UID} 0 accounting", None)
    site.report(said(UID, T0 + HOUR))
    assert imported(sacct(longer, header=NAMED)).own_doubts == []
    flag.refresh_from_db()
    assert flag.answered_by == "平台"


def test_a_later_run_goes_by_its_own_name(site: Agent) -> None:
    second = line(2003, JobName=f"{UID}-1", Start="2024-03-01T10:00:00", End="2024-03-01T11:00:00")
    assert (
        "第 1 次运行：调度器记账 28,800 卡秒，站点代理报来的记录 0 卡秒"
        in imported(sacct(own(), second, header=NAMED)).own_doubts[0]
    )


def test_a_name_that_only_looks_like_one_of_ours_is_metered_as_the_centres_own() -> None:
    centre()
    assert imported(sacct(own(), header=NAMED)).new == 1


def test_a_dry_run_says_what_differs_and_flags_nothing(site: Agent) -> None:
    report = imported(sacct(own(End="2024-03-01T11:00:00"), header=NAMED), dry_run=True)
    assert (len(report.own_doubts), MeterFlag.objects.count()) == (1, 0)
