"""An open challenge (5.1) from its call to money that comes back, by pages alone, in a real browser."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from huisuan.base.money import plain_yuan
from huisuan.programmes.applications import evidence_store
from huisuan.programmes.check_desk.flag_answers import give_flag_answer
from huisuan.programmes.models import Application, Call
from huisuan.programmes.workflow import act
from huisuan.treasury.check import prove
from huisuan.treasury.models import AppropriationLine, Debt, PaymentOrder
from support.browser import CHROMIUM, Site
from support.treasury import returned

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from huisuan.parties.models import Person

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(
        CHROMIUM is None, reason="no Chromium here; setup/browser.sh installs one where root and apt exist"
    ),
]
PDF = (
    b"%PDF-1.4\n1 0 obj\n<</Type/Catalog/Pages 2 0 R>>\nendobj\n2 0 obj\n<</Type/Pages/Kids[]/Count 0>>\nendobj\n"
    b"xref\n0 3\n0000000000 65535 f \n0000000009 00000 n \n0000000054 00000 n \n"
    b"trailer\n<</Size 3/Root 1 0 R>>\nstartxref\n100\n%%EOF\n"
)
#: what the call asks papers for
PAPERS = ("in_plan", "way", "topic", "cost", "city", "county")


class Walk:
    """One page at which one person after the other sits, and the clock that they see."""

    def __init__(self, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
        self.site, self.monkeypatch, self.page = site, monkeypatch, site.page("")
        self.sessions: dict[str, str] = {}

    def clock(self, now: datetime) -> None:
        """From here on it is this time; everybody signs in anew."""
        self.monkeypatch.setattr(timezone, "now", lambda: now)
        self.sessions.clear()

    def of(self, who: Person, path: str = "") -> Page:
        """The page with a person at it, at an address; without one where it is."""
        from django.test import Client

        if who.username not in self.sessions:
            client = Client()
            client.force_login(who, backend="django.contrib.auth.backends.ModelBackend")
            self.sessions[who.username] = client.cookies["sessionid"].value
        own = {"name": "sessionid", "value": self.sessions[who.username], "url": self.site.url}
        self.page.context.add_cookies([own])  # type: ignore[list-item]
        if path:
            self.page.goto(self.site.url + path)
        return self.page

    def act(self, who: Person, number: str, button: str, **typed: str) -> None:
        """An act of the list on the page of an application."""
        page = self.of(who, f"/applications/{number}")
        form = page.locator("aside.acts form", has=page.get_by_role("button", name=button, exact=True))
        for name, text in typed.items():
            form.locator(f"[name={name}]").fill(text)
        form.get_by_role("button", name=button, exact=True).click()
        expect(page.locator(".said").first).to_contain_text(f"已{button}")

    def post(self, who: Person, path: str, button: str, says: str, **typed: str) -> Page:
        """A form of a page: filled in by name and sent with its button; the page then says so."""
        page = self.of(who, path)
        form = page.locator("form", has=page.get_by_role("button", name=button, exact=True)).last
        for name, text in typed.items():
            field = form.locator(f'[name="{name}"]')
            if field.evaluate("e => e.tagName") == "SELECT":
                field.select_option(text)
            else:
                field.fill(text)
        form.get_by_role("button", name=button, exact=True).click()
        expect(page.locator("main")).to_contain_text(says)
        return page


@pytest.fixture(autouse=True)
def ground(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files of evidence lie in a folder of the test's own."""
    monkeypatch.setattr(evidence_store, "home", lambda: tmp_path)


