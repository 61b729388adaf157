"""The draw of a call and its decision sheet as pages: by a post, with reasons, exported as they are shown."""

from __future__ import annotations

import hashlib
import html
import io
from datetime import timedelta
from typing import Any

import pypdf
import pytest
from django.test import Client
from django.utils import timezone

from huisuan.parties.models import Person
from huisuan.programmes.models import Draw, FrozenSheet, PanelSeat, SeedCommitment
from huisuan.programmes.review.panels import leave_seat, sitting
from huisuan.programmes.review_desk.drawing import draw_call
from huisuan.programmes.workflow import act
from support.calls import opened
from support.programmes import applicant, budget, official, person
from support.reviews import REVIEWED, SCIENCE, challenge, organiser, pool, recommended, scored

pytestmark = pytest.mark.django_db
YUAN = 100


def browser(who: Person, language: str = "zh-hans") -> Client:
    client = Client()
    client.cookies["django_language"] = language
    client.force_login(who, backend="django.contrib.auth.backends.ModelBackend")
    return client


def shown(answer: Any) -> str:
    return html.unescape(answer.content.decode())


def test_the_office_draws_by_page_and_sees_who_was_drawn_by_which_seed() -> None:
    pool(9)
    call = challenge()
    one = recommended(call, 1)
    where = f"/calls/{call.number}/draw"
    office = browser(organiser())
    assert one.number in shown(office.get(where))
    assert office.post(where, {"seed": "s" * 201}).status_code == 422
    answer = office.post(where, {"seed": "2024-10-12 体彩"}, follow=True)
    assert "已为 1 件申报抽出评审组" in shown(answer)
    seats = PanelSeat.objects.filter(application=one)
    assert seats.count() == 7
    page = shown(office.get(where, {"again": "yes"}))
    for said in ("2024-10-12 体彩", "结果相同", *seats.values_list("expert__person__name", flat=True)):
        assert said in page
    alternates = shown(office.get(where, {"place": "alternate"}))
    assert "2 行" in alternates
    assert len(office.get(where, {"export": "csv"}).getvalue().decode().strip().splitlines()) == 8
    assert office.post(where, {"seed": "再抽"}).status_code == 409
    source = office.get(where, {"source": "1"})
    assert hashlib.sha256(source.content).hexdigest() == Draw.objects.get().seed
    assert [office.get(where, {"source": asked}).status_code for asked in ("2", "0", "x")] == [404] * 3
    assert "候补已用完" not in shown(office.get(where))
    for seat in list(sitting(one))[:2]:
        leave_seat(seat, "生病", tie_years=3, by="李处", now=REVIEWED)
    assert "候补已用完" in shown(office.get(where))
    again = {"application": one.number, "reason": ""}
    assert office.post(where, again).status_code == 422
    assert "已为" in shown(office.post(where, again | {"reason": "候补用完"}, follow=True))
    assert "候补用完" in shown(office.get(where, {"again": "yes"}))


def test_a_word_is_committed_to_by_page_while_nothing_was_handed_in() -> None:
    today = timezone.localdate()
    call = challenge(timezone.now(), first_day=today + timedelta(days=1), last_day=today + timedelta(days=20))
    where, office = f"/calls/{call.number}/draw", browser(organiser())
    assert "承诺一个种子" in shown(office.get(where))
    assert "已承诺抽签的种子" in shown(office.post(where, {"commits": "yes", "seed": "某日体彩"}, follow=True))
    held = SeedCommitment.objects.get()
    assert held.digest in shown(office.get(where))
    assert "承诺一个种子" not in shown(office.get(where))
    assert office.post(where, {"commits": "yes", "seed": "另一个"}).status_code == 409
    assert "截止之后才能抽签" in shown(office.post(where, {"seed": "某日体彩"}))


def test_too_few_experts_are_told_with_the_rule_that_took_them() -> None:
    pool(3)
    pool(5, field="别的")
    call = challenge()
    recommended(call, 1)
    answer = browser(organiser(), "en").post(f"/calls/{call.number}/draw", {"seed": "s"})
    assert (answer.status_code, Draw.objects.count()) == (422, 0)
    assert "of another field: 5" in shown(answer)


def test_only_a_post_to_review_draws_and_applicants_see_neither_page() -> None:
    pool(9)
    call = challenge()
    one = recommended(call, 1)
    other = browser(person("looks"))
    assert "种子（事前公布" not in shown(other.get(f"/calls/{call.number}/draw"))
    assert other.post(f"/calls/{call.number}/draw", {"seed": "s"}).status_code == 403
    assert one.party is not None
    firm = browser(applicant(1))
    for part in ("draw", "sheet", "sheet.xlsx", "sheet.pdf"):
        assert firm.get(f"/calls/{call.number}/{part}").status_code == 403
    assert "决策表" not in shown(firm.get(f"/calls/{call.number}"))
    assert "决策表" in shown(other.get(f"/calls/{call.number}"))
    assert browser(organiser()).get(f"/calls/{opened().number}/draw").status_code == 404


def test_a_sheet_shows_the_cut_and_is_frozen_once_by_who_ranks() -> None:
    pool(9)
    budget("5.1", 300_000 * YUAN)
    call = challenge(ties=("amount",))
    made = [recommended(call, number, cost="1000000") for number in (1, 2, 3)]
    where, ranker = f"/calls/{call.number}/sheet", official("ranker", "recommend", SCIENCE)
    office = browser(ranker)
    assert "还没有抽过专家" in shown(office.get(where))
    draw_call(call.number, "s", organiser(), REVIEWED)
    for one, total in zip(made, (90, 80, 70), strict=True):
        scored(one, *[total] * 5)
        act(one.number, "review", organiser(), REVIEWED)
    page = shown(office.get(where))
    for said in ("未冻结", "90.00", "拟部分支持", "推荐，候补", "300,000.00", "冻结决策表"):
        assert said in page
    assert "冻结之后不能再改" not in shown(browser(person("looks")).get(where))
    assert browser(person("looks")).post(where).status_code == 403
    waiting = office.get(where, {"status": "waiting", "export": "csv"}).getvalue().decode().strip().splitlines()
    assert (len(waiting), made[2].number in waiting[1]) == (2, True)
    assert office.get(f"{where}.pdf").status_code == 409
    frozen = office.post(where, follow=True)
    assert "已冻结" in shown(frozen)
    assert FrozenSheet.objects.get().digest in shown(frozen)
    assert shown(office.get(where)).index(made[0].number) < shown(office.get(where, {"sort": "-rank"})).rindex(
        made[0].number
    )
    workbook = office.get(f"/calls/{call.number}/sheet.xlsx")
    assert workbook.content.startswith(b"PK")
    pdf = office.get(f"{where}.pdf").content
    assert office.get(f"{where}.pdf").content == pdf
    said = "".join("".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(pdf)).pages).split())
    for wanted in ("推荐，候补", "200,000.00", FrozenSheet.objects.get().digest, *(one.number for one in made)):
        assert wanted in said
    office.post(where)
    assert FrozenSheet.objects.count() == 1
