"""The register of all centres and months: an entry a month, chained and signed, and who signed it besides."""

from __future__ import annotations

import pgtrigger
from django.db import models
from django.db.models import Q

from huisuan.base.db.append_only import append_only
from huisuan.compute.models.agents import HEX_64


class RegisterEntry(models.Model):
    """What the platform said at the end of a month of every centre, its agents' keys and its sealed months."""

    month = models.DateField(unique=True, help_text="its first day")
    statement = models.TextField(help_text="canonical JSON, as it was signed (metering.audit.register)")
    sha256 = models.CharField(max_length=64, unique=True, help_text="of the statement")
    previous = models.CharField(max_length=64, blank=True, help_text="that of the entry before; the first has none")
    signature = models.CharField(max_length=128, help_text="the platform's, Ed25519 in hex")
    made_at = models.DateTimeField()

    class Meta:
        ordering = ["month"]
        constraints = [
            models.CheckConstraint(
                name="register_hashes_have_their_form",
                condition=Q(sha256__regex=HEX_64) & (Q(previous="") | Q(previous__regex=HEX_64)),
            )
        ]
        triggers = [
            append_only("register_stays"),
            pgtrigger.Trigger(
                name="register_continues",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert,
                declare=[("before", "RECORD")],
                func="""
                    LOCK TABLE compute_registerentry IN SHARE ROW EXCLUSIVE MODE;
                    SELECT month, sha256 INTO before FROM compute_registerentry ORDER BY month DESC LIMIT 1;
                    IF NEW.previous <> COALESCE(before.sha256, '')
                        OR NEW.month <> COALESCE((before.month + interval '1 month')::date, NEW.month) THEN
                        RAISE EXCEPTION 'entry % does not continue the register', NEW.month
                            USING ERRCODE = 'integrity_constraint_violation';
                    END IF;
                    RETURN NEW;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.month:%Y-%m}"


class RegisterSignature(models.Model):
    """A signature under an entry by somebody other than the platform: a centre's agent, or an auditor."""

    entry = models.ForeignKey(RegisterEntry, on_delete=models.PROTECT, related_name="countersignatures")
    by = models.CharField(max_length=120)
    key = models.CharField(max_length=64)
    signature = models.CharField(max_length=128)
    taken_at = models.DateTimeField()

    class Meta:
        ordering = ["entry", "id"]
        constraints = [models.UniqueConstraint(name="register_signed_once", fields=["entry", "key"])]
        triggers = [append_only("register_signatures_stay")]

    def __str__(self) -> str:
        return f"{self.entry_id} by {self.by}"
