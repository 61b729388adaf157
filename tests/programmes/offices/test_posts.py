"""Posts: given by another person in an office that a text names, ended on record; by service, command and API."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from importlib import import_module

import pytest
from django.apps import apps
from django.db import IntegrityError, transaction
from django.test import Client
from typer.testing import CliRunner

from huisuan.base.errors import Conflict, InvalidRequest, NotAllowed, NotFound, Refused
from huisuan.base.months import SHANGHAI
from huisuan.parties.identity.audit_trail import Actor
from huisuan.parties.identity.tokens import issue_token
from huisuan.parties.models import Person, Region
from huisuan.parties.viewer import Viewer
from huisuan.programmes.check_desk.consents import give_consent
from huisuan.programmes.models import Application, Office, Post
from huisuan.programmes.offices import end_post, give_post, posts_in_force
from huisuan.programmes.offices.queries import is_in_force, list_offices
from huisuan.programmes.post_commands import app
from huisuan.programmes.workflow import act, begin_application, store_edition
from huisuan.programmes.workflow.inbox import list_waiting
from huisuan.programmes.workflow.queries import visible_applications
from support.jobs import party
from support.programmes import INDUSTRY, LAW, NOON, TREASURY, applicant, application, checked, official, person

pytestmark = pytest.mark.django_db
NEW_YEAR = date(2024, 1, 1)


def client(who: Person) -> Client:
    """A program with a person's token."""
    secret = issue_token(who, "test", Actor("test"), datetime.now(UTC), scope="manage")[1]
    return Client(headers={"Authorization": f"Bearer {secret}"})


def run(*words: str) -> tuple[int, object]:
    """A command's exit code and JSON, or the code of its refusal."""
    result = CliRunner().invoke(app, [*words, "--json"])
    if result.exit_code:
        return result.exit_code, getattr(result.exception, "code", "")
    return 0, json.loads(result.stdout)


def test_offices_are_those_of_the_texts_and_of_no_other_source() -> None:
    names = list_offices()
    assert {INDUSTRY, TREASURY, "省科学技术厅"} & set(names) >= {INDUSTRY, TREASURY}
    with pytest.raises(NotFound) as wrong:
        give_post(person("zhang", "department"), "省想象厅", "check", NEW_YEAR, person("giver"), NOON)
    assert wrong.value.code == "office.unknown"


def test_a_post_is_given_on_a_platform_whose_offices_nobody_has_stored_yet() -> None:
    made = give_post(person("zhang", "department"), INDUSTRY, "check", NEW_YEAR, person("giver"), NOON)
    assert made.office.name == INDUSTRY


@pytest.mark.parametrize(
    ("holder", "giver", "code"),
    [
        (("one", "province"), ("one", "province"), "post.to_oneself"),
        (("one", "department"), ("two", "department"), "post.giver_role"),
        (("one", "department"), ("two", "treasury"), "post.giver_role"),
        (("one", "auditor"), ("two", "province"), "post.holder_role"),
        (("one", "operator"), ("two", "province"), "post.holder_role"),
        (("one", "department"), ("two", "operator"), ""),
        (("one", "treasury"), ("two", "province"), ""),
    ],
)
def test_who_gives_posts_and_who_may_hold_them(holder: tuple[str, str], giver: tuple[str, str], code: str) -> None:
    try:
        give_post(person(*holder), INDUSTRY, "check", NEW_YEAR, person(*giver), NOON)
        refused = ""
    except Refused as wrong:
        refused = wrong.code
    assert refused == code


def test_the_database_too_refuses_a_post_given_to_oneself() -> None:
    held = official("zhang", "check").posts.get()
    with pytest.raises(IntegrityError, match="post_is_given_by_another"), transaction.atomic():
        Post.objects.create(
            person=held.person, office=held.office, duty="decide", from_day=NEW_YEAR, given_by=held.person,
            given_at=NOON,
        )  # fmt: skip


def test_a_stand_in_is_another_person_with_the_same_duty_and_an_end() -> None:
    held, other, giver = official("zhang", "check").posts.get(), person("qian", "department"), person("giver")
    for who, duty, until, code in (
        (other, "check", None, "post.stand_in_without_end"),
        (other, "decide", date(2024, 9, 30), "post.stand_in_differs"),
        (held.person, "check", date(2024, 9, 30), "post.stand_in_oneself"),
    ):
        with pytest.raises(InvalidRequest) as wrong:
            give_post(who, INDUSTRY, duty, date(2024, 9, 1), giver, NOON, until_day=until, stands_in_for=held)
        assert wrong.value.code == code
    made = give_post(
        other, INDUSTRY, "check", date(2024, 9, 1), giver, NOON, until_day=date(2024, 9, 30), stands_in_for=held
    )
    days = [date(2024, 8, 31), date(2024, 9, 1), date(2024, 9, 30), date(2024, 10, 1)]
    assert [is_in_force(made, day) for day in days] == [False, True, True, False]
    assert [posts_in_force(other, day).exists() for day in days] == [False, True, True, False]


