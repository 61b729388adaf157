"""Settlement runs with what they owe, offers made from them, and the way of an offer to its money."""

from __future__ import annotations

from datetime import date

from huisuan.programmes.models import Application, Offer
from huisuan.programmes.offers.services import confirm_offer, make_offers
from huisuan.programmes.workflow import act
from huisuan.settlement.models import Entitlement, SettlementRun
from support.jobs import party
from support.programmes import ENDED, LAW, NOON, TREASURY, applicant, official

GROUP, DATA = "省人工智能产业推进组工作专班", "省数据资源局"
ACCOUNT, BANK = "1302010109022100001", "工商银行合肥分行"
#: the way of 2.2 to its money: action, duty, office
WAY = (
    ("check", "check", DATA), ("publicise", "publish", GROUP), ("decide", "decide", GROUP),
    ("commit", "commit", TREASURY), ("pay", "pay", TREASURY),
)  # fmt: skip


def settled(*fen: int, year: int = 2024) -> SettlementRun:
    """A run of 2.2 that owes so much to the firms 1, 2, …; nothing: not eligible."""
    run = SettlementRun.objects.create(
        policy=LAW.name, sentence="2.2", year=year, starts=date(year, 1, 1), ends=date(year, 12, 31),
        on=date(year, 12, 31), as_known=date(year + 1, 1, 5), cursors={}, law={"digest": LAW.digest},
        inputs_sha256="0" * 64, result_sha256="0" * 64, records=0, card_seconds=0, unclaimed_card_seconds=0,
        amount_fen=sum(fen), payable_fen=sum(fen), requested_by="王", made_at=NOON,
    )  # fmt: skip
    Entitlement.objects.bulk_create(
        Entitlement(
            run=run, party=party(number), status="eligible" if owed else "not_eligible", amount_fen=owed,
            payable_fen=owed, facts={}, reasons=[],
        )
        for number, owed in enumerate(fen, start=1)
    )  # fmt: skip
    return run


def offered(*fen: int) -> list[Offer]:
    """What such a run offers."""
    return list(make_offers(settled(*fen), official("data", "check", DATA), NOON).made)


def confirmed(offer: Offer, number: int = 1) -> Application:
    """An offer that its firm confirmed."""
    confirm_offer(offer.application.number, applicant(number), ACCOUNT, BANK, NOON, truthful=True)
    return offer.application


def walked_offer(made: Application, until: str = "pay") -> Application:
    """Its steps after confirmation until an action, each by an official of its own."""
    for action, duty, office in WAY:
        now = NOON if action in ("check", "publicise") else ENDED
        act(made.number, action, official(f"{duty} of 2.2", duty, office), now)
        if action == until:
            break
    made.refresh_from_db()
    return made
