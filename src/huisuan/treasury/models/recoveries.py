"""What a party has to pay back."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from huisuan.base.db.append_only import append_only
from huisuan.parties.models import Party, Region
from huisuan.treasury.models.commitments import Commitment
from huisuan.treasury.models.ledger import Account, AppropriationLine, Entry, EntryKind


class Debt(models.Model):
    """Money paid above what was owed, as notified. What is still open is the balance of its account."""

    key = models.CharField(max_length=80, unique=True)
    line = models.ForeignKey(AppropriationLine, on_delete=models.PROTECT, related_name="debts")
    party = models.ForeignKey(Party, on_delete=models.PROTECT, null=True, related_name="debts")
    city = models.ForeignKey(Region, on_delete=models.PROTECT, null=True, related_name="debts")
    commitment = models.ForeignKey(Commitment, on_delete=models.PROTECT, related_name="debts")
    amount_fen = models.BigIntegerField()
    reason = models.CharField(max_length=300)
    account = models.OneToOneField(Account, on_delete=models.PROTECT, related_name="of_debt")
    entry = models.OneToOneField(Entry, on_delete=models.PROTECT, related_name="debt_made")
    by = models.CharField(max_length=80)
    at = models.DateTimeField()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                name="debt_of_a_party_or_a_city",
                condition=Q(party__isnull=False, city__isnull=True) | Q(party__isnull=True, city__isnull=False),
            ),
            models.CheckConstraint(
                name="debt_says_why", condition=Q(amount_fen__gt=0) & ~Q(reason="") & ~Q(key="") & ~Q(by="")
            ),
        ]
        triggers = [append_only("debts_stay")]

    def __str__(self) -> str:
        return f"{self.key} {self.amount_fen}"

    @property
    def claimed_fen(self) -> int:
        """What has to come back, or came: as notified, less what was let go since."""
        claims = (each for each in self.account.postings.all() if each.entry.kind == EntryKind.CLAIM_BACK)
        return sum(each.amount_fen for each in claims)


class Repayment(models.Model):
    """A part of a debt and the last day for it, as agreed with the notice; what comes is booked by voucher."""

    debt = models.ForeignKey(Debt, on_delete=models.PROTECT, related_name="repayments")
    number = models.PositiveSmallIntegerField(help_text="from 1")
    amount_fen = models.BigIntegerField()
    due_on = models.DateField(help_text="Asia/Shanghai")

    class Meta:
        ordering = ["debt", "number"]
        constraints = [
            models.UniqueConstraint(name="repayment_once", fields=["debt", "number"]),
            models.CheckConstraint(name="repayment_of_something", condition=Q(amount_fen__gt=0)),
        ]
        triggers = [append_only("repayments_stay")]

    def __str__(self) -> str:
        return f"{self.debt_id}/{self.number}"