def test_a_post_is_ended_by_who_gives_posts_or_its_holder_and_not_beyond_its_last_day() -> None:
    until = NOON.date() + timedelta(days=10)
    giver, stranger = person("giver"), person("sun", "department")
    held = give_post(person("zhao", "department"), INDUSTRY, "check", NEW_YEAR, giver, NOON, until_day=until)
    with pytest.raises(NotAllowed):
        end_post(held, NOON.date(), stranger, NOON)
    with pytest.raises(InvalidRequest) as wrong:
        end_post(held, until + timedelta(days=1), giver, NOON)
    assert wrong.value.code == "post.ends_later_than_given"
    assert end_post(held, NOON.date(), held.person, NOON).ended_on == NOON.date()


def test_people_of_a_department_see_and_act_on_what_their_posts_concern_and_nothing_else() -> None:
    made = application()
    act(made.number, "submit", applicant(), NOON)
    checker = person("checker", "department")
    assert not visible_applications(Viewer.for_person(checker)).exists()
    give_post(checker, INDUSTRY, "check", NEW_YEAR, person("giver"), NOON)
    assert list(visible_applications(Viewer.for_person(checker))) == [made]
    payer = person("payer", "treasury")
    give_post(payer, TREASURY, "pay", NEW_YEAR, person("giver"), NOON)
    assert list(visible_applications(Viewer.for_person(payer))) == [made]
    elsewhere = person("elsewhere", "department")
    give_post(elsewhere, "省数据资源局", "check", NEW_YEAR, person("giver"), NOON)
    assert not visible_applications(Viewer.for_person(elsewhere)).exists()
    asked = client(checker)
    assert [row["number"] for row in asked.get("/api/v1/inbox").json()["waiting"]] == [made.number]
    answer = asked.post(f"/api/v1/applications/{made.number}/acts/check", {}, "application/json")
    assert (answer.status_code, answer.json()["state"]) == (200, "checked")
    assert client(elsewhere).get(f"/api/v1/applications/{made.number}").status_code == 404


def test_posts_by_command_are_given_listed_and_ended() -> None:
    person("li")
    person("zhou", "department")
    words = ["zhou", "--office", INDUSTRY, "--duty", "check", "--from", "2024-01-01", "--by", "li"]
    code, made = run("give", *words)
    assert (code, made["duty"], made["in_force"], made["given_by"]) == (0, "check", True, "li")  # type: ignore[index]
    assert [post["number"] for post in run("list", "--person", "zhou")[1]] == [made["number"]]  # type: ignore[index,attr-defined]
    assert run("list", "--office", TREASURY) == (0, [])
    assert INDUSTRY in run("offices")[1]  # type: ignore[operator]
    assert run("give", "li", *words[1:]) == (1, "post.to_oneself")
    assert run("give", *words[:5], "--from", "昨天", "--by", "li") == (1, "post.day_malformed")
    yesterday = (datetime.now(SHANGHAI).date() - timedelta(days=1)).isoformat()
    code, ended = run("end", str(made["number"]), "--on", yesterday, "--by", "li")  # type: ignore[index]
    assert (code, ended["ended_on"], ended["in_force"]) == (0, yesterday, False)  # type: ignore[index]
    assert run("end", str(made["number"]), "--by", "li") == (1, "post.ended_before")  # type: ignore[index]
    assert run("end", "9999", "--by", "li") == (1, "post.unknown")


def test_posts_over_http_are_given_in_the_name_of_the_token() -> None:
    giver, holder = client(person("li")), person("zhou", "department")
    body = {"person": "zhou", "office": INDUSTRY, "duty": "check", "from": "2024-01-01"}
    made = giver.post("/api/v1/posts", body, "application/json").json()
    assert (made["person"], made["given_by"]) == ("zhou", "li")
    assert giver.get("/api/v1/posts", {"person": "zhou"}).json()["total"] == 1
    assert client(holder).post("/api/v1/posts", body | {"person": "li"}, "application/json").status_code == 403
    mine = giver.post("/api/v1/posts", body | {"person": "li"}, "application/json")
    assert (mine.status_code, mine.json()["code"]) == (403, "post.to_oneself")
    today = datetime.now(SHANGHAI).date().isoformat()
    ended = giver.post(f"/api/v1/posts/{made['number']}/end", {"last_day": today}, "application/json").json()
    assert ended["ended_on"] == today
    assert INDUSTRY in giver.get("/api/v1/offices").json()["offices"]


