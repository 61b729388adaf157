"""Facts of parties have days: a move changes nothing before it, a successor carries claims; both are seen first."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from django.db import DatabaseError, IntegrityError, transaction

from huisuan.compute.centres.tariffs import set_tariff
from huisuan.parties.csv_import import import_parties
from huisuan.parties.models import Party, Relation, StateChange
from huisuan.parties.relation_import import import_relations, import_successions
from huisuan.settlement.impact.register_preview import preview_import
from huisuan.settlement.models import Entitlement, SettlementRun
from huisuan.settlement.runs.settle import SettleResult, settle
from huisuan.settlement.runs.trace import trace_entitlement
from support.settled_policy import NAME, write_third_policy
from support.usage_records import A800, centre, imported, line, party, sacct

pytestmark = pytest.mark.django_db
BEFORE, LATER, NOW = (datetime(2026, month, 5, 4, tzinfo=UTC) for month in (1, 6, 11))
HOUR = 8 * 1280  # fen of an hour of eight cards
PARTIES, SUCCESSIONS = "uscc,name,kind,region,registered_on,valid_from,valid_to", "old,new,kind,valid_from,carries"


@pytest.fixture(autouse=True)
def used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Firms 1 and 2 (of Hefei) and 3 (of Shanghai) each used an hour of eight cards in March and one in August 2024."""
    monkeypatch.setenv("HUISUAN_HOME", str(tmp_path / "home"))
    centre()
    set_tariff("c1", A800, "1280", date(2023, 1, 1))
    users = [party(1), party(2), party(3, region_id="310000", registered_on=date(2020, 8, 8))]
    tenants = ("user,uscc\n" + "".join(f"u{at},{each.uscc}\n" for at, each in enumerate(users, 1))).encode()
    lines = [
        line(10 * month + at, User=f"u{at}", Submit=f"2024-{month:02d}-01T08:00:00",
             Start=f"2024-{month:02d}-01T09:00:00", End=f"2024-{month:02d}-01T10:00:00")
        for month in (3, 8) for at in (1, 2, 3)
    ]  # fmt: skip
    imported(sacct(*lines), tenants=(tenants, "t"))


def csv(header: str, *lines: str) -> bytes:
    return "\n".join([header, *lines, ""]).encode()


def moved(number: int, region: str, *, on: str = "", valid_from: str = "", kind: str = "enterprise") -> str:
    return f"{party(number).uscc},公司{number},{kind},{region},{on},{valid_from},"


def settled(now: datetime = NOW, as_known: date | None = None) -> SettleResult:
    return settle("anhui-agi-2023", 2024, now=now, by="test", as_known=as_known)


def owed(run: SettlementRun) -> dict[str, tuple[str, int]]:
    """By firm the status and what is owed."""
    rows = Entitlement.objects.filter(run=run).values_list("party__name", "status", "amount_fen")
    return {name: (status, amount) for name, status, amount in rows}


