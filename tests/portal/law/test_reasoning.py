"""The entitlement page: the amount, the law's words beside the steps, and the way down to the raw line."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from django.urls import reverse

from huisuan.law.policy.load import load_policy
from huisuan.portal.law.quotations import QuotedStretch, pieces
from support.portal import POLICY, World

pytestmark = pytest.mark.django_db


def test_quoted_phrases_are_cut_out_of_the_sentence_with_their_steps() -> None:
    assert pieces("甲乙丙丁", [(1, "乙丙"), (2, "丙丁"), (3, "戊")]) == [
        QuotedStretch("甲", False),
        QuotedStretch("乙", True),
        QuotedStretch("丙", True, (1,)),
        QuotedStretch("丁", True, (2,)),
    ]
    assert pieces("甲乙", []) == [QuotedStretch("甲乙", False)]
    assert "".join(piece.text for piece in pieces("甲乙甲", [(1, "甲"), (2, "甲")])) == "甲乙甲"


def page(world: World, who: str = "alpha", language: str = "zh-hans") -> str:
    address = reverse("entitlement", args=[world.entitlement(world.alpha).pk])
    return world.browser(who, language).get(address).content.decode()


def test_the_amount_the_formula_and_every_step_stand_beside_the_quoted_law(world: World) -> None:
    owed = world.entitlement(world.alpha)
    shown = page(world)
    spend, own, amount = (
        f"{fen // 100:,}.{fen % 100:02d}" for fen in (*map(owed.facts.get, ("spend", "self_use")), owed.amount_fen)
    )
    for figure in (spend, own, amount):
        assert figure in shown
    assert owed.facts["self_use"] > 0
    assert re.search(r"<mark>在皖企业、高校院所等算力使用方<sup>1,2</sup></mark>", shown)
    assert "<mark>（自建自用除外）<sup>3</sup></mark>" in shown
    assert len(re.findall(r'<li class="(?:good|bad|wait)"><span class="mark">', shown)) == 4
    assert "法定上限 20%" in shown
    assert "自建自用”是否包括关联方的智算中心" in shown


def test_the_page_reads_in_english_with_the_law_in_chinese(world: World) -> None:
    shown = page(world, language="en")
    assert "Eligible spend: Total compute spend" in shown
    assert "also centres under common control" in shown
    assert "省级根据调度平台中" in shown


def test_a_zero_says_why(world: World) -> None:
    from huisuan.settlement.models import Entitlement

    owed = world.entitlement(world.alpha)
    outside = Entitlement.objects.create(
        run=owed.run, party=world.people["centre"].party, status="not_eligible", amount_fen=0,
        facts={**owed.facts, "in_anhui": False}, reasons=["failed:in_anhui@2.2"],
    )  # fmt: skip
    shown = world.browser("province").get(reverse("entitlement", args=[outside.pk])).content.decode()
    assert "不符合：在皖" in shown
    assert '<span class="mark">✗</span>' in shown
    would = f"{owed.amount_fen // 100:,}.{owed.amount_fen % 100:02d}"
    assert re.findall(rf"[^>]*{would}", shown) == re.findall(rf"4\. 假如符合条件——[^>]*{would}", shown)
    assert "这个年度没有账单" in shown


def test_the_tree_leads_from_the_entitlement_to_the_raw_line(world: World) -> None:
    browser = world.browser("auditor")
    shown = browser.get(reverse("entitlement", args=[world.entitlement(world.alpha).pk])).content.decode()
    bills = re.findall(r'hx-get="(/bills/\d+/lines)"', shown)
    assert len(bills) == world.run.bills.filter(party=world.alpha).count()
    month = next(address for address in bills if str(world.bill(world.alpha, 4).pk) in address)
    lines = re.findall(r'hx-get="(/bills/\d+/lines/\d+)"', browser.get(month).content.decode())
    records = browser.get(lines[0]).content.decode()
    assert "（全长 288,000）" in records  # the job that crosses the month shows its part and its whole
    found = re.findall(r'hx-get="(/usage/hf/\d+/raw\?as=branch)"', records)
    assert found
    assert "|ah|zhang|alpha|gpu|COMPLETED|" in browser.get(found[0]).content.decode()


def test_steps_of_the_chain_lead_to_the_same_year_and_party(world: World) -> None:
    chain = re.search(r'class="chain".*?</nav>', page(world, "province"), re.S)
    assert chain is not None
    assert f"/bills/?q={world.alpha.uscc}&amp;year=2024" in chain[0]
    assert chain[0].count('aria-current="step"') == 1


def test_the_chain_leads_to_drafts_only_for_whose_they_are(world: World) -> None:
    leads = re.compile(r'href="[^"]*"[^>]*>申报</a>')
    assert leads.search(page(world))
    shown = page(world, "province")
    assert not leads.search(shown)
    assert re.search(r'class="later"><span title="[^"]+">申报</span>', shown)


def test_a_policy_changed_after_settlement_is_said_and_the_stored_amount_stays(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(load_policy(POLICY).folder, tmp_path / POLICY)
    for path in (tmp_path / POLICY / "settings").glob("*.toml"):
        path.write_text(
            path.read_text(encoding="utf-8").replace('"2.2.rate" = "20%"', '"2.2.rate" = "10%"'), encoding="utf-8"
        )
    monkeypatch.setattr("huisuan.law.policy.load.search_path", lambda: [tmp_path])
    shown = page(world)
    amount = world.entitlement(world.alpha).amount_fen
    assert "按现在的政策文件重算，结果与当时存下的不同" in shown
    assert f"应享 {amount // 100:,}.{amount % 100:02d}" in shown


def test_a_policy_that_is_gone_leaves_the_amount_and_says_so(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huisuan.law.policy.load.search_path", list)
    assert "现在无法给出推理" in page(world)
