"""The credit list: what is held against parties, from a day until a day, who says so and what follows. Append-only."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from huisuan.base.db.append_only import append_only
from huisuan.parties.models import Party


class CreditEffect(models.TextChoices):
    """What follows from an entry while it stands."""

    BARS = "bars", "不得享受"
    NOTE = "note", "提示"


class CreditEntry(models.Model):
    """From a day on (until a day, which is not in it) somebody holds this against a party; since when that is known.

    It bars by its `basis` alone; without one it is something that an official answers. Of what one source says from one
    day on the later known counts; `withdrawn` takes it back.
    """

    party = models.ForeignKey(Party, on_delete=models.PROTECT, related_name="credit_entries")
    source = models.CharField(max_length=120, help_text="who lists it, as the list is called")
    effect = models.CharField(max_length=10, choices=CreditEffect)
    reason = models.CharField(max_length=300)
    basis = models.CharField(
        max_length=300, blank=True, default="", help_text="document and article by which the effect follows"
    )
    valid_from = models.DateField()
    valid_to = models.DateField(null=True)
    withdrawn = models.BooleanField(default=False)
    known_from = models.DateField()
    source_file = models.CharField(max_length=200)
    by = models.CharField(max_length=120)
    at = models.DateTimeField()

    class Meta:
        ordering = ["party", "source", "valid_from", "known_from", "id"]
        constraints = [
            models.UniqueConstraint(
                name="credit_entry_once_a_day", fields=["party", "source", "valid_from", "known_from"]
            ),
            models.CheckConstraint(
                name="credit_effect_is_known", condition=Q(effect__in=[effect.value for effect in CreditEffect])
            ),
            models.CheckConstraint(
                name="credit_entry_says_who_and_why", condition=~Q(source="") & ~Q(reason="") & ~Q(by="")
            ),
            models.CheckConstraint(
                name="credit_entry_ends_after_it_begins",
                condition=Q(valid_to__isnull=True) | Q(valid_to__gt=F("valid_from")),
            ),
        ]
        triggers = [append_only("credit_entries_stay")]

    def __str__(self) -> str:
        return f"{self.party_id} {self.effect} from {self.valid_from}"
