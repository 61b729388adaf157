"""Programmes in the small province: an offer that waits, one decided, a call, drafts under it, one that came back."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from django.utils import timezone

from huisuan.parties.models import Person
from huisuan.programmes.awards.standing import treasury_act
from huisuan.programmes.calls.services import amend_call, open_call
from huisuan.programmes.calls.submit import submit_draft
from huisuan.programmes.models import Draft
from huisuan.programmes.notices.answering import answer_objection
from huisuan.programmes.notices.objecting import ObjectionText, object_to_line
from huisuan.programmes.notices.publishing import ListedApplication, publish_notice
from huisuan.programmes.offers.services import confirm_offer, make_offers
from huisuan.programmes.offices import give_post, store_offices
from huisuan.programmes.review_desk.drawing import draw_call
from huisuan.programmes.workflow import act
from huisuan.treasury.bank_returns import import_returns
from support.awards import ACCOUNT, BANK, DATA, GROUP, walked_offer
from support.calls import FACTS, attach, line, publisher, terms
from support.evidence import PDF
from support.notices import checked
from support.programmes import INDUSTRY, LAW, NOON, TREASURY, budget, official
from support.registers import listed_as_agi
from support.reviews import REVIEWED, SCIENCE, challenge, organiser, pool, recommended, scored, seated
from support.treasury import returned

if TYPE_CHECKING:
    from support.portal import World

NOTICE, NOTICE_REASON, ANSWER = "标准奖补拟支持名单", "牵头制定国家标准", "查无实据"
OBJECTION = ObjectionText("王五", "13800000000", "不是其牵头制定", [("证明.pdf", PDF)])
SEED = "2024-10-12 体彩"
REASON, AMENDED, TITLE = "附件看不清", "增加一份附件", "2024 年标准制定奖补"
_POSTS = (
    ("review", SCIENCE),
    ("recommend", SCIENCE),
    ("check", DATA),
    ("check", INDUSTRY),
    ("publish", GROUP),
    ("commit", TREASURY),
    ("pay", TREASURY),
)
NAMED = (
    REASON, AMENDED, TITLE, BANK, "回单.csv", "皖财〔2024〕1 号", "参数规模", "推理时延", "毫秒", "样机", "通过测评",
    "文号、核验码", "标题、文号、发文机关、主送、正文、附注、日期、核验码、核验地址、替代", "附件1标题",
    NOTICE, NOTICE_REASON, ANSWER, OBJECTION.name, OBJECTION.facts, "证明.pdf", INDUSTRY,
    "算力使用补助（免申即享）拟支持名单",
    "2024 年揭榜挂帅", "因为", SEED, "核对过", "皖财〔2024〕3 号",
    "某大学", "李处", "通用大模型",  # of the pool
    "皖财[2024]1号", "专家评审", "皖智〔2023〕2号", "皖财[2024]3号",  # as they are compared
    "其他县（市、区）", "其他县(市、区)",
)  # fmt: skip


def build_programmes(world: World) -> None:
    """Make them; the province's person checks, the operator gave the posts."""
    store_offices([LAW])
    checker, giver = world.people["province"], world.people["operator"]
    for duty, office in _POSTS:
        give_post(checker, office, duty, date(2024, 1, 1), giver, NOON)
    _offers(world)
    _claims(world)
    _notices(world)
    _reviews(world)


def _offers(world: World) -> None:
    made = make_offers(world.run, official("data", "check", DATA), NOON).made
    taken = next(each for each in made if each.application.party_id == world.beta.pk)
    confirm_offer(taken.application.number, world.people["beta"], ACCOUNT, BANK, NOON, truthful=True)
    budget("2.2")
    walked_offer(taken.application)
    import_returns(returned("P999999,1.00,成功,"), "回单.csv", treasury_act(official("payer", "pay", TREASURY), NOON))


def _notices(world: World) -> None:
    """A notice with two lines, one whose objection is answered and one where it waits; and one to be published."""
    now, made = timezone.now(), checked(8, 9, 10, now=timezone.now())
    give_post(world.people["province"], INDUSTRY, "publish", date(2024, 1, 1), world.people["operator"], NOON)
    listed = [ListedApplication(one.number, 500_000, NOTICE_REASON) for one in made[:2]]
    notice = publish_notice(listed, NOTICE, official("publisher", "publish"), now)
    first, _ = (object_to_line(notice.number, at, OBJECTION, timezone.now()) for at in (1, 2))
    answer_objection(first.pk, ANSWER, world.people["province"], timezone.now(), upheld=False)


def _claims(world: World) -> None:
    today, now, alpha = timezone.localdate(), timezone.now(), world.people["alpha"]
    asked = terms(line=line(year=2024).pk, title=TITLE, first_day=today, last_day=today + timedelta(days=9))
    call = open_call(asked, publisher(), now)
    amend_call(call.number, AMENDED, publisher(), now, last_day=today + timedelta(days=12))
    returned, waiting = (_draft(alpha, label) for label in ("退回的", "待核的"))
    _draft(alpha, "没填完的", files=())
    number = submit_draft(call.number, returned.pk, alpha, now).number
    act(
        number, "return", official("checker", "check"), timezone.now(), reason=REASON, payload={"fields": ["national"]}
    )  # fmt: skip
    submit_draft(call.number, waiting.pk, alpha, now)


def _reviews(world: World) -> None:
    """An open challenge: one application scored by its whole panel, one by none yet, one without a panel."""
    pool(9)
    budget("5.1")
    call = challenge()
    first, second = recommended(call, 21), recommended(call, 22)
    draw_call(call.number, SEED, organiser(), REVIEWED)
    scored(first, *[80] * 5)
    act(first.number, "review", organiser(), REVIEWED)
    recommended(call, 23)
    world.people["expert"] = seated(second)[0]


def _draft(owner: Person, label: str, files: tuple[str, ...] = ("agi_enterprise", "national")) -> Draft:
    listed_as_agi(owner)
    made = Draft.objects.create(
        party=owner.party, owner=owner, policy=LAW.name, digest=LAW.digest, rule="14.1", label=label, facts=FACTS,
        named=[{"kind": "standard", "code": f"GB/T {50_000 + Draft.objects.count()}{more}-2022"} for more in range(2)],
        created_at=NOON, updated_at=NOON, updated_by=owner,
    )  # fmt: skip
    for fact in files:
        attach(made, fact, f"{label} {fact}".encode())
    return made
