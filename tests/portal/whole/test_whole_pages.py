"""A city, an office, an expert and a budget line on one page each, with what happened in the order of time."""

from __future__ import annotations

import csv
import re
from datetime import UTC, datetime

import pytest
from django.test import Client
from django.urls import reverse

from huisuan.parties.models import PartyKind, Person, Region, Relation
from huisuan.programmes.models import Application, CityShare, Office
from huisuan.programmes.offices.services import give_post
from huisuan.programmes.workflow import act, begin_application
from huisuan.treasury.city_payments import PaymentClaim, record_city_payment
from huisuan.treasury.ledger import Act
from huisuan.treasury.models import AppropriationLine
from support.awards import DATA, GROUP, confirmed, offered, walked_offer
from support.jobs import party
from support.programmes import LAW, NOON, TREASURY, budget, official, person
from support.reviews import REVIEWED, challenge, organiser, pool, recommended, scored, seated

pytestmark = pytest.mark.django_db


def shown(who: Person, name: str, *args: object, query: str = "", english: bool = False) -> tuple[int, str]:
    """A page as somebody sees it."""
    browser = Client()
    browser.cookies["django_language"] = "en" if english else "zh-hans"
    browser.force_login(who, backend="django.contrib.auth.backends.ModelBackend")
    answer = browser.get(f"{reverse(name, args=args)}{query}")
    return answer.status_code, answer.getvalue().decode("utf-8-sig")


def happened(page: str) -> list[str]:
    """What the timeline of a page says happened, the newest first."""
    rows = page[page.index('id="timeline"') :].partition("</section>")[0]
    return re.findall(r'<td data-label="何事" class="fixed">([^<]*)</td>', rows)


def paid_application() -> Application:
    """One of 2.2 that was granted, with money set aside and ordered."""
    (offer,) = offered(100_00)
    budget("2.2")
    return walked_offer(confirmed(offer))


def test_a_budget_line_and_its_office_say_what_rests_on_them_and_who_did_what_when() -> None:
    made = paid_application()
    line = AppropriationLine.objects.get(sentence="2.2")
    _, page = shown(person("sheng"), "budget-line", line.pk)
    assert f"/applications/{made.number}" in page[page.index('id="claims"') :]
    office = Office.objects.get(name=DATA)
    assert reverse("whole-office", args=[Office.objects.get(name=line.office).pk]) in page
    code, page = shown(person("sheng"), "whole-office", office.pk)
    assert code == 200
    assert "data of 2.2" not in page
    assert happened(page) == ["核验通过", "任职", "任职"], "its own step, and its two posts"
    assert f"/applications/{made.number}" in page[page.index('id="claims"') : page.index('id="lines"')]
    assert shown(official("check of 2.2", "check", DATA), "whole-office", office.pk)[0] == 200
    outsider = person("caizheng", "treasury")
    assert shown(outsider, "whole-office", office.pk)[0] == 404, "another office's people do not read it"
    treasury = Office.objects.get(name=TREASURY)
    _, page = shown(person("sheng"), "whole-office", treasury.pk)
    assert {"下达资金", "开始支付", "任职"} == set(happened(page))
    _, page = shown(person("sheng"), "whole-office", Office.objects.get(name=line.office).pk)
    assert {"承诺", "开支付令", "下达预算", "公示", "批准"} & set(happened(page)) >= {"承诺", "开支付令", "下达预算"}


def test_the_office_page_gives_the_books_to_who_reads_the_books_only() -> None:
    made = paid_application()
    line = AppropriationLine.objects.get(sentence="2.2")
    office, now, books_of = (
        Office.objects.get(name=line.office),
        datetime.now(UTC),
        reverse("budget-line", args=[line.pk]),
    )
    clerk, treasurer = person("处员", "department"), person("caizheng", "treasury")
    for who in (clerk, treasurer):
        give_post(who, line.office, "check", NOON.date(), person("giver"), now)
    books = {"承诺", "开支付令", "下达预算"}
    _, page = shown(clerk, "whole-office", office.pk)
    assert not books & set(happened(page))
    assert books_of not in page
    assert "由省专班、财政和审计查看" in page
    file = shown(clerk, "whole-office", office.pk, query="?export=csv")[1]
    assert "任职" in file
    assert not any(word in file for word in books)
    _, page = shown(treasurer, "whole-office", office.pk)
    assert books <= set(happened(page))
    assert books_of in page
    assert f"/applications/{made.number}" in page


