"""Coming in, going out, being refused, and the language: all in one look, and nothing from another host."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.hashers import make_password
from django.test import Client
from django.urls import reverse

from huisuan.parties.models import Person
from huisuan.portal.ui.middleware import POLICY
from support.portal import PASSWORD, World

pytestmark = pytest.mark.django_db


def sign_in(name: str, password: str, browser: Client | None = None, **more: str) -> tuple[Client, int, str]:
    browser = browser or Client()
    answer = browser.post("/sign-in", {"username": name, "password": password, **more})
    return browser, answer.status_code, answer.get("Location", "")


def test_the_right_password_opens_the_home_and_signing_out_closes_it(world: World) -> None:
    browser, status, where = sign_in("alpha", PASSWORD)
    assert (status, where) == (302, "/")
    assert browser.get("/").status_code == 200
    assert browser.get("/sign-out").status_code == 405  # a link in a mail cannot sign anybody out
    browser.post("/sign-out")
    assert browser.get("/")["Location"] == "/sign-in?next=/"


def test_after_sign_in_one_goes_on_to_where_one_wanted_and_never_to_another_host(world: World) -> None:
    assert sign_in("alpha", PASSWORD, next="/bills/")[2] == "/bills/"
    assert sign_in("beta", PASSWORD, next="https://example.org/")[2] == "/"


def test_a_wrong_password_says_so_in_one_language_and_ten_of_them_delay_the_name_here(world: World) -> None:
    browser = Client()
    for _ in range(10):  # each costs a slow hash
        first = browser.post("/sign-in", {"username": "alpha", "password": "wrong"})
        assert first.status_code == 200
    assert "账号或密码不对：请核对大小写与输入法。" in first.content.decode()
    assert "username" not in re.sub(r"<[^>]*>", "", first.content.decode())
    last = browser.post("/sign-in", {"username": "alpha", "password": PASSWORD})
    assert last.status_code == 429
    assert "尝试次数过多" in last.content.decode()
    assert sign_in("beta", PASSWORD, browser)[1] == 302  # another name is not held up
    assert sign_in("alpha", PASSWORD, Client(REMOTE_ADDR="192.0.2.1"))[1] == 302  # nor this one from elsewhere


@pytest.mark.parametrize("body", [{}, {"username": "a\0", "password": "b"}, {"username": "x" * 9999, "password": "\0"}])
def test_rubbish_at_the_sign_in_lets_nobody_in_and_is_no_error_of_ours(world: World, body: dict[str, str]) -> None:
    answer = Client().post("/sign-in", body)
    assert answer.status_code in (200, 400)
    assert "sessionid" not in answer.cookies


def test_a_refused_page_names_the_operators_that_there_are_and_nobody_else(world: World) -> None:
    page = world.browser("alpha").get("/runs/").content.decode()
    assert "这个平台还没有设管理员" in page
    Person.objects.create_person("guan", None, role="operator", name="管甲")
    page = world.browser("alpha").get("/runs/").content.decode()
    assert "请找：管甲" in page
    assert "本单位的管理员" not in page


def test_demo_accounts_are_listed_only_where_the_demo_made_some(world: World) -> None:
    assert "演示账号" not in Client().get("/sign-in").content.decode()
    Person.objects.filter(username="province").update(demo=True, password=make_password("x"))
    Person.objects.filter(username="alpha").update(demo=True, password="")  # nobody signs in
    page = Client().get("/sign-in").content.decode()
    assert "演示账号" in page
    assert ">province<" in page
    assert ">alpha<" not in page


def test_chinese_comes_first_whatever_the_browser_prefers_and_the_switch_changes_it(world: World) -> None:
    browser = Client(HTTP_ACCEPT_LANGUAGE="en-US,en;q=0.9")
    assert "登录惠算" in browser.get("/sign-in").content.decode()
    answer = browser.post("/language", {"language": "en", "next": "/policies/"})
    assert (answer.status_code, answer["Location"]) == (302, "/policies/")
    page = browser.get("/sign-in")
    assert "Sign in to Huisuan" in page.content.decode()
    assert page["Content-Language"] == "en"
    assert browser.post("/language", {"language": "xx", "next": "//example.org"})["Location"] == "/"
    assert "Sign in to Huisuan" in browser.get("/sign-in").content.decode()


def test_what_is_not_there_and_what_is_not_ones_own_look_alike(world: World) -> None:
    browser = world.browser("alpha")
    absent = browser.get("/bills/999999999")
    other = browser.get(reverse("bill", args=[world.bill(world.beta, 5).pk]))
    assert (absent.status_code, other.status_code) == (404, 404)
    assert (
        absent.content.decode().replace("999999999", "")
        == other.content.decode().replace(str(world.bill(world.beta, 5).pk), "")
        or "没有这一页，或它不属于你" in other.content.decode()
    )
    assert 'class="rail"' in absent.content.decode()


def test_a_page_of_another_role_says_so_in_the_same_look(world: World) -> None:
    answer = world.browser("alpha").get("/runs/")
    assert answer.status_code == 403
    assert "算力使用方" in answer.content.decode()
    assert 'class="rail"' in answer.content.decode()


def test_a_form_from_elsewhere_is_refused_in_words(world: World) -> None:
    browser = Client(enforce_csrf_checks=True)
    answer = browser.post("/sign-in", {"username": "alpha", "password": PASSWORD})
    assert answer.status_code == 403
    assert "页面已过期" in answer.content.decode()


def test_an_error_of_ours_is_told_without_details(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("the secret of the engine room")

    monkeypatch.setattr("huisuan.portal.home.views.user_home", fail)
    browser = world.browser("alpha")
    browser.raise_request_exception = False
    answer = browser.get("/")
    assert answer.status_code == 500
    assert "服务出错了" in answer.content.decode()
    assert "secret" not in answer.content.decode()


@pytest.mark.parametrize("address", ["/sign-in", "/policies/", "/", "/usage/", "/charts/vega.js", "/nowhere"])
def test_every_page_forbids_everything_but_its_own_files(world: World, address: str) -> None:
    answer = world.browser("alpha").get(address)
    assert answer["Content-Security-Policy"] == POLICY
    assert "unsafe" not in POLICY
    if address.endswith(".js"):
        return
    page = answer.content.decode()
    for inline in ("<style", " style=", "onclick=", "javascript:", "http://", "https://"):
        assert inline not in page.replace("http://www.w3.org/", ""), inline
    assert "<script>" not in page
