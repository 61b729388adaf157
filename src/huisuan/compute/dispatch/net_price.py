"""What of a job's price comes back under the law: asked of the rule itself, so that it is written nowhere twice.

Sentence 2.2 pays a share of a year's spend, so what it pays for one job is known only when the year is over; what is
told here is the share it would pay of this job's spend, by the settings adopted on the day.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from typing import cast

from huisuan.compute.models import Centre
from huisuan.law.explain import RuleEvaluator
from huisuan.law.model import LawError, Status
from huisuan.law.policy import load_policy
from huisuan.parties.affiliation import OwnershipRelation, Reach, find_affiliations
from huisuan.parties.models import Party, Relation

POLICY, SENTENCE = "anhui-agi-2023", "2.2"
_USER_KINDS = ("enterprise", "university", "institute")
SAMPLE_FEN = 10**9  # so large that rounding to the fen cannot show in the share


@dataclass(frozen=True)
class Subsidy:
    """The share of spend that comes back under a sentence; `why` says why it is nothing, where it is.

    `status` is the law's (`Status`), or "broken" where the policy's files can not be read: the code of the reason.
    """

    share: Fraction
    policy: str = POLICY
    sentence: str = SENTENCE
    status: str = Status.ELIGIBLE.value
    why: str = ""


class Subsidies:
    """What comes back on one day, by party; the law is read once and asked once per kind of party."""

    def __init__(self, day: date) -> None:
        self.day = day
        self.reach: Reach = "control"
        self._judge: RuleEvaluator | None = None
        self._known: dict[tuple[bool, str], Subsidy] = {}
        try:
            policy = load_policy(POLICY)
            self._judge, self._valid_to = RuleEvaluator(policy, policy.rule(SENTENCE), day, day), policy.valid_to
        except LawError as error:
            self._broken = str(error)
            return
        if chosen := policy.adopted(day, day).get("2.2.affiliated"):
            self.reach = cast(Reach, chosen.value)

    def of(self, party: Party) -> Subsidy:
        """What comes back to a party of what it spends on the day, self-use aside."""
        key = party.region.in_anhui, party.kind if party.kind in _USER_KINDS else "other"
        if key not in self._known:
            self._known[key] = self._asked(*key)
        return self._known[key]

    def _asked(self, in_anhui: bool, kind: str) -> Subsidy:
        if self._judge is None:
            return Subsidy(Fraction(0), status="broken", why=self._broken)
        verdict = self._judge({"in_anhui": in_anhui, "kind": kind, "spend": SAMPLE_FEN, "self_use": 0})
        share = Fraction(verdict.amount_fen or 0, SAMPLE_FEN)
        return Subsidy(share, status=verdict.status.value, why="" if share else _why(verdict.status, self._valid_to))

    def own_centres(self, parties: Iterable[Party]) -> dict[str, frozenset[str]]:
        """By party (USCC) the codes of centres where its use is self-use on the day, so that nothing comes back."""
        operators: dict[str, list[str]] = {}
        for code, operator in Centre.objects.values_list("code", "operator__uscc"):
            operators.setdefault(operator, []).append(code)
        after = self.day + timedelta(days=1)
        relations = Relation.objects.filter(valid_from__lt=after).exclude(valid_to__lte=self.day)
        columns = ("owner__uscc", "owned__uscc", "share_permille", "control", "valid_from", "valid_to")
        holdings = [OwnershipRelation(*row) for row in relations.values_list(*columns)]
        related = {one for each in holdings for one in (each.owner, each.owned)} | set(operators)
        pairs = [(party.uscc, each) for party in parties if party.uscc in related for each in operators]
        found: dict[str, frozenset[str]] = {}
        for span in find_affiliations(holdings, pairs, starts=self.day, ends=after, reach=self.reach):
            found[span.user] = found.get(span.user, frozenset()) | frozenset(operators[span.operator])
        return found


def _why(status: Status, valid_to: date) -> str:
    match status:
        case Status.NOT_IN_FORCE:
            return f"第 {SENTENCE} 句不在有效期内（至 {valid_to}）"
        case Status.NOT_ELIGIBLE:
            return f"不是第 {SENTENCE} 句所说的在皖企业、高校院所等算力使用方"
    return f"第 {SENTENCE} 句的年度比例还没有确定"
