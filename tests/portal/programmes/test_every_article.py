"""Each article from its call to its end, by the requests of its pages alone; 2 and 5.1 are walked in a real browser."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from huisuan.compute.models import Accelerator, CapacitySighting
from huisuan.parties.models import PartyKind, Person, Region
from huisuan.programmes.applications import evidence_store
from huisuan.programmes.models import Application, RegisteredThing
from huisuan.programmes.registers.queries import standing_versions
from huisuan.programmes.registers.snapshots import freeze_register
from huisuan.programmes.review.pool_import import import_ties
from huisuan.treasury.check import prove
from huisuan.treasury.city_payments import PaymentClaim, record_city_payment
from huisuan.treasury.ledger import Act
from support.awards import GROUP
from support.calls import DURING
from support.jobs import centre, party
from support.page_walk import PageWalk
from support.programmes import LAW, NOON, applicant, official, person
from support.reviews import SCIENCE, pool

pytestmark = pytest.mark.django_db
DECIDED = ("check", "publicise", "decide")
PLACE = {"city": "合肥市", "county": "其他县（市、区）"}


@pytest.fixture
def walk(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> PageWalk:
    monkeypatch.setattr(evidence_store, "home", lambda: tmp_path)
    return PageWalk(monkeypatch)


def keeper(office: str = GROUP) -> Person:
    """Who keeps the registers of an office."""
    return official(f"register-{office}"[:60], "register", office)


def hefei() -> Person:
    """Who acts for Hefei: claims, and enters what the city keeps."""
    party(50, PartyKind.CITY)
    made = person("hefei", "city", city=Region.objects.get(code="340100"))
    official("hefei", "register", "合肥市人民政府")
    return made


def voucher(code: str, project: str, yuan: int) -> None:
    """What Hefei paid for a project, on its register."""
    day = date(2024, 7, 1)
    record_city_payment(PaymentClaim("340100", code, project, yuan * 100, day), Act("李会计", NOON, day))


def uscc(number: int) -> str:
    """The code of a firm."""
    firm = applicant(number).party
    assert firm is not None
    return firm.uscc


def agrees(walk: PageWalk, made: Application) -> None:
    """The person whom a claim is about agrees."""
    consent = {"name": "欧阳修文", "paper": "同意书 1 号", "given_on": "2024-09-09"}
    walk.send(applicant(1), f"/applications/{made.number}/consents", consent)


def standing(key: str) -> dict[str, dict[str, object]]:
    """By code what stands on a register."""
    return {row.entry.code: row.values for row in standing_versions(LAW.name, key)}


def test_1_a_centre_is_listed_measured_and_a_third_of_what_its_city_paid_comes_to_the_city(walk: PageWalk) -> None:
    firm, office = applicant(1), keeper("省发展改革委")
    listed = walk.open_call("1.1")
    made = walk.hand_in(listed, firm, {"builder": "市场主体（企业等）", "way": "自建"})
    walk.take(made, *DECIDED, "close")
    assert made.state == "closed"
    model = Accelerator.objects.exclude(tflops_fp16=0).order_by("pk")[0]
    cards = int(500_000 / model.tflops_fp16) + 1
    CapacitySighting.objects.create(centre=centre("hf-1"), accelerator=model, day=NOON.date(), most=cards, least_up=0)
    entry = {"name": "量子智算中心", "holder": uscc(1), "region": "340100", "mode": "own", "planned_p": "400"}
    assert "没有这个中心" in walk.refused(
        office, f"/registers/enter/{LAW.name}/projects", entry | {"code": "J1", "from": "2024-01-01", "centre": "x"}
    )
    walk.enter(office, "projects", code="J1", centre="hf-1", before_p="50", completed_on="2024-06-30", **entry)
    asked = {"name": "用能", "project": "J1", "kind": "energy", "amount": "1 万吨标煤", "asked_of": "市发展改革委"}
    walk.enter(firm, "requests", code="Q1", **asked)
    assert "Q1" in standing("requests")
    answered = {"asked_on": "2024-09-10", "answered": "同意", "answered_on": "2024-09-12", "holder": uscc(1)}
    walk.enter(office, "requests", reason="答复", code="Q1", **asked, **answered)
    voucher("V1", "J1", 3_000_000)
    call = walk.open_call("1.2")
    facts = {"added_p": "9999", "finished_on": "2024-06-30", "city_qualifies": "是", "county": PLACE["county"],
             "city_granted": "3000000"}  # fmt: skip
    share = walk.hand_in(call, hefei(), facts, project="J1", voucher="V1")
    assert share.submissions.get().known["added_p"]["value"] == 450, "what the meter saw, less what was there"
    walk.take(share, *DECIDED)
    page = walk.read(walk.who(share, "commit"), f"/applications/{share.number}")
    assert "hf-1 登记" in page, "with its source and day"
    walk.paid(share, hefei(), "合肥市财政局")
    assert (share.state, share.amount_fen) == ("closed", 100_000_000)
    assert prove().holds


def test_3_a_listed_firm_is_given_access_and_one_that_is_not_listed_is_not(walk: PageWalk) -> None:
    walk.enter(keeper(), "agi_firms", code="AGI-1", name="甲", holder=uscc(1), ground="专家评审", document="1 号")
    call = walk.open_call("3.2")
    inside, outside = (walk.hand_in(call, applicant(n), {"may_be_open": "是"}) for n in (1, 2))
    assert [one.submissions.get().known["agi_enterprise"]["value"] for one in (inside, outside)] == [True, False]
    walk.take(inside, *DECIDED, "close")
    walk.take(outside, "refuse")
    assert (inside.state, outside.state) == ("closed", "refused")


def test_4_cities_enter_what_vendors_sold_and_the_award_is_shared_to_the_fen(walk: PageWalk) -> None:
    for at, (code, yuan) in enumerate((("340100", "600"), ("340200", "400"))):
        city = hefei() if code == "340100" else person("wuhu", "city", city=Region.objects.get(code=code))
        official(city.username, "register", "合肥市人民政府" if code == "340100" else "芜湖市人民政府")
        sold = {"name": "标注", "holder": uscc(at + 1), "region": code, "service": "annotation"}
        walk.enter(city, "vendor_sales", code=f"S{at}", sold_on="2024-03-01", amount=yuan, contract="H", invoice="F-1",
                   **sold)  # fmt: skip
        paid = {"name": "补贴", "holder": uscc(at + 1), "region": code, "paid_on": "2024-06-01", "amount": "10"}
        walk.enter(city, "vendor_subsidies", code=f"V{at}", voucher="PZ-1", **paid)
    page = walk.read(keeper(), f"/registers/{LAW.name}/vendor_sales/")
    assert "S0" in page[page.index("发票号码") :], "one invoice in two cities is named to officials"
    for key in ("vendor_sales", "vendor_subsidies"):
        freeze_register(LAW.name, key, "2024", by=keeper(), now=datetime(2025, 2, 20, tzinfo=UTC), reason="")
    call = walk.open_call("4.1.cities", "1000000.01", datetime(2025, 3, 3, 4, tzinfo=UTC))
    party(51, PartyKind.CITY)
    made = walk.hand_in(call, hefei(), {})
    walk.take(made, *DECIDED)
    walk.paid(made, hefei(), "合肥市财政局")
    assert made.state == "closed"
    assert 0 < (made.amount_fen or 0) < 100_000_001
    assert prove().holds


def test_5_a_project_decided_one_by_one_gets_what_was_settled(walk: PageWalk) -> None:
    call = walk.open_call("5.2")
    made = walk.hand_in(call, applicant(1), {"exceptional": "是"}, project="XM-1")
    walk.take(made, "check")
    walk.publish(made, "一事一议拟支持", "专题会议纪要 1 号", "2000000")
    assert "须先有" in walk.refused(
        walk.who(made, "decide"), f"/applications/{made.number}/acts/decide", {"amount": "2000000"}
    )
    for office in ("省发展改革委", "省经济和信息化厅", "省财政厅"):
        heard = official(f"heard {office}", "recommend", office)
        said = {"office": office, "opinion": "同意", "proposed": "2000000"}
        walk.send(heard, f"/applications/{made.number}/opinions", said)
    walk.take(made, "decide", amount="2000000")
    walk.paid(made, applicant(1))
    assert (made.state, made.amount_fen) == ("closed", 200_000_000)


def test_6_a_scenario_is_opened_asked_for_and_matched_and_a_case_wins_the_contest(walk: PageWalk) -> None:
    pool(7)
    walk.enter(keeper(), "scenarios", code="CJ1", name="城市治理", region="340100", publisher="市数据局",
               domain="government", state="open")  # fmt: skip
    walk.clock(DURING)
    walk.enter(applicant(1), "scenario_requests", code="QQ1", name="对接", scenario="CJ1", plan="试点")
    walk.send(keeper(), f"/registers/match/{LAW.name}/scenarios", {})
    assert [row["request"] for row in standing("scenario_matches").values()] == ["QQ1"]
    call = walk.open_call("6.2")
    made = walk.hand_in(call, applicant(1), PLACE | {"investment": "3000000", "otherwise_paid": "0"}, project="AL-1")
    walk.take(made, "check")
    walk.review(made)
    walk.take(made, "publicise", "decide")
    walk.paid(made, applicant(1))
    assert (made.state, made.amount_fen) == ("closed", 60_000_000)


def test_7_a_product_is_listed_bought_first_and_accepted(walk: PageWalk) -> None:
    made = walk.hand_in(walk.open_call("7.1"), applicant(1), {"agi_product": "是", "innovative": "是"})
    walk.take(made, *DECIDED, "close")
    product = {"name": "大模型一体机", "holder": uscc(1), "kind": "three_first", "level": "province"}
    walk.enter(keeper("省经济和信息化厅"), "products", code="CP1", **product)
    assert "相同" in walk.refused(
        keeper("省经济和信息化厅"),
        f"/registers/enter/{LAW.name}/products",
        product | {"code": "CP2", "from": "2024-08-01"},
    )
    facts = {"agi_product": "是", "innovative": "是", "procedure": "政府采购"}
    bought = walk.hand_in(walk.open_call("7.1.first_purchase"), applicant(1), facts, contract="HT-2024-1")
    walk.take(bought, "record")
    treasury, contract = (
        keeper("省财政厅"),
        {"name": "一体机采购", "holder": uscc(1), "product": "CP1", "buyer": "某局"},
    )
    contract |= {"way": "first_purchase", "amount": "500000", "deliver_by": "2024-10-31"}
    walk.enter(treasury, "purchases", code="CG1", **contract)
    walk.enter(
        treasury, "purchases", "已验收", code="CG1", delivered_on="2024-10-20", accepted_on="2024-10-30", **contract
    )
    assert (bought.state, standing("purchases")["CG1"]["accepted_on"]) == ("closed", "2024-10-30")


def test_8_firms_are_matched_in_order_and_every_yuan_of_the_award_is_tied_to_its_use(walk: PageWalk) -> None:
    first = walk.hand_in(walk.open_call("8.1"), applicant(2), {"field": "通用大模型企业"})
    walk.take(first, *DECIDED, "close")
    for number in (1, 2):
        need = {"name": "训练", "kind": "compute", "amount": "80", "unit": "卡"}
        walk.enter(applicant(number), "needs", code=f"N{number}", **need)
    walk.enter(keeper(), "resources", code="R1", name="算力", region="340100", kind="compute", amount="100", unit="卡")
    walk.send(keeper(), f"/registers/match/{LAW.name}/resources", {})
    assert {row["need"]: row["amount"] for row in standing("matches").values()} == {"N2": 80, "N1": 20}
    voucher("V8", "XM8", 1_000_000)
    facts = {"key_technology": "是", "city_granted": "1000000", "county": PLACE["county"]}
    made = walk.hand_in(walk.open_call("8.2"), hefei(), facts, project="XM8", voucher="V8")
    walk.take(made, *DECIDED)
    walk.paid(made, hefei(), "合肥市财政局")
    assert (made.state, made.amount_fen) == ("closed", 30_000_000)
    use = {"name": "机房", "holder": uscc(3), "region": "340100", "award": made.number, "from": "2024-10-15"}
    walk.enter(hefei(), "earmark_uses", code="U1", purpose="compute", amount="200000", voucher="Y1", **use)
    assert "超过" in walk.refused(
        hefei(), f"/registers/enter/{LAW.name}/earmark_uses",
        use | {"code": "U2", "purpose": "other", "amount": "100000.01", "voucher": "Y2"},
    )  # fmt: skip
    walk.enter(hefei(), "earmark_uses", code="U2", purpose="other", amount="50000", voucher="Y2", **use)
    desk = walk.read(hefei(), "/city-desk")
    assert "50,000.00" in desk[desk.index('id="passing"') :]


def test_9_a_park_is_given_the_title_looked_at_and_loses_it(walk: PageWalk) -> None:
    made = walk.hand_in(
        walk.open_call("9.1"), hefei(), {"builder": "各级人民政府", "firms": "10", "agi_firms": "7"}
    )  # fmt: skip
    walk.take(made, *DECIDED, "close")
    park = {"name": "量子园", "region": "340100", "firms": "10", "agi_firms": "7", "document": "1 号"}
    walk.enter(keeper(), "parks", code="P1", **park)
    looked = {"name": "年度查看", "park": "P1", "year": "2024", "result": "revoked", "by_whom": "甲、乙"}
    walk.enter(keeper(), "park_looks", code="CK1", **looked)
    walk.take(made, "revoke")
    walk.enter(keeper(), "parks", "占比不足，撤销称号", code="P1", until="2024-10-31", **park)
    page = walk.read(keeper(), f"/registers/{LAW.name}/parks/P1")
    assert "撤销称号" in page
    assert (made.state, standing_versions(LAW.name, "parks", date(2024, 11, 1)).count()) == ("refused", 0)


def test_10_a_project_wins_and_all_that_is_given_to_it_stays_within_the_cap(walk: PageWalk) -> None:
    pool(7)
    made = walk.hand_in(walk.open_call("10.1"), applicant(1), {}, project="DS-1")
    agrees(walk, made)
    walk.take(made, "check")
    walk.review(made, 90)
    walk.take(made, "publicise", "decide", "close")
    assert made.state == "closed"
    assert made.call is not None
    rounds = {"name": "决赛", "year": "2024", "draw": f"{made.call.number} 第 1 次", "passed": "1"}
    walk.enter(keeper(), "rounds", code="L1", **rounds)
    walk.enter(keeper(), "prizes", code="DS-1", name="模型", round="L1", entry=made.number, prize="金奖")
    given = {"name": "天使投资", "holder": uscc(1), "project": "DS-1", "means": "equity", "payer": "省基金"}
    walk.enter(keeper(), "follow_up", code="ZC1", amount="20000000", **given)
    assert "超过" in walk.refused(
        keeper(), f"/registers/enter/{LAW.name}/follow_up",
        given | {"code": "ZC2", "amount": "10000000.01", "from": "2024-08-01"},
    )  # fmt: skip
    support = walk.open_call("10.1.support")
    said = walk.hand_in(support, applicant(1), {"amount": "10000000", "means": "债权投入"}, contract="JK-1")
    assert said.submissions.get().known["given"]["value"] == 2_000_000_000
    agrees(walk, said)
    walk.take(said, "record")
    assert said.state == "closed"


@pytest.mark.parametrize(
    ("key", "facts", "person_named"),
    [
        ("11.1", {"agi_field": "是", "high_level": "是"}, True),
        ("12.1", {"agi_field": "是", "high_level": "是", "in_anhui": "是"}, True),
    ],
)
def test_11_and_12_persons_agree_are_looked_at_and_decided(
    walk: PageWalk, key: str, facts: dict[str, str], person_named: bool
) -> None:
    made = walk.hand_in(walk.open_call(key), applicant(1), facts)
    agrees(walk, made)
    walk.take(made, "check", "publicise")
    shown = walk.read(applicant(2), f"/notices/{made.notice_lines.get().notice.number}")
    assert ("欧阳修文" in shown) is False, "the notice has ended, and the name is gone"
    walk.take(made, "decide", "close")
    assert made.state == "closed"
    if key == "12.1":
        funded = {"name": "扶持", "holder": uscc(1), "amount": "1000000"}
        fields = LAW.register("team_funds").fields
        funded |= {
            one.key: "2024-10-01" if one.kind == "day" else "省基金"
            for one in fields
            if one.required and one.key not in funded
        }
        walk.enter(keeper(SCIENCE), "team_funds", code="TF1", **funded)
        assert RegisteredThing.objects.filter(register="team_funds").count() == 1


def test_13_a_stake_is_decided_drawn_down_within_its_commitment_and_is_no_grant(walk: PageWalk) -> None:
    made = walk.hand_in(walk.open_call("13.2"), applicant(1), {"founder": "市县国资平台", "agi_field": "是"})
    walk.take(made, *DECIDED, "close")
    office = keeper(SCIENCE)
    walk.enter(office, "theme_funds", code="F1", name="主题基金", size="20000000000", raised="100000000")
    sub = {"name": "子基金", "holder": uscc(1), "fund": "F1", "size": "1000000000", "stake": "300000000"}
    walk.enter(office, "sub_funds", code="S1", **sub)
    drawn = {"name": "首期", "holder": uscc(1), "sub_fund": "S1", "amount": "300000000", "voucher": "Y1"}
    walk.enter(office, "drawdowns", code="D1", **drawn)
    more = drawn | {"code": "D2", "amount": "0.01", "voucher": "Y2", "from": "2024-08-01"}
    assert "超过" in walk.refused(office, f"/registers/enter/{LAW.name}/drawdowns", more)
    back = {"name": "分配", "holder": uscc(1), "sub_fund": "S1", "amount": "1000000", "voucher": "F1"}
    walk.enter(office, "distributions", code="FP1", **back)
    private = {"name": "贷款", "holder": uscc(2), "kind": "credit", "source": "某银行", "amount": "5000000"}
    walk.enter(keeper("省地方金融监管局"), "private_money", code="SH1", **private)
    assert (made.state, made.amount_fen, made.awards.count()) == ("closed", None, 0)
    assert "300,000,000.00" in walk.read(office, f"/registers/{LAW.name}/sub_funds/S1")


def test_14_a_standard_is_awarded_once_and_a_second_firm_that_names_it_waits(walk: PageWalk) -> None:
    for number in (1, 2):
        walk.enter(
            keeper(), "agi_firms", code=f"AGI-{number}", name="甲", holder=uscc(number), ground="评审", document="1 号"
        )
    call = walk.open_call("14.1")
    facts = {"national": "1", "international": "0", "published_on": "2024-03-01"}
    first, second = (walk.hand_in(call, applicant(n), facts, standard="GB/T 40001-2024") for n in (1, 2))
    walk.take(first, *DECIDED)
    walk.paid(first, applicant(1))
    assert (first.state, first.amount_fen) == ("closed", 50_000_000)
    walk.take(second, "check")
    walk.refused(walk.who(second, "publicise"), f"/applications/{second.number}/acts/publicise", {"reason": "公示"})
    assert prove().holds


def test_15_a_service_is_planned_bought_delivered_evaluated_and_paid_within_its_contract(walk: PageWalk) -> None:
    made = walk.hand_in(
        walk.open_call("15.1"), applicant(1), {"agi_field": "是", "activity": "重大培训活动"}, contract="FW-1"
    )
    walk.take(made, "record")
    walk.enter(keeper(), "training_plans", code="JH1", name="年度计划", year="2024", budget="1000000")
    event = {
        "name": "培训",
        "holder": uscc(1),
        "kind": "training",
        "plan": "JH1",
        "way": "公开招标",
        "contract": "FW-1",
    }
    walk.enter(keeper(), "events", code="HD1", amount="300000", **event)
    done = event | {"amount": "300000", "delivered_on": "2024-09-30", "score": "92"}
    walk.enter(keeper(), "events", "评价", code="HD1", **done)
    pay = {"name": "付款", "holder": uscc(1), "event": "HD1", "accepted_on": "2024-09-30"}
    walk.enter(keeper(), "event_payments", code="FK1", amount="300000", voucher="Y1", **pay)
    tied = person("e1", "expert")
    lines = f"e1,{uscc(1)},advice,2024-01-01\n"
    pool(2)
    assert not import_ties(f"username,party,kind,starts\n{lines}".encode(), "关系.csv", by="李处", now=DURING).faults
    page = walk.read(person("sheng"), f"/registers/{LAW.name}/events/HD1")
    assert tied.name in page[page.index('id="holder-ties"') :]
    assert "— → 92" in page, "what a correction changed stays to be read"
    assert "维护这份名录的单位有人与它有关联" not in page
    assert 'id="holder-ties"' not in walk.read(applicant(1), f"/registers/{LAW.name}/events/HD1")
    official("e1", "register", GROUP)
    assert "维护这份名录的单位有人与它有关联" in walk.read(person("sheng"), f"/registers/{LAW.name}/events/HD1")
    more = pay | {"code": "FK2", "amount": "0.01", "voucher": "Y2", "from": "2024-08-01"}
    assert "超过" in walk.refused(keeper(), f"/registers/enter/{LAW.name}/event_payments", more)
    assert made.state == "closed"
