"""Whose drafts and evidence are whose: until it is submitted, a draft is its party's own, and nobody else sees it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.db.models import Count, Q, QuerySet

from huisuan.law.explain import parse_facts
from huisuan.law.model import LawError, Rule, Value
from huisuan.law.policy import Policy
from huisuan.parties.models import Party, PartyKind
from huisuan.parties.viewer import Viewer
from huisuan.programmes.models import Draft, Evidence
from huisuan.settlement.models import Entitlement
from huisuan.settlement.runs.queries import latest_runs


def drafts(viewer: Viewer) -> QuerySet[Draft]:
    """The drafts of the viewer's own party, with `files`: how many pieces of evidence stand."""
    standing = Count("evidence", filter=Q(evidence__withdrawn_at__isnull=True))
    return (
        Draft.objects.filter(party=claimant(viewer), discarded_at__isnull=True)
        .select_related("party__region", "owner", "updated_by")
        .annotate(files=standing)
    )


def evidence(viewer: Viewer) -> QuerySet[Evidence]:
    """The evidence of the viewer's own party, withdrawn or not."""
    return Evidence.objects.filter(draft__party=claimant(viewer)).select_related("draft", "uploaded_by")


def claimant(viewer: Viewer) -> Party | None:
    """For whom a viewer fills in drafts: a user for its party, a city for itself, where it is on the register."""
    if viewer.role == "user":
        return Party.objects.select_related("region").filter(viewer.parties()).first()
    if viewer.role == "city":
        return (
            Party.objects.select_related("region")
            .filter(kind=PartyKind.CITY, region=viewer.city)
            .order_by("uscc")
            .first()
        )
    return None


@dataclass(frozen=True)
class KnownFacts:
    """Facts that the platform has settled for a party already, and for which year."""

    facts: Mapping[str, Value | None]
    year: int


def known(party: Party, policy: Policy, rule: Rule) -> KnownFacts | None:
    """What the newest standing settlement of this rule knows of the party; None where there is none."""
    settled = Entitlement.objects.filter(
        party=party, run__in=latest_runs(), run__policy=policy.name, run__sentence=rule.key
    )
    found = settled.select_related("run").order_by("-run__year").first()
    if found is None:
        return None
    try:
        return KnownFacts(parse_facts(rule, found.facts), found.run.year)
    except LawError:  # settled under facts that the rule has no more
        return None
