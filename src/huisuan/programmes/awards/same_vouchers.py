"""What a share is owed beside shares of the same vouchers under other rules of the policy: no voucher is shared twice.

The rules of one ground go in the order that the policy declares (011), and follow one another as it is interpreted.
What was granted before keeps what it has: who is granted later takes the rest of what all of them give together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from huisuan.base.errors import Refused
from huisuan.law.explain import combine_answers
from huisuan.law.model import LawError
from huisuan.law.policy import PolicyRule, ground_of, load_policy
from huisuan.programmes.models import CityShare
from huisuan.settlement.runs.claim_facts import ClaimQuestion, claim_question


@dataclass(frozen=True)
class SharesBeside:
    """The other living shares of the same vouchers: granted before this one (fen), or waiting as this one does."""

    granted: Mapping[CityShare, int]
    waiting: Sequence[CityShare]

    def __bool__(self) -> bool:
        return bool(self.granted or self.waiting)


def ground_name(share: CityShare) -> str:
    """What the rule of a share pays for; the rule's own key where it is not to be read any more."""
    edition = share.application.edition
    try:
        policy = load_policy(edition.policy)
        return ground_of(PolicyRule(policy, policy.rule(edition.rule_key)))
    except LawError:
        return edition.rule_key


def owed_beside(share: CityShare, owed: int, others: SharesBeside) -> int | None:
    """What of `owed` (fen) is left for a share beside others of the same vouchers; None where that is undecided yet."""
    if not others:
        return owed
    partners = [*others.granted, *others.waiting]
    by_rule = {one.application.edition.rule_key: one for one in (*partners, share)}
    own = share.application.edition.rule_key
    try:
        asked = [_question(one) for one in by_rule.values()]
        (layer,) = combine_answers([one.question for one in asked], on=asked[-1].on, as_known=date.max)
    except (LawError, Refused):
        return None
    payable = {row.place.rule.key: row.payable_fen for row in layer.rows}
    turn = {key: at for at, key in enumerate(payable)}
    before = {one for one in partners if turn[one.application.edition.rule_key] < turn[own]}
    counted = sum(others.granted.values())
    if before:
        if (mine := payable[own]) is None:
            return None
        owed = min(owed, mine)
        counted += sum(payable[one.application.edition.rule_key] or 0 for one in others.waiting if one in before)
    return max(0, min(owed, sum(fen or 0 for fen in payable.values()) - counted))


def _question(share: CityShare) -> ClaimQuestion:
    one = share.application
    assert one.city_id is not None  # only a city claims a share
    return claim_question(
        one.edition.policy, one.edition.rule_key, one.city_id, share.project, one.year, share.declared, date.max
    )  # fmt: skip
