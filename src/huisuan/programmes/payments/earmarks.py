"""Earmarked money (8.2): what was paid, by when it must be used, every use with its voucher, and what must come back.

What is paid of an earmarked award is an entry of the register that its programme names; a use draws on it, so that no
more is used than was paid, and the database knows. Nothing here takes money back: it proposes, and who keeps the
award's register begins the recovery.
"""

from __future__ import annotations

from collections import defaultdict
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
            codes = [row.entry.code for row in rows]
            kept, uses = _kept(codes), _uses(policy_name, programme.earmarked, codes)
            owners = _owners(rows) if _comes_back(policy_name, programme.earmarked, today) else {}
            for entry in rows:
                code = entry.entry.code
                paid = kept.get(code, int(entry.values["amount"]))
                found.append(_became(programme.earmarked, entry, paid, uses[code], owners.get(entry.pk, []), today))
    return found


def _uses(policy: str, spec: EarmarkSpec, codes: Iterable[str]) -> dict[str, list[RegisterVersion]]:
    """By code of an award every use of its money that stands: one query however many there are."""
    found: dict[str, list[RegisterVersion]] = defaultdict(list)
    rows = standing_versions(policy, spec.uses).filter(values__award__in=list(codes), ended=False)
    for use in rows.select_related("holder"):
        found[use.values["award"]].append(use)
    return found


def _owners(entries: Iterable[RegisterVersion]) -> dict[int, list[str]]:
    """By entry whose money it is: the codes (USCC) of its party, or of the parties of its city's government."""
    rows = list(entries)
    cities: dict[str | None, list[str]] = defaultdict(list)
    asked = {one.region_id for one in rows if one.holder is None}
    held = Party.objects.filter(kind=PartyKind.CITY, region__in=asked) if asked else Party.objects.none()
    for region, uscc in held.values_list("region", "uscc"):
        cities[region].append(uscc)
    return {one.pk: [one.holder.uscc] if one.holder is not None else cities[one.region_id] for one in rows}


def _kept(numbers: Iterable[str]) -> dict[str, int]:
    """By number what was paid of an application and has not to come back, in fen."""
    applications = list(Application.objects.filter(number__in=list(numbers)))
    committed = commitments_of(applications)
    return {one.number: paid_so_far(committed.get(one.pk, [])).kept_fen for one in applications}


def _became(
    spec: EarmarkSpec,
    entry: RegisterVersion,
    paid: int,
    uses: Iterable[RegisterVersion],
    owners: list[str],
    today: date,
) -> EarmarkedMoney:
    elsewhere = affiliate = used = 0
    for use in uses:
        fen = int(use.values["amount"])
        used += fen
        if use.values["purpose"] == spec.elsewhere:
            elsewhere += fen
        elif use.holder is not None and _is_affiliate(owners, use.holder, use.from_day):
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


def _is_affiliate(owners: list[str], payee: Party, day: date) -> bool:
    """Whether the payee and who received the money belong together on the day: for a city its government's parties."""
    pairs = [(owner, payee.uscc) for owner in owners if owner != payee.uscc]
    return payee.uscc in owners or bool(pairs and find_control(HoldingsOn(day).relations, pairs))
