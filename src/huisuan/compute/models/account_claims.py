"""Who said that an account of a centre's scheduler is which party."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from huisuan.base.db.append_only import append_only
from huisuan.compute.models.centres import Centre, Tenant
from huisuan.parties.models import Party


class AccountClaim(models.Model):
    """An account or user of a centre was mapped to `party` (none: to nobody any more); before, it was `previous`'s.

    By a person who claimed it or took a claim back, or by a mapping file (`why` names it); the kind is empty where a
    file maps a name whether it is an account or a user.
    """

    centre = models.ForeignKey(Centre, on_delete=models.PROTECT, related_name="account_claims")
    kind = models.CharField(max_length=8, choices=Tenant.Kind, blank=True)
    name = models.CharField(max_length=120)
    party = models.ForeignKey(Party, on_delete=models.PROTECT, null=True, related_name="+")
    previous = models.ForeignKey(Party, on_delete=models.PROTECT, null=True, related_name="+")
    why = models.CharField(max_length=200, blank=True)
    by = models.CharField(max_length=80)
    at = models.DateTimeField()

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index("centre", "kind", "name", name="account_claim_of")]
        constraints = [models.CheckConstraint(name="account_claim_names_it", condition=~Q(name="") & ~Q(by=""))]
        triggers = [append_only("account_claims_stay")]

    def __str__(self) -> str:
        return f"{self.centre_id} {self.kind} {self.name}"
