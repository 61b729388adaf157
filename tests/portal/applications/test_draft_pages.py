"""Drafts of claims: what is typed is kept, what is wrong is said beside its field, no tenant sees another's."""

from __future__ import annotations

import html
import io
import re
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from huisuan.law.forms.submission import parse_submission
from huisuan.law.policy.load import load_policy
from huisuan.programmes.applications import evidence_store as stored
from huisuan.programmes.models import Draft, Evidence
from huisuan.programmes.models.limits import LARGEST_BYTES
from support.portal import POLICY, World, party

pytestmark = pytest.mark.django_db
PDF = (
    b"%PDF-1.4\n1 0 obj\n<</Type/Catalog/Pages 2 0 R>>\nendobj\n2 0 obj\n<</Type/Pages/Kids[]/Count 0>>\nendobj\n"
    b"xref\n0 3\n0000000000 65535 f \n0000000009 00000 n \n0000000054 00000 n \n"
    b"trailer\n<</Size 3/Root 1 0 R>>\nstartxref\n100\n%%EOF\n"
)
NEW = ("new-draft", [POLICY, "2.2"])
TYPED = {"fact-in_anhui": "是", "fact-kind": "企业", "fact-spend": "1,534,567.85", "fact-self_use": "300000"}


@pytest.fixture(autouse=True)
def ground(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files of evidence lie in a folder of the test's own."""
    monkeypatch.setattr(stored, "home", lambda: tmp_path)


def address(route: str, arguments: list[Any] | None = None) -> str:
    return reverse(route, args=arguments or [])


def words(answer: Any) -> str:
    """What a page says, without its tags."""
    return html.unescape(" ".join(re.sub(r"<[^>]+>", " ", answer.content.decode()).split()))


def begin(browser: Client, **changes: Any) -> Draft:
    """A draft as the form makes it."""
    answer = browser.post(address(*NEW), {**TYPED, **changes})
    assert answer.status_code == 302, words(answer)
    draft = Draft.objects.latest("id")
    assert answer["Location"] == address("draft", [draft.pk])
    return draft


def save(browser: Client, draft: Draft, version: int | str = 1, **changes: Any) -> Any:
    return browser.post(address("draft", [draft.pk]), {**TYPED, "version": version, **changes})


def file(name: str = "账单.pdf", content: bytes = PDF) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content)


@pytest.mark.parametrize("language", ["zh-hans", "en"])
@pytest.mark.parametrize("key", [rule.key for rule in load_policy(POLICY).rules])
def test_every_rule_has_its_form_with_its_sentence_evidence_and_answer(world: World, key: str, language: str) -> None:
    policy = load_policy(POLICY)
    answer = world.browser("alpha", language).get(address("new-draft", [POLICY, key]))
    assert answer.status_code == 200
    page = html.unescape(answer.content.decode())
    for spec in policy.rule(key).facts:
        assert f'name="fact-{spec.name}"' in page
        assert f'name="file-{spec.name}"' in page
        assert (spec.en if language == "en" else spec.zh) in page
        assert policy.text.sentences[spec.asked_by].text in page
        assert spec.evidence in page
    assert not Draft.objects.exists()


def test_a_new_form_holds_what_the_platform_settled_and_says_who_knows_it(world: World) -> None:
    said = words(world.browser("alpha").get(address(*NEW)))
    owed = world.entitlement(world.alpha)
    assert f"平台结算 2024 年度时为 {owed.facts['spend'] // 100:,}" in said
    assert "平台可知：平台的计量" in said
    assert f"试算 {owed.amount_fen // 100:,}.{owed.amount_fen % 100:02d} 元" in said


def test_money_typed_in_yuan_is_answered_to_the_fen(world: World) -> None:
    alpha = world.browser("alpha")
    draft = begin(alpha)
    said = words(alpha.get(address("draft", [draft.pk])))
    assert "＝ 1,534,567.85 元" in said
    assert "试算 246,913.57 元" in said
    assert draft.facts["spend"] == "1,534,567.85"
    row = words(alpha.get(address("drafts")))
    assert "2.2 算力使用补助" in row
    assert "246,913.57" in row


def test_what_is_wrong_stays_in_its_field_with_what_was_expected(world: World) -> None:
    alpha = world.browser("alpha")
    draft = begin(alpha, **{"fact-spend": "约 <一百> 万", "fact-self_use": ""})
    page = alpha.get(address("draft", [draft.pk])).content.decode()
    assert 'value="约 &lt;一百&gt; 万"' in page
    assert "应为以元计的金额，至多两位小数" in page
    assert page.count('aria-invalid="true"') == 1
    assert "缺少“算力总支出”" in page
    english = world.browser("alpha", "en").get(address("draft", [draft.pk])).content.decode()
    assert "Expected: an amount in yuan with at most two decimals" in english


