"""Usage files that somebody uploaded on a page: imported by the background worker, with the report that came of it."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from huisuan.base.db.background_work import WORK_UNDER_WAY, BackgroundWork, WorkState
from huisuan.compute.models.centres import Centre


class UsageImport(BackgroundWork):
    """One uploaded file and how to read it. `report`: what became of its lines, once it is done.

    The file lies in the home under its SHA-256 until the work has ended (of a dry run for a day longer); what was
    taken of it is kept with the records. One of a file at a time is under way at a centre.
    """

    centre = models.ForeignKey(Centre, on_delete=models.PROTECT, related_name="usage_imports")
    name = models.CharField(max_length=200)
    sha256 = models.CharField(max_length=64)
    size = models.BigIntegerField(help_text="bytes")
    format = models.CharField(max_length=20)
    timezone = models.CharField(max_length=60, blank=True, help_text="empty: the centre's")
    options = models.JSONField(default=dict, help_text="of a trace: model, columns, epoch, shift_days, tenant")
    tenants_name = models.CharField(max_length=200, blank=True)
    tenants_sha256 = models.CharField(max_length=64, blank=True)
    dry_run = models.BooleanField()
    report = models.JSONField(null=True)

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(name="usage_import_latest", fields=["centre", "-id"])]
        constraints = [
            models.UniqueConstraint(
                name="one_import_of_a_file_under_way",
                fields=["centre", "sha256"],
                condition=Q(state__in=WORK_UNDER_WAY),
            ),
            models.CheckConstraint(
                name="import_done_has_its_report",
                condition=Q(state=WorkState.DONE, report__isnull=False)
                | (~Q(state=WorkState.DONE) & Q(report__isnull=True)),
            ),
            models.CheckConstraint(
                name="import_over_has_its_end",
                condition=Q(state__in=WORK_UNDER_WAY, ended_at__isnull=True)
                | (~Q(state__in=WORK_UNDER_WAY) & Q(ended_at__isnull=False)),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.centre_id} {self.name} {self.state}"