def test_a_page_links_no_reader_to_what_refuses_them_and_shows_the_treasury_no_flags() -> None:
    paid_application()
    line = AppropriationLine.objects.get(sentence="2.2")
    office = reverse("whole-office", args=[Office.objects.get(name=line.office).pk])
    treasurer = person("caizheng", "treasury")
    _, page = shown(treasurer, "budget-line", line.pk)
    assert line.office in page
    assert office not in page, "it holds no post there"
    assert 'id="flags"' not in page
    assert 'id="flags"' in shown(person("shen", "auditor"), "budget-line", line.pk)[1]
    government, owned = party(50, PartyKind.CITY), party(51)
    known = {"known_from": NOON.date(), "source": "工商登记", "control": True, "by": "李处", "at": NOON}
    Relation.objects.create(owner=government, owned=owned, valid_from=NOON.date(), **known)
    code, page = shown(treasurer, "whole-city", "340100")
    assert code == 200
    assert government.name in page
    assert "/parties/" not in page
    _, page = shown(person("sheng"), "whole-city", "340100")
    assert f"/parties/{government.uscc}" in page
    assert f"/parties/{owned.uscc}" in page


def test_a_city_shows_its_claims_vouchers_and_debts_in_time_to_itself_and_the_province() -> None:
    day = NOON.date()
    record_city_payment(PaymentClaim("340100", "HF-1", "项目甲", 10_000_00, day), Act("李会计", NOON, day))
    hefei = person("hefei", "city", city=Region.objects.get(code="340100"))
    made = begin_application(LAW, "8.2", 2024, hefei, NOON)
    CityShare.objects.create(application=made, number=1, project="项目甲", declared={}, by=hefei, at=NOON)
    act(made.number, "submit", hefei, NOON)
    government = party(50, PartyKind.CITY)
    code, page = shown(hefei, "whole-city", "340100")
    assert code == 200
    assert set(happened(page)) == {"提交", "市级拨付"}
    assert f"/parties/{government.uscc}" in page
    assert 'id="flags"' not in page
    assert 'id="flags"' in shown(person("shen", "auditor"), "whole-city", "340100")[1]
    wuhu = person("wuhu", "city", city=Region.objects.get(code="340200"))
    assert shown(wuhu, "whole-city", "340100")[0] == 404
    assert shown(person("sheng"), "whole-city", "340000")[0] == 404, "the province is no city"
    _, file = shown(person("sheng"), "whole-city", "340100", query="?export=csv")
    rows = list(csv.reader(file.splitlines()))
    assert {row[1] for row in rows[1:]} == {"提交", "市级拨付"}
    assert "10000.00" in {row[4] for row in rows}
    assert "skip=x" in shown(person("sheng"), "whole-city", "340100", query="?skip=x")[1]


def test_an_expert_shows_where_it_works_its_seats_and_what_it_did() -> None:
    pool(9)
    budget("5.1")
    made = recommended(challenge(), 21)
    from huisuan.programmes.review_desk.drawing import draw_call

    assert made.call is not None
    draw_call(made.call.number, "种子", organiser(), REVIEWED)
    scored(made, *[80] * 5)
    expert = seated(made)[0].expert
    code, page = shown(person("sheng"), "whole-expert", expert.pk)
    assert code == 200
    assert set(happened(page)) >= {"评分", "抽为评审", "专家库登记"}
    assert happened(page).index("评分") < happened(page).index("抽为评审") < happened(page).index("专家库登记")
    assert made.number in page[page.index('id="claims"') :]
    assert shown(expert.person, "whole-expert", expert.pk)[0] == 403
    _, page = shown(person("sheng"), "experts", query=f"?q={expert.person.name}")
    assert reverse("whole-expert", args=[expert.pk]) in page
    assert GROUP not in page


def test_a_party_shows_what_happened_with_its_money_and_pages_back() -> None:
    made = paid_application()
    assert made.party is not None
    _, page = shown(person("sheng"), "party", made.party.uscc)
    said = happened(page)
    assert said[0] == "开始支付"
    assert {"承诺", "开支付令"} <= set(said)
    _, older = shown(person("sheng"), "party", made.party.uscc, query="?skip=3")
    assert happened(older) == said[3:]
