"""What is asked of a centre about a run's files, and what it keeps of results. The files themselves stay there."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from huisuan.compute.models.centres import Centre
from huisuan.compute.models.jobs import Job


class FileRequest(models.Model):
    """A question to a centre's agent about files of a run, and its answer: both gone after minutes.

    `key` is the digest of all that is asked, and by whom (`reader`): asked again, it is the same question. Not logged
    (an UNLOGGED table): pieces of files pass through by the gigabyte, and one that a crash loses is asked for again.
    """

    key = models.CharField(max_length=64, unique=True)
    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="+")
    run = models.PositiveSmallIntegerField()
    centre = models.ForeignKey(Centre, on_delete=models.CASCADE, related_name="+")
    reader = models.CharField(max_length=64)
    question = models.JSONField(help_text="protocol.agent_files.FileQuestion, without its id")
    length = models.PositiveIntegerField(default=0, help_text="bytes that the answer may bring")
    asked_at = models.DateTimeField()
    answered_at = models.DateTimeField(null=True, blank=True)
    answer = models.JSONField(null=True, blank=True, help_text="FileAnswer, without its content")
    content = models.BinaryField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(name="file_request_open", fields=["centre", "id"], condition=Q(answered_at__isnull=True)),
            models.Index(name="file_request_age", fields=["asked_at"]),
        ]
        constraints = [
            models.CheckConstraint(
                name="file_request_answered_at_a_time",
                condition=Q(answered_at__isnull=True, answer__isnull=True)
                | Q(answered_at__isnull=False, answer__isnull=False),
            )
        ]

    def __str__(self) -> str:
        return f"{self.job_id} {self.question}"


class JobOutputs(models.Model):
    """What a centre keeps of the results of one run that is over, as its agent reported: `size` in bytes."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="outputs_kept")
    run = models.PositiveSmallIntegerField()
    centre = models.ForeignKey(Centre, on_delete=models.PROTECT, related_name="+")
    files = models.BigIntegerField()
    size = models.BigIntegerField(help_text="bytes")
    kept_until = models.DateTimeField()
    over_quota = models.BooleanField(default=False)
    note = models.CharField(max_length=500, blank=True)
    reported_at = models.DateTimeField()

    class Meta:
        ordering = ["job", "run"]
        constraints = [
            models.UniqueConstraint(name="job_outputs_once_a_run", fields=["job", "run"]),
            models.CheckConstraint(name="job_outputs_are_counted", condition=Q(files__gte=0, size__gte=0)),
        ]

    def __str__(self) -> str:
        return f"{self.job_id} {self.files}"
