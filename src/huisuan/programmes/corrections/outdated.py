"""Which applications stand on another amount than the newest settlement owes, why, and what is to be done."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from django.db.models import Exists, F, OuterRef, Q, QuerySet, Subquery, Sum, Value
from django.db.models.functions import Coalesce

from huisuan.law.procedure import State
from huisuan.parties.viewer import Viewer
from huisuan.programmes.awards.allotted import because_of_figures
from huisuan.programmes.awards.basis import Basis, load_bases
from huisuan.programmes.awards.closing import PaidSoFar, paid_so_far
from huisuan.programmes.awards.shares import because_of_vouchers
from huisuan.programmes.awards.standing import commitments_of, standing_awards
from huisuan.programmes.contracts.audited import owed_as_audited, read_audit
from huisuan.programmes.models import OVER_STATES, Application, Award, Offer
from huisuan.programmes.workflow.queries import visible_applications
from huisuan.settlement.models import BillLine, Entitlement, SettlementRun
from huisuan.settlement.runs.queries import bills_of_entitlement

_AT_ONCE = 1000


class Correction(StrEnum):
    """What an amount that differs leads to."""

    OFFER = "offer"  # not decided yet: the offer is re-based
    AWARD = "award"  # decided and not all paid: the award is re-based
    SUPPLEMENT = "supplement"  # paid, and more is owed
    RECOVERY = "recovery"  # more was paid than is owed
    LATER = "later"  # a recovery is under way


@dataclass(frozen=True)
class Outdated:
    """An application whose amount the newest settlement does not say."""

    application: Application
    basis: Basis
    paid: PaidSoFar
    correction: Correction


def correction_of(application: Application, basis: Basis, paid: PaidSoFar) -> Correction | None:
    """What is to be done about it; None: nothing differs."""
    if basis.holds or application.state in OVER_STATES:
        return None
    if basis.award is None:
        return Correction.OFFER
    if application.state == State.IN_RECOVERY:
        return Correction.LATER
    if paid.kept_fen > basis.owed_fen:
        return Correction.RECOVERY
    return Correction.SUPPLEMENT if application.state == State.CLOSED else Correction.AWARD


def list_outdated(viewer: Viewer, limit: int | None = None, *, after: int = 0) -> list[Outdated]:
    """Those that a viewer may see, the oldest first: all of them, or `limit` of those begun later than `after` (a key).

    What the newest settlement says as it stands is left out by the database; the others are read a thousand at a time.
    """
    candidates = _may_differ(visible_applications(viewer)).order_by("pk")
    found: list[Outdated] = []
    while (limit is None or len(found) < limit) and (part := list(candidates.filter(pk__gt=after)[:_AT_ONCE])):
        found += find_outdated(part)
        after = part[-1].pk
    return found[:limit]


def _may_differ(applications: QuerySet[Application]) -> QuerySet[Application]:
    """Cities' own that were granted, those with an audited cost; offers that differ, or whose party has others."""
    runs = SettlementRun.objects.filter(
        policy=OuterRef("edition__policy"), sentence=OuterRef("edition__key"), year=OuterRef("year")
    ).order_by("-id")  # fmt: skip
    owed = Entitlement.objects.filter(run=OuterRef("newest_run"), party=OuterRef("party"))
    awards = Award.objects.filter(application=OuterRef("pk"), superseded_by__isnull=True)
    offers = Offer.objects.filter(application=OuterRef("pk"), replaced_by__isnull=True)
    beside = Application.objects.filter(
        party=OuterRef("party"), year=OuterRef("year"), edition__policy=OuterRef("edition__policy"),
        edition__key=OuterRef("edition__key"), offers__isnull=False,
    ).exclude(pk=OuterRef("pk"))  # fmt: skip
    found = applications.exclude(state__in=OVER_STATES).annotate(
        newest_run=Subquery(runs.values("pk")[:1]),
        stands_fen=Coalesce(Subquery(awards.values("amount_fen")[:1]), Subquery(offers.values("amount_fen")[:1])),
        newest_fen=Coalesce(
            Subquery(owed.annotate(due=Coalesce("payable_fen", "amount_fen")).values("due")[:1]), Value(0)
        ),
    )  # fmt: skip
    differs = ~Q(stands_fen=F("newest_fen")) | Exists(beside)
    audited = Q(final_evaluation__final_cost_fen__isnull=False)
    granted = Q(city__isnull=False) & Exists(awards)  # before a decision a share is what its vouchers give, always
    return found.filter(granted | audited | Exists(offers) & differs)


