"""What usage records come to, day by day: worked out of them, never told by anyone, and made anew at will.

A centre's million records are not summed for everybody who looks at its page. The ledger only grows, so a tally says
up to which record it counts, and only the days that later records touch are counted again.
"""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from huisuan.compute.models.centres import Accelerator, Centre


class UsageTally(models.Model):
    """How far a centre's records are counted: up to this sequence. Of them, how much current use nobody has claimed."""

    centre = models.OneToOneField(Centre, on_delete=models.CASCADE, related_name="tally")
    sequence = models.BigIntegerField(default=0)
    unclaimed_records = models.BigIntegerField(default=0, help_text="current records without a party")
    unclaimed_card_seconds = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="usage_tally_counts",
                condition=Q(sequence__gte=0, unclaimed_records__gte=0, unclaimed_card_seconds__gte=0),
            )
        ]

    def __str__(self) -> str:
        return f"{self.centre_id} up to {self.sequence}"


class UsageDay(models.Model):
    """One day (Shanghai) of a model at a centre: card-seconds, and the most cards at once, since when.

    Without a model: of all models together, where the most is in TFLOPS, and the cards are those held then.
    """

    centre = models.ForeignKey(Centre, on_delete=models.CASCADE, related_name="usage_days")
    day = models.DateField()
    accelerator = models.ForeignKey(Accelerator, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    card_seconds = models.BigIntegerField()
    most_cards = models.BigIntegerField()
    most_tflops = models.DecimalField(max_digits=20, decimal_places=1, help_text="dense FP16")
    most_at = models.DateTimeField()
    sequence = models.BigIntegerField(
        default=0, help_text="how far the centre's records were counted when this day last changed; 0: not known"
    )

    class Meta:
        ordering = ["centre", "day", "accelerator"]
        constraints = [
            models.UniqueConstraint(
                name="usage_day_once", fields=["centre", "day", "accelerator"], nulls_distinct=False
            ),
            models.CheckConstraint(
                name="usage_day_counts", condition=Q(card_seconds__gte=0, most_cards__gte=0, most_tflops__gte=0)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.centre_id} {self.day}: {self.card_seconds}"
