"""Where the claim for an entitlement is: today a draft of an application, until it can be submitted here."""

from __future__ import annotations

from datetime import date
from typing import Any

from huisuan.law.model import LawError
from huisuan.law.policy import load_policy
from huisuan.programmes.models import Draft
from huisuan.settlement.models import Entitlement
from huisuan.settlement.runs.queries import entitlement_to_dict
from huisuan.settlement.standing.queries import standing_of, standing_to_dict


def claim_drafts(owed: Entitlement) -> list[Draft]:
    """The drafts of the party under the sentence, the newest first; discarded ones are none."""
    try:
        key = load_policy(owed.run.policy).rule(owed.run.sentence).key
    except LawError:
        return []
    kept = Draft.objects.filter(
        party=owed.party_id, policy=owed.run.policy, rule__in={key, owed.run.sentence}, discarded_at__isnull=True
    )
    return list(kept.select_related("updated_by").order_by("-updated_at"))


def standing_with_claim(owed: Entitlement, today: date) -> dict[str, Any]:
    """An entitlement's standing and its claim, as the API and `--json` carry them."""
    return {
        "entitlement": entitlement_to_dict(owed),
        "standing": standing_to_dict(standing_of(owed, today)),
        "claim": [
            {
                "draft": draft.pk,
                "label": draft.label,
                "updated_at": draft.updated_at,
                "updated_by": draft.updated_by.name,
            }
            for draft in claim_drafts(owed)
        ],
    }
