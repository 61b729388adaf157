"""What decides whose work goes first, and what was decided."""

from __future__ import annotations

import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from huisuan.base.db.append_only import append_only
from huisuan.compute.models.centres import Accelerator, Centre
from huisuan.compute.models.jobs import Job
from huisuan.parties.models import Party, Region


class TenantShare(models.Model):
    """A party's part in the fair share, and the most cards it may hold at once. Without one: weight 100, no limit."""

    party = models.OneToOneField(Party, on_delete=models.CASCADE, related_name="share")
    weight = models.PositiveIntegerField(default=100)
    most_cards = models.PositiveIntegerField(null=True, blank=True)
    set_by = models.CharField(max_length=80)
    set_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(name="share_has_weight", condition=Q(weight__gte=1, weight__lte=1_000_000))
        ]

    def __str__(self) -> str:
        return f"{self.party_id}: {self.weight}"


class CityQuota(models.Model):
    """The most cards that the parties of a city may hold at once, all together."""

    region = models.OneToOneField(Region, on_delete=models.CASCADE, related_name="quota")
    most_cards = models.PositiveIntegerField()
    set_by = models.CharField(max_length=80)
    set_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.region_id}: {self.most_cards}"


class PlacementDecision(models.Model):
    """One choice of a centre, as it was made: the figures behind it, and those that came next."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="decisions")
    run = models.PositiveSmallIntegerField()
    lease = models.PositiveIntegerField()
    at = models.DateTimeField()
    centre = models.ForeignKey(Centre, on_delete=models.PROTECT, related_name="+")
    accelerator = models.ForeignKey(Accelerator, on_delete=models.PROTECT, related_name="+")
    weights = models.CharField(max_length=20, help_text="which dated weights decided")
    parts = models.JSONField(help_text="score by part, of the chosen one")
    runners_up = models.JSONField(default=list, help_text="centre, model, parts, in order")
    reasons = models.JSONField(default=list)

    class Meta:
        ordering = ["job", "lease"]
        constraints = [models.UniqueConstraint(name="decision_once", fields=["job", "lease"])]
        triggers = [pgtrigger.Protect(name="decisions_stay", operation=pgtrigger.Update)]

    def __str__(self) -> str:
        return f"{self.job_id} #{self.lease}"


class DurationLine(models.Model):
    """What was learned of how long jobs run (`placement.history.Line`), fitted anew as jobs end; the last one holds.

    `form`: of the features that the slopes belong to; a line of another form is not used.
    """

    fitted_at = models.DateTimeField()
    form = models.PositiveSmallIntegerField()
    jobs = models.PositiveIntegerField(help_text="that had ended, and were learned from")
    usual = models.FloatField(help_text="mean length, in doublings of a second")
    slopes = ArrayField(models.FloatField())

    class Meta:
        ordering = ["-fitted_at", "-id"]
        triggers = [append_only("duration_lines_stay")]

    def __str__(self) -> str:
        return f"{self.fitted_at:%Y-%m-%d %H:%M} ({self.jobs})"
