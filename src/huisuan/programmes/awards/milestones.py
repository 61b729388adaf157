"""What the contract of an application says of its money: the parts that it is paid in, and how much of it may go out.

The instalments follow the milestones; no more is ordered than what the accepted ones are worth (the database adds it
up again: `models.contracts`).
"""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Q, Sum

from huisuan.programmes.models import Application, Contract, Milestone


def accepted_amounts(applications: Iterable[Application]) -> dict[int, int]:
    """By application under a contract what its accepted milestones are worth, in fen."""
    rows = Contract.objects.filter(application__in=list(applications)).annotate(
        fen=Sum("milestones__amount_fen", filter=Q(milestones__results__accepted=True))
    )
    return {row.application_id: row.fen or 0 for row in rows}


def milestone_parts(application: Application, award_fen: int, fen: int) -> list[int]:
    """The last `fen` of an award in the parts of its milestones; nothing where there is no contract.

    What the milestones do not add up to is one more part behind them.
    """
    amounts = list(
        Milestone.objects.filter(contract__application=application).order_by("number")
        .values_list("amount_fen", flat=True)
    )  # fmt: skip
    if not amounts:
        return []
    kept, parts = award_fen - fen, list[int]()
    for amount in [*amounts, max(0, award_fen - sum(amounts))]:
        done = min(kept, amount)
        kept -= done
        part = min(amount - done, fen - sum(parts))
        if part > 0:
            parts.append(part)
    return parts
