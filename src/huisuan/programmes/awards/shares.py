"""The province's share of what a city paid for a project: computed from the vouchers that stand, whenever it is asked.

A voucher that the city lowers or reverses lowers the share with it; what a city pays later is another application's.
What the rule gives at most it gives once for what the policy's question says (`CapScope`): for a project in however
many years the city pays for it, unless for each of its years, or for the city. Where several rules of a policy pay for
the same vouchers, they follow one another as the policy declares (`same_vouchers`).
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TypeVar

from django.db.models import Q

from huisuan.base.errors import Refused
from huisuan.base.money import yuan
from huisuan.law.explain import explain
from huisuan.law.policy import load_policy
from huisuan.law.procedure import CapScope
from huisuan.programmes.awards.same_vouchers import SharesBeside, ground_name, owed_beside
from huisuan.programmes.awards.standing import standing_awards
from huisuan.programmes.models import OVER_STATES, Application, Award, CityShare
from huisuan.settlement.runs.claim_facts import answer_claim, claim_question
from huisuan.treasury.models import CityPaymentCut

_Key = TypeVar("_Key", bound=tuple[object, ...])
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
    living = _living_shares(shares.values())
    others = _by(_sharers, living)
    alike = _by(_vouchers, living)
    claims = [one.application for one in living]
    awards, turns = standing_awards(claims), _turns(claims)
    would_take: dict[int, int] = {}
    for pk, share in sorted(shares.items()):
        before = {
            other: awards[other.application_id].amount_fen
            for other in others[_sharers(share)]
            if other.application_id in awards and turns[other.application_id] < turns.get(pk, _NOT_YET)
        }
        granted = awards.get(pk)
        if granted is None:
            same = others[_sharers(share)]
            before |= {one: would_take[one.application_id] for one in same if one.application_id in would_take}
        owed = _left(share, before)
        if owed is not None:
            owed = owed_beside(share, owed, _beside(share, alike[_vouchers(share)], awards, turns))
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
    scope = cap_scope_of(share)
    if scope is not CapScope.PROJECT:
        again = sum(
            fen
            for other, fen in before.items()
            if _project(other) == _project(share) and other.application.year == year
        )
        left = max(0, whole - again)
        limit = _limit(share) if scope is CapScope.CITY else None
        return left if limit is None else max(0, min(left, limit - sum(before.values())))
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


def cap_scope_of(share: CityShare) -> CapScope:
    """Of what the rule's limit is one, as adopted for the year of the share; of a project where nobody asks."""
    edition = share.application.edition
    name = edition.content.get("cap_of", "")
    law = load_policy(edition.policy)
    held = law.adopted(min(date(share.application.year, 12, 31), law.valid_to), date.max).get(name) if name else None
    return CapScope(str(held.value)) if held is not None else CapScope.PROJECT


def _limit(share: CityShare) -> int | None:
    """What the rule gives at most: its answer were all that the city paid beyond any limit."""
    one = share.application
    assert one.city_id is not None  # only a city claims a share
    asked = claim_question(
        one.edition.policy, one.edition.rule_key, one.city_id, share.project, one.year, share.declared, date.max
    )  # fmt: skip
    place = asked.question.place
    most = {spec.name: spec.maximum for spec in place.rule.facts if spec.name in asked.registered}
    return explain(
        place.policy, place.rule, {**asked.question.facts, **most}, on=asked.on, as_known=date.max
    ).amount_fen


def _turns(applications: Iterable[Application]) -> dict[int, int]:
    """By application when it was granted: the row id of its first award, whatever superseded that."""
    firsts = Award.objects.filter(application__in=list(applications), number=1)
    return dict(firsts.values_list("application_id", "pk"))


def _project(share: CityShare) -> tuple[str, str, str, str]:
    one = share.application
    return one.edition.policy, one.edition.key, one.city_id or "", share.project


def _sharers(share: CityShare) -> tuple[str, str, str, str]:
    """What the claims have in common that may share one limit: the project, or the city alone."""
    policy, rule, city, project = _project(share)
    return policy, rule, city, "" if cap_scope_of(share) is CapScope.CITY else project


def _vouchers(share: CityShare) -> tuple[str, str, str, str, int]:
    one = share.application
    return one.edition.policy, ground_name(share), one.city_id or "", share.project, one.year


def _beside(
    share: CityShare, alike: Sequence[CityShare], awards: Mapping[int, Award], turns: Mapping[int, int]
) -> SharesBeside:
    """The shares of the same vouchers under other rules; what is not granted yet counts for what is not either."""
    own = share.application
    others = [one for one in alike if one.application.edition.key != own.edition.key]
    turn = turns.get(own.pk, _NOT_YET)
    granted = {
        one: awards[one.application_id].amount_fen
        for one in others
        if one.application_id in awards and turns[one.application_id] < turn
    }
    waiting = [one for one in others if one.application_id not in awards] if own.pk not in awards else []
    return SharesBeside(granted, waiting)


def _living_shares(shares: Iterable[CityShare]) -> list[CityShare]:
    """The living claims that may share vouchers or a limit with these, each as it says last."""
    asked = list(shares)
    wanted = Q(project__in={share.project for share in asked})
    for share in asked:
        if cap_scope_of(share) is CapScope.CITY:
            wanted |= Q(
                application__city=share.application.city_id, application__edition__key=share.application.edition.key
            )
    rows = CityShare.objects.filter(wanted)
    rows = rows.exclude(application__state__in=OVER_STATES).select_related("application__edition")
    return list({row.application_id: row for row in rows.order_by("application_id", "number")}.values())


def _by(key: Callable[[CityShare], _Key], shares: Iterable[CityShare]) -> dict[_Key, list[CityShare]]:
    found: dict[_Key, list[CityShare]] = defaultdict(list)
    for share in shares:
        found[key(share)].append(share)
    return found