def test_a_firm_that_moves_in_or_out_later_keeps_what_it_was_in_the_year() -> None:
    before = settled(LATER).run
    assert owed(before) == {
        "公司1": ("eligible", 2 * HOUR // 5), "公司2": ("eligible", 2 * HOUR // 5), "公司3": ("not_eligible", 0),
    }  # fmt: skip
    file = csv(PARTIES, moved(3, "340100", on="2026-11-01"), moved(1, "310000", on="2026-11-02"))
    report, changed = preview_import(lambda: import_parties(file, now=NOW), NOW)
    assert (report.changed, changed) == (2, [])
    assert import_parties(file, now=NOW).changed == 2
    assert str(Party.objects.get(name="公司3").region_id) == "340100"
    after = settled()
    assert owed(after.run) == owed(before)
    assert not after.new


def test_use_after_a_move_within_the_year_does_not_count_and_what_was_known_before_comes_out_as_before() -> None:
    live = settled(LATER).run
    file = csv(PARTIES, moved(1, "310000", valid_from="2024-05-01"), moved(3, "340200", valid_from="2024-05-01"))
    _, changed = preview_import(lambda: import_parties(file, now=NOW), NOW)
    assert [(each.party, each.before_fen, each.after_fen, each.status_after) for each in changed] == sorted(
        [(party(1).uscc, 2 * HOUR // 5, HOUR // 5, "eligible"), (party(3).uscc, 0, HOUR // 5, "eligible")]
    )
    assert not StateChange.objects.exists(), "a look changes nothing"
    import_parties(file, now=NOW)
    after = settled().run
    assert owed(after) == {
        "公司1": ("eligible", HOUR // 5), "公司2": ("eligible", 2 * HOUR // 5), "公司3": ("eligible", HOUR // 5),
    }  # fmt: skip
    assert after.result_sha256 != live.result_sha256
    for each in Entitlement.objects.filter(run=after):
        assert all(trace_entitlement(each)["checks"].values())
    replayed = settled(NOW, as_known=live.as_known).run
    assert owed(replayed) == owed(live)
    assert replayed.result_sha256 == live.result_sha256, "a replay is what was live"


@pytest.mark.parametrize("same_file", [True, False])
def test_a_party_that_moves_twice_in_a_day_is_refused(same_file: bool) -> None:
    first, second = moved(1, "310000", valid_from="2024-05-01"), moved(1, "340200", valid_from="2024-05-01")
    if same_file:
        report = import_parties(csv(PARTIES, first, second), now=NOW)
    else:
        import_parties(csv(PARTIES, first), now=NOW)
        report = import_parties(csv(PARTIES, second), now=NOW)
    (fault,) = report.faults
    assert "同一天不能变更两次" in str(fault)
    assert [change.value for change in StateChange.objects.all()] == ["310000"]
    again = import_parties(csv(PARTIES, first), now=NOW)
    assert (again.same, again.changed, again.faults) == (1, 0, [])


def test_a_kind_that_holds_for_some_days_counts_for_those_alone() -> None:
    until = moved(2, "340100", valid_from="2024-07-01", kind="city").removesuffix(",") + ",2024-09-01"
    import_parties(csv(PARTIES, until), now=NOW)
    assert owed(settled().run)["公司2"] == ("eligible", HOUR // 5)


def test_of_a_firm_that_was_registered_in_the_year_only_the_use_since_then_counts() -> None:
    Party.objects.filter(name="公司1").update(registered_on=date(2024, 6, 1))
    assert owed(settled().run)["公司1"] == ("eligible", HOUR // 5)


def test_a_firm_under_a_new_code_is_one_claimant_with_what_it_was() -> None:
    lines = csv(SUCCESSIONS, f"{party(1).uscc},{party(2).uscc},renumbered,2024-06-01,")
    live = settled(LATER).run
    _, changed = preview_import(lambda: import_successions(lines, now=NOW), NOW)
    assert {(each.party, each.after_fen) for each in changed} == {
        (party(1).uscc, None), (party(2).uscc, 4 * HOUR // 5),
    }  # fmt: skip
    assert import_successions(lines, now=NOW).new == 1
    run = settled().run
    assert owed(run) == {"公司2": ("eligible", 4 * HOUR // 5), "公司3": ("not_eligible", 0)}
    one = Entitlement.objects.get(run=run, party=party(2))
    assert (one.carried, one.facts["spend"]) == ([party(1).uscc], 4 * HOUR)
    tree = trace_entitlement(one)
    assert all(tree["checks"].values())
    assert {bill["party"] for bill in tree["bills"]} == {party(1).uscc, party(2).uscc}
    assert owed(settled(NOW, as_known=live.as_known).run) == owed(live)
    assert import_successions(lines, now=NOW).same == 1


def test_of_a_merger_only_the_use_of_those_whom_the_rule_is_for_counts() -> None:
    merged = [f"{party(number).uscc},{party(2).uscc},merged,2024-06-01," for number in (1, 3)]
    assert import_successions(csv(SUCCESSIONS, *merged), now=NOW).new == 2
    run = settled().run
    assert owed(run) == {"公司2": ("eligible", 4 * HOUR // 5)}
    (one,) = Entitlement.objects.filter(run=run)
    assert one.counted == {party(3).uscc: []}
    assert all(trace_entitlement(one)["checks"].values())


def test_a_successor_carries_a_cap_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUISUAN_POLICIES", str(tmp_path / "policies"))
    write_third_policy(tmp_path / "policies")
    Party.objects.update(registered_on=date(2020, 1, 1))
    set_tariff("c1", A800, "1000000", date(2024, 10, 1), replace=True)
    day = {"Submit": "2024-10-01T01:00:00", "Start": "2024-10-01T01:00:00", "End": "2024-10-01T14:00:00"}
    tenants = (f"user,uscc\nu1,{party(1).uscc}\nu2,{party(2).uscc}\n".encode(), "t")
    imported(sacct(line(901, User="u1", **day), line(902, User="u2", **day)), tenants=tenants)
    cap = 5_000_000
    apart = owed(settle(NAME, 2024, now=LATER, by="test").run)
    assert (apart["公司1"], apart["公司2"]) == (("eligible", cap), ("eligible", cap))
    import_successions(csv(SUCCESSIONS, f"{party(1).uscc},{party(2).uscc},merged,2024-06-01,true"), now=NOW)
    together = owed(settle(NAME, 2024, now=NOW, by="test").run)
    assert (together.get("公司1"), together["公司2"]) == (None, ("eligible", cap))


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        (["1,2,split,2024-06-01,"], "分立没有写明由谁承继"),
        (["1,2,split,2024-06-01,true", "1,3,split,2024-06-01,true"], "一个主体只能由一家承继"),
        (["1,2,merged,2024-06-01,false"], "换号与合并一概承继"),
        (["1,2,renumbered,2024-06-01,", "2,1,renumbered,2024-07-01,"], "绕成一圈"),
        (["1,1,merged,2024-06-01,"], "与 old 相同"),
        (["1,2,sold,2024-06-01,"], "不是已知的承继方式"),
    ],
)
def test_who_carries_claims_is_never_left_open(lines: list[str], says: str) -> None:
    codes = [
        ",".join([party(int(old)).uscc, party(int(new)).uscc, *rest])
        for old, new, *rest in (x.split(",") for x in lines)
    ]
    report = import_successions(csv(SUCCESSIONS, *codes), now=NOW)
    assert [says in str(fault) for fault in report.faults] == [True]
    assert report.new == len(lines) - 1


def test_of_a_split_one_carries_and_the_others_begin_anew() -> None:
    lines = [
        f"{party(1).uscc},{party(number).uscc},split,2024-06-01,{carries}" for number, carries in ((2, "是"), (3, "否"))
    ]
    assert import_successions(csv(SUCCESSIONS, *lines), now=NOW).new == 2
    assert owed(settled().run) == {"公司2": ("eligible", 4 * HOUR // 5), "公司3": ("not_eligible", 0)}


RELATIONS = "owner,owned,control,valid_from,valid_to,withdrawn"


def owns(valid_to: str = "", withdrawn: str = "") -> bytes:
    """The operator of the centre (99) controls firm 1 since July 2024."""
    return csv(RELATIONS, f"{party(99).uscc},{party(1).uscc},true,2024-07-01,{valid_to},{withdrawn}")


def test_a_relation_learned_late_shows_what_past_results_become_and_a_replay_stays_what_it_was() -> None:
    live = settled(LATER).run
    _, changed = preview_import(lambda: import_relations(owns(), now=NOW), NOW)
    assert [(each.party, each.before_fen, each.after_fen) for each in changed] == [
        (party(1).uscc, 2 * HOUR // 5, HOUR // 5)
    ]
    assert not Relation.objects.exists(), "a look changes nothing"
    assert import_relations(owns(), now=NOW).new == 1
    assert owed(settled().run)["公司1"] == ("eligible", HOUR // 5)
    replayed = settled(NOW, as_known=live.as_known).run
    assert (owed(replayed), replayed.inputs_sha256) == (owed(live), live.inputs_sha256)


def test_a_relation_that_ended_earlier_or_never_was_is_so_since_it_is_known() -> None:
    import_relations(owns(), now=LATER)
    own = settled(LATER).run
    assert owed(own)["公司1"] == ("eligible", HOUR // 5)
    assert import_relations(owns("2024-08-01"), now=NOW).changed == 1
    assert owed(settled().run)["公司1"] == ("eligible", 2 * HOUR // 5)
    assert import_relations(owns(withdrawn="true"), now=NOW).changed == 1
    assert import_relations(owns(withdrawn="true"), now=NOW).same == 1
    assert import_relations(owns(), now=NOW).new == 1
    assert owed(settled(NOW, as_known=own.as_known).run) == owed(own)
    (fault,) = import_relations(owns("2024-09-01"), now=LATER).faults
    assert "不能补登在它之前" in str(fault)


def test_what_was_known_of_a_relation_stays_and_never_overlaps_on_any_day() -> None:
    import_relations(owns(), now=LATER)
    (first,) = Relation.objects.all()
    for change in (first.delete, first.save):
        with pytest.raises(DatabaseError), transaction.atomic():
            change()
    later = {"owner": party(99), "owned": party(1), "control": True, "source": "x", "by": "x", "at": NOW}
    for fields in (
        {"valid_from": date(2024, 8, 1), "known_from": NOW.date()},  # overlaps
        {"valid_from": date(2024, 1, 1), "valid_to": date(2024, 2, 1), "known_from": BEFORE.date()},  # known before
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            Relation.objects.create(**later, **fields)
