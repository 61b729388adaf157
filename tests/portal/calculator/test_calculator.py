"""The public calculator: only what still matters is asked; answers beside their sentences; all in the address."""

from __future__ import annotations

import html
import re
from datetime import date
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from django.test import Client
from django.urls import reverse

from huisuan.law.explain.questionnaire import build_questionnaire
from huisuan.law.model.claimants import CLAIMANT_KINDS
from huisuan.law.policy.load import list_policies, load_policy
from support.portal import World

pytestmark = pytest.mark.django_db
DAY = "2025-06-30"
USER = {"f.2.2:in_anhui": "yes", "f.spend": "1,534,567.85", "f.self_use": "300000"}
POLICIES = [load_policy(name) for name in list_policies()]


def asked(who: str = "enterprise", language: str = "zh-hans", *, live: bool = False, **answers: str) -> Any:
    """What the calculator answers to nobody in particular."""
    client = Client()
    client.cookies["django_language"] = language
    query = urlencode({"who": who, "on": DAY, "known": DAY, **answers})
    headers = {"HX-Request": "true", "HX-Target": "calculator"} if live else {}
    return client.get(f"{reverse('calculator')}?{query}", headers=headers)


def text(answer: Any) -> str:
    assert answer.status_code == 200
    return html.unescape(answer.content.decode())


def named(page: str) -> set[str]:
    """The names of the questions on the page."""
    return set(re.findall(r'name="(f\.[^"]+)"', page))


def side(page: str, title: str) -> list[str]:
    """The titles of the rules under a heading of the answers."""
    part = re.search(rf"<h3>{title} .*?(?=<h3>|</aside>)", page, re.S)
    return re.findall(r"<summary><b>(.*?)</b>", part[0]) if part else []


def within(page: str, start: str, end: str) -> str:
    """What stands between two marks."""
    return page.partition(start)[2].partition(end)[0]


def test_first_one_says_who_one_is_and_nothing_else_is_asked() -> None:
    page = text(Client().get(reverse("calculator")))
    assert named(page) == set()
    for name, (chinese, _) in CLAIMANT_KINDS.items():
        assert chinese in page
        assert f"who={name}" in page


@pytest.mark.parametrize("who", CLAIMANT_KINDS)
def test_only_what_can_still_change_an_answer_is_asked(who: str) -> None:
    day = date.fromisoformat(DAY)
    inquiry = build_questionnaire(POLICIES, who, {}, on=day, as_known=day)
    now = {each.question.key for each in inquiry.open if each.now}
    later = {each.question.key for each in inquiry.open if not each.now}
    assert named(text(asked(who))) == {f"f.{key}" for key in now | set(inquiry.presumed)}
    assert not named(text(asked(who))) & {f"f.{key}" for key in later}


def test_a_question_that_no_longer_matters_goes_and_one_that_begins_to_comes() -> None:
    before, after = text(asked("city")), text(asked("city", **{"f.city_qualifies": "no", "f.key_technology": "yes"}))
    assert "f.added_p" in named(before) - named(after)
    assert "f.8.2:city_paid" in named(after) - named(before)


def test_every_question_says_which_rule_asks_and_quotes_the_words_that_make_it() -> None:
    page = text(asked("university"))
    question = within(page, 'id="f-2-2-in_anhui"', 'class="ask')
    assert "算力使用补助" in question
    assert "第 2.2 句" in question
    assert "在皖企业、高校院所等算力使用方" in question


def test_what_one_may_claim_stands_with_its_amount_and_the_quoted_law() -> None:
    page = text(asked(**USER))
    assert "算力使用补助" in side(page, "可以申报")
    card = within(page, 'id="r-anhui-agi-2023-2-2"', 'class="card"')
    assert "246,913.57" in card
    assert "<mark>不超过算力总支出20%的补助</mark>" in card
    assert "确定可得 246,913.57" in page


def test_what_fails_says_why_and_the_nearest_case() -> None:
    page = text(asked(**{**USER, "f.2.2:in_anhui": "no"}))
    assert "算力使用补助" in side(page, "不符合")
    card = within(page, 'id="r-anhui-agi-2023-2-2"', 'class="card"')
    assert "不符合：在皖 否" in card
    assert "“在皖”须由 否 变为 是" in card


