"""Requests for data that is not listed: asked by firms, answered in working days, counted against the office."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta

import pytest
import typer
from django.db import DatabaseError, IntegrityError, transaction
from typer.testing import CliRunner

from huisuan.base.errors import Conflict, InvalidRequest, NotAllowed, NotFound
from huisuan.messages.models import Message
from huisuan.opendata.catalogue.catalogue_import import import_catalogue
from huisuan.opendata.models import DataRequest, RequestAnswer
from huisuan.opendata.requests import commands
from huisuan.opendata.requests.queries import RequestJudge, RequestState, count_by_office, get_request, visible_requests
from huisuan.opendata.requests.services import AskedData, GivenAnswer, answer_request, request_data, set_answer_term
from huisuan.parties.models import Party, Person, Region
from huisuan.parties.viewer import Viewer
from support.catalogue import as_csv, code, line
from support.portal import code as uscc

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 9, 28, 1, tzinfo=UTC)  # the Monday before the National Day holidays (1 to 7 October)
ASKED = AskedData("公交车到站时间", "训练出行预测模型", "合肥市交通运输局", "340100")


@pytest.fixture
def firm() -> Person:
    party = Party.objects.create(uscc=uscc(1), name="阿尔法", kind="enterprise", region_id="340200")
    return Person.objects.create_person("alpha", None, role="user", name="甲", party=party)


@pytest.fixture
def city() -> Person:
    return Person.objects.create_person("hefei", None, role="city", name="乙", city=Region.objects.get(code="340100"))


def province() -> Person:
    return Person.objects.create_person("province", None, role="province", name="丙")


def state(number: int, after: timedelta) -> RequestState:
    return RequestJudge(NOW + after).standing(DataRequest.objects.get(pk=number)).state


def test_a_request_is_due_in_working_days_by_the_official_calendar_and_then_overdue(firm: Person) -> None:
    set_answer_term(5, date(2026, 9, 28), "皖数资〔2026〕1 号", "丙", NOW)
    made = request_data(ASKED, firm, NOW)
    due = RequestJudge(NOW).standing(made).due
    assert due is not None
    assert [day.day for day in due.counted][:2] == [29, 30]
    assert due.counted[2] >= date(2026, 10, 8)  # none of the holidays counts
    assert due.ends_at is not None
    assert state(made.pk, due.ends_at - NOW - timedelta(seconds=1)) == RequestState.WAITING
    assert state(made.pk, due.ends_at - NOW) == RequestState.OVERDUE


def test_the_term_of_the_day_holds_and_none_set_is_no_end(firm: Person) -> None:
    first = request_data(ASKED, firm, NOW)
    assert (first.working_days, RequestJudge(NOW).standing(first).due) == (None, None)
    assert state(first.pk, timedelta(days=400)) == RequestState.WAITING
    set_answer_term(20, date(2026, 10, 1), "文件", "丙", NOW)
    set_answer_term(10, date(2026, 10, 1), "更正", "丙", NOW)
    later = request_data(AskedData("停车场", "用途", "住建局", "340100"), firm, NOW + timedelta(days=5))
    assert later.working_days == 10  # of two for one day the later written
    for days, day, authority in ((0, 1, "x"), (61, 1, "x"), (5, -1, "x"), (5, 1, " ")):
        with pytest.raises(InvalidRequest):
            set_answer_term(days, NOW.date() + timedelta(days=day), authority, "丙", NOW)


def test_a_plan_may_be_followed_by_an_entry_which_is_the_last_word(firm: Person, city: Person) -> None:
    import_catalogue(as_csv([line()]), "清单.csv", by="test", now=NOW)
    made = request_data(ASKED, firm, NOW)
    answer_request(made.pk, GivenAnswer(plan=date(2026, 10, 20), text="随三季度目录列入"), city, NOW)
    assert state(made.pk, timedelta(days=10)) == RequestState.PLANNED
    assert state(made.pk, timedelta(days=30)) == RequestState.PLAN_OVERDUE
    answer_request(made.pk, GivenAnswer(entry=code().lower()), city, NOW + timedelta(days=20))
    assert state(made.pk, timedelta(days=30)) == RequestState.ANSWERED
    with pytest.raises(Conflict):
        answer_request(made.pk, GivenAnswer(entry=code()), city, NOW)
    told = Message.objects.filter(code="data_request_answered")
    assert set(told.values_list("person__username", flat=True)) == {"alpha"}
    assert told.count() == 2


@pytest.mark.parametrize(
    "given",
    [
        GivenAnswer(), GivenAnswer(entry="x", plan=date(2030, 1, 1), text="y"), GivenAnswer(access="closed", text="x"),
        GivenAnswer(access="closed", ground="条例第十四条"), GivenAnswer(access="open", ground="x", text="y"),
        GivenAnswer(plan=date(2026, 9, 28), text="x"), GivenAnswer(plan=date(2030, 1, 1)),
        GivenAnswer(plan=date(2027, 10, 1), text="一年以后"),
        GivenAnswer(access="秘密", ground="x", text="y"), GivenAnswer(access="closed", ground="x" * 301, text="y"),
    ],
)  # fmt: skip
def test_an_answer_is_whole_and_one_of_three(firm: Person, city: Person, given: GivenAnswer) -> None:
    made = request_data(ASKED, firm, NOW)
    with pytest.raises((InvalidRequest, NotFound)):
        answer_request(made.pk, given, city, NOW)
    assert not RequestAnswer.objects.exists()


def test_only_the_city_that_was_asked_or_the_province_answers(firm: Person, city: Person) -> None:
    made = request_data(ASKED, firm, NOW)
    other = Person.objects.create_person("wuhu", None, role="city", name="丁", city=Region.objects.get(code="340200"))
    given = GivenAnswer(access="受限开放", ground="条例第九条", text="签订协议")
    with pytest.raises(NotFound):
        answer_request(made.pk, given, other, NOW)
    with pytest.raises(NotAllowed):
        answer_request(made.pk, given, firm, NOW)
    assert answer_request(made.pk, given, province(), NOW).access == "conditional"
    assert Message.objects.get(code="data_request_made").person == city


def test_a_firm_asks_once_and_sees_its_own(firm: Person, city: Person) -> None:
    made = request_data(ASKED, firm, NOW)
    with pytest.raises(Conflict):
        request_data(AskedData("公交车 到站时间", "又一次", ASKED.department, "340100"), firm, NOW)
    for who in (city, province()):
        with pytest.raises(NotAllowed):
            request_data(ASKED, who, NOW)
    for wrong in ({"title": " "}, {"purpose": "x" * 1001}, {"department": "a\0b"}, {"region": "000000"}):
        with pytest.raises(InvalidRequest):
            request_data(AskedData(**{**ASKED.__dict__, **wrong}), firm, NOW)
    other = Viewer(role="user", name="beta", party_id=(firm.party_id or 0) + 1)
    assert not visible_requests(other).exists()
    with pytest.raises(NotFound):
        get_request(other, made.pk)
    assert visible_requests(Viewer.for_person(city)).get() == made
    assert not visible_requests(Viewer(role="centre", name="x", party_id=firm.party_id)).exists()


def test_what_is_late_counts_against_the_department_that_was_asked(firm: Person, city: Person) -> None:
    set_answer_term(1, NOW.date(), "文件", "丙", NOW)
    for number, department in enumerate(("甲局", "甲局", "乙局")):
        request_data(AskedData(f"数据{number}", "用途", department, "340100"), firm, NOW)
    numbers = list(DataRequest.objects.order_by("pk").values_list("pk", flat=True))
    closed = GivenAnswer(access="closed", ground="条例第十四条", text="涉及个人")
    answer_request(numbers[0], closed, city, NOW + timedelta(days=9))
    answer_request(numbers[2], closed, city, NOW)
    rows = count_by_office(Viewer.for_person(city), NOW + timedelta(days=10))
    assert [(row["department"], row["asked"], row["overdue"], row["answered_late"]) for row in rows] == [
        ("甲局", 2, 1, 1),
        ("乙局", 1, 0, 0),
    ]


def test_the_database_keeps_the_order_of_answers_and_all_that_was_said(firm: Person, city: Person) -> None:
    made = request_data(ASKED, firm, NOW)
    row = answer_request(made.pk, GivenAnswer(access="closed", ground="x", text="y"), city, NOW)
    row.pk, row.number = None, 2
    with pytest.raises(DatabaseError), transaction.atomic():
        row.save(force_insert=True)
    other = request_data(AskedData("别的", "用途", "甲局", "340100"), firm, NOW)
    row.request, row.number, row.ground = other, 1, ""
    with pytest.raises(IntegrityError), transaction.atomic():
        row.save(force_insert=True)
    for model in (DataRequest, RequestAnswer):
        with pytest.raises(DatabaseError), transaction.atomic():
            model.objects.all().delete()


def test_the_command_asks_answers_and_counts(firm: Person, city: Person) -> None:
    province()
    app = typer.Typer()
    for name in ("ask", "requests", "answer", "offices", "term"):
        app.command(name)(getattr(commands, name))

    def run(*words: str) -> object:
        result = CliRunner().invoke(app, [*words, "--json"])
        assert result.exit_code == 0, result.output
        return json.loads(result.output)

    tomorrow, in_a_month = (f"{datetime.now(UTC) + timedelta(days=days):%Y-%m-%d}" for days in (1, 30))
    term = run("term", "--days", "15", "--from", tomorrow, "--authority", "文件", "--by", "province")
    assert isinstance(term, list)
    assert term[0]["working_days"] == 15
    made = run(
        "ask", "--title", "数据", "--purpose", "用", "--department", "甲局", "--region", "340100", "--by", "alpha"
    )
    assert isinstance(made, dict)
    done = run("answer", str(made["number"]), "--plan", in_a_month, "--text", "明年", "--by", "hefei")
    assert isinstance(done, dict)
    assert done["state"] == "planned"
    assert run("requests", "--by", "alpha") == [done]
    assert run("offices", "--by", "hefei")[0]["planned"] == 1  # type: ignore[index]
    refused = CliRunner().invoke(app, ["term", "--days", "5", "--by", "alpha"])
    assert "答复期限由省专班定" in str(refused.exception or refused.output)