def test_an_open_challenge_goes_from_its_call_to_money_that_comes_back(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    from support.calls import CLOSES, DURING, OPENED
    from support.notices import ended, notice_of
    from support.programmes import LAW, TREASURY, official
    from support.reviews import SCIENCE, pool, recommended

    walk, firm = Walk(site, monkeypatch), site.world.people["beta"]
    pool(7)
    publisher, committer = official("publisher", "publish", SCIENCE), official("committer", "commit", TREASURY)
    walk.clock(OPENED)
    walk.post(
        committer, "/treasury/lines/", "下达预算", "3,000,000.00", programme=f"{LAW.name} 5.1", year="2024",
        amount="3000000", document="皖财〔2024〕1 号",
    )  # fmt: skip
    (line,) = AppropriationLine.objects.filter(sentence="5.1").values_list("pk", flat=True)
    walk.post(
        publisher, "/calls/new", "发布通知", "2024 年揭榜挂帅", programme=f"{LAW.name} 5.1", year="2024",
        title="2024 年揭榜挂帅", first="2024-09-01", last="2024-09-30", line=str(line), shortage="rank",
        **{"tie-1": "applied"},
    )  # fmt: skip
    call = Call.objects.get()
    walk.clock(DURING)
    handed_in(walk, firm, call.number, "XM-9")
    first = Application.objects.get(call=call).number
    second = recommended(call, 3, files=PAPERS).number  # who comes second, and gets what the first leaves
    walk.clock(CLOSES)
    reviewed_and_ranked(walk, call.number, first, second)
    notice = notice_of(first)
    expect(walk.of(firm, f"/notices/{notice.number}").locator("main")).to_contain_text("2,000,000.00")
    walk.clock(ended(notice) + timedelta(minutes=1))
    decided_and_paid(walk, first, firm)
    taken_back(walk, first, firm, ended(notice) + timedelta(days=40))
    assert prove().holds


def handed_in(walk: Walk, firm: Person, call: str, project: str) -> None:
    """A draft filled in with its papers, handed in under the call, and the plan of its targets."""
    page = walk.of(firm, "/drafts/new/anhui-agi-2023/5.1")
    page.locator("[name=fact-in_plan][value=是]").check()
    for name, text in (
        ("way", "揭榜挂帅"),
        ("topic", "通用大模型"),
        ("city", "合肥市"),
        ("county", "其他县（市、区）"),
    ):
        page.locator(f"[name=fact-{name}]").select_option(text)
    page.locator("[name=fact-cost]").fill("10000000")
    page.locator("[name=fact-subsidised_compute]").fill("0")
    page.locator("[name=object-project]").fill(project)
    for name in PAPERS:
        paper = {"name": f"{name}.pdf", "mimeType": "application/pdf", "buffer": PDF + f"% {project} {name}".encode()}
        page.locator(f"[name=file-{name}]").set_input_files(paper)
    page.locator("button.main").click()
    page.wait_for_url("**/drafts/*")
    draft = page.url.rsplit("/", 1)[1]
    page = walk.post(firm, f"/calls/{call}/submit?draft={draft}", "提交", "计划指标")
    walk.post(
        firm, page.url.removeprefix(walk.site.url), "提交计划指标", "计划指标已提交",
        targets="T1 | 参数规模 | 70 | 亿\nT2 | 推理时延 | 50 | 毫秒 | 越小越好",
    )  # fmt: skip


def reviewed_and_ranked(walk: Walk, call: str, first: str, second: str) -> None:
    """Checked, recommended, scored by drawn experts, ranked by a frozen sheet and put up in public."""
    from support.calls import CLOSES
    from support.programmes import INDUSTRY, official
    from support.reviews import REVIEWED, SCIENCE, marks_of, organiser, scored, seated

    checker, recommender = official("checker", "check", SCIENCE), official("recommender", "recommend", INDUSTRY)
    walk.post(checker, f"/applications/{first}", "核对", "政策条件")
    walk.act(checker, first, "核验通过", reason="核对过")
    for flag in Application.objects.get(number=first).flags.filter(answered_at__isnull=True):
        # the firm is registered elsewhere than its project, and has compute of the year paid back already
        give_flag_answer(first, flag.pk, official("recommender", "recommend", INDUSTRY), "项目在合肥实施", CLOSES)
    walk.act(recommender, first, "推荐")
    walk.clock(REVIEWED)
    walk.post(organiser(), f"/calls/{call}/draw", "抽签", "已为 2 件申报抽出评审组")
    marks = {f"mark-{key}": str(mark) for key, mark in marks_of(80).items()}
    reasons = {f"reason-{key}": "见材料" for key in marks_of(80)}
    for expert in seated(Application.objects.get(number=first)):
        walk.post(expert, f"/reviews/{first}", "提交评分表（一次，不能再改）", "评分表已提交", **marks, **reasons)
    scored(Application.objects.get(number=second), *[70] * 5)
    act(second, "review", organiser(), REVIEWED)
    walk.act(organiser(), first, "完成评审")
    ranker = official("ranker", "recommend", SCIENCE)
    page = walk.post(ranker, f"/calls/{call}/sheet", "冻结决策表", "已冻结")
    for said in (first, "80.00", second, "70.00", "拟部分支持", "1,000,000.00"):
        expect(page.locator("main")).to_contain_text(said)
    walk.act(ranker, first, "排序")
    walk.act(official("publisher", "publish", SCIENCE), first, "公示")


def decided_and_paid(walk: Walk, number: str, firm: Person) -> None:
    """Decided, under contract, the first milestone reported, accepted and paid; a target lowered by an amendment."""
    from support.programmes import TREASURY, official
    from support.reviews import SCIENCE

    signer, payer = official("signer", "register", SCIENCE), official("payer", "pay", TREASURY)
    page = f"/applications/{number}"
    walk.act(official("decider", "decide", SCIENCE), number, "批准")
    walk.post(
        signer, page, "拟定合同", "合同已拟定", code="HT-1", signed_on="2024-10-12",
        milestones="样机 | 2024-12-31 | 40%\n测评 | 2025-12-15 | 60%", targets="1 | T1 | 30\n2 | T1 | 70\n2 | T2 | 50",
    )  # fmt: skip
    walk.act(signer, number, "签订合同")
    walk.post(firm, page, "填写收款账户", "收款账户已填写", account="1302010109022100001", bank="工商银行合肥分行")
    walk.act(official("committer", "commit", TREASURY), number, "下达资金")
    walk.post(firm, page, "提交报告", "报告已提交", text="样机完成", **{"reached.T1": "31"})
    walk.post(signer, page, "登记验收结果", "验收结果已登记", verdict="yes", score="88", reason="达到指标")
    walk.of(signer, page).get_by_text("合同变更（按补充协议改指标").click()
    walk.post(
        signer, "", "登记变更", "70 → 60", code="HT-1-补1", agreed_on="2024-10-15", targets="2 | T1 | 60",
        reason="芯片断供",
    )  # fmt: skip
    walk.act(payer, number, "开始支付")
    walk.post(payer, "/treasury/orders/", "把 1 张生成送银行的文件", "已生成")
    order = PaymentOrder.objects.select_related("instalment").get()
    content = returned(f"{order.name},{plain_yuan(order.instalment.amount_fen)},成功,")
    walk.of(payer, "/treasury/returns/").locator("input[type=file]").set_input_files(
        {"name": "r.csv", "mimeType": "text/csv", "buffer": content}
    )
    walk.post(payer, "", "导入回单", "已入账")


def taken_back(walk: Walk, number: str, firm: Person, later: datetime) -> None:
    """The project fails: what was paid is to come back, the firm pays it, and the application is closed."""
    from support.programmes import TREASURY, official
    from support.reviews import SCIENCE

    signer, payer = official("signer", "register", SCIENCE), official("payer", "pay", TREASURY)
    page = walk.of(signer, f"/applications/{number}")
    page.get_by_text("更正的事实和分期退款").first.click()
    form = page.locator("#act-recover")
    form.locator('[name="fact-cost"]').fill("2000000")
    form.locator("[name=reason]").fill("经审计，研发费用为 200 万元")
    form.get_by_role("button", name="启动追回").click()
    expect(page.locator(".said").first).to_contain_text("已启动追回")
    debt = Debt.objects.get()
    expect(walk.of(firm, f"/applications/{number}").locator("main")).to_contain_text("须退")
    walk.clock(later)
    walk.post(
        payer,
        f"/treasury/debts/{debt.pk}",
        "登记退款",
        "收 1 号",
        amount=plain_yuan(debt.amount_fen),
        voucher="收 1 号",
    )
    page = walk.of(firm, f"/applications/{number}")
    for said in ("已办结", "70 → 60", "启动追回", "样机完成"):
        expect(page.locator("main")).to_contain_text(said)
