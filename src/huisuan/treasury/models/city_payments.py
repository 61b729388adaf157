"""What cities paid to projects on their own account, each payment by its voucher, and what was taken back of it."""

from __future__ import annotations

import pgtrigger
from django.db import models
from django.db.models import F, Q

from huisuan.base.db.append_only import append_only
from huisuan.parties.models import Party, Region
from huisuan.treasury.models.ledger import LARGEST_AMOUNT


class CityPayment(models.Model):
    """A payment of a city for a project, once a voucher; known since the day on which it was entered.

    `project` is what the city calls it: payments of one project add up. The province's ledger knows nothing of them.
    """

    city = models.ForeignKey(Region, on_delete=models.PROTECT, related_name="city_payments")
    voucher = models.CharField(max_length=80, help_text="in its normal form: half width, capitals, without blanks")
    project = models.CharField(max_length=80)
    payee = models.ForeignKey(Party, on_delete=models.PROTECT, null=True, related_name="city_payments")
    amount_fen = models.BigIntegerField()
    paid_day = models.DateField()
    known_from = models.DateField()
    source = models.CharField(max_length=200, help_text="the file")
    by = models.CharField(max_length=80)
    at = models.DateTimeField()

    class Meta:
        ordering = ["city", "paid_day", "voucher"]
        indexes = [models.Index(fields=["city", "project", "paid_day"], name="city_payment_of_project")]
        constraints = [
            models.UniqueConstraint(name="city_voucher_once", fields=["city", "voucher"]),
            models.CheckConstraint(
                name="city_payment_is_of_a_city", condition=Q(city__gt="340000", city__lt="350000")
            ),
            models.CheckConstraint(
                name="city_payment_says_what",
                condition=Q(amount_fen__gt=0, amount_fen__lte=LARGEST_AMOUNT)
                & Q(voucher__regex=r"^\S+$") & ~Q(project="") & ~Q(by=""),
            ),
            models.CheckConstraint(name="city_payment_is_known_once_made", condition=Q(known_from__gte=F("paid_day"))),
        ]  # fmt: skip
        triggers = [append_only("city_payments_stay")]

    def __str__(self) -> str:
        return f"{self.city_id} {self.voucher}"


class CityPaymentCut(models.Model):
    """What was taken off a payment (all that was left of it: it is reversed), with the reason; never more than it."""

    payment = models.ForeignKey(CityPayment, on_delete=models.PROTECT, related_name="cuts")
    amount_fen = models.BigIntegerField()
    reason = models.CharField(max_length=300)
    known_from = models.DateField()
    by = models.CharField(max_length=80)
    at = models.DateTimeField()

    class Meta:
        ordering = ["payment", "id"]
        constraints = [
            models.CheckConstraint(
                name="city_payment_cut_says_why", condition=Q(amount_fen__gt=0) & ~Q(reason="") & ~Q(by="")
            )
        ]
        triggers = [
            append_only("city_payment_cuts_stay"),
            pgtrigger.Trigger(
                name="city_payment_is_cut_to_nothing_at_most",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert,
                func="""
                    PERFORM 1 FROM treasury_citypayment WHERE id = NEW.payment_id FOR NO KEY UPDATE;
                    IF NEW.amount_fen + (
                        SELECT coalesce(sum(amount_fen), 0) FROM treasury_citypaymentcut
                        WHERE payment_id = NEW.payment_id
                    ) > (SELECT amount_fen FROM treasury_citypayment WHERE id = NEW.payment_id) THEN
                        RAISE EXCEPTION 'more is taken off than was paid' USING ERRCODE = 'check_violation';
                    END IF;
                    RETURN NEW;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.payment_id} -{self.amount_fen}"
