"""`huisuan person` and what the database holds of people."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime
from typing import Any

import pyotp
import pytest
from django.conf import global_settings
from django.contrib.auth.hashers import get_hasher
from django.db import DatabaseError, connection, transaction
from django.utils.module_loading import import_string
from typer.testing import CliRunner

from huisuan.base.errors import Refused
from huisuan.parties.cli.person_commands import app
from huisuan.parties.identity import people, second_factor
from huisuan.parties.identity.audit_trail import Actor
from huisuan.parties.identity.positions import Position
from huisuan.parties.models import Party, Person, PersonEvent
from huisuan.serving import settings as platform_settings
from support.passwords import OneRound

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 1, 4, 0, tzinfo=UTC)
ACTOR = Actor("test")
USCC = "91340100MA2T000013"


@pytest.fixture
def party(db: None) -> Party:
    return Party.objects.create(uscc=USCC, name="甲", kind="enterprise", region_id="340100")


def run(*words: str, **rest: Any) -> Any:
    done = CliRunner().invoke(app, list(words), **rest)
    if isinstance(done.exception, Refused):
        raise done.exception
    return done


def test_a_person_is_added_with_a_password_that_is_shown_once_and_must_be_changed(party: Party) -> None:
    made = json.loads(run("add", "zhang", "--role", "user", "--party", USCC, "--name", "张三", "--json").stdout)
    person = Person.objects.get()
    assert person.check_password(made["password"])
    assert (person.must_change_password, person.party, made["role"]) == (True, party, "user")
    shown = run("show", "zhang", "--json").stdout
    assert made["password"] not in shown
    (event,) = json.loads(shown)["events"]
    assert (event["what"], event["detail"]) == ("新增", f"user {USCC} owner")
    assert event["actor"].startswith("本机 ")
    assert "张三" in run("list").stdout


def test_a_given_password_comes_by_standard_input_and_is_checked_by_the_rules(party: Party) -> None:
    for weak in ("short", "password123", "135790246802", "zhangsan-1"):
        with pytest.raises(Refused):
            run("add", "zhangsan", "--role", "auditor", "--ask", input=f"{weak}\n")
    with pytest.raises(Refused, match="没有口令"):
        run("add", "zhangsan", "--role", "auditor", "--ask", input="")
    assert not Person.objects.exists()
    done = run("add", "zhangsan", "--role", "auditor", "--ask", "--json", input="correct horse battery\n")
    assert "correct horse" not in done.stdout
    with pytest.raises(Refused):
        run("password", "zhangsan", "--ask", input="zhangsan-1\n")
    before = Person.objects.get().password
    assert json.loads(run("password", "zhangsan", "--json").stdout)["password"]
    assert Person.objects.get().password != before


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["x", "--role", "king"],
            "角色 king：只能是 user、centre、city、province、department、treasury、expert",
        ),
        (["x", "--role", "user"], "须用 --party"),
        (["x", "--role", "user", "--party", "91340100MA2T99999X"], "不存在"),
        (["x", "--role", "province", "--party", USCC], "请去掉 --party"),
        (["x", "--role", "city"], "须用 --city"),
        (["x", "--role", "city", "--city", "110000"], "不是安徽省的市"),
        (["x", "--role", "auditor", "--city", "340100"], "请去掉 --city"),
        (["a b", "--role", "auditor"], "字母、数字"),
        (["a\0", "--role", "auditor"], "字母、数字"),
        (["", "--role", "auditor"], "字母、数字"),
        (["ZHANG", "--role", "auditor"], "已有人用"),
        (["x", "--role", "auditor", "--email", "no address"], "不是邮箱地址"),
        (["x", "--role", "auditor", "--email", "A@example.cn"], "邮箱已登记"),
    ],
)
def test_a_person_in_no_place_is_refused_with_the_remedy(party: Party, words: list[str], message: str) -> None:
    people.add_person("zhang", Position("auditor"), ACTOR, NOW, email="a@example.cn")
    with pytest.raises(Refused, match=message):
        run("add", *words)
    assert Person.objects.count() == 1


def test_everything_done_to_a_person_is_on_record_and_stays(party: Party) -> None:
    people.add_person("zhang", Position("auditor"), ACTOR, NOW)
    run("move", "zhang", "--role", "user", "--party", USCC)
    run("disable", "zhang")
    run("enable", "zhang")
    what = list(PersonEvent.objects.order_by("id").values_list("what", "detail"))
    assert what == [("added", "auditor"), ("moved", f"auditor → user {USCC} owner"), ("disabled", ""), ("enabled", "")]
    for change in (lambda: PersonEvent.objects.update(actor="me"), lambda: PersonEvent.objects.all().delete()):
        with pytest.raises(DatabaseError), transaction.atomic():
            change()
    for again in (("enable", "zhang"), ("move", "zhang", "--role", "user", "--party", USCC), ("reset-factor", "zhang")):
        with pytest.raises(Refused):
            run(*again)
    with pytest.raises(DatabaseError), transaction.atomic():
        Person.objects.all().delete()


def test_the_last_operator_stays_and_nobody_changes_their_own_role() -> None:
    first, _ = people.add_person("one", Position("operator"), ACTOR, NOW)
    herself = Actor("one", first.pk)
    for end in (
        lambda: people.disable_person(first, herself, NOW),
        lambda: people.change_position(first, Position("auditor"), ACTOR, NOW),
    ):
        with pytest.raises(Refused, match="最后一位平台管理员"):
            end()
    people.add_person("program", Position("operator"), ACTOR, NOW, machine=True)
    with pytest.raises(Refused, match="最后一位"):
        people.disable_person(first, ACTOR, NOW)
    people.add_person("two", Position("operator"), ACTOR, NOW)
    with pytest.raises(Refused, match="不能改自己的角色"):
        people.change_position(first, Position("province"), herself, NOW)
    assert not people.disable_person(first, herself, NOW).is_active


@pytest.mark.django_db(transaction=True)
def test_two_operators_who_disable_each_other_at_once_leave_one(transactional_db: None) -> None:
    pair = [people.add_person(name, Position("operator"), ACTOR, NOW)[0] for name in ("one", "two")]
    gate, refused = threading.Barrier(2), []

    def end(victim: Person) -> None:
        gate.wait()
        try:
            people.disable_person(victim, ACTOR, NOW)
        except Refused as refusal:
            refused.append(refusal)
        finally:
            connection.close()

    threads = [threading.Thread(target=end, args=(each,)) for each in pair]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(refused) == 1
    assert Person.objects.filter(is_active=True).count() == 1


def test_a_machine_has_no_password_and_a_demo_code_is_for_invented_people_only() -> None:
    people.add_person("cron", Position("auditor"), ACTOR, NOW, machine=True)
    with pytest.raises(Refused, match="程序账号"):
        run("password", "cron")
    with pytest.raises(DatabaseError), transaction.atomic():
        Person.objects.filter(username="cron").update(password="pbkdf2_sha256$x")
    people.add_person("zhang", Position("province"), ACTOR, NOW)
    with pytest.raises(Refused, match="不是演示账号"):
        run("code", "zhang")
    with pytest.raises(Refused, match="没有设统一身份"):
        run("bind", "zhang", "sub")


def test_the_platform_hashes_passwords_as_django_advises_and_not_as_the_tests_do() -> None:
    assert not hasattr(platform_settings, "PASSWORD_HASHERS")
    advised = import_string(global_settings.PASSWORD_HASHERS[0])()
    assert advised.iterations >= 600_000
    assert type(get_hasher()) is OneRound
    assert advised.must_update(OneRound().encode("correct horse battery", "0123456789abcdefghijkl"))


def test_a_person_is_bound_signed_out_and_their_factor_cleared_on_the_command_line(party: Party, settings: Any) -> None:
    people.add_person("zhang", Position("user", USCC), ACTOR, NOW, email="z@example.cn")
    people.add_person("li", Position("auditor"), ACTOR, NOW)
    settings.HUISUAN_OIDC_ISSUER = "https://sso.example.cn"
    assert "已绑定统一身份" in run("bind", "zhang", "sub-1").stdout
    for words, told in (
        (("bind", "zhang", "sub-2"), "已绑定统一身份"), (("bind", "li", "sub-1"), "已绑定另一个人"),
        (("bind", "li", ""), "1 至 255 个字"), (("unbind", "li"), "没有绑定统一身份"),
        (("reset-factor", "zhang"), "没有登记"), (("show", "nobody"), "没有人员"), (("show", "a\0"), "没有人员"),
    ):  # fmt: skip
        with pytest.raises(Refused, match=told):
            run(*words)
    assert json.loads(run("unbind", "zhang", "--json").stdout)["email"] == ""
    person = Person.objects.get(username="zhang")
    people.end_sessions(person, ACTOR, NOW)
    assert person.events.order_by("-id").first().what == "signed_out"
    secret = second_factor.new_totp_secret()
    assert "zhang" in second_factor.provisioning_uri(person, secret)
    second_factor.enrol_factor(person, secret, pyotp.TOTP(secret).at(NOW), ACTOR, NOW)
    assert json.loads(run("list", "--json").stdout)[-1]["second_factor"]
    assert "的两步验证已清除" in run("reset-factor", "zhang").stdout
    assert "没有令牌" in run("show", "zhang").stdout
    Person.objects.filter(username="zhang").update(demo=True)
    with pytest.raises(Refused, match="登录不需要验证码"):
        run("code", "zhang")


def test_what_is_done_already_is_refused_and_a_password_is_not_kept_twice(party: Party) -> None:
    zhang, _ = people.add_person("zhang", Position("user", USCC), ACTOR, NOW, password="correct horse battery")
    himself = Actor("zhang", zhang.pk, "")
    for act in (
        lambda: people.enable_person(zhang, ACTOR, NOW),
        lambda: people.set_member_role(zhang, "owner", ACTOR, NOW),
        lambda: people.change_position(zhang, Position("user", USCC), ACTOR, NOW),
        lambda: people.change_position(zhang, Position("auditor"), himself, NOW),
        lambda: people.set_password(zhang, "correct horse battery", himself, NOW),
        lambda: people.set_password(zhang, "nul\0 in a long one", ACTOR, NOW),
        lambda: people.add_person("x", Position("auditor"), ACTOR, NOW, name="字" * 81),
        lambda: people.add_person("p", Position("user", USCC), ACTOR, NOW, machine=True, password="x"),
        people.oidc_issuer,
    ):
        with pytest.raises(Refused):
            act()
    people.set_password(zhang, "another good battery", himself, NOW)
    zhang.refresh_from_db()
    assert (zhang.must_change_password, Person.objects.count()) == (False, 1)
    people.disable_person(zhang, ACTOR, NOW, "离职")
    with pytest.raises(Refused, match="已经停用"):
        people.disable_person(zhang, ACTOR, NOW)
