"""What was promised to a party by an award, in instalments, and the orders that pay them."""

from __future__ import annotations

import pgtrigger
from django.db import models
from django.db.models import Q

from huisuan.base.db.append_only import append_only
from huisuan.parties.models import Party, Region
from huisuan.treasury.models.ledger import LARGEST_AMOUNT, AppropriationLine, Entry


class Commitment(models.Model):
    """The money of one award, set aside on one line. `award` is the key by which the room above knows the award."""

    award = models.CharField(max_length=80, unique=True)
    line = models.ForeignKey(AppropriationLine, on_delete=models.PROTECT, related_name="commitments")
    party = models.ForeignKey(Party, on_delete=models.PROTECT, null=True, related_name="commitments")
    city = models.ForeignKey(Region, on_delete=models.PROTECT, null=True, related_name="commitments")
    amount_fen = models.BigIntegerField()
    entry = models.OneToOneField(Entry, on_delete=models.PROTECT, related_name="commitment")
    by = models.CharField(max_length=80)
    at = models.DateTimeField()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(name="commitment_names_its_award", condition=~Q(award="") & ~Q(by="")),
            models.CheckConstraint(
                name="commitment_to_a_party_or_a_city",
                condition=Q(party__isnull=False, city__isnull=True) | Q(party__isnull=True, city__isnull=False),
            ),
            models.CheckConstraint(
                name="commitment_of_something", condition=Q(amount_fen__gt=0, amount_fen__lte=LARGEST_AMOUNT)
            ),
        ]
        triggers = [append_only("commitments_stay")]

    def __str__(self) -> str:
        return f"{self.award} {self.amount_fen}"


class Instalment(models.Model):
    """A part of a commitment that is paid as one. It is paid, or released (the money is available again), or waits."""

    commitment = models.ForeignKey(Commitment, on_delete=models.PROTECT, related_name="instalments")
    number = models.PositiveSmallIntegerField(help_text="from 1")
    amount_fen = models.BigIntegerField()
    line = models.ForeignKey(
        AppropriationLine, on_delete=models.PROTECT, related_name="instalments", help_text="where its money stands now"
    )
    due_on = models.DateField(null=True, help_text="not ordered before this day, Asia/Shanghai")
    release = models.OneToOneField(Entry, on_delete=models.PROTECT, null=True, related_name="released")

    class Meta:
        ordering = ["commitment", "number"]
        constraints = [
            models.UniqueConstraint(name="instalment_once", fields=["commitment", "number"]),
            models.CheckConstraint(name="instalment_of_something", condition=Q(amount_fen__gt=0, number__gte=1)),
        ]
        triggers = [
            pgtrigger.Protect(name="instalments_stay", operation=pgtrigger.Delete),
            pgtrigger.Protect(
                name="instalments_keep_what_they_are",
                operation=pgtrigger.Update,
                condition=pgtrigger.AnyChange("commitment", "number", "amount_fen", "due_on"),
            ),
            pgtrigger.Protect(
                name="released_stays_released",
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(old__release__isnull=False),
            ),
            pgtrigger.Trigger(
                name="instalment_under_order_stays",
                when=pgtrigger.Before,
                operation=pgtrigger.Update,
                func="""
                    IF EXISTS (
                        SELECT 1 FROM treasury_paymentorder
                        WHERE instalment_id = NEW.id AND outcome <> 'failed'
                    ) THEN
                        RAISE EXCEPTION 'an instalment under order or paid is neither released nor carried over'
                            USING ERRCODE = 'check_violation', CONSTRAINT = 'instalment_under_order_stays';
                    END IF;
                    RETURN NEW;
                """,
            ),
            pgtrigger.Trigger(
                name="instalments_make_up_the_commitment",
                level=pgtrigger.Statement,
                when=pgtrigger.After,
                operation=pgtrigger.Insert,
                referencing=pgtrigger.Referencing(new="new_instalments"),  # type: ignore[no-untyped-call]
                declare=[("broken", "boolean")],
                func="""
                    EXECUTE $sql$
                        SELECT (SELECT count(*) FROM new_instalments) <> (
                            SELECT count(*) FROM treasury_instalment
                            WHERE commitment_id IN (SELECT commitment_id FROM new_instalments))
                        OR EXISTS (
                            SELECT 1 FROM treasury_commitment c JOIN (
                                SELECT commitment_id, sum(amount_fen) AS fen FROM new_instalments GROUP BY commitment_id
                            ) n ON n.commitment_id = c.id WHERE n.fen <> c.amount_fen)
                    $sql$ INTO broken;
                    IF broken THEN
                        RAISE EXCEPTION 'instalments make up their commitment' USING ERRCODE = 'check_violation';
                    END IF;
                    RETURN NULL;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.commitment_id}/{self.number}"


class OrderOutcome(models.TextChoices):
    """What the bank said of an order; empty: nothing yet."""

    PAID = "paid", "已支付"
    FAILED = "failed", "未支付"


class PaymentOrder(models.Model):
    """An order to pay an instalment to an account, as it stood when the order was drawn up.

    An instalment has one living order at most: the next is made once the bank has said that the one before failed.
    """

    instalment = models.ForeignKey(Instalment, on_delete=models.PROTECT, related_name="orders")
    attempt = models.PositiveSmallIntegerField(help_text="from 1")
    payee = models.CharField(max_length=200)
    account_number = models.CharField(max_length=32)
    bank = models.CharField(max_length=200)
    entry = models.OneToOneField(Entry, on_delete=models.PROTECT, related_name="order")
    by = models.CharField(max_length=80)
    at = models.DateTimeField()
    outcome = models.CharField(max_length=6, choices=OrderOutcome, blank=True)
    outcome_entry = models.OneToOneField(Entry, on_delete=models.PROTECT, null=True, related_name="order_ended")

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(name="order_attempt_once", fields=["instalment", "attempt"]),
            models.UniqueConstraint(name="order_lives_once", fields=["instalment"], condition=~Q(outcome="failed")),
            models.CheckConstraint(
                name="order_ends_with_an_entry",
                condition=Q(outcome="", outcome_entry__isnull=True)
                | Q(outcome__in=OrderOutcome.values, outcome_entry__isnull=False),
            ),
            models.CheckConstraint(
                name="order_has_a_payee",
                condition=~Q(payee="") & ~Q(bank="") & Q(account_number__regex=r"^[0-9]{8,32}$") & ~Q(by=""),
            ),
        ]
        triggers = [
            pgtrigger.Protect(name="orders_stay", operation=pgtrigger.Delete),
            pgtrigger.Protect(
                name="orders_keep_what_they_are",
                operation=pgtrigger.Update,
                condition=pgtrigger.AnyChange(
                    "instalment", "attempt", "payee", "account_number", "bank", "entry", "by", "at"
                ),
            ),
            pgtrigger.Protect(
                name="orders_end_once", operation=pgtrigger.Update, condition=~pgtrigger.Q(old__outcome="")
            ),
            pgtrigger.Trigger(
                name="released_is_not_ordered",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert,
                func="""
                    PERFORM 1 FROM treasury_instalment WHERE id = NEW.instalment_id FOR NO KEY UPDATE;
                    IF EXISTS (
                        SELECT 1 FROM treasury_instalment WHERE id = NEW.instalment_id AND release_id IS NOT NULL
                    ) THEN
                        RAISE EXCEPTION 'a released instalment is not ordered'
                            USING ERRCODE = 'check_violation', CONSTRAINT = 'released_is_not_ordered';
                    END IF;
                    RETURN NEW;
                """,
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        """What the bank file calls it."""
        return f"P{self.pk}"
