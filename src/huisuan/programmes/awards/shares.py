"""The province's share of what a city paid for a project: computed from the vouchers that stand, whenever it is asked.

A voucher that the city lowers or reverses lowers the share with it; what a city pays later is another application's.
What the rule gives at most for a project it gives once, in however many years the city pays for it.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from huisuan.base.errors import Refused
from huisuan.base.money import yuan
from huisuan.law.procedure import State
from huisuan.programmes.awards.standing import standing_awards
from huisuan.programmes.models import Application, Award, CityShare
from huisuan.settlement.runs.claim_facts import answer_claim
from huisuan.treasury.models import CityPaymentCut

_OVER = (State.WITHDRAWN.value, State.REFUSED.value)
_LONGEST_NAMED = 200
_NOT_YET = sys.maxsize  # whoever is not granted yet comes after all who are


@dataclass(frozen=True)
class ShareBasis:
    """What an application claims a share of, and what the rule gives for it now, in fen. None: it gives no amount."""

    share: CityShare
    owed_fen: int | None


def standing_shares(applications: Iterable[Application]) -> dict[int, CityShare]:
    """By application what it says last that it claims a share of."""
    rows = CityShare.objects.filter(application__in=list(applications)).order_by("application_id", "number")
    return {row.application_id: row for row in rows.select_related("application__edition")}


def load_shares(applications: Iterable[Application]) -> dict[int, ShareBasis]:
    """By application; what others were granted for the same project is taken off.

    What was granted first keeps what it has: of an application that was itself granted, only what went before counts.
    Of several asked for together that are not granted yet, each sees what those begun before it would take.
    """
    shares, found = standing_shares(applications), {}
    others = _same_projects(shares.values())
    claims = [one.application for same in others.values() for one in same]
    awards, turns = standing_awards(claims), _turns(claims)
    would_take: dict[int, int] = {}
    for pk, share in sorted(shares.items()):
        before = {
            other: awards[other.application_id].amount_fen
            for other in others[_project(share)]
            if other.application_id in awards and turns[other.application_id] < turns.get(pk, _NOT_YET)
        }
        granted = awards.get(pk)
        if granted is None:
            same = others[_project(share)]
            before |= {one: would_take[one.application_id] for one in same if one.application_id in would_take}
        owed = _left(share, before)
        if granted is None:
            would_take[pk] = owed or 0
        found[pk] = ShareBasis(share, min(owed, granted.amount_fen) if granted and owed is not None else owed)
    return found


def _left(share: CityShare, before: Mapping[CityShare, int]) -> int | None:
    """What the rule gives for the year beside what was granted for it before, within what it gives for all the years.

    Of another year counts what it is owed by the vouchers that stand, where that is less: the rest is taken back there.
    """
    year, whole = share.application.year, _whole(share)
    if whole is None:
        return None
    granted, last = defaultdict[int, int](int), {other.application.year: other for other in before}
    for other, fen in before.items():
        granted[other.application.year] += fen
    left = whole - granted.pop(year, 0)
    if not granted:
        return max(0, left)
    span = min(year, *granted), max(year, *granted)
    owed = {other: _whole(last[other]) for other in granted}
    elsewhere = sum(fen if (due := owed[other]) is None else min(fen, due) for other, fen in granted.items())
    in_all = _whole(share, span) or 0
    return max(0, min(left, in_all - (whole - left) - elsewhere))


def shared_amounts(applications: Sequence[Application]) -> Mapping[int, int]:
    """What the rule gives now, in fen; under a call nothing where it gives none: what was handed in is older."""
    called = {one.pk for one in applications if one.call_id is not None}
    found = {pk: basis.owed_fen for pk, basis in load_shares(applications).items()}
    return {pk: fen or 0 for pk, fen in found.items() if fen is not None or pk in called}


def because_of_vouchers(application: Application, since: datetime) -> str:
    """The vouchers that the city lowered since, each with how much: what the province's own entry names."""
    share = standing_shares([application]).get(application.pk)
    if share is None:
        return ""
    cuts = CityPaymentCut.objects.filter(
        payment__city=application.city_id, payment__project=share.project, at__gt=since
    )
    named = [f"{cut.payment.voucher} 核减 {yuan(cut.amount_fen)} 元" for cut in cuts.select_related("payment")]
    return f"凭证 {'、'.join(named)}"[:_LONGEST_NAMED] if named else ""


def _whole(share: CityShare, span: tuple[int, int] | None = None) -> int | None:
    """What the rule gives for all that the city paid for the project in the year, or a span of years, as recorded."""
    one = share.application
    assert one.city_id is not None  # only a city claims a share
    try:
        answer = answer_claim(
            one.edition.policy,
            one.edition.key,
            one.city_id,
            share.project,
            one.year,
            share.declared,
            date.max,
            span=span,
        ).answer
    except Refused:
        return None
    return answer.amount_fen if answer.amount_fen is not None else 0 if answer.status == "not_eligible" else None


def _turns(applications: Iterable[Application]) -> dict[int, int]:
    """By application when it was granted: the row id of its first award, whatever superseded that."""
    firsts = Award.objects.filter(application__in=list(applications), number=1)
    return dict(firsts.values_list("application_id", "pk"))


def _project(share: CityShare) -> tuple[str, str, str, str]:
    one = share.application
    return one.edition.policy, one.edition.key, one.city_id or "", share.project


def _same_projects(shares: Iterable[CityShare]) -> dict[tuple[str, str, str, str], list[CityShare]]:
    """The living claims for the same project of the same city, of whatever year, each among them."""
    rows = CityShare.objects.filter(project__in={share.project for share in shares})
    rows = rows.exclude(application__state__in=_OVER).select_related("application__edition")
    last = {row.application_id: row for row in rows.order_by("application_id", "number")}
    found: dict[tuple[str, str, str, str], list[CityShare]] = defaultdict(list)
    for row in last.values():
        found[_project(row)].append(row)
    return found
