"""Months of a centre that somebody asked the background worker to seal."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from huisuan.base.db.background_work import WORK_UNDER_WAY, BackgroundWork
from huisuan.compute.models.centres import Centre


class SealRequest(BackgroundWork):
    """From `first` through `last` (their first days); one under way per centre, for months are sealed in turn."""

    centre = models.ForeignKey(Centre, on_delete=models.PROTECT, related_name="seal_requests")
    first = models.DateField()
    last = models.DateField()
    despite = models.TextField(blank=True, help_text="why months are sealed although flags stand open")

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                name="one_seal_request_under_way", fields=["centre"], condition=Q(state__in=WORK_UNDER_WAY)
            ),
            models.CheckConstraint(
                name="seal_request_spans_months",
                condition=Q(first__day=1, last__day=1, last__gte=F("first")),
            ),
            models.CheckConstraint(
                name="seal_request_over_has_its_end",
                condition=Q(state__in=WORK_UNDER_WAY, ended_at__isnull=True)
                | (~Q(state__in=WORK_UNDER_WAY) & Q(ended_at__isnull=False)),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.centre_id} {self.first:%Y-%m} {self.last:%Y-%m} {self.state}"
