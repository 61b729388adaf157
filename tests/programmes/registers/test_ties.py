"""Registers tied to one another: draws within what there is, matches in order, members by days, frozen figures."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, date, datetime
from fractions import Fraction

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from huisuan.base.csv_lines import FileReport
from huisuan.base.errors import InvalidRequest, NotAllowed
from huisuan.law.model import LawError
from huisuan.law.policy import load_policy
from huisuan.law.procedure import FieldKind, RegisterDraw
from huisuan.law.procedure.register_links import check_register_links
from huisuan.programmes.models import DrawnAmount, FrozenRegister, RegisteredThing
from huisuan.programmes.registers.matching import Match, Offered, WaitingNeed, give_matches, match_waiting
from huisuan.programmes.registers.members import MemberDays, crossings, load_share, share_spans
from huisuan.programmes.registers.queries import standing_versions
from huisuan.programmes.registers.services import end_entry, enter_entry, get_register, import_register
from huisuan.programmes.registers.snapshots import freeze_register, get_snapshot
from support.programmes import applicant, official, person
from support.registers import OFFICE, PARKS, POLICY, park
from support.usage_records import party

NOON = datetime(2024, 9, 3, 4, tzinfo=UTC)
SCIENCE = "省科技厅"


def brought(key: str, *rows: str, office: str = OFFICE, reason: str = "") -> FileReport:
    """Rows in the columns of their register, entered by its keeper."""
    keeper = official(f"keeper-{office}", "register", office)
    content = "\n".join([",".join(get_register(POLICY, key).columns.values()), *rows]).encode()
    return import_register(content, f"{key}.csv", POLICY, key, by=keeper, now=NOON, reason=reason)


def funds(stake: str = "300000000") -> None:
    assert not brought("theme_funds", "F1,主题基金,,,2024-01-01,,20000000000,100000000", office=SCIENCE).faults
    assert not brought(
        "sub_funds", f"S1,子基金,,,2024-02-01,,f1,1000000000,{stake},", office=SCIENCE, reason="更正"
    ).faults


@pytest.mark.django_db
def test_a_drawdown_above_its_commitment_is_refused_by_row_and_by_the_database() -> None:
    funds()
    report = brought(
        "drawdowns", "D1,首期,,,2024-03-01,,S1,200000000,V1", "D2,二期,,,2024-04-01,,S1,100000000.01,V2",
        "D3,早于设立,,,2024-01-15,,S1,1,V3", "D4,没有这家,,,2024-03-01,,S9,1,V4", "D5,同一凭证,,,2024-03-01,,S1,1,v1",
        office=SCIENCE,
    )  # fmt: skip
    assert report.new == 1
    assert [(fault.line, fault.rule) for fault in report.faults] == [
        (3, "与已动用的 200,000,000.00 合计超过 S1 的 300,000,000.00"),
        (4, "2024-01-15 不在名录“子基金”的有效期内（2024-02-01 至 另行通知）"),
        (5, "不在名录“子基金”里"),
        (6, "与在册的 D1 相同"),
    ]
    drawn = DrawnAmount.objects.get(thing__code="D1")
    with pytest.raises(IntegrityError, match="more is drawn than there is"), transaction.atomic():
        DrawnAmount.objects.create(
            thing=RegisteredThing.objects.create(policy=POLICY, register="drawdowns", code="D9"),
            source=drawn.source, amount=10_000_000_001,
        )  # fmt: skip
    with pytest.raises(IntegrityError, match="more is drawn than there is"), transaction.atomic():
        RegisteredThing.objects.filter(pk=drawn.source_id).update(holds=19_999_999_999)
    lowered = brought("sub_funds", "S1,子基金,,,2024-02-01,,F1,1000000000,1,", office=SCIENCE, reason="减资")
    assert [fault.rule for fault in lowered.faults] == ["少于已动用的 200,000,000.00 元"]
    with pytest.raises(InvalidRequest) as early:
        end_entry(POLICY, "drawdowns", "D1", date(2030, 3, 1), by=person(f"keeper-{SCIENCE}"), now=NOON, reason="到期")
    assert early.value.code == "register.draws_until_then"
    end_entry(POLICY, "drawdowns", "D1", date(2024, 3, 1), by=person(f"keeper-{SCIENCE}"), now=NOON, reason="误登")
    assert not brought("drawdowns", "D6,补登,,,2024-03-05,,S1,300000000,V6", office=SCIENCE).faults


@pytest.mark.django_db
def test_whoever_waits_first_is_served_first_and_nothing_is_given_twice() -> None:
    firms = [applicant(number).party for number in (1, 2, 3)]
    assert firms[0] is not None
    assert not brought(
        "resources", "R1,算力甲,,合肥市,2024-08-01,2024-12-31,算力,100,卡", "R2,算力乙,,合肥市,2024-08-01,,算力,50,卡",
        "R3,过期,,合肥市,2024-01-01,2024-08-01,算力,500,卡",
    ).faults  # fmt: skip
    for number, (amount, day) in enumerate((("80", 20), ("90", 10), ("10", 20)), 1):
        cells = {"code": f"n{number}", "name": "训练", "from": "2024-08-01", "kind": "compute", "amount": amount,
                 "unit": "卡", "received_on": "1900-01-01", "holder": firms[0].uscc}  # fmt: skip
        day_it_came = datetime(2024, 8, day, 4, tzinfo=UTC)
        assert not enter_entry(POLICY, "needs", cells, by=applicant(number), now=day_it_came).faults
    assert {row.holder for row in standing_versions(POLICY, "needs")} == set(firms), "each its own, whatever it wrote"
    cells = {"code": "n1", "name": "训练", "from": "2024-08-01", "kind": "compute", "amount": "1", "unit": "卡",
             "received_on": "2024-08-01"}  # fmt: skip
    assert (
        enter_entry(POLICY, "needs", cells, by=applicant(2), now=NOON, reason="改").faults[0].rule == "已由另一单位登记"
    )
    more = cells | {"code": "n3", "amount": "11", "received_on": "1900-01-01"}
    assert enter_entry(POLICY, "needs", more, by=applicant(3), now=NOON, reason="改").changed == 1
    (third,) = standing_versions(POLICY, "needs").filter(entry__code="N3")
    assert third.values["received_on"] == "2024-08-20", "the day it came stays, whatever is typed"
    more["amount"] = "10"
    assert enter_entry(POLICY, "needs", more, by=applicant(3), now=NOON, reason="改").changed == 1
    with pytest.raises(NotAllowed):
        give_matches(POLICY, "resources", by=applicant(1), now=NOON)
    keeper = person(f"keeper-{OFFICE}")
    assert give_matches(POLICY, "resources", by=keeper, now=NOON).new == 3
    given_ = {
        (row.values["need"], row.values["resource"]): row.values["amount"]
        for row in standing_versions(POLICY, "matches")
    }
    assert given_ == {("N2", "R1"): 90, ("N1", "R1"): 10, ("N1", "R2"): 50}, "n1 waits for 20 more, n3 for all"
    assert give_matches(POLICY, "resources", by=keeper, now=NOON).new == 0
    assert not brought("resources", "R4,算力丙,,合肥市,2024-08-01,,算力,25,卡").faults
    assert give_matches(POLICY, "resources", by=keeper, now=NOON).new == 2
    assert sum(row.values["amount"] for row in standing_versions(POLICY, "matches")) == 175


@pytest.mark.django_db
def test_a_firm_asks_and_only_the_office_answers_and_says_when() -> None:
    builder, office = applicant(1), "省发展改革委"
    assert builder.party is not None
    project = f"J1,智算中心,{builder.party.uscc},合肥市,2024-01-01,,"
    fields = get_register(POLICY, "projects").fields
    typed = {FieldKind.DAY: "2024-01-01", FieldKind.COUNT: "1", FieldKind.YUAN: "1", FieldKind.CHOICE: ""}
    row = [next(iter(one.options.values()))[0] if one.options else typed.get(one.kind, "") for one in fields]
    assert not brought("projects", project + ",".join(row), office=get_register(POLICY, "projects").office).faults
    cells = {"code": "Q1", "name": "用能", "from": "2024-09-03", "project": "J1", "kind": "energy", "amount": "1",
             "asked_of": "市发展改革委", "asked_on": "1900-01-01", "answered": "同意",
             "answered_on": "2024-09-03"}  # fmt: skip
    assert not enter_entry(POLICY, "requests", cells, by=builder, now=NOON).faults

    def said() -> tuple[object, ...]:
        (row,) = standing_versions(POLICY, "requests")
        return tuple(row.values.get(key) for key in ("asked_on", "answered", "answered_on"))

    assert said() == ("2024-09-03", None, None)
    keeper = official(f"keeper-{office}", "register", office)
    answer = cells | {"holder": builder.party.uscc, "asked_on": "2024-09-03", "answered": "不同意"}
    assert enter_entry(POLICY, "requests", answer, by=keeper, now=NOON, reason="答复").changed == 1
    assert enter_entry(POLICY, "requests", cells | {"amount": "2"}, by=builder, now=NOON, reason="改").changed == 1
    assert said() == ("2024-09-03", "不同意", "2024-09-03")
    browser = Client()
    for reader, offered in ((builder, False), (keeper, True)):
        browser.force_login(reader, backend="django.contrib.auth.backends.ModelBackend")
        page = browser.get(reverse("enter-in-register", args=[POLICY, "requests"]) + "?code=Q1").content.decode()
        assert 'name="asked_of"' in page
        assert all((f'name="{key}"' in page) == offered for key in ("asked_on", "answered", "answered_on"))


@pytest.mark.django_db
def test_entries_from_before_amounts_were_kept_can_be_drawn_on_and_the_same_file_again_says_what_they_hold() -> None:
    funds()
    RegisteredThing.objects.filter(register="sub_funds").update(holds=None)
    assert not brought("drawdowns", "D1,首期,,,2024-03-01,,S1,200000000,V1", office=SCIENCE).faults
    assert RegisteredThing.objects.get(code="S1").holds == 30_000_000_000
    row = "F2,主题基金,,,2024-01-01,,20000000000,100000000"
    assert not brought("theme_funds", row, office=SCIENCE).faults
    held = RegisteredThing.objects.get(code="F2").holds
    RegisteredThing.objects.filter(code="F2").update(holds=None)
    assert brought("theme_funds", row, office=SCIENCE).same == 1
    assert RegisteredThing.objects.get(code="F2").holds == held != 0


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 5), st.integers(1, 9))), st.lists(st.integers(0, 12)))
def test_matching_depends_on_no_order_gives_no_more_than_there_is_and_passes_nobody_over(
    needs: list[tuple[bool, int, int]], offers: list[int]
) -> None:
    waiting = [WaitingNeed(late, str(day), f"N{at}", ("k",), amount) for at, (late, day, amount) in enumerate(needs)]
    offered = [Offered(date(2024, 1, 1), f"R{at}", ("k",), amount) for at, amount in enumerate(offers)]
    found = match_waiting(waiting, offered)
    shuffled = random.Random(1).sample(waiting, len(waiting))
    assert match_waiting(shuffled, list(reversed(offered))) == found
    had = {need.code: sum(match.amount for match in found if match.need == need.code) for need in waiting}
    assert sum(had.values()) == min(sum(offers), sum(need.amount for need in waiting))
    hungry = False
    for need in sorted(waiting):
        assert not (hungry and had[need.code]), "nobody is served while one before waits"
        hungry = hungry or had[need.code] < need.amount
    assert all(isinstance(match, Match) and match.amount > 0 for match in found)


@pytest.mark.django_db
def test_a_share_that_crosses_sixty_percent_back_and_forth_is_told_day_by_day() -> None:
    assert not brought(PARKS, park()).faults
    firms = [party(number).uscc for number in range(1, 6)]
    for number, code in enumerate(firms[:4], 1):
        until = "2024-03-31" if number == 4 else ""
        assert not brought("agi_firms", f"A{number},企业,{code},,2023-01-01,{until},过半,文号").faults
    stays = [
        ("2024-01-01", ""),
        ("2024-01-01", ""),
        ("2024-01-01", "2024-06-30"),
        ("2024-02-01", ""),
        ("2024-01-01", ""),
    ]
    rows = [f"M{at},企业,{firms[at]},合肥市,{first},{last},p-1" for at, (first, last) in enumerate(stays)]
    assert not brought("park_firms", *rows).faults
    members = load_policy(POLICY).register(PARKS).members
    assert members is not None
    spans = load_share(POLICY, "P-1", members)
    assert [(str(span.starts), span.marked, span.members, span.above) for span in spans] == [
        ("2024-01-01", 3, 4, True),
        ("2024-02-01", 4, 5, True),
        ("2024-04-01", 3, 5, False),
        ("2024-07-01", 2, 4, False),
    ]
    assert [str(span.starts) for span in crossings(spans)] == ["2024-01-01", "2024-04-01"]
    sixty = share_spans([MemberDays(date(2024, 1, 1), date(2024, 1, 1), ((date.min, date.max),))], Fraction(1))
    assert [span.above for span in sixty] == [False, False], "equal is not more"


@pytest.mark.django_db
def test_figures_are_frozen_with_their_digest_and_frozen_again_only_with_a_reason() -> None:
    scenario = "C1,排班,,合肥市,2024-05-01,,市卫健委,社会民生,已开放,,"
    assert not brought("scenarios", scenario, "C2,巡检,,,2024-06-30,,省交通厅,产业升级,已建成,,2024-06-30").faults
    keeper = person(f"keeper-{OFFICE}")
    first = freeze_register(POLICY, "scenarios", "2024Q2", by=keeper, now=NOON)
    assert freeze_register(POLICY, "scenarios", "2024Q2", by=keeper, now=NOON) == first
    assert [(row["publisher"], row["state"], row["entries"]) for row in first.content["rows"]] == [
        ("省交通厅", "done", 1),
        ("市卫健委", "open", 1),
    ]
    assert not brought("scenarios", "C3,晚报的,,合肥市,2024-06-01,,市卫健委,社会民生,已开放,,").faults
    with pytest.raises(InvalidRequest) as refused:
        freeze_register(POLICY, "scenarios", "2024Q2", by=keeper, now=NOON)
    assert refused.value.code == "register.snapshot_reason_missing"
    again = freeze_register(POLICY, "scenarios", "2024Q2", by=keeper, now=NOON, reason="漏报补登")
    assert (again.number, get_snapshot(POLICY, "scenarios", "2024Q2")["rows"][1]["entries"]) == (2, 2)
    assert FrozenRegister.objects.get(number=1).digest == first.digest
    for period, code in (("2024Q5", "register.period_malformed"), ("2024Q3", "register.period_running")):
        with pytest.raises(InvalidRequest) as refused:
            freeze_register(POLICY, "scenarios", period, by=keeper, now=NOON)
        assert refused.value.code == code


def test_a_tie_that_leads_nowhere_is_refused_when_the_policy_is_loaded() -> None:
    policy = load_policy(POLICY)
    others = {each.key: each for each in policy.registers}
    drawdowns = policy.register("drawdowns")
    for broken in (
        replace(drawdowns, draws=(RegisterDraw("amount", "voucher", "stake"),)),
        replace(drawdowns, draws=(RegisterDraw("amount", "sub_fund", "nothing"),)),
        replace(drawdowns, once=("nothing",)),
    ):
        with pytest.raises(LawError) as refused:
            check_register_links(broken, others, ())
        assert refused.value.code == "law.register_link_unknown"
