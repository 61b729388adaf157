"""What usage records come to, day by day: worked out of them, never told by anyone, and made anew at will.

A centre's million records are not summed for everybody who looks at its page. The ledger only grows, so a tally says
up to which record it counts, and only the days that later records touch are counted again.
"""

from __future__ import annotations

import pgtrigger
from django.db import models
from django.db.models import Q

from huisuan.compute.models.centres import Accelerator, Centre
from huisuan.parties.models import Party


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


# The use of each party by month: sums that the database keeps of its days, for whoever reads years at a glance. A firm
# of some hundred people has a million days of use. The days are the only door: each statement that adds, changes or
# deletes days changes the months in the same transaction, so the two cannot differ.
_ADDED = """
    INSERT INTO compute_partyusemonth AS t (party_id, centre_id, accelerator_id, month, card_seconds)
    SELECT party_id, centre_id, accelerator_id, date_trunc('month', day)::date, sum(change)::bigint
    FROM ({changes}) AS days GROUP BY 1, 2, 3, 4 HAVING sum(change) <> 0 ORDER BY 1, 2, 3, 4
    ON CONFLICT (party_id, month, centre_id, accelerator_id)
    DO UPDATE SET card_seconds = t.card_seconds + EXCLUDED.card_seconds;
    RETURN NULL;
"""
_DAYS = "SELECT party_id, centre_id, accelerator_id, day, {sign}card_seconds AS change FROM {table}"
_MORE, _LESS = _DAYS.format(sign="", table="more"), _DAYS.format(sign="-", table="less")
#: nothing is added here: with a party or a centre both its days and its months go
_TAKEN = """
    UPDATE compute_partyusemonth t SET card_seconds = t.card_seconds - gone.card_seconds
    FROM (
        SELECT party_id, centre_id, accelerator_id, date_trunc('month', day)::date AS month,
            sum(card_seconds)::bigint AS card_seconds
        FROM less GROUP BY 1, 2, 3, 4
    ) AS gone
    WHERE t.party_id = gone.party_id AND t.month = gone.month AND t.centre_id = gone.centre_id
      AND t.accelerator_id = gone.accelerator_id;
    RETURN NULL;
"""


def use_month_triggers() -> list[pgtrigger.Trigger]:
    """The triggers of the days of use that keep the months: one for each kind of statement, as PostgreSQL asks."""
    kinds = (
        ("use_days_add_to_months", pgtrigger.Insert, {"new": "more"}, _ADDED.format(changes=_MORE)),
        (
            "use_days_change_months", pgtrigger.Update, {"old": "less", "new": "more"},
            _ADDED.format(changes=f"{_MORE} UNION ALL {_LESS}"),
        ),
        ("use_days_leave_months", pgtrigger.Delete, {"old": "less"}, _TAKEN),
    )  # fmt: skip
    return [
        pgtrigger.Trigger(
            name=name, level=pgtrigger.Statement, when=pgtrigger.After, operation=operation, func=func,
            referencing=pgtrigger.Referencing(**tables),  # type: ignore[no-untyped-call]
        )
        for name, operation, tables, func in kinds
    ]  # fmt: skip


class PartyUseMonth(models.Model):
    """Card-seconds of one month (Shanghai) by party, centre and model; 0 where corrections took all of it away."""

    party = models.ForeignKey(Party, on_delete=models.CASCADE, related_name="use_months")
    centre = models.ForeignKey(Centre, on_delete=models.CASCADE, related_name="+")
    accelerator = models.ForeignKey(Accelerator, on_delete=models.PROTECT, related_name="+")
    month = models.DateField(help_text="its first day")
    card_seconds = models.BigIntegerField()

    class Meta:
        ordering = ["party", "month"]
        constraints = [
            models.UniqueConstraint(name="party_use_month_once", fields=["party", "month", "centre", "accelerator"]),
        ]

    def __str__(self) -> str:
        return f"{self.party_id} {self.month}: {self.card_seconds}"
