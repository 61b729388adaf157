"""Situations of real firms, settled from accounting lines to the fen: moves, rates by day, successors of several.

The firm used 808,957.35 yuan of compute before July 2024 and 721,928.01 after: at one fen a card-second, to the fen.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from huisuan.base.errors import Refused
from huisuan.compute.centres.tariffs import set_tariff
from huisuan.law.policy.load import load_policy
from huisuan.parties.csv_import import import_parties
from huisuan.parties.relation_import import import_successions
from huisuan.settlement.adoption.proposed_settings import parse_draft
from huisuan.settlement.adoption.services import ProposalActor, adopt_proposal, propose_settings
from huisuan.settlement.impact.compare import compare_year
from huisuan.settlement.impact.register_preview import preview_import
from huisuan.settlement.models import Comparison, Entitlement, SettlementRun, Through
from huisuan.settlement.runs.settle import settle
from support.settled_policy import NAME, write_third_policy
from support.usage_records import A800, centre, code, imported, line, party, sacct

pytestmark = pytest.mark.django_db
Committed = Callable[..., AbstractContextManager[Any]]
POLICY = "anhui-agi-2023"
SPRING, SUMMER, AUTUMN = (datetime(2026, month, 5, 4, tzinfo=UTC) for month in (2, 6, 9))
NOVEMBER = datetime(2026, 11, 5, 4, tzinfo=UTC)
BEFORE_JULY, SINCE_JULY = 80_895_735, 72_192_801
WHOLE = BEFORE_JULY + SINCE_JULY


@pytest.fixture(autouse=True)
def used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUISUAN_HOME", str(tmp_path / "home"))
    centre()
    set_tariff("c1", A800, "3600", date(2023, 1, 1))
    tenants = f"user,uscc\nzhang,{party(1).uscc}\nli,{party(2, region_id='310000').uscc}\n".encode()
    lines = [
        held(1, 8, "2024-01-05T00:00:00", "2024-05-01T00:52:46"),  # 10,111,966 seconds
        held(2, 7, "2024-06-03T00:00:00", "2024-06-03T00:00:01"),
        held(3, 8, "2024-08-01T00:00:00", "2024-11-13T10:41:40"),  # 9,024,100 seconds
        held(4, 1, "2024-12-03T00:00:00", "2024-12-03T00:00:01"),
        held(5, 8, "2024-03-01T00:00:00", "2024-03-01T01:00:00", User="li"),
    ]
    imported(sacct(*lines), tenants=(tenants, "t"))


def held(job: int, cards: int, start: str, end: str, **others: str) -> dict[str, str]:
    tres = f"cpu=8,gres/gpu:a800={cards},gres/gpu={cards}"
    return line(job, tres, Submit=start, Eligible=start, Start=start, End=end, **others)


def owed(run: SettlementRun) -> dict[str, tuple[str, int]]:
    rows = Entitlement.objects.filter(run=run).values_list("party__name", "status", "amount_fen")
    return {name: (status, amount) for name, status, amount in rows}


def settled(now: datetime) -> SettlementRun:
    return settle(POLICY, 2024, now=now, by="test").run


def decided(
    first: str, rate: str, now: datetime, callbacks: Committed, document: str = "测试"
) -> tuple[Comparison, str]:
    """The comparison before a decision, and the file that it was adopted as."""
    text = f'authority = "省专班"\ndocument = "{document}"\nvalid_from = {first}\n[settings]\n"2.2.rate" = "{rate}"\n'
    draft = parse_draft(load_policy(POLICY), "f.toml", text)
    made = propose_settings(POLICY, draft, ProposalActor("zhang", Through.WEB), now)
    foreseen = compare_year(made, 2024, "zhang", now)
    with callbacks(execute=True):
        end = adopt_proposal(made.pk, ProposalActor("li", Through.WEB), now)
    return foreseen, end.file


def test_who_moves_into_the_province_or_out_of_it_in_november_2026_has_of_2024_what_it_had() -> None:
    before = settled(SPRING)
    assert owed(before) == {"公司1": ("eligible", 30_617_707), "公司2": ("not_eligible", 0)}
    moves = (
        "uscc,name,kind,region,registered_on\n"
        f"{code(2)},公司2,enterprise,340100,2026-11-01\n{code(1)},公司1,enterprise,310000,2026-11-02\n"
    ).encode()
    assert preview_import(lambda: import_parties(moves, now=NOVEMBER), NOVEMBER)[1] == []
    assert import_parties(moves, now=NOVEMBER).changed == 2
    assert owed(settled(NOVEMBER)) == owed(before)


def test_a_rate_from_july_counts_from_july_and_a_later_one_for_the_whole_year_for_the_whole_year(
    django_capture_on_commit_callbacks: Committed,
) -> None:
    assert settled(SPRING).amount_fen == WHOLE // 5 == 30_617_707
    foreseen, _ = decided("2024-07-01", "15%", SPRING, django_capture_on_commit_callbacks)
    fifteenth = settled(SUMMER).amount_fen
    assert (fifteenth, foreseen.after_fen) == (27_008_067, 27_008_067)
    foreseen, _ = decided("2024-01-01", "10%", SUMMER, django_capture_on_commit_callbacks, "测试二")
    tenth = settled(AUTUMN).amount_fen
    assert (foreseen.before_fen, foreseen.after_fen, tenth) == (27_008_067, WHOLE // 10, WHOLE // 10)


def test_a_rate_decided_twice_on_one_day_for_the_same_days_is_refused_and_the_first_stands(
    django_capture_on_commit_callbacks: Committed,
) -> None:
    settled(SPRING)
    _, first = decided("2024-07-01", "15%", SPRING, django_capture_on_commit_callbacks)
    with pytest.raises(Refused, match=rf"{first}.*同日重复.*2024-07-01"):
        decided("2024-07-01", "10%", SPRING, django_capture_on_commit_callbacks, "测试二")
    assert settled(SUMMER).amount_fen == 27_008_067


def test_the_successor_of_two_firms_has_one_cap_and_one_that_takes_over_twice_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUISUAN_POLICIES", str(tmp_path / "policies"))
    write_third_policy(tmp_path / "policies")  # a tenth of the second half-year, at most 50,000 yuan
    third = party(3, registered_on=date(2020, 1, 1))
    for number in (1, 2):
        type(third).objects.filter(pk=party(number).pk).update(registered_on=date(2020, 1, 1))
    tenants = (f"user,uscc\nli,{code(2)}\n".encode(), "t")
    again = held(9, 8, "2024-08-01T00:00:00", "2024-11-13T10:41:40", User="li")
    imported(sacct(again), tenants=tenants)
    apart = settle(NAME, 2024, now=SPRING, by="test").run
    assert owed(apart) == {"公司1": ("eligible", 5_000_000), "公司2": ("eligible", 5_000_000)}
    lines = [f"{code(number)},{third.uscc},merged,2024-09-01,true" for number in (1, 2)]
    twice = f"{code(1)},{code(2)},merged,2024-09-01,true"
    report = import_successions("\n".join(["old,new,kind,valid_from,carries", *lines, twice, ""]).encode(), now=SUMMER)
    assert (report.new, ["一个主体只能由一家承继" in str(fault) for fault in report.faults]) == (2, [True])
    together = settle(NAME, 2024, now=SUMMER, by="test").run
    assert owed(together) == {"公司3": ("eligible", 5_000_000)}
    (one,) = Entitlement.objects.filter(run=together)
    assert one.carried == sorted([code(1), code(2)])
    assert one.facts["cost"] == SINCE_JULY + 8 * 9_024_100
