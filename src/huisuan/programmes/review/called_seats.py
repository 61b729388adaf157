"""Who sits now in panels that accept milestones: the first seats that nobody left, as many as the panel has."""

from __future__ import annotations

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from huisuan.programmes.models import AcceptanceSeat, AcceptanceVote


def called_seats() -> QuerySet[AcceptanceSeat]:
    """The seats of all such panels in which an expert sits: not left, no vote of it set aside, called."""
    left = Q(left=True) | Q(set_aside__isnull=False)
    gone = Exists(AcceptanceVote.objects.filter(left, seat=OuterRef("pk")))
    before = AcceptanceSeat.objects.filter(~gone, milestone=OuterRef("milestone"), position__lt=OuterRef("position"))
    ahead = before.order_by().values("milestone").annotate(n=Count("pk")).values("n")
    rows = AcceptanceSeat.objects.filter(~gone).annotate(ahead=Coalesce(Subquery(ahead), 0))
    return rows.filter(ahead__lt=F("panel"))
