"""What a firm will have spent by the end of the year, and what comes back of it: the law's own answer, exactly.

The year so far goes on at its own pace: spend per second of what has passed, for the seconds that are left. The facts
are then those that a settlement would read, and the rule answers as it does there, with its rate and its cap.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from fractions import Fraction

from django.db import connection

from huisuan.base.errors import InvalidRequest
from huisuan.base.money import round_half_up
from huisuan.base.months import SHANGHAI, midnight
from huisuan.compute.budgets.party_use import count_before_reading
from huisuan.compute.models import Centre
from huisuan.law.explain import explain, parse_facts
from huisuan.law.model import Answer, LawError
from huisuan.law.policy import load_policy
from huisuan.parties.affiliation import OwnershipRelation, find_affiliations
from huisuan.parties.models import Party, Relation
from huisuan.parties.viewer import Viewer
from huisuan.settlement.runs.queries import latest_entitlements
from huisuan.settlement.runs.settled_sentence import SETTLES, USER_KINDS, reach_of

_POLICY = "anhui-agi-2023"
_HOUR = 3600

_USED = """
SELECT u.centre_id, u.day, sum(u.card_seconds * coalesce(t.fen_per_card_hour, 0))
FROM compute_partyuseday u LEFT JOIN compute_tariff t
    ON t.centre_id = u.centre_id AND t.accelerator_id = u.accelerator_id AND t.valid_from <= u.day
   AND (t.valid_to IS NULL OR u.day < t.valid_to)
WHERE u.party_id = %s AND u.day >= %s AND u.day < %s GROUP BY 1, 2
"""


@dataclass(frozen=True)
class Outlook:
    """Spend and self-built-self-use in fen, exactly, and the law's answer to them (rounded to the fen as facts are)."""

    spend: Fraction
    self_use: Fraction
    answer: Answer

    @property
    def subsidy_fen(self) -> int:
        """What comes back, in fen; 0 where nothing does or the law does not say yet."""
        return self.answer.amount_fen or 0

    @property
    def net(self) -> Fraction:
        """What is left for the firm to pay."""
        return self.spend - self.subsidy_fen

    @property
    def spend_fen(self) -> int:
        """The spend, rounded half up as a bill is."""
        return round_half_up(self.spend)

    @property
    def self_use_fen(self) -> int:
        """The self-built-self-use, rounded half up."""
        return round_half_up(self.self_use)

    @property
    def net_fen(self) -> int:
        """What is left to pay, of the rounded spend."""
        return self.spend_fen - self.subsidy_fen


@dataclass(frozen=True)
class Forecast:
    """The year so far and at its end. `settled_fen`: what the newest settlement of the year says, if there is one."""

    year: int
    elapsed: Fraction
    so_far: Outlook
    at_end: Outlook
    settled_fen: int | None


def forecast_year(viewer: Viewer, now: datetime, policy_name: str = _POLICY) -> Forecast:
    """The forecast of the viewer's own firm for the present year.

    Raises:
        InvalidRequest: the policy cannot be read.
        Party.DoesNotExist: the viewer is of no firm.
        Unavailable: much of the use is not counted yet.
    """
    party = Party.objects.select_related("region").get(viewer.parties())
    count_before_reading()
    today = now.astimezone(SHANGHAI).date()
    first, last = date(today.year, 1, 1), date(today.year, 12, 31)
    spend, self_use = _use(party, first, today, policy_name)
    begins, ends = midnight(first), midnight(last + timedelta(days=1))
    elapsed = Fraction(int(now.timestamp()) - begins, ends - begins)
    pace = 1 / elapsed if elapsed else Fraction(1)
    owed = latest_entitlements(viewer).filter(run__policy=policy_name, run__year=today.year).first()
    return Forecast(
        today.year, elapsed,
        _outlook(party, spend, self_use, last, today, policy_name),
        _outlook(party, spend * pace, self_use * pace, last, today, policy_name),
        owed.amount_fen if owed else None,
    )  # fmt: skip


def _outlook(party: Party, spend: Fraction, self_use: Fraction, on: date, known: date, policy_name: str) -> Outlook:
    try:
        policy = load_policy(policy_name)
        rule = policy.rule(SETTLES)
        facts = parse_facts(rule, _facts(party, spend, self_use))
        return Outlook(spend, self_use, explain(policy, rule, facts, on=on, as_known=known))
    except LawError as error:
        raise InvalidRequest(str(error), code=error.code) from None


def _facts(party: Party, spend: Fraction, self_use: Fraction) -> Mapping[str, object]:
    kind = party.kind if party.kind in USER_KINDS else "other"
    return {
        "in_anhui": party.region.in_anhui, "kind": kind, "spend": round_half_up(spend),
        "self_use": round_half_up(self_use),
    }  # fmt: skip


def _use(party: Party, first: date, today: date, policy_name: str) -> tuple[Fraction, Fraction]:
    """Fen of the year so far, and of them at centres that were the firm's own on the day."""
    own = _own_days(party, first, today, policy_name)
    spend, self_use = Fraction(0), Fraction(0)
    with connection.cursor() as cursor:
        cursor.execute(_USED, [party.pk, first, date(first.year + 1, 1, 1)])
        for centre, day, scaled in cursor.fetchall():
            fen = Fraction(int(scaled), _HOUR)
            spend += fen
            if any(starts <= day < ends for starts, ends in own.get(centre, ())):
                self_use += fen
    return spend, self_use


def _own_days(party: Party, first: date, today: date, policy_name: str) -> dict[int, list[tuple[date, date]]]:
    """By centre the spans of days on which it is the firm's own, as the settlement finds them."""
    ends = date(first.year + 1, 1, 1)
    centres: dict[str, list[int]] = {}
    for pk, operator in Centre.objects.values_list("pk", "operator__uscc"):
        centres.setdefault(operator, []).append(pk)
    relations = Relation.objects.filter(valid_from__lt=ends).exclude(valid_to__lte=first)
    columns = ("owner__uscc", "owned__uscc", "share_permille", "control", "valid_from", "valid_to")
    holdings = [OwnershipRelation(*row) for row in relations.values_list(*columns)]
    reach = reach_of(load_policy(policy_name), ends - timedelta(days=1), today)
    pairs = [(party.uscc, operator) for operator in centres]
    found: dict[int, list[tuple[date, date]]] = {}
    for span in find_affiliations(holdings, pairs, starts=first, ends=ends, reach=reach):
        for centre in centres[span.operator]:
            found.setdefault(centre, []).append((span.starts, span.ends))
    return found