def test_the_live_answer_reads_what_is_typed_and_stores_nothing(world: World) -> None:
    answer = world.browser("alpha").post(
        address("live-answer", [POLICY, "2.2"]), {**TYPED, "fact-in_anhui": "否", "fact-spend": "x"}
    )
    said = words(answer)
    assert "不符合：在皖" in said
    assert "还读不懂，按不知道处理： 算力总支出 应为" in said
    assert "<html" not in answer.content.decode()
    assert not Draft.objects.exists()


def test_evidence_goes_up_with_the_facts_comes_down_unchanged_and_is_withdrawn(world: World) -> None:
    alpha = world.browser("alpha")
    draft = begin(alpha, **{"file-spend": [file(), file("合同 A.pdf", PDF + b"% A\n%%EOF")]})
    assert [each.filename for each in Evidence.objects.filter(fact="spend")] == ["账单.pdf", "合同 A.pdf"]
    kept = Evidence.objects.get(filename="账单.pdf")
    down = alpha.get(address("evidence", [kept.pk]))
    assert down.content == PDF
    assert down["Content-Type"] == "application/pdf"
    assert down["Content-Disposition"] == "attachment; filename*=utf-8''%E8%B4%A6%E5%8D%95.pdf"
    assert (down["X-Content-Type-Options"], down["Content-Security-Policy"]) == (
        "nosniff",
        "default-src 'none'; sandbox",
    )
    answer = save(alpha, draft, withdraw=kept.pk, **{"fact-spend": "7"})
    assert answer.status_code == 302
    kept.refresh_from_db()
    draft.refresh_from_db()
    assert (kept.withdrawn_by, draft.facts["spend"]) == (world.people["alpha"], "7")
    page = alpha.get(address("draft", [draft.pk])).content.decode()
    assert "<s>账单.pdf</s>" in page
    assert alpha.get(address("evidence", [kept.pk])).content == PDF  # on record for those who may read it


def test_a_file_that_may_not_be_kept_is_refused_beside_its_field_and_the_facts_are_saved(world: World) -> None:
    alpha = world.browser("alpha")
    draft = begin(alpha)
    answer = save(alpha, draft, **{"fact-spend": "8", "file-self_use": file("表.xlsm"), "file-spend": file()})
    assert answer.status_code == 422
    assert "带宏的文件请另存为不带宏的" in words(answer)
    draft.refresh_from_db()
    assert (draft.facts["spend"], Evidence.objects.get().fact) == ("8", "spend")
    assert f'name="version" value="{draft.version}"' in answer.content.decode()
    again = save(alpha, draft, draft.version, **{"fact-spend": "9"})
    assert again.status_code == 302


def test_a_file_beyond_the_limit_is_refused_with_the_limit_and_nothing_of_it_is_kept(world: World) -> None:
    alpha = world.browser("alpha")
    answer = save(alpha, begin(alpha), **{"file-spend": file(content=PDF + bytes(LARGEST_BYTES + (1 << 20)))})
    assert answer.status_code == 413
    assert "超过 20 MB" in words(answer)
    assert not Evidence.objects.exists()


def test_two_colleagues_do_not_undo_each_other(world: World) -> None:
    alpha = world.browser("alpha")
    draft = begin(alpha)
    assert save(alpha, draft, **{"fact-spend": "100"}).status_code == 302
    answer = save(alpha, draft, 1, **{"fact-spend": "200"})
    assert answer.status_code == 409
    page = answer.content.decode()
    assert 'value="200"' in page
    assert '已存的是：<span lang="zh-hans">100' in page
    draft.refresh_from_db()
    assert draft.facts["spend"] == "100"
    assert save(alpha, draft, 2, **{"fact-spend": "200"}).status_code == 302
    for nonsense in ("x", "9" * 5000, "³"):
        assert save(alpha, draft, nonsense).status_code == 409
    assert save(alpha, draft, 3, withdraw="9" * 5000).status_code == 302


def test_before_it_is_submitted_nobody_but_its_party_reads_a_draft_or_its_evidence(world: World) -> None:
    draft = begin(world.browser("alpha"), label="甲项目", **{"file-spend": file()})
    kept = Evidence.objects.get()
    readers = {"alpha": 200, "city": 404, "province": 403, "auditor": 403, "beta": 404, "centre": 403}
    for who, status in readers.items():
        browser = world.browser(who)
        assert browser.get(address("draft", [draft.pk])).status_code == status, who
        assert browser.get(address("evidence", [kept.pk])).status_code == status, who
        listed = browser.get(address("drafts"))
        assert ("甲项目" in listed.content.decode()) == (status == 200), who


def test_nobody_but_its_party_writes_in_a_draft(world: World) -> None:
    draft = begin(world.browser("alpha"), **{"file-spend": file()})
    for who, status in {"beta": 404, "city": 404, "province": 403, "auditor": 403, "centre": 403}.items():
        browser = world.browser(who)
        assert save(browser, draft, withdraw=Evidence.objects.get().pk).status_code == status, who
        assert browser.post(address("discard-draft", [draft.pk])).status_code in (403, 404), who
    draft.refresh_from_db()
    assert (draft.version, draft.discarded_at, Evidence.objects.get().withdrawn_at) == (1, None, None)


