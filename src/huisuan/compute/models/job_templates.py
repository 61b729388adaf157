"""What a firm submits often, kept under a name."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from huisuan.parties.models import Party


class JobTemplate(models.Model):
    """A request for a job as a firm keeps it; `request` is a JobRequest with the values of its environment."""

    party = models.ForeignKey(Party, on_delete=models.CASCADE, related_name="job_templates")
    name = models.CharField(max_length=60)
    request = models.JSONField()
    made_by = models.CharField(max_length=80)
    made_at = models.DateTimeField()

    class Meta:
        ordering = ["party", "name"]
        constraints = [
            models.UniqueConstraint(name="job_template_once", fields=["party", "name"]),
            models.CheckConstraint(name="job_template_has_a_name", condition=~Q(name="")),
        ]

    def __str__(self) -> str:
        return self.name
