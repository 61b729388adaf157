"""Every page opens to its readers with real data, says what it must, and never shows one tenant to another."""

from __future__ import annotations

import re

import pytest
from django.urls import reverse

from support.portal import POLICY, World

pytestmark = pytest.mark.django_db

LISTS = ("home", "jobs", "usage", "bills", "entitlements", "centres", "runs", "policies")
READERS = {
    "alpha": {"home", "jobs", "usage", "bills", "entitlements", "policies"},
    "centre": {"home", "jobs", "usage", "bills", "centres", "policies"},
    "city": {"home", "jobs", "usage", "bills", "entitlements", "centres", "policies"},
    "province": set(LISTS),
    "auditor": set(LISTS),
}


def text(world: World, who: str, address: str, language: str = "zh-hans") -> str:
    """A page as one line of text with its tags."""
    answer = world.browser(who, language).get(address, follow=True)
    assert answer.status_code == 200, (who, address, answer.status_code)
    return answer.content.decode()


@pytest.mark.parametrize("who", READERS)
@pytest.mark.parametrize("route", LISTS)
def test_a_list_opens_to_its_readers_and_to_no_other(world: World, who: str, route: str) -> None:
    answer = world.browser(who).get(reverse(route), follow=True)
    assert answer.status_code == (200 if route in READERS[who] else 403)
    rail = re.search(r'class="rail".*?</nav>', answer.content.decode(), re.S)
    assert rail is not None
    assert 1 <= rail[0].count("<ul>") <= 8  # groups by subject


def things(world: World, owner: str) -> dict[str, str]:
    """The address of everything that belongs to one user."""
    party = world.alpha if owner == "alpha" else world.beta
    bill = world.bill(party, 5)
    sequence = party.usage.order_by("sequence").values_list("sequence", flat=True)[0]
    line = bill.lines.first()
    assert line is not None
    return {
        "job": reverse("job", args=[world.jobs[owner].uid]),
        "record": reverse("record", args=["hf", sequence]),
        "raw line": reverse("raw-line", args=["hf", sequence]),
        "bill": reverse("bill", args=[bill.pk]),
        "bill's lines": reverse("bill-branch", args=[bill.pk]),
        "line's records": reverse("line-branch", args=[bill.pk, line.pk]),
        "entitlement": reverse("entitlement", args=[world.entitlement(party).pk]),
    }


@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_what_belongs_to_a_user_opens_to_it_and_to_those_who_oversee_it(world: World, language: str) -> None:
    for name, address in things(world, "alpha").items():
        for who in ("alpha", "city", "province", "auditor"):
            assert text(world, who, address, language), name


def test_no_user_sees_another_users_job_record_raw_line_bill_or_entitlement(world: World) -> None:
    for address in things(world, "beta").values():
        assert world.browser("alpha").get(address).status_code == 404, address
        assert world.browser("beta").get(address).status_code == 200, address


def test_a_line_of_another_bill_is_not_reached_through_ones_own(world: World) -> None:
    own, other = world.bill(world.alpha, 5), world.bill(world.beta, 5).lines.first()
    assert other is not None
    assert world.browser("alpha").get(reverse("line-branch", args=[own.pk, other.pk])).status_code == 404


def test_a_city_does_not_see_what_belongs_to_another_city(world: World) -> None:
    city = world.browser("city")
    beta = things(world, "beta")
    assert city.get(beta["entitlement"]).status_code == 404
    assert city.get(beta["bill"]).status_code == 404
    assert city.get(beta["record"]).status_code == 200  # it was metered at a centre in the city
    assert city.get(reverse("centre", args=["wh"])).status_code == 404


def test_a_centre_sees_its_own_records_and_bills_and_no_entitlement(world: World) -> None:
    centre = world.browser("centre")
    assert centre.get(reverse("bill", args=[world.bill(world.alpha, 5).pk])).status_code == 200
    assert centre.get(reverse("bill", args=[world.bill(world.alpha, 6, "wh").pk])).status_code == 404
    assert centre.get(reverse("centre", args=["hf"])).status_code == 200
    assert centre.get(reverse("centre", args=["wh"])).status_code == 404
    assert centre.get(reverse("entitlement", args=[world.entitlement(world.alpha).pk])).status_code == 403


