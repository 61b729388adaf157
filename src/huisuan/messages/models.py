"""What is stored of messages: to whom, what, read or not. The text is a code with values, put into words by reader."""

from __future__ import annotations

import pgtrigger
from django.db import models
from django.db.models import Q

from huisuan.parties.models import Person


class MessageKind(models.TextChoices):
    """What people choose by: each kind has a frequency of its own."""

    JOB_ENDED = "job_ended", "作业结束"
    BUDGET_REACHED = "budget_reached", "预算用到"
    MONTH_SEALED = "month_sealed", "封账"
    RESULT_CHANGED = "result_changed", "结果有变"
    WAITING = "waiting", "有事待办"


class Message(models.Model):
    """One thing told to one person; unique by person and key, so that an event tells once, however often it is tried.

    `position` is for whom the person acted then (`user:12`, `city:340100`): who is moved since then sees it no more.
    """

    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="inbox")
    position = models.CharField(max_length=40)
    kind = models.CharField(max_length=20, choices=MessageKind)
    code = models.CharField(max_length=40, help_text="of messages/texts.toml")
    values = models.JSONField(default=dict, help_text="what stands in the holes of the text")
    link = models.CharField(max_length=300, blank=True, help_text="a page of the portal, beginning with /")
    key = models.CharField(max_length=200, help_text="names the event")
    at = models.DateTimeField()
    read_at = models.DateTimeField(null=True, blank=True)
    routed = models.BooleanField(default=False, help_text="its deliveries, if any, have been made")

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(name="message_once", fields=["person", "key"]),
            models.CheckConstraint(name="message_kind_is_known", condition=Q(kind__in=MessageKind.values)),
            models.CheckConstraint(name="message_names_its_event", condition=~Q(key="") & ~Q(code="")),
            models.CheckConstraint(
                name="message_leads_to_a_page_of_ours",
                condition=Q(link="") | Q(link__regex=r"^/([^/\\\s][^\\\s]*)?$"),
            ),
        ]
        indexes = [
            models.Index(name="message_newest_first", fields=["person", "position", "-id"]),
            models.Index(name="message_unread", fields=["person", "position"], condition=Q(read_at__isnull=True)),
            models.Index(name="message_not_routed", fields=["id"], condition=Q(routed=False)),
        ]
        triggers = [
            pgtrigger.Protect(
                name="messages_stay_as_written",
                operation=pgtrigger.Update,
                condition=pgtrigger.AnyChange("person", "position", "kind", "code", "values", "link", "key", "at"),
            )
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.key} to {self.person_id}"
