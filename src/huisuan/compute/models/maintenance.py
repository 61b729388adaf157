"""Maintenance windows of centres."""

from __future__ import annotations

import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from huisuan.compute.models.centres import Centre


class MaintenanceWindow(models.Model):
    """From `starts_at` until `ends_at` no job of the platform runs in these partitions of a centre; empty: in none.

    `nodes` are what the window was declared for, where it was for nodes: the platform chooses partitions and the
    centre's own scheduler chooses nodes, so such a window holds for the partitions of the nodes. A window is not
    changed: it is cancelled, and another declared.
    """

    centre = models.ForeignKey(Centre, on_delete=models.PROTECT, related_name="maintenance_windows")
    partitions = ArrayField(models.CharField(max_length=60), default=list, blank=True)
    nodes = ArrayField(models.CharField(max_length=120), default=list, blank=True)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    reason = models.CharField(max_length=200)
    declared_by = models.CharField(max_length=80)
    declared_at = models.DateTimeField()
    cancelled_at = models.DateTimeField(null=True)
    cancelled_by = models.CharField(max_length=80, blank=True)

    class Meta:
        ordering = ["starts_at", "id"]
        indexes = [models.Index("ends_at", name="maintenance_ends", condition=Q(cancelled_at__isnull=True))]
        constraints = [
            models.CheckConstraint(name="maintenance_ends_after_it_starts", condition=Q(ends_at__gt=F("starts_at"))),
            models.CheckConstraint(name="maintenance_has_a_reason", condition=~Q(reason="") & ~Q(declared_by="")),
            models.CheckConstraint(
                name="maintenance_cancelled_by_someone",
                condition=Q(cancelled_at__isnull=True, cancelled_by="")
                | (Q(cancelled_at__isnull=False) & ~Q(cancelled_by="")),
            ),
        ]
        triggers = [
            pgtrigger.ReadOnly(name="maintenance_is_not_rewritten", exclude=["cancelled_at", "cancelled_by"]),
            pgtrigger.Protect(name="maintenance_stays", operation=pgtrigger.Delete),
            pgtrigger.Protect(
                name="maintenance_cancelled_once",
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(old__cancelled_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.centre_id} {self.starts_at:%Y-%m-%d %H:%M}"
