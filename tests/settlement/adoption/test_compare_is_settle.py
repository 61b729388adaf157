"""What a comparison says of a year is what the next settlement pays, whatever is decided, for whatever days."""

from __future__ import annotations

import tempfile
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from django.db import transaction
from django.test import TestCase
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from huisuan.base.errors import Refused
from huisuan.compute.centres.services import CentrePlan, add_centre
from huisuan.compute.centres.tariffs import set_tariff
from huisuan.law.policy.load import load_policy
from huisuan.parties.csv_import import import_parties
from huisuan.settlement.adoption.proposed_settings import parse_draft
from huisuan.settlement.adoption.services import ProposalActor, adopt_proposal, propose_settings
from huisuan.settlement.impact.compare import compare_year
from huisuan.settlement.models import ComparedParty, Entitlement, SettlementRun, Through
from huisuan.settlement.runs.settle import settle_year
from support.examples import examples
from support.relations import relate
from support.usage_records import A800, centre, code, imported, line, party, sacct

pytestmark = pytest.mark.django_db
POLICY, CITY, YEAR = "anhui-agi-2023", "wuhu-compute-2025", 2025
STARTS = datetime(2026, 2, 1, 4, tzinfo=UTC)
FIRST, LAST = date(YEAR, 1, 1), date(YEAR, 12, 31)
Decision: TypeAlias = tuple[date, date | None, str]  # first day, last day, what is set
Amounts: TypeAlias = dict[str, int]

_set = st.sampled_from(
    [f'[settings]\n"2.2.rate" = "{share}%"\n' for share in (0, 7, 15)]
    + ['[interpretations]\n"2.2.affiliated" = "same"\n', '[interpretations]\n"2.2.others" = "open"\n']
    + ['repeal = ["2.2.rate"]\n', '[interpretations]\n"0.3.replaced" = "ends"\n']
)
_days = st.sampled_from([FIRST, date(2025, 3, 1), date(2025, 5, 15), date(2025, 7, 1), date(2025, 8, 1), LAST])
_decisions = st.lists(st.tuples(_days, st.none() | _days, _set), min_size=1, max_size=2)
_ways = st.sampled_from(["once", "together", "rest", "better"]).map(
    lambda way: f'[interpretations]\n"w.2.with_province" = "{way}"\n'
)
_combined = st.lists(st.tuples(_days, st.none() | _days, _ways), min_size=1, max_size=2)
_moves = st.dictionaries(st.sampled_from([1, 2, 3]), st.dates(FIRST, LAST), max_size=2)


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Four firms use cards in Hefei and Wuhu, each in other months; the operator of Wuhu's centre owns the third."""
    monkeypatch.setenv("HUISUAN_HOME", str(tmp_path))
    centre()
    plan = CentrePlan(name="芜湖", operator=party(98).uscc, region="340200", partitions=(f"gpu={A800}:4x8",))
    add_centre("wuhu", plan)
    for name in ("c1", "wuhu"):
        set_tariff(name, A800, "1283", date(2023, 1, 1))
    tenants = ("user,uscc\n" + "".join(f"u{at},{party(at).uscc}\n" for at in (1, 2, 3, 4))).encode()
    relate(party(98), party(3), share_permille=1000, valid_from=date(2025, 4, 1))
    for name, used in (("c1", [(1, 2), (1, 7), (2, 4), (3, 6), (4, 10)]), ("wuhu", [(1, 5), (2, 11), (3, 3), (3, 9)])):
        lines = [_job(at, user, month) for at, (user, month) in enumerate(used, 1)]
        imported(sacct(*lines), at=name, tenants=(tenants, "t"))


def _job(at: int, user: int, month: int) -> dict[str, str]:
    start, end = f"{YEAR}-{month:02d}-15T20:00:00", f"{YEAR}-{month:02d}-16T0{user}:00:0{at}"
    return line(at, User=f"u{user}", Submit=start, Eligible=start, Start=start, End=end)


def settled(now: datetime) -> dict[str, Amounts]:
    """By rule, what each party is owed."""
    found: dict[str, Amounts] = {}
    for made in settle_year(YEAR, now=now, by="test"):
        rows = Entitlement.objects.filter(run=made.run).values_list("party__uscc", "amount_fen")
        found[made.run.sentence] = dict(rows)
    return found


def foreseen(decision: Decision, now: datetime, policy: str = POLICY) -> tuple[Amounts, Amounts] | None:
    """Propose, compare and adopt: by party what is owed without and with it; None where it cannot be proposed."""
    first, last, what = decision
    until = f"valid_to = {last}\n" if last else ""
    repeal, tables = (what, "") if what.startswith("repeal") else ("", what)
    text = f'authority = "省专班"\ndocument = "测试"\nvalid_from = {first}\n{until}{repeal}{tables}'
    try:
        draft = parse_draft(load_policy(policy), "f.toml", text)
        made = propose_settings(policy, draft, ProposalActor("zhang", Through.WEB), now)
    except Refused:
        return None
    compared = compare_year(made, YEAR, "zhang", now)
    lines = ComparedParty.objects.filter(comparison=compared).values_list("party__uscc", "before_fen", "after_fen")
    with TestCase.captureOnCommitCallbacks(execute=True):
        adopt_proposal(made.pk, ProposalActor("li", Through.WEB), now)
    found = list(lines)
    assert (compared.before_fen, compared.after_fen) == (sum(row[1] for row in found), sum(row[2] for row in found))
    return {row[0]: row[1] for row in found}, {row[0]: row[2] for row in found}


