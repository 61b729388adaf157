"""Facts that a city or a centre attests, by day and as known: a rule that asks for them settles from the meter."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, transaction

from huisuan.base.csv_lines import FileReport
from huisuan.base.errors import InvalidRequest
from huisuan.compute.centres.tariffs import set_tariff
from huisuan.compute.fact_sources.attested_import import find_attester, import_attestations
from huisuan.parties.models import Attestation
from huisuan.settlement.impact.register_preview import preview_import
from huisuan.settlement.models import Entitlement, SettlementRun
from huisuan.settlement.runs.queries import recompute_entitlement
from huisuan.settlement.runs.settle import settle
from huisuan.settlement.runs.trace import trace_entitlement
from support.attested_policy import NAME, write_attested_policy
from support.command_tree import invoke
from support.usage_records import A800, centre, code, imported, line, party, sacct

pytestmark = pytest.mark.django_db
LATER, NOW = (datetime(2026, month, 5, 4, tzinfo=UTC) for month in (6, 11))
HOUR = 8 * 1280  # fen of an hour of eight cards
HEADER = "uscc,item,value,valid_from,valid_to,document,withdrawn"


@pytest.fixture(autouse=True)
def used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Firms 1 and 2 each used an hour of eight cards in March and one in August 2024."""
    monkeypatch.setenv("HUISUAN_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HUISUAN_POLICIES", str(tmp_path / "policies"))
    write_attested_policy(tmp_path / "policies")
    centre()
    set_tariff("c1", A800, "1280", date(2023, 1, 1))
    users = [party(1), party(2)]
    tenants = ("user,uscc\n" + "".join(f"u{at},{each.uscc}\n" for at, each in enumerate(users, 1))).encode()
    lines = [
        line(10 * month + at, User=f"u{at}", Submit=f"2024-{month:02d}-01T08:00:00",
             Start=f"2024-{month:02d}-01T09:00:00", End=f"2024-{month:02d}-01T10:00:00")
        for month in (3, 8) for at in (1, 2)
    ]  # fmt: skip
    imported(sacct(*lines), tenants=(tenants, "t"))


def csv(*rows: str) -> bytes:
    return "\n".join([HEADER, *rows, ""]).encode()


def said(number: int, item: str, value: str, first: str = "2024-01-01", rest: str = ",认定〔2024〕1 号,") -> str:
    return f"{code(number)},{item},{value},{first},{rest}"


def by_city(*rows: str, now: datetime = NOW) -> FileReport:
    return import_attestations(csv(*rows), "f.csv", find_attester(city="340100"), now=now)


def by_centre(*rows: str, now: datetime = NOW) -> FileReport:
    return import_attestations(csv(*rows), "f.csv", find_attester(centre="c1"), now=now)


def settled(now: datetime = NOW, as_known: date | None = None) -> SettlementRun:
    return settle(NAME, 2024, now=now, by="test", as_known=as_known).run


def owed(run: SettlementRun) -> dict[str, tuple[str, int, str]]:
    rows = Entitlement.objects.filter(run=run).order_by("party__name")
    return {each.party.name: (each.status, each.amount_fen, ";".join(each.reasons)) for each in rows}


UNKNOWN = ("missing_facts", 0, "missing:recognised;missing:grade")


