"""The pages of settings: what holds and since when, a proposal by form, what it changes for whom, its adoption."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from huisuan.law.policy.load import load_policy
from huisuan.parties.models import Person
from huisuan.settlement.impact.requests import run_comparison_request
from huisuan.settlement.models import ComparisonRequest, SettingsProposal
from support.portal import POLICY, World

pytestmark = pytest.mark.django_db
Committed = Callable[..., AbstractContextManager[Any]]
CHINESE = re.compile(r"[\u4e00-\u9fff]")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A home of its own: what a test adopts is nobody else's law."""
    monkeypatch.setenv("HUISUAN_HOME", str(tmp_path))


@pytest.fixture
def second(world: World) -> Client:
    """The browser of another person of the province."""
    other = Person.objects.create_person("province-2", None, role="province")
    client = Client()
    client.force_login(other, backend="django.contrib.auth.backends.ModelBackend")
    return client


def form(browser: Client) -> dict[str, Any]:
    """The form as it opens, as a browser would send it back untouched."""
    page = browser.get(reverse("propose-settings", args=[POLICY]))
    opened = page.context["form"]
    fields: dict[str, Any] = {each.name: each.entered for each in opened.entries}
    return fields | {"title": "", "authority": opened.authority, "document": "1 号", "valid_from": "2024-01-01"}


def proposed(browser: Client, **changes: Any) -> SettingsProposal:
    answer = browser.post(reverse("propose-settings", args=[POLICY]), form(browser) | changes)
    assert answer.status_code == 302, answer.context["form"].errors
    return SettingsProposal.objects.latest("pk")


def compared(browser: Client, proposal: SettingsProposal) -> None:
    """Ask for a comparison over 2024, and let the worker make it."""
    answer = browser.post(reverse("compare-proposal", args=[proposal.pk]), {"year": "2024"})
    work = ComparisonRequest.objects.latest("pk")
    assert answer.url == reverse("comparison-request", args=[work.pk])  # type: ignore[attr-defined]
    run_comparison_request(work.pk, timezone.now())


def test_a_comparison_is_the_workers_shows_how_far_it_is_and_cancelled_writes_nothing(world: World) -> None:
    browser = world.browser("province")
    made = proposed(browser, **{"set:2.2.rate": "10%"})
    for _twice in range(2):
        asked = browser.post(reverse("compare-proposal", args=[made.pk]), {"year": "2024"})
    work = ComparisonRequest.objects.get()  # the second was given the first
    shown = browser.get(asked.url).content.decode()  # type: ignore[attr-defined]
    assert "排队中" in shown
    assert reverse("cancel-comparison", args=[work.pk]) in shown
    assert asked.url in browser.get(reverse("proposal", args=[made.pk])).content.decode()  # type: ignore[attr-defined]
    browser.post(reverse("cancel-comparison", args=[work.pk]))
    assert "以前的比较仍在" in browser.get(asked.url).content.decode()  # type: ignore[attr-defined]
    run_comparison_request(work.pk, timezone.now())
    assert not made.comparisons.exists()
    compared(browser, made)
    done = ComparisonRequest.objects.latest("pk")
    live = browser.get(reverse("comparison-request", args=[done.pk]), headers={"HX-Request": "true"})
    assert live["HX-Redirect"] == f"{reverse('proposal', args=[made.pk])}?year=2024"
    assert browser.post(reverse("compare-proposal", args=[made.pk]), {"year": "1999"}, follow=True).status_code == 200
    assert ComparisonRequest.objects.count() == 2


def test_everyone_reads_the_settings_and_only_overseers_the_proposals(world: World) -> None:
    proposed(world.browser("province"), **{"set:2.2.rate": "15%"})
    for who, sees in {"": False, "alpha": False, "province": True, "auditor": True}.items():
        page = world.browser(who).get(reverse("settings", args=[POLICY])).content.decode()
        assert "2.2.rate" in page
        assert "尚未确定" in page  # the budget of 4.1
        assert ("调整年度补助比例" in page) == sees
        assert (reverse("propose-settings", args=[POLICY]) in page) == (who == "province")


def test_the_form_untouched_proposes_nothing(world: World) -> None:
    browser = world.browser("province")
    answer = browser.post(reverse("propose-settings", args=[POLICY]), form(browser))
    assert answer.status_code == 422
    assert "请至少改一项" in answer.content.decode()