def city_official(name: str, duty: str, city: str) -> Person:
    """Someone of a department with a post in a city's government."""
    made = person(name, "department")
    give_post(made, f"{city}人民政府", duty, NEW_YEAR, person("giver"), NOON)
    return made


def test_the_governments_of_the_cities_are_one_office_each() -> None:
    names = list_offices()
    assert {"合肥市人民政府", "芜湖市人民政府", "黄山市人民政府"} <= set(names)
    assert not [name for name in names if name.startswith(("相关市", "各市", "安徽省"))]
    with pytest.raises(InvalidRequest) as which:
        give_post(person("zhang"), "相关市人民政府", "check", NEW_YEAR, person("giver"), NOON)
    assert which.value.code == "office.of_each_city"


def test_an_application_is_for_its_own_city_and_unseen_by_another() -> None:
    hefei, wuhu = (city_official(f"{city} checker", "check", city) for city in ("合肥市", "芜湖市"))
    made = begin_application(LAW, "11.2", 2024, applicant(1), NOON)
    act(made.number, "submit", applicant(1), NOON)
    assert [one.application for one in list_waiting(hefei, NOON)] == [made]
    assert list_waiting(wuhu, NOON) == []
    seen = {who: list(visible_applications(Viewer.for_person(who))) for who in (hefei, wuhu)}
    assert seen == {hefei: [made], wuhu: []}
    with pytest.raises(NotFound):
        act(made.number, "check", wuhu, NOON)
    give_consent(made.number, "张三", "同意书 1 号", NOON.date(), applicant(1), NOON)
    act(made.number, "check", hefei, NOON)
    again = begin_application(LAW, "11.2", 2024, applicant(1), NOON)
    assert again.edition == made.edition  # one procedure a city


def test_who_is_in_no_city_of_the_province_asks_none_of_its_cities() -> None:
    elsewhere = person("abroad", "user", party=party(77, region="310000"))
    with pytest.raises(Conflict) as nowhere:
        begin_application(LAW, "11.2", 2024, elsewhere, NOON)
    assert nowhere.value.code == "application.in_no_city"


def test_posts_of_before_count_in_the_own_city_and_in_no_other() -> None:
    collective = Office.objects.create(name="相关市人民政府")
    for who in (person("wuhu", "city", city=Region.objects.get(code="340200")), person("zhang")):
        Post.objects.create(
            person=who, office=collective, duty="check", from_day=NEW_YEAR, given_by=person("giver"), given_at=NOON
        )  # fmt: skip
    import_module("huisuan.programmes.migrations.0022_offices_of_cities").give_posts_in_cities(apps, None)
    made = Post.objects.exclude(office=collective)
    assert [(post.person.username, post.office.name) for post in made] == [("wuhu", "芜湖市人民政府")]


def test_what_was_begun_under_all_cities_together_is_for_the_applicants_own_city() -> None:
    hefei, wuhu = (city_official(f"{city} checker", "check", city) for city in ("合肥市", "芜湖市"))
    before = person("checker of before", "department")
    collective, _made = Office.objects.get_or_create(name="相关市人民政府")
    Post.objects.create(
        person=before, office=collective, duty="check", from_day=NEW_YEAR, given_by=person("giver"), given_at=NOON
    )
    firm = applicant(1)
    made = Application.objects.create(
        number="A2023-000001", party=firm.party, edition=store_edition(LAW, "11.2"), year=2024, begun_by=firm,
        begun_at=NOON, state_since=NOON,
    )  # fmt: skip
    act(made.number, "submit", firm, NOON)
    waiting = {who: [one.application for one in list_waiting(who, NOON)] for who in (hefei, wuhu, before)}
    assert waiting == {hefei: [made], wuhu: [], before: []}
    assert set(list_waiting(hefei, NOON)[0].actions) >= {"check", "return"}
    seen = {who: list(visible_applications(Viewer.for_person(who))) for who in (hefei, wuhu, before)}
    assert seen == {hefei: [made], wuhu: [], before: []}
    for other in (wuhu, before):
        with pytest.raises(NotFound):
            act(made.number, "check", other, NOON)
    give_consent(made.number, "张三", "同意书 1 号", NOON.date(), firm, NOON)
    assert checked(made, hefei, NOON).post == hefei.posts.get()