def test_a_rule_settles_from_what_is_attested_and_names_what_nobody_attested() -> None:
    live = settled(LATER)
    assert owed(live) == {"公司1": UNKNOWN, "公司2": UNKNOWN}
    assert by_city(said(1, "recognised-team", "是"), said(2, "recognised-team", "否")).new == 2
    assert by_centre(said(1, "team-grade", "二级"), said(2, "team-grade", "first")).new == 2
    run = settled()
    assert owed(run) == {
        "公司1": ("eligible", 2 * HOUR // 10, ""), "公司2": ("not_eligible", 0, "failed:recognised@k.1"),
    }  # fmt: skip
    for each in Entitlement.objects.filter(run=run):
        assert recompute_entitlement(each).agrees
        assert all(trace_entitlement(each)["checks"].values())
    replayed = settled(NOW, as_known=live.as_known)
    assert (owed(replayed), replayed.inputs_sha256) == (owed(live), live.inputs_sha256)


def test_use_counts_on_the_days_for_which_it_is_attested() -> None:
    by_centre(said(1, "team-grade", "一级"), said(2, "team-grade", "一级"))
    by_city(
        said(1, "recognised-team", "是", "2024-07-01"),
        said(2, "recognised-team", "是", "2024-01-01", "2024-06-01,认定〔2024〕1 号,"),
    )
    run = settled()
    assert owed(run) == {"公司1": ("eligible", HOUR // 10, ""), "公司2": ("eligible", HOUR // 10, "")}
    first, second = Entitlement.objects.filter(run=run).order_by("party__name")
    assert first.counted == {code(1): [["2024-07-01", "2025-01-01"]]}
    assert second.counted == {code(2): [["2024-01-01", "2024-06-01"]]}
    assert all(trace_entitlement(first)["checks"].values())


def test_what_an_entry_would_change_is_seen_first_and_a_withdrawal_holds_since_it_is_known() -> None:
    by_centre(said(1, "team-grade", "一级"), now=LATER)
    by_city(said(1, "recognised-team", "是"), now=LATER)
    live = settled(LATER)
    withdrawn = said(1, "recognised-team", "是", rest=",认定〔2024〕1 号,是")
    _, changed = preview_import(lambda: by_city(withdrawn), NOW)
    assert [(each.party, each.before_fen, each.status_after) for each in changed] == [
        (code(1), 2 * HOUR // 10, "missing_facts")
    ]
    assert Attestation.objects.count() == 2, "a look changes nothing"
    assert by_city(withdrawn).changed == 1
    assert owed(settled())["公司1"] == ("missing_facts", 0, "missing:recognised")
    assert owed(settled(NOW, as_known=live.as_known)) == owed(live)
    assert by_city(withdrawn).same == 1


def test_two_centres_that_contradict_each_other_answer_nothing() -> None:
    centre("c2")
    by_city(said(1, "recognised-team", "是"))
    by_centre(said(1, "team-grade", "一级"))
    other = find_attester(centre="c2")
    import_attestations(csv(said(1, "team-grade", "二级", "2024-06-01")), "f.csv", other, now=NOW)
    found = owed(settled())["公司1"]
    assert found == ("eligible", HOUR // 10, ""), "the days on which both say the same, or one alone speaks"


@pytest.mark.parametrize(
    ("row", "says"),
    [
        (said(1, "recognised", "是"), '列 item: "recognised" 不是任何政策要求证明的事项；可用：recognised-team'),
        (said(1, "team-grade", "一级"), "不是任何政策要求证明的事项"),
        (said(1, "recognised-team", "大概"), '列 value: "大概" 不是是 或 否（合肥市认定的团队）'),
        (said(1, "recognised-team", ""), "是空的"),
        (said(9, "recognised-team", "是"), "不是已登记的主体"),
        (said(1, "recognised-team", "是", "2023-02-29"), '列 valid_from: "2023-02-29" 不是日期'),
        (said(1, "recognised-team", "是", rest="2024-01-01,文,"), "终止日不含当日"),
        (said(1, "recognised-team", "是", rest=",,"), "证明须有出处"),
        (said(1, "recognised-team", "是", rest=",文,也许"), "不是 true 或 false"),
        (said(1, "recognised-team", "是", rest=",文,是"), "无从撤回"),
    ],
)
def test_a_bad_line_is_named_and_the_good_one_kept(row: str, says: str) -> None:
    report = by_city(row, said(2, "recognised-team", "是"))
    (fault,) = report.faults
    assert says in str(fault)
    assert (report.new, fault.line) == (1, 2)


def test_one_day_says_one_thing_in_a_file_and_across_files() -> None:
    yes, no = said(1, "recognised-team", "是"), said(1, "recognised-team", "否")
    report = by_city(yes, no)
    assert (report.new, ["同一天起" in str(fault) for fault in report.faults]) == (1, [True])
    assert ["同一天不能登记两次" in str(fault) for fault in by_city(no).faults] == [True]
    assert by_city(yes).same == 1


@pytest.mark.parametrize(
    ("named", "says"),
    [
        ({}, "只写一个"), ({"city": "340100", "centre": "c1"}, "只写一个"), ({"city": "340000"}, "不是市"),
        ({"city": "３４０１００"}, "不是市"), ({"centre": "c9"}, "没有智算中心"),
    ],
)  # fmt: skip
def test_who_attests_is_a_city_or_a_centre(named: dict[str, str], says: str) -> None:
    with pytest.raises(InvalidRequest, match=says):
        find_attester(**named)


def test_a_city_of_which_no_policy_asks_is_refused() -> None:
    (fault,) = import_attestations(
        csv(said(1, "recognised-team", "是")), "f.csv", find_attester(city="340200"), now=NOW
    ).faults
    assert "不由 340200 证明" in str(fault)
    assert "政策只认在 340100 的证明" in str(fault)


def test_what_was_attested_stays() -> None:
    by_city(said(1, "recognised-team", "是"))
    (one,) = Attestation.objects.all()
    for change in (one.delete, one.save):
        with pytest.raises(DatabaseError), transaction.atomic():
            change()
    one.pk = None
    with pytest.raises(IntegrityError), transaction.atomic():
        one.save(force_insert=True)


def test_the_commands_enter_and_list(tmp_path: Path) -> None:
    (tmp_path / "f.csv").write_bytes(csv(said(1, "recognised-team", "是")))

    def run(*words: str) -> Any:
        result = invoke("party", *words, "--json")
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    assert run("attest", str(tmp_path / "f.csv"), "--city", "340100")["new"] == 1
    (row,) = run("attested", code(1))
    assert (row["source"], row["attester"], row["item"], row["value"]) == ("city", "340100", "recognised-team", "true")
    assert run("attested", code(1), "--as-known", "2020-01-01") == []
