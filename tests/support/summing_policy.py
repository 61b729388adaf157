"""A policy whose rules sum over claims, in its own folder: each claimant's year, one project, each standard once."""

from __future__ import annotations

from pathlib import Path

from huisuan.law.policy.load import load_folder
from huisuan.law.policy.policy import Policy

TEXT = """# 试验合计政策

## 一、总则

### 第1条 补助

- [1.1] 对企业采购合规数据的费用，按20%补助，每家企业每年最高50万元；年度采购额不低于10万元的方可享受。
- [1.2] 对企业使用算力的费用，按10%补助，每家企业每年最高40万元。
- [1.3] 两项补助每家企业每年合计最高60万元。
- [1.4] 对研发项目按研发费用的30%资助，单个项目最高100万元。
- [1.5] 每个国际标准、国家标准分别给予一次性奖补100万元、50万元。
- [1.6] 经查实骗取补助的，追回已拨付的补助。
"""
ABOUT = 'issuer = "某市"\nissued = 2024-01-01\nvalid_from = 2024-01-01\nvalid_to = 2025-12-31\n'
ARTICLE = """
from __future__ import annotations

from huisuan.law import (
    Article, Facts, Money, boolean, choice, day, each, legal_money, legal_share, money, text, when,
)

article = Article("1")


class Bought(Facts):
    enterprise = boolean("企业", "An enterprise", asked_by="1.1")
    compliant = boolean("数据合规", "Compliant", asked_by="1.1")
    price = money("采购额", "Price", maximum="1亿元", asked_by="1.1")
    paid_on = day("付款日期", "Paid on", asked_by="1.1")
    contract = text("合同号", "Contract", asked_by="1.1")


@article.pays(
    "1.1", "按20%补助", to="企业", to_en="enterprises", title="数据券", title_en="Vouchers",
    over=each("year", "1.1", "每家企业每年最高50万元", on=Bought.paid_on, once=Bought.contract),
)
def vouchers(bought: Bought) -> Money:
    bought.enterprise.required("1.1", "对企业采购")
    bought.compliant.required("1.1", "采购合规数据")
    spent = bought.price.summed("年度采购额", "Purchases of the year", maximum="10亿元")
    (spent >= legal_money("10万元", "1.1", "不低于10万元")).required(
        "1.1", "年度采购额不低于10万元的方可享受", name="enough"
    )
    fifth = (legal_share("20%", "1.1", "按20%补助") * spent).cites("1.1", "按20%补助", "两成", "A fifth")
    return fifth.capped(legal_money("50万元", "1.1", "最高50万元"), "1.1", "最高50万元").rounded_down("fen")


class Computed(Facts):
    fee = money("算力费用", "Cost of compute", maximum="1亿元", asked_by="1.2")
    billed_on = day("账单日期", "Billed on", asked_by="1.2")
    bill = text("账单号", "Bill", asked_by="1.2")


@article.pays(
    "1.2", "按10%补助", to="企业", to_en="enterprises", title="算力补助", title_en="Compute",
    over=each("year", "1.2", "每家企业每年最高40万元", on=Computed.billed_on,
              order=(Computed.billed_on, Computed.bill)),
)
def compute(used: Computed) -> Money:
    spent = used.fee.summed("年度算力费用", "Compute of the year", maximum="10亿元")
    tenth = legal_share("10%", "1.2", "按10%补助") * spent
    return tenth.capped(legal_money("40万元", "1.2", "最高40万元"), "1.2", "最高40万元").rounded_down("fen")


article.caps_together(
    "1.3", "两项补助每家企业每年合计最高60万元", ("1.1", "1.2"), legal_money("60万元", "1.3", "合计最高60万元"),
    each="year",
)


class Research(Facts):
    cost = money("研发费用", "R&D cost", maximum="1亿元", asked_by="1.4")
    project = text("项目编号", "Project", asked_by="1.4")


@article.pays(
    "1.4", "按研发费用的30%资助", to="企业", to_en="enterprises", title="研发资助", title_en="Research",
    over=each("always", "1.4", "单个项目最高100万元", of=Research.project),
)
def research(done: Research) -> Money:
    cost = done.cost.summed("项目研发费用", "R&D cost of the project", maximum="10亿元")
    share = legal_share("30%", "1.4", "研发费用的30%") * cost
    return share.capped(legal_money("100万元", "1.4", "最高100万元"), "1.4", "最高100万元").rounded_down("fen")


class Fraud(Facts):
    proved = boolean("查实骗取", "Fraud proved", asked_by="1.6")
    paid = money("已拨付的补助", "What was paid", maximum="1亿元", asked_by="1.6")
    payment = text("拨付单号", "Payment", asked_by="1.6")


@article.recovers(
    "1.6", "追回已拨付的补助", to="企业", to_en="enterprises", title="追回", title_en="Recovery",
    over=each("always", "1.6", "追回已拨付的补助", once=Fraud.payment),
)
def recovery(fraud: Fraud) -> Money:
    fraud.proved.required("1.6", "经查实骗取补助的")
    return fraud.paid.summed("应追回合计", "To be paid back", maximum="10亿元").rounded_down("fen")


class Standard(Facts):
    kind = choice("类别", "Kind", {"world": ("国际", "world"), "state": ("国家", "state")}, asked_by="1.5")
    number = text("标准号", "Standard", asked_by="1.5")


@article.pays(
    "1.5", "分别给予一次性奖补100万元、50万元", to="企业", to_en="enterprises", title="标准", title_en="Standards",
    over=each("always", "1.5", "一次性奖补", once=Standard.number),
)
def standards(led: Standard) -> Money:
    award = when(
        led.kind.among("world"), legal_money("100万元", "1.5", "分别给予一次性奖补100万元、50万元"),
        legal_money("50万元", "1.5", "分别给予一次性奖补100万元、50万元"),
    )
    return award.summed("奖补合计", "Awards", maximum="10亿元").rounded_down("fen")
"""


def summing_policy(place: Path, *changes: tuple[str, str]) -> Policy:
    """The policy, written into a folder below `place`, with texts of its article replaced."""
    folder, article = place / "summing", ARTICLE
    for old, new in changes:
        assert old in article
        article = article.replace(old, new, 1)
    (folder / "settings").mkdir(parents=True)
    for name, content in {"text.md": TEXT, "policy.toml": ABOUT, "a01_support.py": article}.items():
        (folder / name).write_text(content, encoding="utf-8")
    return load_folder(folder)
