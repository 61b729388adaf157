"""What is held against parties, and against issuers of evidence, since when, and who says so. Append-only.

The credit list says what follows for a party; an issuer that is struck has the applications that rest on its reports
looked at: see decision 064.
"""

from __future__ import annotations

import pgtrigger
from django.db import models
from django.db.models import F, Q

from huisuan.base.db.append_only import append_only
from huisuan.parties.models import Party, Person
from huisuan.programmes.models.applications import Application

_USCC = "^[0-9A-Z]{18}$"


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


class EvidenceIssuer(models.Model):
    """Who issued a file of evidence that was handed in, by code, and on which day where that is known."""

    application = models.ForeignKey(Application, on_delete=models.PROTECT, related_name="evidence_issuers")
    sha256 = models.CharField(max_length=64)
    uscc = models.CharField(max_length=18, help_text="of the issuer, which need not be a registered party")
    issued_on = models.DateField(null=True)
    by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        ordering = ["application", "id"]
        indexes = [models.Index(name="evidence_by_issuer", fields=["uscc", "issued_on"])]
        constraints = [
            models.UniqueConstraint(name="evidence_issuer_once", fields=["application", "sha256"]),
            models.CheckConstraint(
                name="evidence_issuer_has_its_codes",
                condition=Q(uscc__regex=_USCC, sha256__regex="^[0-9a-f]{64}$"),
            ),
        ]
        triggers = [append_only("evidence_issuers_stay")]

    def __str__(self) -> str:
        return f"{self.application_id} {self.uscc}"


class StruckIssuer(models.Model):
    """An issuer whose reports count no more from a day on: who says so, where, and why."""

    uscc = models.CharField(max_length=18)
    name = models.CharField(max_length=200)
    since = models.DateField(help_text="reports of that day and later; those without a day, too")
    source = models.CharField(max_length=300, help_text="the document or the list that says so")
    reason = models.CharField(max_length=1000)
    by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                name="struck_says_who_and_why",
                condition=Q(uscc__regex=_USCC) & ~Q(name="") & ~Q(source="") & ~Q(reason=""),
            ),
        ]
        indexes = [models.Index(name="struck_by_issuer_and_day", fields=["uscc", "since"])]
        triggers = [
            append_only("struck_issuers_stay"),
            pgtrigger.Trigger(  # once lifted it can be entered again; the lock makes two at once one after the other
                name="struck_once_a_day",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert,
                func="""
                    PERFORM pg_advisory_xact_lock(hashtextextended('struck issuer ' || NEW.uscc, 0));
                    IF EXISTS (
                        SELECT 1 FROM programmes_struckissuer s
                        WHERE s.uscc = NEW.uscc AND s.since = NEW.since
                          AND NOT EXISTS (SELECT 1 FROM programmes_strikelift l WHERE l.struck_id = s.id))
                    THEN
                        RAISE EXCEPTION 'an issuer is struck once from a day, until that is lifted' USING
                            ERRCODE = 'unique_violation', CONSTRAINT = 'struck_once_a_day';
                    END IF;
                    RETURN NEW;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.uscc} {self.since}"


class StrikeLift(models.Model):
    """That a strike was wrong, or was taken back: by another person than who struck, on record; it counts no more."""

    struck = models.OneToOneField(StruckIssuer, on_delete=models.PROTECT, related_name="lift")
    reason = models.CharField(max_length=1000)
    by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        ordering = ["id"]
        constraints = [models.CheckConstraint(name="strike_lift_says_why", condition=Q(reason__regex=r"\S"))]
        triggers = [
            append_only("strike_lifts_stay"),
            pgtrigger.Trigger(
                name="strikes_are_lifted_by_another",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert,
                func="""
                    IF EXISTS (
                        SELECT 1 FROM programmes_struckissuer s
                        WHERE s.id = NEW.struck_id AND (s.by_id = NEW.by_id OR s.at > NEW.at))
                    THEN
                        RAISE EXCEPTION 'a strike is lifted by another person than who struck' USING
                            ERRCODE = 'check_violation', CONSTRAINT = 'strikes_are_lifted_by_another';
                    END IF;
                    RETURN NEW;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.struck_id} {self.at}"
