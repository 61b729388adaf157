"""Earmarked money (8.2): what was paid, by when it must be used, every use with its voucher, and what must come back.

What is paid of an earmarked award is an entry of the register that its programme names; a use draws on it, so that no
more is used than was paid, and the database knows. Nothing here takes money back: it proposes, and who keeps the
award's register begins the recovery.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from huisuan.law.policy import load_policy
from huisuan.law.procedure import EarmarkSpec
from huisuan.parties.affiliation import find_control
from huisuan.parties.models import Party, PartyKind
from huisuan.parties.relation_history import HoldingsOn
from huisuan.programmes.awards.closing import paid_so_far
from huisuan.programmes.awards.standing import commitments_of
from huisuan.programmes.models import Application, RegisterVersion
from huisuan.programmes.registers.queries import standing_versions


@dataclass(frozen=True)
class EarmarkedMoney:
    """What became of the earmarked money of an application, in fen; what of it should come back, and why.

    `paid_fen` is what the ledger says was paid and has not to come back: the register stays above it where more was
    used before a recovery began.
    """

    number: str
    entry: RegisterVersion
    paid_fen: int
    used_fen: int
    elsewhere_fen: int
    affiliate_fen: int
    due_on: date | None
    overdue: bool

    @property
    def left_fen(self) -> int:
        """What is not used yet."""
        return max(0, self.paid_fen - self.used_fen)

    @property
    def beyond_fen(self) -> int:
        """What was used and is not there any more, because it has to come back."""
        return max(0, self.used_fen - self.paid_fen)

    @property
    def proposed_fen(self) -> int:
        """What is proposed to be taken back: used elsewhere or at an affiliate, or left when the days are over."""
        return self.elsewhere_fen + self.affiliate_fen + (self.left_fen if self.overdue else 0)


def earmarked_money(policy_name: str, today: date, city: str = "") -> list[EarmarkedMoney]:
    """All of a policy, or of a city, by application."""
    found = []
    for programme in load_policy(policy_name).programmes:
        if programme.earmarked is not None:
            entries = standing_versions(policy_name, programme.earmarked.register).order_by("entry__code")
            rows = list(entries.filter(region=city) if city else entries)
            kept = _kept(row.entry.code for row in rows)
            for entry in rows:
                paid = kept.get(entry.entry.code, int(entry.values["amount"]))
                found.append(_became(policy_name, programme.earmarked, entry, paid, today))
    return found


def _kept(numbers: Iterable[str]) -> dict[str, int]:
    """By number what was paid of an application and has not to come back, in fen."""
    applications = list(Application.objects.filter(number__in=list(numbers)))
    committed = commitments_of(applications)
    return {one.number: paid_so_far(committed.get(one.pk, [])).kept_fen for one in applications}


def _became(policy: str, spec: EarmarkSpec, entry: RegisterVersion, paid: int, today: date) -> EarmarkedMoney:
    uses = standing_versions(policy, spec.uses).filter(values__award=entry.entry.code, ended=False)
    elsewhere = affiliate = used = 0
    comes_back = _comes_back(policy, spec, today)
    for use in uses.select_related("holder"):
        fen = int(use.values["amount"])
        used += fen
        if use.values["purpose"] == spec.elsewhere:
            elsewhere += fen
        elif comes_back and use.holder is not None and _is_affiliate(entry, use.holder, use.from_day):
            affiliate += fen
    due = date.fromisoformat(entry.values["due_on"]) if entry.values.get("due_on") else None
    return EarmarkedMoney(
        entry.entry.code, entry, paid, used, elsewhere, affiliate, due,
        due is not None and today > due and paid > used,
    )  # fmt: skip


def _comes_back(policy: str, spec: EarmarkSpec, today: date) -> bool:
    """Whether what went to an affiliate comes back, as adopted; where nobody asks, it does."""
    if spec.affiliates is None:
        return True
    law = load_policy(policy)
    held = law.adopted(min(today, law.valid_to), today).get(spec.affiliates.name)
    return held is None or held.value != "allowed"


def _is_affiliate(entry: RegisterVersion, payee: Party, day: date) -> bool:
    """Whether the payee and who received the money belong together on the day: for a city its government's parties."""
    if entry.holder is not None:
        owners = [entry.holder.uscc]
    else:
        owners = list(
            Party.objects.filter(kind=PartyKind.CITY, region=entry.region_id).values_list("uscc", flat=True)
        )  # fmt: skip
    pairs = [(owner, payee.uscc) for owner in owners if owner != payee.uscc]
    return payee.uscc in owners or bool(pairs and find_control(HoldingsOn(day).relations, pairs))