def test_the_lists_of_a_user_hold_nothing_of_another(world: World) -> None:
    for route in ("home", "jobs", "usage", "bills", "entitlements"):
        page = text(world, "alpha", reverse(route))
        assert "贝塔" not in page
        assert world.beta.uscc not in page


def test_a_user_whose_centre_is_alone_lands_on_its_page(world: World) -> None:
    answer = world.browser("centre").get("/")
    assert (answer.status_code, answer["Location"]) == (302, "/centres/hf")


def test_the_job_page_shows_reasons_log_and_command_and_refreshes_only_what_changes(world: World) -> None:
    job = world.jobs["alpha"]
    address = reverse("job", args=[job.uid])
    page = text(world, "alpha", address)
    assert job.reasons
    assert all(reason in page for reason in job.reasons)
    assert "第一步 &lt;完成&gt;" in page
    assert 'hx-trigger="every 2s"' in page
    part = world.browser("alpha").get(address, HTTP_HX_REQUEST="true", HTTP_HX_TARGET="live").content.decode()
    assert "第一步" in part
    assert "<html" not in part


def test_a_user_cancels_its_own_job_and_nobody_elses(world: World) -> None:
    job = world.jobs["alpha"]
    address = reverse("cancel-job", args=[job.uid])
    assert world.browser("beta").post(address).status_code == 404
    assert world.browser("city").post(address).status_code == 403
    page = world.browser("alpha").post(address, follow=True).content.decode()
    job.refresh_from_db()
    assert job.state == "cancelled"
    assert "已取消" in page
    assert 'hx-trigger="every 2s"' not in page  # nothing changes any more
    assert "不能再取消" not in world.browser("alpha").post(address, follow=True).content.decode()  # twice is once


def test_the_record_page_shows_the_raw_line_and_checks_its_digest(world: World) -> None:
    record = world.alpha.usage.get(job_id="200")
    page = text(world, "alpha", reverse("record", args=["hf", record.sequence]))
    assert "200|200|ah|zhang|alpha|gpu|COMPLETED|2024-03-31T20:00:00" in page
    assert record.raw_sha256 in page
    assert "原始行与入库时的摘要一致" in page
    assert "8 卡 ×（36,000 − 挂起 0）秒 ＝ 288,000 卡秒" in page
    for month in (3, 4):  # it crosses the month: both bills hold a part
        assert reverse("bill", args=[world.bill(world.alpha, month).pk]) in page


def test_a_bills_records_add_up_to_the_bill_though_some_cross_the_month(world: World) -> None:
    for month in (3, 4):
        bill = world.bill(world.alpha, month)
        answer = world.browser("alpha").get(reverse("bill", args=[bill.pk]))
        table = answer.context["records_table"]
        assert table.sums["within"] == bill.card_seconds
        assert table.sums["used"] > bill.card_seconds
        assert table.count == sum(line.records for line in bill.lines.all())


def test_the_centre_page_shows_capacity_prices_unclaimed_use_and_files(world: World) -> None:
    page = text(world, "province", reverse("centre", args=["hf"]))
    assert "10.0 <span" in page  # 32 cards of 312 TFLOPS
    assert "12.01" in page
    assert "1 条记录、10.00 卡时还没有主体" in page
    assert "nobody" in text(world, "province", reverse("unclaimed", args=["hf"]))
    assert "sacct-hf.txt" in page
    assert "2024-06-30" in page  # the last day of the first price, not the day after


def test_the_policy_page_is_public_and_numbers_every_sentence(world: World) -> None:
    page = text(world, "", reverse("policy", args=[POLICY]))
    for anchor in ('id="a2"', 'id="s2.2"', 'id="s15.1"', 'id="s0.3"'):
        assert anchor in page
    assert "省级根据调度平台中算力实际使用量" in page
    assert "其中自建自用" in page
    english = text(world, "", reverse("policy", args=[POLICY]), "en")
    assert "Of it self-built-self-use" in english
    assert "省级根据调度平台中算力实际使用量" in english


def test_the_home_of_a_user_shows_the_year_that_is_settled(world: World) -> None:
    page = text(world, "alpha", "/")
    owed = world.entitlement(world.alpha)
    spend = owed.facts["spend"]
    assert f"{spend // 100:,}.{spend % 100:02d}" in page
    assert f"{owed.amount_fen // 100:,}.{owed.amount_fen % 100:02d}" in page
    assert page.count("<svg") == 4  # two charts, each for a wide and for a narrow screen
    assert "2024 年用了" in page
