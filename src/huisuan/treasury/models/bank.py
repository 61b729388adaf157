"""What went to the bank and what came back: files of orders, and files of returns, line by line."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from huisuan.base.db.append_only import append_only
from huisuan.treasury.models.commitments import PaymentOrder
from huisuan.treasury.models.ledger import Entry


class BankFile(models.Model):
    """A file of payment orders as it was handed to the bank; its bytes are kept, and stand under their SHA-256."""

    sha256 = models.CharField(max_length=64, unique=True)
    content = models.BinaryField()
    orders = models.PositiveIntegerField()
    total_fen = models.BigIntegerField()
    by = models.CharField(max_length=80)
    at = models.DateTimeField()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(name="bank_file_holds_orders", condition=Q(orders__gte=1, total_fen__gt=0))
        ]
        triggers = [append_only("bank_files_stay")]

    def __str__(self) -> str:
        return f"B{self.pk}"


class BankFileLine(models.Model):
    """An order in a bank file: in one, ever."""

    file = models.ForeignKey(BankFile, on_delete=models.PROTECT, related_name="lines")
    number = models.PositiveIntegerField(help_text="from 1")
    order = models.OneToOneField(PaymentOrder, on_delete=models.PROTECT, related_name="bank_line")

    class Meta:
        ordering = ["file", "number"]
        constraints = [models.UniqueConstraint(name="bank_file_line_once", fields=["file", "number"])]
        triggers = [append_only("bank_file_lines_stay")]

    def __str__(self) -> str:
        return f"{self.file_id}/{self.number}"


class BankOutcome(models.TextChoices):
    """What became of a line that the bank sent."""

    PAID = "paid", "已支付"
    FAILED = "failed", "未支付"
    CLEARING = "clearing", "待清算"


class BankReturn(models.Model):
    """A file of returns from the bank, once by its bytes."""

    sha256 = models.CharField(max_length=64, unique=True)
    name = models.CharField(max_length=200)
    lines_count = models.PositiveIntegerField()
    by = models.CharField(max_length=80)
    at = models.DateTimeField()

    class Meta:
        ordering = ["-id"]
        triggers = [append_only("bank_returns_stay")]

    def __str__(self) -> str:
        return f"R{self.pk}"


class BankReturnLine(models.Model):
    """One line of it as it was written, and what it did.

    A line that fits no order of ours, or not as it says, never reaches an award: a success goes to clearing, a failure
    is kept, and both wait for a person (`why`).
    """

    file = models.ForeignKey(BankReturn, on_delete=models.PROTECT, related_name="lines")
    number = models.PositiveIntegerField(help_text="of the line in the file, the heading is 1")
    order_name = models.CharField(max_length=40)
    amount_fen = models.BigIntegerField()
    succeeded = models.BooleanField()
    bank_reason = models.CharField(max_length=200, blank=True)
    outcome = models.CharField(max_length=8, choices=BankOutcome)
    why = models.CharField(max_length=40, blank=True, help_text="the code of what did not fit, of a clearing line only")
    order = models.ForeignKey(PaymentOrder, on_delete=models.PROTECT, null=True, related_name="returns")
    entry = models.OneToOneField(Entry, on_delete=models.PROTECT, null=True, related_name="bank_return")

    class Meta:
        ordering = ["file", "number"]
        constraints = [
            models.UniqueConstraint(name="bank_return_line_once", fields=["file", "number"]),
            models.UniqueConstraint(
                name="an_order_ends_by_one_line", fields=["order"], condition=~Q(outcome=BankOutcome.CLEARING)
            ),
            models.CheckConstraint(
                name="what_fits_names_its_order",
                condition=Q(outcome=BankOutcome.CLEARING) & ~Q(why="")
                | Q(
                    outcome__in=[BankOutcome.PAID, BankOutcome.FAILED], order__isnull=False, entry__isnull=False, why=""
                ),
            ),
        ]
        triggers = [append_only("bank_return_lines_stay")]

    def __str__(self) -> str:
        return f"{self.file_id}/{self.number}"