def test_evidence_of_another_draft_is_not_withdrawn_through_ones_own(world: World) -> None:
    begin(world.browser("alpha"), **{"file-spend": file()})
    beta = world.browser("beta")
    answer = save(beta, begin(beta), withdraw=Evidence.objects.get().pk)
    assert "这份材料不在草稿里" in words(beta.get(answer["Location"]))
    assert Evidence.objects.get().withdrawn_at is None


def test_a_form_is_not_taken_from_another_site(world: World) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(world.people["alpha"], backend="django.contrib.auth.backends.ModelBackend")
    assert browser.post(address(*NEW), TYPED).status_code == 403
    assert browser.post(address("live-answer", [POLICY, "2.2"]), TYPED).status_code == 403
    assert not Draft.objects.exists()


def test_a_city_fills_in_for_itself_once_it_is_on_the_register(world: World) -> None:
    city = world.browser("city")
    assert "本市还没有登记为主体" in words(city.get(address("new-draft", [POLICY, "8.2"])))
    hefei = party(77, "合肥市", "city")
    assert city.post(address("new-draft", [POLICY, "8.2"]), {"fact-city_paid": "100"}).status_code == 302
    assert Draft.objects.get().party == hefei
    assert city.get(address("draft", [Draft.objects.get().pk])).status_code == 200


def test_one_for_whom_a_sentence_is_not_meant_is_told_so(world: World) -> None:
    alpha = world.browser("alpha")
    assert "本单位登记为企业，可能不是申报主体" in words(alpha.get(address("new-draft", [POLICY, "8.2"])))
    assert "可能不是申报主体" not in words(alpha.get(address(*NEW)))


def test_a_discarded_draft_leaves_the_lists(world: World) -> None:
    alpha = world.browser("alpha")
    draft = begin(alpha, label="甲项目")
    assert alpha.post(address("discard-draft", [draft.pk])).status_code == 302
    assert alpha.get(address("draft", [draft.pk])).status_code == 404
    assert "甲项目" not in words(alpha.get(address("drafts")))


def test_a_draft_whose_rule_is_gone_still_shows_what_was_typed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    alpha = world.browser("alpha")
    draft = begin(alpha)
    monkeypatch.setattr("huisuan.law.policy.load.search_path", list)
    said = words(alpha.get(address("draft", [draft.pk])))
    assert "没有政策 anhui-agi-2023" in said
    assert "1,534,567.85" in said
    assert alpha.get(address("drafts")).status_code == 200


def test_a_file_that_changed_on_the_disk_is_not_handed_out(world: World) -> None:
    alpha = world.browser("alpha")
    begin(alpha, **{"file-spend": file()})
    kept = Evidence.objects.get()
    stored.evidence_store().path_of(kept.sha256).write_bytes(b"other")
    answer = alpha.get(address("evidence", [kept.pk]))
    assert answer.status_code == 409
    assert "与登记的摘要不符" in words(answer)


def test_the_policy_page_leads_to_the_form_the_templates_and_the_schema(world: World) -> None:
    page = Client().get(address("policy", [POLICY])).content.decode()
    policy = load_policy(POLICY)
    for rule in policy.rules:
        assert f'href="{address("new-draft", [POLICY, rule.key])}"' in page
        book = re.search(rf'href="([^"]*/{re.escape(rule.key)}/template\.xlsx)"', page)
        assert book is not None
        assert len(parse_submission(rule, Client().get(book[1]).content, "x").layout.facts) == len(rule.facts)
    assert address(*NEW) not in world.browser("province").get(address("policy", [POLICY])).content.decode()
    signed_out = Client().get(address(*NEW))
    assert (signed_out.status_code, "/sign-in?next=" in signed_out["Location"]) == (302, True)


def test_the_list_is_exported_as_it_is_filtered(world: World) -> None:
    alpha = world.browser("alpha")
    begin(alpha, label="=甲")
    begin(alpha, label="乙")
    answer = alpha.get(address("drafts"), {"q": "甲", "export": "csv"})
    text = io.BytesIO(b"".join(answer.streaming_content)).read().decode("utf-8-sig")
    assert text.count("\r\n") == 2
    assert "'=甲" in text


def test_facts_of_a_settled_year_are_read_under_the_law_of_that_year() -> None:
    from datetime import date

    from django.utils import timezone

    from huisuan.law.policy.load import load_policy
    from huisuan.portal.applications.form import law_day
    from huisuan.programmes.applications.queries import KnownFacts

    law = load_policy("anhui-agi-2023")
    assert law_day(law, KnownFacts({}, 2024)) == date(2024, 12, 31)
    assert law_day(law, None) == min(timezone.localdate(), law.valid_to)
