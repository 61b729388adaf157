"""What a settlement run leaves behind: bills with their lines, and entitlements. All append-only."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from huisuan.base.db.append_only import append_only
from huisuan.base.db.background_work import WORK_UNDER_WAY, BackgroundWork, WorkState
from huisuan.compute.models import Accelerator, Centre
from huisuan.parties.models import Party


class SettlementRun(models.Model):
    """One computation of a year under one sentence of a policy, with all that is needed to repeat it.

    `cursors` names, per centre code, the last usage record read; `law` holds the digest of the policy, the
    settings and the interpretations used.
    """

    policy = models.CharField(max_length=60)
    sentence = models.CharField(
        max_length=60, help_text="the key of the rule: its sentence, and a name where it has several"
    )
    year = models.IntegerField()
    starts = models.DateField(help_text="first day of the use that counts: the year, as far as the policy holds")
    ends = models.DateField(help_text="last day of it")
    on = models.DateField(help_text="the day on which the law was read")
    as_known = models.DateField(help_text="settings and interpretations known by this day")
    cursors = models.JSONField()
    seals = models.JSONField(default=list, help_text="the sealed months that it rests on: centre, month, Merkle root")
    law = models.JSONField()
    inputs_sha256 = models.CharField(max_length=64, help_text="of parties, tariffs and relations as they were read")
    result_sha256 = models.CharField(max_length=64, help_text="of all bill lines and answers")
    records = models.BigIntegerField()
    card_seconds = models.BigIntegerField()
    unclaimed_card_seconds = models.BigIntegerField()
    amount_fen = models.BigIntegerField(help_text="what the rule owes all parties by itself")
    payable_fen = models.BigIntegerField(help_text="what of it may be paid beside the rules that pay before it")
    requested_by = models.CharField(max_length=80)
    made_at = models.DateTimeField()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                name="run_pays_no_more_than_it_owes",
                condition=Q(payable_fen__gte=0, payable_fen__lte=F("amount_fen")),
            )
        ]
        triggers = [append_only("runs_stay")]

    def __str__(self) -> str:
        return f"{self.year} {self.policy} {self.sentence} #{self.pk}"


class SettlementRequest(BackgroundWork):
    """A year that somebody asked the background worker to settle, and what became of it."""

    policy = models.CharField(max_length=60, blank=True, help_text="empty: every policy in force in the year")
    rule = models.CharField(max_length=60, blank=True, default="", help_text="empty: all that the platform can settle")
    year = models.IntegerField()
    run = models.ForeignKey(SettlementRun, on_delete=models.PROTECT, null=True, related_name="requests")

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                name="one_request_under_way_a_year",
                fields=["policy", "rule", "year"],
                condition=Q(state__in=WORK_UNDER_WAY),
            ),
            models.CheckConstraint(
                name="request_done_has_its_run",
                condition=Q(state=WorkState.DONE, run__isnull=False) | (~Q(state=WorkState.DONE) & Q(run__isnull=True)),
            ),
            models.CheckConstraint(
                name="request_over_has_its_end",
                condition=Q(state__in=WORK_UNDER_WAY, ended_at__isnull=True)
                | (~Q(state__in=WORK_UNDER_WAY) & Q(ended_at__isnull=False)),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.year} {self.policy} {self.state}"


class Bill(models.Model):
    """What a party used at a centre in a month, in fen: exact sums, rounded once (half up, to the fen)."""

    run = models.ForeignKey(SettlementRun, on_delete=models.PROTECT, related_name="bills")
    party = models.ForeignKey(Party, on_delete=models.PROTECT, related_name="bills")
    centre = models.ForeignKey(Centre, on_delete=models.PROTECT, related_name="bills")
    month = models.DateField(help_text="its first day, Asia/Shanghai")
    card_seconds = models.BigIntegerField()
    amount_fen = models.BigIntegerField()
    excluded_fen = models.BigIntegerField(help_text="the part that is self-built-self-use, as the run's rule takes it")

    class Meta:
        ordering = ["run", "party", "month", "centre"]
        constraints = [
            models.UniqueConstraint(name="bill_once", fields=["run", "party", "centre", "month"]),
            models.CheckConstraint(name="bill_month_is_its_first_day", condition=Q(month__day=1)),
            models.CheckConstraint(
                name="bill_excludes_no_more_than_it_has",
                condition=Q(card_seconds__gte=0, excluded_fen__gte=0, excluded_fen__lte=F("amount_fen")),
            ),
        ]
        triggers = [append_only("bills_stay")]

    def __str__(self) -> str:
        return f"{self.party_id} {self.centre_id} {self.month:%Y-%m}"


class BillLine(models.Model):
    """Card-seconds of one model at one price, from a day until a day within the month."""

    bill = models.ForeignKey(Bill, on_delete=models.PROTECT, related_name="lines")
    accelerator = models.ForeignKey(Accelerator, on_delete=models.PROTECT, related_name="+")
    starts = models.DateTimeField()
    ends = models.DateTimeField()
    fen_per_card_hour = models.BigIntegerField()
    excluded_because = models.CharField(max_length=200, blank=True, help_text="empty: not excluded")
    records = models.BigIntegerField()
    card_seconds = models.BigIntegerField()

    class Meta:
        ordering = ["bill", "starts", "accelerator"]
        triggers = [append_only("bill_lines_stay")]

    def __str__(self) -> str:
        return f"{self.bill_id} {self.accelerator_id}"


class Entitlement(models.Model):
    """What the law owes a party for a year: the facts as metered, and the answer of the rule.

    `amount_fen` is what the rule owes by itself, `payable_fen` what of it may be paid beside the rules that pay before
    it for the same use (None, in runs of old: all of it). `carried`: other parties whose claims it carries (USCC).
    `counted`: by party of whose use only some days count, those days, [first, day after the last) in ISO 8601.
    """

    run = models.ForeignKey(SettlementRun, on_delete=models.PROTECT, related_name="entitlements")
    party = models.ForeignKey(Party, on_delete=models.PROTECT, related_name="entitlements")
    status = models.CharField(max_length=20)
    amount_fen = models.BigIntegerField()
    payable_fen = models.BigIntegerField(null=True)
    facts = models.JSONField()
    reasons = models.JSONField()
    counted = models.JSONField(null=True)
    carried = models.JSONField(default=list)

    class Meta:
        ordering = ["run", "-amount_fen", "party"]
        constraints = [
            models.UniqueConstraint(name="entitlement_once", fields=["run", "party"]),
            models.CheckConstraint(name="entitlement_not_negative", condition=Q(amount_fen__gte=0)),
            models.CheckConstraint(
                name="entitlement_pays_no_more_than_it_owes",
                condition=Q(payable_fen__isnull=True) | Q(payable_fen__gte=0, payable_fen__lte=F("amount_fen")),
            ),
        ]
        triggers = [append_only("entitlements_stay")]

    def __str__(self) -> str:
        return f"E{self.pk}"

    @property
    def payable(self) -> int:
        """What may be paid of it, in fen."""
        return self.amount_fen if self.payable_fen is None else self.payable_fen
