"""How firm an entitlement is: which of its use is sealed and by whom, which run it is of, and what would change it.

A firm reads this of itself. Of a centre it says no more than the public register does: that a month is sealed, when,
by whom and under which root, never how much others used.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from huisuan.base.months import Month
from huisuan.compute.models import MeterFlag, PendingCorrection, Seal, UsageRecord
from huisuan.law.model import LawError
from huisuan.law.policy import load_policy, names_deciding
from huisuan.settlement.adoption.queries import list_proposals
from huisuan.settlement.models import Bill, Entitlement, SettlementRun
from huisuan.settlement.runs.inputs import start_of_day
from huisuan.settlement.runs.later_records import corrections_since, records_since, takes_from, within_run
from huisuan.settlement.runs.queries import bills_of_entitlement

_MOST_COUNTED = 1000  # records that came since; beyond it nobody needs to know how many


@dataclass(frozen=True)
class MonthStanding:
    """A month of use at a centre: its bill, and its seal as far as there is one.

    `in_run`: the run read the sealed file; a month sealed since is to be settled again.
    """

    bill: Bill
    seal: Seal | None
    in_run: bool

    @property
    def countersigned_by(self) -> str:
        """The host of the agent that signed for the centre, or nothing."""
        signature = getattr(self.seal, "countersigned", None) if self.seal else None
        return signature.key.host if signature else ""

    @property
    def countersigned_at(self) -> datetime | None:
        """When the centre signed."""
        signature = getattr(self.seal, "countersigned", None) if self.seal else None
        return signature.signed_at if signature else None


@dataclass(frozen=True)
class Standing:
    """All of it. Counts are of what is open now.

    `newer` is the run that stands instead, with what it says of the party. `flags` are about records of the party,
    `corrections` wait for a person; `records` came since the run (at most `_MOST_COUNTED` are counted), `proposals`
    touch the sentence, `law_changed`: policy or settings are not as the run read them.
    """

    months: list[MonthStanding]
    newer: SettlementRun | None
    newer_amount_fen: int | None
    newer_number: int | None
    flags: int
    corrections: int
    records: int
    proposals: int
    law_changed: bool

    @property
    def sealed(self) -> int:
        """Months of use that are sealed."""
        return sum(1 for month in self.months if month.seal)

    @property
    def unsealed(self) -> int:
        """Months of use that are not."""
        return len(self.months) - self.sealed

    @property
    def sealed_fen(self) -> int:
        """What the bills of sealed months come to."""
        return sum(month.bill.amount_fen for month in self.months if month.seal)

    @property
    def is_firm(self) -> bool:
        """Whether nothing that the platform knows of would change it."""
        return bool(
            self.sealed == len(self.months)
            and not (self.newer or self.flags or self.corrections or self.records or self.proposals or self.law_changed)
        )


def standing_of(owed: Entitlement, today: date) -> Standing:
    """How an entitlement stands on a day."""
    run = owed.run
    months = _months(run, list(bills_of_entitlement(owed)))
    centres = {month.bill.centre_id for month in months}
    newer = _newer(run)
    other = Entitlement.objects.filter(run=newer, party=owed.party_id).first() if newer else None
    return Standing(
        months=months,
        newer=newer,
        newer_amount_fen=(other.amount_fen if other else 0) if newer else None,
        newer_number=other.pk if other else None,
        flags=_flags(owed, centres).count(),
        corrections=_corrections(owed).count(),
        records=_came_since(owed),
        proposals=_proposals(run),
        law_changed=_law_changed(run, today),
    )


def standing_to_dict(standing: Standing) -> dict[str, Any]:
    """As the API and `--json` carry it (amounts in fen)."""
    return {
        "firm": standing.is_firm,
        "months": [
            {
                "month": str(Month.containing(month.bill.month)), "centre": month.bill.centre.code,
                "amount_fen": month.bill.amount_fen, "sealed": month.seal is not None, "in_run": month.in_run,
                "sealed_at": month.seal.sealed_at if month.seal else None,
                "sealed_by": month.seal.sealed_by if month.seal else None,
                "root": month.seal.root if month.seal else None,
                "countersigned_by": month.countersigned_by or None, "countersigned_at": month.countersigned_at,
            }
            for month in standing.months
        ],
        "sealed_fen": standing.sealed_fen,
        "newer_run": standing.newer.pk if standing.newer else None,
        "newer_amount_fen": standing.newer_amount_fen,
        "would_change": {
            "open_flags": standing.flags, "waiting_corrections": standing.corrections, "new_records": standing.records,
            "unsealed_months": standing.unsealed, "pending_settings": standing.proposals,
            "law_changed": standing.law_changed,
        },
    }  # fmt: skip


def _months(run: SettlementRun, bills: list[Bill]) -> list[MonthStanding]:
    wanted = Q(pk__lt=0)  # nothing, where there is no bill
    for centre in {bill.centre_id for bill in bills}:
        wanted |= Q(centre=centre, month__in=[bill.month for bill in bills if bill.centre_id == centre])
    rows = Seal.objects.filter(wanted).select_related("countersigned__key").defer("statement")
    seals = {(seal.centre_id, seal.month): seal for seal in rows}
    rests_on = {(seal["centre"], seal["month"]) for seal in run.seals}
    return [
        MonthStanding(
            bill, seals.get((bill.centre_id, bill.month)),
            (bill.centre.code, str(Month.containing(bill.month))) in rests_on,
        )
        for bill in bills
    ]  # fmt: skip


def _newer(run: SettlementRun) -> SettlementRun | None:
    same = SettlementRun.objects.filter(policy=run.policy, sentence=run.sentence, year=run.year, pk__gt=run.pk)
    return same.order_by("-pk").first()


def _of_party(owed: Entitlement, sequence: str) -> Exists:
    """Whether the record of a row's centre whose number stands in `sequence` is the party's, in the run's year."""
    records = UsageRecord.objects.filter(within_run(owed.run), party=owed.party_id)
    return Exists(records.filter(centre=OuterRef("centre"), sequence=OuterRef(sequence)))


