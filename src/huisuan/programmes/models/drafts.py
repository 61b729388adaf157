"""Drafts of applications and the evidence put beside them.

A draft keeps what was typed, character for character: a wrong amount stays in its field until its author mends it.
Evidence is only ever added; what is withdrawn stays on record.
"""

from __future__ import annotations

import pgtrigger
from django.db import models
from django.db.models import Q

from huisuan.parties.models import Party, Person
from huisuan.programmes.models.limits import LARGEST_BYTES

_SHA256 = "^[0-9a-f]{64}$"


class Draft(models.Model):
    """What a party has filled in so far to claim under one rule of a policy.

    `facts` holds the text typed for each fact (money in yuan); `digest` is that of the policy at the last save;
    `version` counts the saves, so that two who write at once do not undo each other.
    """

    party = models.ForeignKey(Party, on_delete=models.PROTECT, related_name="drafts")
    owner = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="drafts", help_text="who began it")
    policy = models.CharField(max_length=60)
    digest = models.CharField(max_length=64)
    rule = models.CharField(max_length=60)
    label = models.CharField(max_length=80, blank=True, help_text="what its authors call it, to tell drafts apart")
    facts = models.JSONField(default=dict)
    named = models.JSONField(default=list, help_text="the objects that it claims for: kind and code as typed")
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    updated_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    discarded_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-updated_at"]
        constraints = [
            models.CheckConstraint(name="draft_names_its_law", condition=Q(digest__regex=_SHA256) & ~Q(rule="")),
            models.CheckConstraint(name="draft_has_a_version", condition=Q(version__gte=1)),
        ]
        triggers = [
            pgtrigger.Protect(name="drafts_stay", operation=pgtrigger.Delete),
            pgtrigger.ReadOnly(name="draft_keeps_its_claim", fields=["party", "owner", "policy", "rule", "created_at"]),
        ]

    def __str__(self) -> str:
        return f"D{self.pk}"


class Evidence(models.Model):
    """One file that proves a fact of a draft, kept under the SHA-256 of its content."""

    draft = models.ForeignKey(Draft, on_delete=models.PROTECT, related_name="evidence")
    fact = models.CharField(max_length=60)
    filename = models.CharField(max_length=120)
    media_type = models.CharField(max_length=100)
    size = models.PositiveIntegerField(help_text="bytes")
    sha256 = models.CharField(max_length=64)
    uploaded_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    uploaded_at = models.DateTimeField()
    withdrawn_by = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["draft", "fact", "uploaded_at", "id"]
        constraints = [
            models.CheckConstraint(name="evidence_has_its_hash", condition=Q(sha256__regex=_SHA256)),
            models.CheckConstraint(
                name="evidence_has_a_size", condition=Q(size__gt=0, size__lte=LARGEST_BYTES) & ~Q(filename="")
            ),
            models.CheckConstraint(
                name="evidence_is_withdrawn_by_someone",
                condition=Q(withdrawn_at__isnull=True, withdrawn_by__isnull=True)
                | Q(withdrawn_at__isnull=False, withdrawn_by__isnull=False),
            ),
            models.UniqueConstraint(
                name="evidence_once", fields=["draft", "fact", "sha256"], condition=Q(withdrawn_at__isnull=True)
            ),
        ]
        triggers = [
            pgtrigger.Protect(name="evidence_stays", operation=pgtrigger.Delete),
            pgtrigger.ReadOnly(name="evidence_is_not_rewritten", exclude=["withdrawn_at", "withdrawn_by"]),
            pgtrigger.Protect(
                name="withdrawn_stays_withdrawn",
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(old__withdrawn_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.draft_id} {self.fact} {self.filename}"