def test_only_what_is_changed_is_proposed(world: World) -> None:
    changes = {"set:14.1.national": "450,000.5", "set:0.2.cap": "beyond", "set:4.1.rate": "340100 10%\n340200 1/3"}
    made = proposed(world.browser("province"), **changes)
    assert made.names == ["0.2.cap", "14.1.national", "4.1.rate"]
    assert '"14.1.national" = 45000050' in made.values
    assert '"4.1.rate" = { "340100" = "10%", "340200" = "1/3" }' in made.values


def test_a_setting_is_repealed_for_some_days_by_the_form_and_the_page_says_so(
    world: World, second: Client, django_capture_on_commit_callbacks: Committed
) -> None:
    browser = world.browser("province")
    opened = browser.get(reverse("propose-settings", args=[POLICY])).content.decode()
    assert 'name="repeal" value="2.2.rate"' in opened
    assert 'name="repeal" value="4.1.budget"' not in opened  # nothing is set that could be repealed
    made = proposed(browser, repeal=["2.2.rate"], valid_from="2024-03-01", valid_to="2024-06-30")
    assert (made.names, str(made.valid_from), str(made.valid_to)) == (["2.2.rate"], "2024-03-01", "2024-06-30")
    assert 'repeal = ["2.2.rate"]' in made.values
    page = browser.get(reverse("proposal", args=[made.pk])).content.decode()
    assert "及于已结算的 2024 年" in page
    assert "<b>废止</b>" in page
    compared(browser, made)
    shown = browser.get(reverse("proposal", args=[made.pk])).context
    assert shown["comparison"].after_fen < shown["comparison"].before_fen
    with django_capture_on_commit_callbacks(execute=True):
        assert "已采用" in second.post(reverse("adopt-proposal", args=[made.pk]), follow=True).content.decode()
    address = reverse("settings", args=[POLICY])
    during, after = (browser.get(address, {"on": day}).context["settings"] for day in ("2024-04-01", "2024-07-01"))
    rate = {row["name"]: row for row in during}["2.2.rate"]
    assert (rate["holds"], rate["decided"]["adopted"].repealed) == (None, True)
    assert "已废止" in browser.get(address, {"on": "2024-04-01"}).content.decode()
    assert {row["name"]: row for row in after}["2.2.rate"]["holds"]


def test_a_setting_is_not_changed_and_repealed_at_once_and_nothing_unset_is_repealed(world: World) -> None:
    browser = world.browser("province")
    posted = form(browser) | {"set:2.2.rate": "15%", "repeal": ["2.2.rate"]}
    answer = browser.post(reverse("propose-settings", args=[POLICY]), posted)
    assert answer.status_code == 422
    assert "请只留一样" in answer.content.decode()
    assert 'value="2.2.rate" checked' in answer.content.decode()
    answer = browser.post(reverse("propose-settings", args=[POLICY]), form(browser) | {"repeal": ["4.1.budget", "x"]})
    assert "请至少改一项" in answer.content.decode()


@pytest.mark.parametrize(
    ("field", "entered", "message"),
    [
        ("set:2.2.rate", "25%", "25% 超过法定上限 20%"),
        ("set:2.2.rate", "a lot", "不是比例"),
        ("set:14.1.national", "1e5", "不是金额"),
        ("set:14.1.national", "50,00", "不是金额"),
        ("set:14.1.national", "500000.01", "超过法定上限 500,000.00 元"),
        ("set:4.1.rate", "hefei", "应为一行一个区划代码和比例"),
        ("set:4.1.rate", "110000 10%", "没有区划 110000"),
        ("set:0.2.cap", "other", "没有选项 other"),
        ("set:0.2.north", ["340300", "110000"], "没有区划 110000"),
        ("valid_from", "2024-13-01", "不是日历上的日期"),
        ("valid_from", "2031-01-01", "不在政策有效期"),
        ("authority", " ", "请写明由谁确定"),
        ("document", "号" * 201, "最多 200 字"),
        ("title", "a\x07\nb", "控制字符"),
    ],
)
def test_what_is_wrong_is_said_at_its_field(world: World, field: str, entered: Any, message: str) -> None:
    browser = world.browser("province")
    posted = form(browser) | {"set:2.2.rate": "15%"} | {field: entered}
    answer = browser.post(reverse("propose-settings", args=[POLICY]), posted)
    assert answer.status_code == 422
    opened = answer.context["form"]
    said = {each.name: each.error for each in opened.entries} | opened.errors
    assert message in said[field]
    assert message in answer.content.decode()
    assert not SettingsProposal.objects.exists()