def _flags(owed: Entitlement, centres: set[int]) -> QuerySet[MeterFlag]:
    """Open flags about its records, corrections apart."""
    rows = MeterFlag.objects.filter(answered_at__isnull=True, centre__in=centres, sequence__isnull=False)
    return rows.exclude(kind=MeterFlag.Kind.CORRECTION).filter(_of_party(owed, "sequence"))


def _corrections(owed: Entitlement) -> QuerySet[PendingCorrection]:
    """Corrections that wait and would take a record of the run's year from it, or give it one."""
    waiting = PendingCorrection.objects.filter(flag__answered_at__isnull=True)
    starts, ends = start_of_day(owed.run.starts), start_of_day(owed.run.ends + timedelta(days=1))
    given = Q(
        record__party_id=owed.party_id, record__started__lt=int(ends.timestamp()),
        record__ended__gt=int(starts.timestamp()),
    )  # fmt: skip
    return waiting.filter(_of_party(owed, "supersedes") | given)


def _came_since(owed: Entitlement) -> int:
    """Records in the year that the run has not read and that are the party's, or take the place of one of its own."""
    own = records_since(owed.run).filter(party=owed.party_id)[:_MOST_COUNTED].count()
    if own == _MOST_COUNTED:
        return own
    mine = within_run(owed.run) & Q(party=owed.party_id)
    others = corrections_since(owed.run).filter(takes_from(mine)).exclude(within_run(owed.run), party=owed.party_id)
    return own + others[: _MOST_COUNTED - own].count()


def _proposals(run: SettlementRun) -> int:
    """Proposals that wait and touch a setting or an interpretation of the sentence."""
    try:
        policy = load_policy(run.policy)
        names = names_deciding(policy, policy.rule(run.sentence))
    except LawError:
        return 0
    return sum(1 for proposal in list_proposals(run.policy).filter(end__isnull=True) if names & set(proposal.names))


def _law_changed(run: SettlementRun, today: date) -> bool:
    try:
        return bool(load_policy(run.policy).digest_as_known(today) != run.law["digest"])
    except LawError:
        return True
