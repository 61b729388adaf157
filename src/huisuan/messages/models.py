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


class Channel(models.TextChoices):
    """How people are reached."""

    PAGE = "page", "站内"
    MAIL = "mail", "邮件"
    WEBHOOK = "webhook", "Webhook"


class Frequency(models.TextChoices):
    """How often: at once, together once a day, or not at all."""

    NOW = "now", "即时"
    DAILY = "daily", "每日汇总"
    NEVER = "never", "不要"


class MessageFrequency(models.Model):
    """What a person chose for a kind and a channel; without a row holds `preferences.DEFAULTS`."""

    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="message_frequencies")
    kind = models.CharField(max_length=20, choices=MessageKind)
    channel = models.CharField(max_length=10, choices=Channel)
    frequency = models.CharField(max_length=10, choices=Frequency)

    class Meta:
        constraints = [
            models.UniqueConstraint(name="message_frequency_once", fields=["person", "kind", "channel"]),
            models.CheckConstraint(
                name="message_frequency_is_known",
                condition=Q(kind__in=MessageKind.values)
                & Q(channel__in=Channel.values)
                & Q(frequency__in=Frequency.values),
            ),
            models.CheckConstraint(
                name="page_has_no_digest", condition=~Q(channel=Channel.PAGE) | ~Q(frequency=Frequency.DAILY)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.person_id} {self.kind} {self.channel} {self.frequency}"


class MessageAddress(models.Model):
    """Where and in which language a person is told outside the pages; mail goes to the person's own address."""

    person = models.OneToOneField(Person, on_delete=models.PROTECT, primary_key=True, related_name="message_address")
    language = models.CharField(max_length=10, default="zh-hans")
    digest_hour = models.PositiveSmallIntegerField(default=8, help_text="full hour at Asia/Shanghai")
    webhook_url = models.CharField(max_length=500, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(name="digest_hour_is_of_a_day", condition=Q(digest_hour__lte=23)),
            models.CheckConstraint(name="message_language_is_known", condition=Q(language__in=["zh-hans", "en"])),
        ]

    def __str__(self) -> str:
        return f"{self.person_id} {self.language}"


class Delivery(models.Model):
    """One mail or webhook call with one or more messages; `slot` is the hour of a digest, empty for one at once.

    It ends in `delivered_at` or in `failed_at` with the reason; until then `due_at` is when it is tried next.
    """

    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="deliveries")
    position = models.CharField(max_length=40, help_text="for whom the person acted, as of its messages")
    channel = models.CharField(max_length=10, choices=Channel)
    slot = models.DateTimeField(null=True, blank=True)
    made_at = models.DateTimeField()
    due_at = models.DateTimeField()
    tries = models.PositiveSmallIntegerField(default=0, help_text="counted before each try")
    delivered_at = models.DateTimeField(null=True, blank=True)
    failed_at = models.DateTimeField(null=True, blank=True)
    error = models.CharField(max_length=300, blank=True, help_text="why the last try failed")
    messages = models.ManyToManyField(Message, related_name="deliveries")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="one_digest_an_hour",
                fields=["person", "position", "channel", "slot"],
                condition=Q(slot__isnull=False),
            ),
            models.CheckConstraint(
                name="delivery_leaves_the_page", condition=Q(channel__in=[Channel.MAIL, Channel.WEBHOOK])
            ),
            models.CheckConstraint(
                name="delivery_ends_once", condition=Q(delivered_at__isnull=True) | Q(failed_at__isnull=True)
            ),
        ]
        indexes = [
            models.Index(
                name="delivery_due", fields=["due_at"], condition=Q(delivered_at__isnull=True, failed_at__isnull=True)
            ),
            models.Index(name="delivery_of_a_person", fields=["person", "-id"]),
        ]

    def __str__(self) -> str:
        return f"{self.channel} {self.pk} to {self.person_id}"