def test_a_proposal_is_compared_exported_and_adopted_by_another(
    world: World, second: Client, django_capture_on_commit_callbacks: Committed
) -> None:
    first = world.browser("province")
    made = proposed(first, **{"set:2.2.rate": "10%"})
    page = reverse("proposal", args=[made.pk])
    assert "还没有比较过" in first.get(page).content.decode()
    compared(first, made)
    shown = first.get(page)
    comparison = shown.context["comparison"]
    assert comparison.before_fen == world.run.amount_fen
    assert comparison.difference_fen < 0
    export = b"".join(first.get(page + "?export=csv&effect=losers").streaming_content)  # type: ignore[attr-defined]
    rows = list(csv.reader(io.StringIO(export.decode("utf-8-sig"))))
    assert len(rows) == 1 + comparison.losers
    assert "您提出的，须由另一人采用" in shown.content.decode()
    first.post(reverse("adopt-proposal", args=[made.pk]))
    assert not hasattr(SettingsProposal.objects.get(), "end")
    with django_capture_on_commit_callbacks(execute=True):
        second.post(reverse("adopt-proposal", args=[made.pk]))
    assert SettingsProposal.objects.get().end.by == "province-2"
    settings = world.browser("").get(reverse("settings", args=[POLICY])).content.decode()
    assert "<b>10%</b>" in settings
    assert "另有 1 次" in settings
    assert load_policy(POLICY).settings.adopted[-1].document == "1 号"


def test_a_proposal_may_be_withdrawn_and_then_no_longer_adopted(world: World, second: Client) -> None:
    made = proposed(world.browser("province"), **{"set:2.2.rate": "10%"})
    second.post(reverse("withdraw-proposal", args=[made.pk]))
    answer = second.post(reverse("adopt-proposal", args=[made.pk]), follow=True)
    assert "已撤回" in answer.content.decode()
    assert SettingsProposal.objects.get().end.end == "withdrawn"


def test_the_auditor_reads_a_proposal_and_changes_nothing(world: World) -> None:
    made = proposed(world.browser("province"), **{"set:2.2.rate": "10%"})
    auditor = world.browser("auditor")
    page = auditor.get(reverse("proposal", args=[made.pk])).content.decode()
    assert reverse("adopt-proposal", args=[made.pk]) not in page
    for route in ("compare-proposal", "adopt-proposal", "withdraw-proposal"):
        assert auditor.post(reverse(route, args=[made.pk])).status_code == 403
    assert world.browser("city").get(reverse("proposal", args=[made.pk])).status_code == 403


def test_a_settings_file_that_is_wrong_is_named_and_the_rest_goes_on(world: World, tmp_path: Path) -> None:
    folder = tmp_path / "settings" / POLICY
    folder.mkdir(parents=True)
    (folder / "x.toml").write_text('authority = "?"\n', encoding="utf-8")
    overseer, anyone = world.browser("province"), world.browser("")
    for route in ("settings", "policy"):
        answer = overseer.get(reverse(route, args=[POLICY]))
        assert answer.status_code == 503
        assert "x.toml：缺 valid_from" in answer.content.decode()
        assert "x.toml" not in anyone.get(reverse(route, args=[POLICY])).content.decode()
    page = anyone.get(reverse("policies"))
    assert page.status_code == 200
    assert "改好之前不按它作答" in page.content.decode()
    assert overseer.get(reverse("home")).status_code == 200
    assert anyone.get(reverse("policy", args=["nothing"])).status_code == 404


def test_a_past_day_shows_what_was_known_then(world: World) -> None:
    page = world.browser("").get(reverse("settings", args=[POLICY]) + "?on=2024-01-01&known=2023-10-11")
    assert all(row["holds"] is None for row in page.context["settings"])


def test_in_english_only_the_law_stays_chinese(world: World) -> None:
    made = proposed(world.browser("province"), **{"set:2.2.rate": "10%"})
    compared(world.browser("province"), made)
    names = [*world.run._meta.model.objects.values_list("requested_by", flat=True)]
    for person in Person.objects.all():
        names.append(person.name)
    for line in made.comparisons.get().lines.select_related("party"):
        names.append(line.party.name)
    for route, argument in (("settings", POLICY), ("propose-settings", POLICY), ("proposal", made.pk)):
        page = world.browser("province", "en").get(reverse(route, args=[argument])).content.decode()
        for kept in ("中文", "省人工智能产业推进组工作专班", made.title, *sorted(names, key=len, reverse=True)):
            page = page.replace(kept, "")
        page = re.sub(r'<(\w+)[^>]* lang="zh-hans"[^>]*>.*?</\1>', "", page, flags=re.S)
        assert CHINESE.findall(page) == [], (route, page[max(0, CHINESE.search(page).start() - 200) :][:300])