def test_what_is_open_names_what_it_still_needs_and_leads_there() -> None:
    page = text(asked(**{"f.among_ten": "yes"}))
    assert "“十大”场景应用标杆补助" in side(page, "还要回答")
    needs = within(page, 'id="r-anhui-agi-2023-6-2"', 'class="card"').partition("还要知道：")[2]
    assert '<a href="#f-investment">总投资额</a>' in needs.partition("</p>")[0]
    assert 'id="f-investment"' in page


def test_a_cap_that_binds_in_any_case_ends_the_questions_and_is_said() -> None:
    page = text(asked(**{"f.among_ten": "yes", "f.investment": "100000000"}))
    assert "上限 1,000,000.00 元生效；未封顶至少 20,000,000.00 元" in page
    assert "不必再知道：项目所在市" in page
    assert "f.6.2:city" not in named(page)


def test_rules_that_pay_for_the_same_are_summed_as_the_law_combines_them() -> None:
    both = text(asked("city", **CITY))
    # of the 50 million the 10 million that 1.2 paid for are common: on them 8.2 pays nothing, on the rest its part
    assert "确定可得 12,000,000.00" in both
    assert "应享 10,000,000.00 元，可付 8,000,000.00 元" in both
    assert "只按在先的一条（1.2）补助一次" in both
    apart = text(asked(**{**USER, "f.local_spend": "800000"}))
    assert "确定可得 446,913.57" in apart
    assert "分别计算，合计不超过算力费用" in apart


CITY = {
    "f.1.2:city": "340600", "f.8.2:city": "340600", "f.city_qualifies": "yes", "f.added_p": "500",
    "f.finished_on": "2024-06-30", "f.1.2:city_paid": "10000000",
    "f.key_technology": "yes", "f.8.2:city_paid": "50000000",
}  # fmt: skip


def test_who_is_asking_answers_what_only_asks_for_that_and_it_can_be_corrected() -> None:
    page = text(asked(**USER))
    assert "从“您是谁”得出" in page
    other = text(asked(**{**USER, "f.kind": "other"}))
    assert "算力使用补助" in side(other, "不符合")
    assert 'value="other" selected' in within(other, 'id="f-kind"', "</select>")


def test_an_answer_that_only_follows_from_who_asks_does_not_stay_when_somebody_else_asks() -> None:
    sent = asked(live=True, **{**USER, "f.kind": "enterprise", "f.enterprise": "yes"})  # as the form sends it
    assert {"f.kind", "f.enterprise"}.isdisjoint(dict(parse_qsl(urlsplit(sent["HX-Replace-Url"]).query)))
    assert re.search(r'href="[^"]*who=university[^"]*f\.kind', text(sent)) is None
    kept = asked(live=True, **{**USER, "f.kind": "other"})
    assert dict(parse_qsl(urlsplit(kept["HX-Replace-Url"]).query))["f.kind"] == "other"


@pytest.mark.parametrize(
    ("language", "said"),
    [("zh-hans", "应为以元计的金额，至多两位小数"), ("en", "Expected: an amount in yuan with at most two decimals")],
)
def test_what_cannot_be_read_is_said_at_its_field_in_the_readers_language_and_counts_as_unknown(
    language: str, said: str
) -> None:
    page = text(asked(language=language, **{**USER, "f.spend": "三百万"}))
    field = within(page, 'id="f-spend"', 'class="ask')
    assert said in field
    assert 'value="三百万"' in field
    assert 'aria-invalid="true"' in field
    assert "246,913.57" not in page


def test_a_day_that_cannot_be_read_is_said_and_the_default_taken() -> None:
    assert "“2024-13-01”不是日历上的日期" in text(asked(on="2024-13-01"))
    english = text(asked(language="en", on="soon"))
    assert "Expected: a day such as 2024-12-31" in english


def test_the_days_are_choosable_and_decide_which_policies_answer() -> None:
    assert "本地算力使用补助（芜湖）" in text(asked())
    early = text(asked(on="2024-06-30"))
    assert "本地算力使用补助（芜湖）" not in early
    assert "这天不在有效期内" in early
    assert "这一天没有政策有效" in text(asked(on="2026-06-30"))


def test_before_a_policy_was_issued_the_page_says_so_instead_of_counting_nothing() -> None:
    page = text(asked(known="2023-10-11", **USER))
    assert "截至 2023-10-11 还没有印发任何政策" in page
    assert "；那时尚未印发：" in page
    assert "还要回答 0 项" not in page


