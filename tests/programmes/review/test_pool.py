"""The pool of experts: what a file may say of it, that nothing of it is lost, and whom a draw sees in conflict."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from django.db import DatabaseError, transaction
from typer.testing import CliRunner

from huisuan.parties.models import Party, Person, Relation, Succession
from huisuan.programmes.models import Expert, ExpertEntry, ExpertTie
from huisuan.programmes.review.conflicts import load_applicant_sides, load_drawn_experts
from huisuan.programmes.review.draw import DrawnExpert
from huisuan.programmes.review.pool_import import import_experts, import_ties
from huisuan.programmes.review_desk.commands import app
from support.jobs import party

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 9, 1, 4, tzinfo=UTC)
DAY = date(2026, 10, 8)
HEAD = "username,employer_uscc,employer,fields,active_from,active_until\n"
TIES = "username,party,kind,starts,ends,source\n"


def person(username: str) -> Person:
    return Person.objects.create_person(username, None, role="province", name=f"{username} 教授")


def enter(*lines: str, now: datetime = NOW) -> list[str]:
    report = import_experts((HEAD + "\n".join(lines)).encode(), "专家.csv", by="李处", now=now)
    return [str(fault) for fault in report.faults]


def enter_ties(*lines: str, now: datetime = NOW) -> list[str]:
    report = import_ties((TIES + "\n".join(lines)).encode(), "关系.csv", by="李处", now=now)
    return [str(fault) for fault in report.faults]


def relate(owner: Party, owned: Party, ends: date | None = None, known: date = date(2020, 1, 1)) -> None:
    Relation.objects.create(
        owner=owner, owned=owned, share_permille=510, valid_from=date(2020, 1, 1), valid_to=ends, known_from=known,
        source="登记", by="李处", at=NOW,
    )  # fmt: skip


def seen(applicant: Party, day: date = DAY, years: int = 3) -> dict[str, DrawnExpert]:
    sides = load_applicant_sides([applicant], day)
    return {each.key: each for each in load_drawn_experts(sides.values(), day, years, {})}


def test_good_lines_are_kept_and_a_bad_one_is_named_with_its_place_and_remedy() -> None:
    person("wu")
    person("zhao")
    faults = enter(
        f"wu,{party(1).uscc},,大模型；芯片,2026-01-01,",
        "nobody,,某大学,大模型,2026-01-01,",
        "zhao,,,大模型,2026-01-01,",
        "wu,,某大学,大模型,2026-01-01,",
    )
    assert faults == [
        '行 3，列 username: "nobody" 没有这个人；请先用 huisuan person add 新增专家的账号',
        '行 4，列 employer: "" 没有写明所在单位；请写 employer_uscc，或 employer（全称，至多 200 字）',
        '行 5，列 username: "wu" 与第 2 行重复；每位专家只留一行',
    ]
    entry = ExpertEntry.objects.get()
    assert (entry.employer, entry.fields, entry.known_from) == (party(1), ["大模型", "芯片"], date(2026, 9, 1))


@pytest.mark.parametrize(
    ("line", "place"),
    [
        ("wu,,某大学,；,2026-01-01,", "列 fields"),
        ("wu,,某大学,大模型,昨天,", "列 active_from"),
        ("wu,,某大学,大模型,2026-01-01,2026-01-01", "列 active_until"),
        ("wu,,某\u200b大学,大模型,2026-01-01,", "列 employer"),
        (f"wu,,某大学,{'模' * 61},2026-01-01,", "列 fields"),
        ("wu,91340100MA2T000010,,大模型,2026-01-01,", "列 employer_uscc"),
    ],
)
def test_a_line_that_says_nothing_usable_is_refused(line: str, place: str) -> None:
    person("wu")
    (fault,) = enter(line)
    assert place in fault
    assert not Expert.objects.exists()


def test_a_line_that_says_otherwise_is_a_new_entry_and_the_old_one_stays() -> None:
    person("wu")
    for line in ("wu,,某大学,大模型,2026-01-01,", "wu,,某大学,大模型,2026-01-01,", "wu,,某大学,芯片,2026-01-01,"):
        assert not enter(line)
    assert [entry.fields for entry in ExpertEntry.objects.all()] == [["大模型"], ["芯片"]]
    for change in (
        lambda: ExpertEntry.objects.update(employer_name="别处"),
        lambda: ExpertEntry.objects.all().delete(),
        lambda: Expert.objects.update(by="别人"),
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            change()


def test_an_employer_that_is_written_as_a_name_is_found_among_the_parties_however_its_brackets_are_set() -> None:
    person("wu")
    Party.objects.filter(pk=party(1).pk).update(name="合肥（甲）智能 公司")
    assert not enter("wu,,合肥(甲)智能公司,大模型,2026-01-01,")
    assert ExpertEntry.objects.get().employer == party(1)


def test_a_tie_ends_once_and_is_otherwise_never_changed() -> None:
    person("wu")
    enter("wu,,某大学,大模型,2020-01-01,")
    firm = party(1).uscc
    assert not enter_ties(f"wu,{firm},顾问咨询,2021-01-01,,本人申报")
    assert not enter_ties(f"wu,{firm},advice,2021-01-01,2023-10-08,本人申报")
    (fault,) = enter_ties(f"wu,{firm},advice,2021-01-01,2022-10-08,本人申报")
    assert fault == '行 2，列 ends: "2022-10-08" 已登记终止于 2023-10-08；终止登记后不能改；又有了关系请另起一段'
    tie = ExpertTie.objects.get()
    assert (tie.ends, tie.ended_by) == (date(2023, 10, 8), "李处")
    for change in (
        lambda: ExpertTie.objects.update(ends=None, ended_by="", ended_at=None),
        lambda: ExpertTie.objects.update(kind="shares"),
        lambda: ExpertTie.objects.all().delete(),
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            change()


def test_a_tie_counts_until_three_years_after_its_end_and_not_a_day_longer() -> None:
    person("wu")
    enter("wu,,某大学,大模型,2020-01-01,")
    enter_ties(f"wu,{party(1).uscc},project,2021-01-01,2023-10-08,")
    assert seen(party(1), date(2026, 10, 7))["wu"].tied == {party(1).uscc}
    assert not seen(party(1), date(2026, 10, 8))["wu"].tied
    assert not seen(party(2))["wu"].tied


def test_what_was_not_known_on_the_day_of_a_draw_does_not_change_it_when_it_is_read_again() -> None:
    person("wu")
    enter("wu,,某大学,大模型,2020-01-01,")
    enter_ties(f"wu,{party(1).uscc},shares,2024-01-01,,", now=datetime(2026, 11, 1, tzinfo=UTC))
    assert not seen(party(1), date(2026, 10, 31))["wu"].tied
    assert seen(party(1), date(2026, 11, 1))["wu"].tied


def test_the_employer_of_before_is_a_tie_as_long_as_any_other() -> None:
    person("wu")
    enter(f"wu,{party(1).uscc},,大模型,2020-01-01,")
    enter("wu,,某大学,大模型,2020-01-01,", now=datetime(2026, 9, 20, tzinfo=UTC))
    assert seen(party(1))["wu"].tied == {party(1).uscc}
    assert not seen(party(1), date(2029, 9, 20))["wu"].tied


def test_the_employer_itself_its_name_and_whoever_is_under_one_control_with_it_are_in_conflict() -> None:
    for name in ("own", "named", "parent", "sister", "past", "free"):
        person(name)
    applicant, parent, sister, other = party(1), party(2), party(3), party(4)
    enter(
        f"own,{applicant.uscc},,大模型,2020-01-01,", "named,,企业　１,大模型,2020-01-01,",
        f"parent,{parent.uscc},,大模型,2020-01-01,", f"sister,{sister.uscc},,大模型,2020-01-01,",
        f"past,{other.uscc},,大模型,2020-01-01,", "free,,某大学,大模型,2020-01-01,",
    )  # fmt: skip
    for owned in (applicant, sister):
        relate(parent, owned)
    relate(other, applicant, date(2026, 10, 8))
    barred = {key for key, expert in seen(applicant).items() if expert.controlled}
    assert barred == {"own", "named", "parent", "sister"}
    assert seen(applicant, date(2026, 10, 7))["past"].controlled == {applicant.uscc}


def test_an_expert_whose_employer_the_applicants_city_controls_is_in_conflict() -> None:
    person("wu")
    city = party(50, kind="city")
    enter(f"wu,{party(2).uscc},,大模型,2020-01-01,")
    relate(city, party(2), known=date(2026, 10, 8))
    assert not seen(party(1), date(2026, 10, 7))["wu"].controlled  # nobody knew
    assert seen(party(1))["wu"].controlled == {city.uscc}
    assert not seen(party(3, region="340200"))["wu"].controlled


def test_a_tie_to_the_firm_whose_place_the_applicant_took_counts() -> None:
    person("wu")
    enter("wu,,某大学,大模型,2020-01-01,")
    enter_ties(f"wu,{party(1).uscc},kinship,2020-01-01,,")
    days = {"valid_from": date(2025, 1, 1), "known_from": DAY}
    Succession.objects.create(old=party(1), new=party(2), kind="renumbered", source="登记", by="李处", at=NOW, **days)
    assert load_applicant_sides([party(2)], DAY)[party(2).pk].parties == {party(1).uscc, party(2).uscc}
    assert seen(party(2))["wu"].tied == {party(1).uscc}
    assert not seen(party(2), date(2026, 10, 7))["wu"].tied  # nobody knew


def test_only_those_are_drawn_who_take_reviews_on_that_day_and_may_still_come_in() -> None:
    for name in ("now", "later", "before", "left"):
        person(name)
    enter(
        "now,,某大学,大模型,2026-10-08,", "later,,某大学,大模型,2026-10-09,",
        "before,,某大学,大模型,2020-01-01,2026-10-08", "left,,某大学,大模型,2020-01-01,",
    )  # fmt: skip
    Person.objects.filter(username="left").update(is_active=False)
    assert {key for key, expert in seen(party(1)).items() if expert.active} == {"now"}


def test_the_commands_import_and_list_the_pool_and_its_ties(tmp_path: Path) -> None:
    person("wu")
    file, run = tmp_path / "a.csv", CliRunner()
    file.write_text(HEAD + "wu,,某大学,大模型,2020-01-01,\nli,,某大学,大模型,2020-01-01,\n")
    made = run.invoke(app, ["import", str(file), "--json"])
    assert made.exit_code == 1
    assert json.loads(made.stdout) | {"faults": None} == {
        "new": 1, "changed": 0, "same": 0, "refused": 1, "faults": None, "ignored_columns": [],
    }  # fmt: skip
    file.write_text(TIES + f"wu,{party(1).uscc},任职,2024-01-01,,本人申报\n")
    assert run.invoke(app, ["import", str(file), "--ties"]).exit_code == 0
    (listed,) = json.loads(run.invoke(app, ["list", "--field", "大模型", "--json"]).stdout)
    assert (listed["username"], listed["employer"], listed["active"]) == ("wu", "某大学", True)
    (tie,) = json.loads(run.invoke(app, ["ties", "wu", "--json"]).stdout)
    assert (tie["kind"], tie["party"], tie["source"]) == ("employment", party(1).uscc, "本人申报")
    assert json.loads(run.invoke(app, ["list", "--field", "芯片", "--json"]).stdout) == []
    assert "某大学" in run.invoke(app, ["list"]).stdout
    assert "任职" in run.invoke(app, ["ties"]).stdout
