"""Offers, awards, the accounts that they are paid to, and what is proposed to be taken back. Amounts in fen.

An offer rests on an entitlement, and so on a settlement run; an award is what a decision granted. Neither is ever
changed: a later run makes a new offer or a new award that names the one before.
"""

from __future__ import annotations

import pgtrigger
from django.db import models
from django.db.models import F, Q

from huisuan.base.db.append_only import append_only
from huisuan.parties.models import Person
from huisuan.programmes.models.applications import Application, ApplicationStep
from huisuan.settlement.models import Entitlement
from huisuan.treasury.models import PaymentOrder


class Offer(models.Model):
    """What the platform computed for a party and offers it; the one that nothing replaces is what stands.

    `supplements` is the award of an earlier application for the same year to which it only adds what is missing.
    """

    application = models.ForeignKey(Application, on_delete=models.PROTECT, related_name="offers")
    entitlement = models.OneToOneField(Entitlement, on_delete=models.PROTECT, related_name="offer")
    amount_fen = models.BigIntegerField()
    replaces = models.OneToOneField("self", on_delete=models.PROTECT, null=True, related_name="replaced_by")
    supplements = models.ForeignKey("Award", on_delete=models.PROTECT, null=True, related_name="supplements")
    reason = models.CharField(max_length=1000, blank=True, help_text="of one that replaces another")
    by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                name="first_offer_once", fields=["application"], condition=Q(replaces__isnull=True)
            ),
            models.CheckConstraint(name="offer_of_something", condition=Q(amount_fen__gt=0)),
            models.CheckConstraint(
                name="offer_replaces_with_a_reason", condition=Q(replaces__isnull=True) | ~Q(reason="")
            ),
        ]
        triggers = [append_only("offers_stay")]

    def __str__(self) -> str:
        return f"{self.application_id} {self.amount_fen}"


#: an account that a second person has to accept, and nobody has answered
PAYEE_WAITS = Q(accepted__isnull=True) & (Q(number__gt=1) | Q(first_waits=True))


class PayeeAccount(models.Model):
    """An account to which an application's money is to go. The first counts at once, a later one once accepted.

    It is accepted or turned down by somebody other than who gave it, and that once. Of a city the first waits, too
    (`first_waits`): the holder is not the applicant itself, so one person's word would do.
    """

    application = models.ForeignKey(Application, on_delete=models.PROTECT, related_name="payee_accounts")
    number = models.PositiveSmallIntegerField(help_text="from 1")
    name = models.CharField(max_length=200)
    account_number = models.CharField(max_length=32)
    bank = models.CharField(max_length=200)
    given_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    given_at = models.DateTimeField()
    reason = models.CharField(max_length=300, blank=True, help_text="of a change")
    first_waits = models.BooleanField(default=False, db_default=False, help_text="a city's first: counts once accepted")
    accepted = models.BooleanField(null=True, help_text="of a change; none: nobody has answered yet")
    answered_by = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, related_name="+")
    answered_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["application", "number"]
        constraints = [
            models.UniqueConstraint(name="payee_account_once", fields=["application", "number"]),
            models.UniqueConstraint(
                name="one_payee_change_waits",
                fields=["application"],
                condition=Q(number__gt=1, accepted__isnull=True) | Q(first_waits=True, accepted__isnull=True),
            ),
            models.CheckConstraint(
                name="payee_account_is_one", condition=Q(account_number__regex=r"^[0-9]{8,32}$") & ~Q(name="")
            ),
            models.CheckConstraint(
                name="payee_change_says_why", condition=Q(number=1) | (Q(number__gt=1) & ~Q(reason=""))
            ),
            models.CheckConstraint(
                name="payee_change_is_answered_by_another",
                condition=Q(accepted__isnull=True, answered_by__isnull=True, answered_at__isnull=True)
                | (
                    (Q(number__gt=1) | Q(first_waits=True))
                    & Q(accepted__isnull=False, answered_by__isnull=False, answered_at__isnull=False)
                    & ~Q(answered_by=F("given_by"))
                ),
            ),
        ]
        triggers = [
            pgtrigger.Protect(name="payee_accounts_stay", operation=pgtrigger.Delete),
            pgtrigger.ReadOnly(
                name="payee_accounts_keep_what_they_are", exclude=["accepted", "answered_by", "answered_at"]
            ),
            pgtrigger.Trigger(
                name="the_first_account_of_a_city_waits",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert,
                func="""
                    NEW.first_waits := NEW.number = 1 AND EXISTS (
                        SELECT 1 FROM programmes_application a
                        WHERE a.id = NEW.application_id AND a.city_id IS NOT NULL);
                    RETURN NEW;
                """,
            ),
            pgtrigger.Protect(
                name="payee_change_is_answered_once",
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(old__accepted__isnull=False),
            ),
        ]

    @property
    def counts(self) -> bool:
        """Whether money may go there: nobody else has to accept it, or somebody has."""
        return bool(self.accepted) if self.number > 1 or self.first_waits else True

    def __str__(self) -> str:
        return f"{self.application_id}/{self.number}"