@settings(max_examples=examples(6), suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(_decisions, _moves)
@example([(FIRST, None, '[interpretations]\n"0.3.replaced" = "ends"\n')], {})  # some use only what is cut off then
@example([(date(2025, 7, 1), date(2025, 9, 30), 'repeal = ["2.2.rate"]\n')], {1: date(2025, 3, 1)})
def test_the_next_settlement_pays_each_party_what_the_comparison_said(
    world: None, decisions: list[Decision], moves: dict[int, date]
) -> None:
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as home, transaction.atomic():
        patch.setenv("HUISUAN_HOME", home)
        _move(moves)
        now, before = STARTS, settled(STARTS)
        for decision in decisions:
            told = foreseen(decision, now)
            now += timedelta(days=2)
            after = settled(now)
            if told is not None:
                assert without_nothing(told[0]) == without_nothing(before["2.2"])
                assert without_nothing(told[1]) == without_nothing(after["2.2"])
                assert told[0].keys() == before["2.2"].keys() | after["2.2"].keys()
            before = after
        transaction.set_rollback(True)


@settings(max_examples=examples(3), suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(_combined, _moves)
@example([(FIRST, None, '[interpretations]\n"w.2.with_province" = "better"\n')], {2: date(2025, 11, 16)})
def test_what_is_payable_after_any_decisions_on_combining_is_what_the_comparison_said(
    world: None, decisions: list[Decision], moves: dict[int, date]
) -> None:
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as home, transaction.atomic():
        patch.setenv("HUISUAN_HOME", home)
        _move(moves)
        now, before = STARTS, payable(STARTS)
        for decision in decisions:
            told = foreseen(decision, now, CITY)
            now += timedelta(days=2)
            after = payable(now)
            if told is not None:
                assert (without_nothing(told[0]), without_nothing(told[1])) == (
                    without_nothing(before), without_nothing(after)
                )  # fmt: skip
            before = after
        transaction.set_rollback(True)


def without_nothing(owed: Amounts) -> Amounts:
    return {uscc: fen for uscc, fen in owed.items() if fen}


def _move(moves: dict[int, date]) -> None:
    rows = [f"{code(number)},公司{number},enterprise,310000,{day}" for number, day in moves.items()]
    report: Any = import_parties(
        "\n".join(["uscc,name,kind,region,valid_from", *rows, ""]).encode(), now=STARTS - timedelta(days=30)
    )
    assert (report.faults, SettlementRun.objects.count()) == ([], 0)


@pytest.mark.parametrize("way", ['"once"', '"together"', '"rest"', '"better"'])
def test_a_proposal_on_how_rules_combine_is_compared_by_what_is_payable_and_so_it_is_settled(
    world: None, way: str, django_capture_on_commit_callbacks: Any
) -> None:
    before = payable(STARTS)
    text = (
        f'authority = "市"\ndocument = "测试"\nvalid_from = {FIRST}\n[interpretations]\n"w.2.with_province" = {way}\n'
    )
    draft = parse_draft(load_policy(CITY), "f.toml", text)
    made = propose_settings(CITY, draft, ProposalActor("zhang", Through.WEB), STARTS)
    compared = compare_year(made, YEAR, "zhang", STARTS)
    assert (compared.amount, compared.run.sentence) == ("payable", "w.2")
    lines = ComparedParty.objects.filter(comparison=compared).values_list("party__uscc", "before_fen", "after_fen")
    foreseen_before, foreseen_after = ({row[0]: row[at] for row in lines} for at in (1, 2))
    with django_capture_on_commit_callbacks(execute=True):
        adopt_proposal(made.pk, ProposalActor("li", Through.WEB), STARTS)
    after = payable(STARTS + timedelta(days=2))
    assert (foreseen_before, foreseen_after) == (before, after)
    assert compared.after_fen == sum(after.values())
    assert any(after.values()) == (way != '"once"'), "the province pays first for all of it"
    assert compare_year(made, YEAR, "zhang", STARTS + timedelta(days=2)).after_fen == compared.after_fen


def payable(now: datetime) -> Amounts:
    """What is payable under the city's rule, by party."""
    [run] = [made.run for made in settle_year(YEAR, now=now, by="test") if made.run.policy == CITY]
    rows = Entitlement.objects.filter(run=run).values_list("party__uscc", "amount_fen", "payable_fen")
    return {uscc: owed if less is None else less for uscc, owed, less in rows}
