"""Interactive sessions: a job that a person works in, and who was let into it."""

from __future__ import annotations

import pgtrigger
from django.db import models
from django.db.models import F, Q

from huisuan.compute.models.jobs import Job
from huisuan.parties.models import Person


class SessionKind(models.TextChoices):
    """What a session offers."""

    JUPYTER = "jupyter", "JupyterLab"
    VSCODE = "vscode", "VS Code"
    SHELL = "shell", "终端"


class InteractiveSession(models.Model):
    """What makes a job a session. Only its owner is ever let in; whoever may see the job may end it."""

    job = models.OneToOneField(Job, on_delete=models.CASCADE, primary_key=True, related_name="session")
    owner = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=10, choices=SessionKind)
    seconds = models.PositiveIntegerField(help_text="how long it lasts at most, from its start")
    idle_seconds = models.PositiveIntegerField(help_text="unused for so long it ends")
    ready_at = models.DateTimeField(null=True, blank=True, help_text="when its program first answered")

    class Meta:
        constraints = [
            models.CheckConstraint(name="session_kind_is_known", condition=Q(kind__in=SessionKind.values)),
            models.CheckConstraint(name="session_lasts", condition=Q(seconds__gte=1, idle_seconds__gte=1)),
        ]

    def __str__(self) -> str:
        return self.job_id


class SessionAdmission(models.Model):
    """A one-time ticket into a session, and the cookie that it was exchanged for; both are kept as SHA-256 only.

    It is over with the session, or when what the person may do changes (`epoch` is the person's session epoch).
    """

    session = models.ForeignKey(InteractiveSession, on_delete=models.CASCADE, related_name="admissions")
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    epoch = models.PositiveIntegerField()
    ticket_sha256 = models.CharField(max_length=64, unique=True)
    issued_at = models.DateTimeField()
    ticket_expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)
    cookie_sha256 = models.CharField(max_length=64, unique=True, null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="admission_has_a_cookie_once_used",
                condition=Q(used_at__isnull=True, cookie_sha256__isnull=True)
                | Q(used_at__isnull=False, cookie_sha256__isnull=False, used_at__lte=F("ticket_expires_at")),
            ),
        ]
        triggers = [
            pgtrigger.Protect(
                name="admissions_are_used_once",
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(old__used_at__isnull=False),
            ),
            pgtrigger.Protect(
                name="admissions_stay",
                operation=pgtrigger.Update,
                condition=pgtrigger.AnyChange(
                    "session", "person", "epoch", "ticket_sha256", "issued_at", "ticket_expires_at"
                ),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.session_id} {self.person_id}"