class CityShare(models.Model):
    """What a city claims the province's share of: its payments for a project in the year, and what it declares besides.

    What it paid is not stored here: the register of vouchers says so. The last `number` counts.
    """

    application = models.ForeignKey(Application, on_delete=models.PROTECT, related_name="shares")
    number = models.PositiveSmallIntegerField(help_text="from 1")
    project = models.CharField(max_length=80, help_text="in its normal form, as in the register of vouchers")
    declared = models.JSONField(help_text="the facts that no register knows")
    by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        ordering = ["application", "number"]
        constraints = [
            models.UniqueConstraint(name="city_share_once", fields=["application", "number"]),
            models.CheckConstraint(name="city_share_of_a_project", condition=~Q(project="")),
        ]
        triggers = [append_only("city_shares_stay")]

    def __str__(self) -> str:
        return f"{self.application_id} {self.project}"


class Award(models.Model):
    """What an application was granted in all. The first comes with its decision; a later one supersedes it on record.

    `key` is the name of its commitment in the treasury. `entitlement`, where the amount was computed, names the run.
    """

    application = models.ForeignKey(Application, on_delete=models.PROTECT, related_name="awards")
    number = models.PositiveSmallIntegerField(help_text="from 1")
    key = models.CharField(max_length=80, unique=True)
    amount_fen = models.BigIntegerField()
    entitlement = models.ForeignKey(Entitlement, on_delete=models.PROTECT, null=True, related_name="awards")
    supersedes = models.OneToOneField("self", on_delete=models.PROTECT, null=True, related_name="superseded_by")
    step = models.OneToOneField(ApplicationStep, on_delete=models.PROTECT, null=True, related_name="award")
    reason = models.CharField(max_length=1000, blank=True)
    by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    granted_at = models.DateTimeField()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(name="award_once", fields=["application", "number"]),
            models.CheckConstraint(
                name="award_by_decision_or_instead_of_another",
                condition=Q(number=1, supersedes__isnull=True, step__isnull=False, amount_fen__gt=0)
                | (Q(number__gt=1, supersedes__isnull=False, step__isnull=True, amount_fen__gte=0) & ~Q(reason="")),
            ),
        ]
        triggers = [
            append_only("awards_stay"),
            pgtrigger.Trigger(
                name="application_has_the_amount_that_stands",
                when=pgtrigger.After,
                operation=pgtrigger.Insert,
                condition=pgtrigger.Q(new__number__gt=1),
                func="""
                    UPDATE programmes_application SET amount_fen = NEW.amount_fen WHERE id = NEW.application_id;
                    RETURN NULL;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.key} {self.amount_fen}"


# EXECUTE, as the plan of a static statement is made once for a session, from small tables (decision 038).
_WITHIN = """
    PERFORM 1 FROM programmes_contract WHERE id IN (
        SELECT c.id FROM new_orders n
        JOIN treasury_instalment i ON i.id = n.instalment_id
        JOIN treasury_commitment k ON k.id = i.commitment_id
        JOIN programmes_award a ON a.key = k.award
        JOIN programmes_contract c ON c.application_id = a.application_id
    ) ORDER BY id FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    EXECUTE $sql$
        SELECT EXISTS (
            SELECT 1 FROM (
                SELECT DISTINCT c.id, c.application_id FROM new_orders n
                JOIN treasury_instalment i ON i.id = n.instalment_id
                JOIN treasury_commitment k ON k.id = i.commitment_id
                JOIN programmes_award a ON a.key = k.award
                JOIN programmes_contract c ON c.application_id = a.application_id
            ) mine
            WHERE (
                SELECT sum(i.amount_fen) FROM programmes_award a
                JOIN treasury_commitment k ON k.award = a.key
                JOIN treasury_instalment i ON i.commitment_id = k.id
                JOIN treasury_paymentorder o ON o.instalment_id = i.id AND o.outcome <> 'failed'
                WHERE a.application_id = mine.application_id
            ) - COALESCE((
                SELECT sum(p.amount_fen) FROM programmes_award a
                JOIN treasury_commitment k ON k.award = a.key
                JOIN treasury_debt d ON d.commitment_id = k.id
                JOIN treasury_posting p ON p.account_id = d.account_id
                JOIN treasury_entry e ON e.id = p.entry_id AND e.kind = 'claim_back'
                WHERE a.application_id = mine.application_id
            ), 0) > COALESCE((
                SELECT sum(m.amount_fen) FROM programmes_milestone m
                JOIN programmes_milestoneresult r ON r.milestone_id = m.id AND r.accepted
                WHERE m.contract_id = mine.id
            ), 0))
    $sql$ INTO broken;
    IF broken THEN
        RAISE EXCEPTION 'no more is ordered than what was accepted is worth'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'orders_within_accepted_milestones';
    END IF;
    RETURN NULL;
"""


class OrderUnderContract(PaymentOrder):
    """The orders of the treasury, as contracts bound them: the living ones are added up, whoever wrote them."""

    class Meta:
        proxy = True
        triggers = [
            pgtrigger.Trigger(
                name="orders_within_accepted_milestones",
                level=pgtrigger.Statement,
                when=pgtrigger.After,
                operation=pgtrigger.Insert,
                referencing=pgtrigger.Referencing(new="new_orders"),  # type: ignore[no-untyped-call]
                declare=[("broken", "boolean")],
                func=_WITHIN,
            ),
        ]
