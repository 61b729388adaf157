"""What the record of settings says, for pages and commands."""

from __future__ import annotations

from typing import Any

from django.db.models import Count, QuerySet, Sum

from huisuan.base.errors import NotFound
from huisuan.settlement.models import ComparedParty, Comparison, End, SettingsProposal

PROPOSED = "proposed"
STATE_ZH = {PROPOSED: "待采用", **{end.value: str(end.label) for end in End}}


def list_proposals(policy: str = "") -> QuerySet[SettingsProposal]:
    """All proposals, the newest first; of one policy, where it is named."""
    found = SettingsProposal.objects.select_related("end")
    return found.filter(policy=policy) if policy else found


def get_proposal(number: int) -> SettingsProposal:
    """One proposal.

    Raises:
        NotFound: none of that number.
    """
    found = list_proposals().filter(pk=number).first()
    if found is None:
        raise NotFound(f"没有提案 {number}；见 huisuan settings list", code="proposal.unknown")
    return found


def proposal_state(each: SettingsProposal) -> str:
    """proposed, adopted or withdrawn."""
    end = getattr(each, "end", None)
    return end.end if end else PROPOSED


def comparison_lines(comparison: Comparison) -> QuerySet[ComparedParty]:
    """Every party of a comparison, those that lose most first."""
    found = ComparedParty.objects.filter(comparison=comparison).select_related("party__region")
    return found.order_by("difference_fen", "party__uscc")


def comparison_sums(comparison: Comparison, by: str) -> list[dict[str, Any]]:
    """Parties and fen before, after and between, per city ("party__region") or kind ("party__kind")."""
    grouped = ComparedParty.objects.filter(comparison=comparison).values(by)
    return list(
        grouped.annotate(
            parties=Count("pk"), before=Sum("before_fen"), after=Sum("after_fen"), difference=Sum("difference_fen")
        ).order_by(by)
    )


def proposal_to_dict(each: SettingsProposal) -> dict[str, Any]:
    """A proposal as JSON carries it."""
    end = getattr(each, "end", None)
    return {
        "id": each.pk, "policy": each.policy, "title": each.title, "authority": each.authority,
        "document": each.document, "valid_from": each.valid_from, "valid_to": each.valid_to,
        "values": each.values, "names": each.names,
        "state": proposal_state(each), "proposed_by": each.proposed_by, "proposed_through": each.proposed_through,
        "proposed_at": each.proposed_at, "ended_by": end.by if end else None, "ended_at": end.at if end else None,
        "ended_through": end.through if end else None, "known_from": end.known_from if end else None,
        "file": end.file if end else "",
    }  # fmt: skip


def comparison_to_dict(made: Comparison) -> dict[str, Any]:
    """A comparison as JSON carries it (amounts in fen), with the sums by city and kind, and every party."""
    return {
        "id": made.pk, "proposal": made.proposal_id, "run": made.run_id, "year": made.run.year,
        "sentence": made.run.sentence, "as_known": made.as_known, "law_before": made.law_before,
        "law_after": made.law_after, "amount": made.amount, "metered_again": made.metered_again,
        "statuses": {name: {"before": two[0], "after": two[1]} for name, two in made.statuses.items()},
        "parties": made.parties, "before_fen": made.before_fen, "after_fen": made.after_fen,
        "difference_fen": made.difference_fen, "winners": made.winners, "won_fen": made.won_fen,
        "losers": made.losers, "lost_fen": made.lost_fen, "made_by": made.made_by, "made_at": made.made_at,
        "by_city": [_sum_json(row, "party__region") for row in comparison_sums(made, "party__region")],
        "by_kind": [_sum_json(row, "party__kind") for row in comparison_sums(made, "party__kind")],
        "lines": [line_to_dict(line) for line in comparison_lines(made)],
    }  # fmt: skip


def line_to_dict(line: ComparedParty) -> dict[str, Any]:
    """What changes for one party."""
    return {
        "party": line.party.uscc, "name": line.party.name, "city": line.party.region_id, "kind": line.party.kind,
        "status_before": line.status_before, "status_after": line.status_after, "before_fen": line.before_fen,
        "after_fen": line.after_fen, "difference_fen": line.difference_fen,
    }  # fmt: skip


def _sum_json(each: dict[str, Any], by: str) -> dict[str, Any]:
    return {
        "key": each[by], "parties": each["parties"], "before_fen": each["before"], "after_fen": each["after"],
        "difference_fen": each["difference"],
    }  # fmt: skip
