"""Cancelling many jobs at once: asked for, held for some seconds in which it can be undone, then sent."""

from __future__ import annotations

import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from huisuan.parties.models import Party


class HeldCancel(models.Model):
    """These jobs are to be cancelled at `due_at`, unless somebody undoes it before. It ends once: undone or sent."""

    party = models.ForeignKey(
        Party, on_delete=models.PROTECT, null=True, related_name="+", help_text="empty: asked by the province"
    )
    uids = ArrayField(models.CharField(max_length=32))
    asked_by = models.CharField(max_length=80)
    asked_at = models.DateTimeField()
    due_at = models.DateTimeField()
    undone_by = models.CharField(max_length=80, blank=True)
    undone_at = models.DateTimeField(null=True, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(
                name="held_cancel_open",
                fields=["due_at"],
                condition=Q(undone_at__isnull=True, sent_at__isnull=True),
            )
        ]
        constraints = [
            models.CheckConstraint(
                name="held_cancel_ends_once", condition=Q(undone_at__isnull=True) | Q(sent_at__isnull=True)
            ),
            models.CheckConstraint(
                name="held_cancel_is_undone_in_time",
                condition=Q(undone_at__isnull=True) | Q(undone_at__lt=F("due_at"), undone_by__gt=""),
            ),
            models.CheckConstraint(
                name="held_cancel_is_sent_when_due", condition=Q(sent_at__isnull=True) | Q(sent_at__gte=F("due_at"))
            ),
            models.CheckConstraint(name="held_cancel_names_jobs", condition=Q(uids__len__gte=1)),
        ]
        triggers = [
            pgtrigger.Protect(name="held_cancels_stay", operation=pgtrigger.Delete),
            pgtrigger.Protect(
                name="held_cancels_only_end",
                operation=pgtrigger.Update,
                condition=pgtrigger.AnyChange("party", "uids", "asked_by", "asked_at", "due_at"),
            ),
            pgtrigger.Protect(
                name="held_cancels_that_ended_stay",
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(old__undone_at__isnull=False) | pgtrigger.Q(old__sent_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.pk}: {len(self.uids)} jobs"