def test_the_link_to_share_gives_the_same_answers_and_pins_the_days() -> None:
    first = asked(on="", known="", **USER)
    if first.status_code == 302:
        first = Client().get(first["Location"])
    page = text(first)
    link = re.search(r'id="share" readonly value="([^"]+)"', page)
    assert link is not None
    assert {"on", "known"} <= dict(parse_qsl(urlsplit(link[1]).query)).keys()
    again = text(Client().get(link[1]))
    for title in ("可以申报", "还要回答", "不符合"):
        assert side(again, title) == side(page, title)


def test_a_form_sent_without_script_leads_to_an_address_without_its_empty_fields() -> None:
    answer = asked(**{"f.spend": "100", "f.self_use": "", "f.in_plan": ""})
    assert answer.status_code == 302
    assert dict(parse_qsl(urlsplit(answer["Location"]).query, keep_blank_values=True)) == {
        "who": "enterprise", "on": DAY, "known": DAY, "f.spend": "100",
    }  # fmt: skip


def test_htmx_gets_only_the_part_that_changes_and_the_address_that_asks_it_again() -> None:
    answer = asked(live=True, **{**USER, "f.in_plan": ""})
    page = text(answer)
    assert page.startswith('<div id="calculator"')
    assert "<html" not in page
    address = answer["HX-Replace-Url"]
    assert dict(parse_qsl(urlsplit(address).query, keep_blank_values=True)) == {
        "who": "enterprise", "on": DAY, "known": DAY, **USER,
    }  # fmt: skip
    assert side(text(Client().get(address)), "可以申报") == side(page, "可以申报")


def test_answers_that_only_others_are_asked_are_kept_for_who_changes_back() -> None:
    page = text(asked("person", **USER))
    assert '<input type="hidden" name="f.spend" value="1,534,567.85">' in page
    assert "f.spend=1%2C534%2C567.85" in page


def test_a_link_with_questions_that_are_gone_says_so() -> None:
    page = text(asked(**{"f.in_anhui": "yes"}))
    assert "没有用上： <span" in page
    assert ">in_anhui<" in page


def test_what_is_typed_is_never_markup() -> None:
    page = asked(**{"f.spend": '"><script>x</script>', "f.<b>": "1", "on": "<i>"}).content.decode()
    assert "<script>x" not in page
    assert "<b>&gt;" not in page
    assert "&lt;i&gt;" in page


def test_nothing_is_stored(django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        answer = asked(**USER)
    assert answer.status_code == 200
    assert set(answer.cookies) <= {"csrftoken"}  # of the language switch


@pytest.mark.parametrize("who", CLAIMANT_KINDS)
def test_in_english_only_the_law_stays_chinese(who: str) -> None:
    page = text(asked(who, "en", **(CITY if who == "city" else USER))).replace("中文", "")
    page = re.sub(r'<(\w+)[^>]* lang="zh-hans"[^>]*>.*?</\1>', "", page, flags=re.S)
    found = re.search(r".{60}[\u4e00-\u9fff].{60}", page, flags=re.S)
    assert found is None, found


def test_a_policy_that_does_not_stand_up_is_named_and_the_others_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    from huisuan.law.policy import load

    monkeypatch.setattr(load, "list_policies", lambda: [*list_policies(), "broken-2030"])
    page = text(asked(**USER))
    assert ">broken-2030</a>" in page
    assert "算力使用补助" in side(page, "可以申报")


@pytest.mark.parametrize("who", ["", "alpha", "city", "province"])
def test_everybody_reaches_it_from_the_policies(world: World, who: str) -> None:
    page = world.browser(who).get(reverse("policies")).content.decode()
    assert f'href="{reverse("calculator")}"' in page
    assert world.browser(who).get(reverse("calculator")).status_code == 200


def test_the_sign_in_page_leads_there(world: World) -> None:
    assert f'href="{reverse("calculator")}"' in world.browser("").get(reverse("sign-in")).content.decode()


def test_one_may_fill_in_a_claim_where_ones_role_may(world: World) -> None:
    query = urlencode({"who": "enterprise", "on": DAY, **USER})
    href = reverse("new-draft", args=["anhui-agi-2023", "2.2"])
    for who, may in (("", True), ("alpha", True), ("auditor", False)):
        page = world.browser(who).get(f"{reverse('calculator')}?{query}").content.decode()
        assert (href in page) is may