def find_outdated(applications: Sequence[Application]) -> list[Outdated]:
    """Those of some applications."""
    bases = load_bases(applications) | _of_audits(applications)
    differing = [one for one in applications if one.pk in bases and not bases[one.pk].holds]
    committed, found = commitments_of(differing), []
    for one in differing:
        paid = paid_so_far(committed.get(one.pk, []))
        if correction := correction_of(one, bases[one.pk], paid):
            found.append(Outdated(one, bases[one.pk], paid, correction))
    return found


def _of_audits(applications: Sequence[Application]) -> dict[int, Basis]:
    """What the audit of a project at its end leaves owed of its award."""
    owed = owed_as_audited(applications)
    awards = standing_awards([one for one in applications if one.pk in owed])
    return {pk: Basis(None, awards[pk], None, awards[pk].amount_fen, fen) for pk, fen in owed.items()}


def outdated_to_dict(one: Outdated) -> dict[str, Any]:
    """As JSON carries it, with what made the difference; amounts in fen."""
    basis = one.basis
    before = basis.award.entitlement if basis.award else basis.offer.entitlement if basis.offer else None
    return {
        "number": one.application.number, "state": one.application.state, "correction": one.correction.value,
        "stands_fen": basis.stands_fen, "owed_fen": basis.owed_fen, "paid_fen": one.paid.paid_fen,
        "claimed_fen": one.paid.claimed_fen, "run": before.run_id if before else None,
        "newest_run": basis.newest.run_id if basis.newest else None, **explain_difference(before, basis.newest),
        "vouchers": because_of_vouchers(one.application, basis.award.granted_at) if basis.award else "",
        "figures": because_of_figures(one.application, basis.award.granted_at) if basis.award else "",
        **read_audit(one.application),
    }  # fmt: skip


def explain_difference(before: Entitlement | None, after: Entitlement | None) -> dict[str, Any]:
    """The use and the facts in which two entitlements differ, and whether the law was read otherwise."""
    said, says = before.facts if before else {}, after.facts if after else {}
    names = [name for name in {**said, **says} if said.get(name) != says.get(name)]
    return {
        "use": _changed_use(before, after),
        "facts": {name: [said.get(name), says.get(name)] for name in names},
        "law_changed": bool(before and after and after.run.law != before.run.law),
    }


def _changed_use(before: Entitlement | None, after: Entitlement | None) -> list[dict[str, Any]]:
    """The lines of use that differ: month, centre, model, price; card-seconds before and after."""
    both: dict[tuple[Any, ...], list[int]] = defaultdict(lambda: [0, 0])
    for at, owed in enumerate((before, after)):
        for key, seconds in _use_lines(owed) if owed else ():
            both[key][at] += seconds
    return [
        {
            "month": f"{month:%Y-%m}", "centre": centre, "model": model, "fen_per_card_hour": fen,
            "excluded_because": why, "card_seconds_before": first, "card_seconds_after": second,
        }
        for (month, centre, model, fen, why), (first, second) in sorted(both.items())
        if first != second
    ]  # fmt: skip


def _use_lines(owed: Entitlement) -> list[tuple[tuple[Any, ...], int]]:
    keys = ("bill__month", "bill__centre__code", "accelerator__model", "fen_per_card_hour", "excluded_because")
    rows = BillLine.objects.filter(bill__in=bills_of_entitlement(owed).order_by()).order_by().values_list(*keys)
    return [(tuple(key), seconds) for *key, seconds in rows.annotate(Sum("card_seconds"))]
