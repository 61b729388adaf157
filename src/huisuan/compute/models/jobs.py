"""What a party asks to run, and what it wrote."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from huisuan.compute.models.centres import HUGE_CARDS, Accelerator, Centre
from huisuan.parties.models import Party


class JobState(models.TextChoices):
    """Where a job is in its life."""

    SUBMITTED = "submitted", "已提交"
    PLACED = "placed", "已调度"
    RUNNING = "running", "运行中"
    DONE = "done", "完成"
    FAILED = "failed", "失败"
    CANCELLED = "cancelled", "已取消"
    LOST = "lost", "失联"


FINAL_STATES = (JobState.DONE, JobState.FAILED, JobState.CANCELLED, JobState.LOST)


class Job(models.Model):
    """What a party asks to run. Its uid is its name everywhere, at the centre too."""

    uid = models.CharField(max_length=32, primary_key=True)
    party = models.ForeignKey(Party, on_delete=models.PROTECT, related_name="jobs")
    submitted_by = models.CharField(max_length=80)
    name = models.CharField(max_length=120)
    command = models.JSONField(help_text="a list of words, never handed to a shell")
    environment = models.JSONField(default=dict)
    cards = models.PositiveIntegerField()
    accelerator = models.ForeignKey(
        Accelerator, on_delete=models.PROTECT, null=True, blank=True, related_name="+", help_text="none: any"
    )
    time_limit_seconds = models.PositiveIntegerField(default=3600)
    centre = models.ForeignKey(Centre, on_delete=models.PROTECT, null=True, blank=True, related_name="jobs")
    wanted_centre = models.ForeignKey(Centre, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    reasons = models.JSONField(default=list, help_text="why it was placed there, or why not yet")
    state = models.CharField(max_length=10, choices=JobState, default=JobState.SUBMITTED)
    submitted_at = models.DateTimeField()
    placed_at = models.DateTimeField(null=True, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    cancel_requested_at = models.DateTimeField(null=True, blank=True)
    exit_code = models.IntegerField(null=True, blank=True)

    class Meta:
        ordering = ["-submitted_at", "uid"]
        indexes = [models.Index(fields=["party", "-submitted_at"]), models.Index(fields=["centre", "state"])]
        constraints = [
            models.CheckConstraint(name="job_asks_for_cards", condition=Q(cards__gte=1, cards__lte=HUGE_CARDS)),
            models.CheckConstraint(name="job_state_is_known", condition=Q(state__in=JobState.values)),
            models.CheckConstraint(
                name="job_ends_after_it_starts", condition=Q(ended_at__isnull=True) | Q(ended_at__gte=F("started_at"))
            ),
        ]

    def __str__(self) -> str:
        return self.uid


class JobLog(models.Model):
    """A piece of a job's output; `offset` is its place in bytes."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="log_pieces")
    offset = models.BigIntegerField()
    content = models.BinaryField()

    class Meta:
        ordering = ["job", "offset"]
        constraints = [models.UniqueConstraint(name="job_log_piece_once", fields=["job", "offset"])]

    def __str__(self) -> str:
        return f"{self.job_id}+{self.offset}"
