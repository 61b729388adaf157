"""Lines of the register that somebody handed in on a page: looked ahead and entered by the background worker."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from huisuan.base.db.background_work import WORK_UNDER_WAY, BackgroundWork, WorkState


class RegisterFileRequest(BackgroundWork):
    """A file of the register, what it would change in past results, and whether it was entered.

    Without `seen` it is entered only where no past result changes; with `seen`, the digest of what somebody saw and
    accepts, where exactly that changes and the register is as it was. The content is emptied once it can no longer be
    accepted.
    """

    kind = models.CharField(max_length=12, help_text="parties, relations or successions")
    name = models.CharField(max_length=200)
    content = models.BinaryField()
    demo = models.BooleanField(default=False, help_text="new parties are invented ones")
    party = models.CharField(max_length=18, blank=True, help_text="whose page it was handed in on")
    seen = models.CharField(max_length=64, blank=True)
    report = models.JSONField(null=True, help_text="what became of its lines (FileReport)")
    changed = models.JSONField(default=list, help_text="the results that it would change; empty once entered")
    digest = models.CharField(max_length=64, blank=True, help_text="of `changed`")
    entered = models.BooleanField(default=False)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                name="register_file_kind_is_known", condition=Q(kind__in=["parties", "relations", "successions"])
            ),
            models.CheckConstraint(
                name="register_file_done_has_its_report",
                condition=Q(state=WorkState.DONE, report__isnull=False)
                | (~Q(state=WorkState.DONE) & Q(report__isnull=True, entered=False)),
            ),
            models.CheckConstraint(
                name="register_file_over_has_its_end",
                condition=Q(state__in=WORK_UNDER_WAY, ended_at__isnull=True)
                | (~Q(state__in=WORK_UNDER_WAY) & Q(ended_at__isnull=False)),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.name}: {self.state}"
