"""Registers of things: parks, products, scenarios, standards. What is on record stays; a correction is a version."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from huisuan.base.db.append_only import append_only
from huisuan.parties.models import Party, Person, Region


class RegisteredThing(models.Model):
    """One thing on a register, known by its code for good; `latest` is the version that stands."""

    policy = models.CharField(max_length=60)
    register = models.CharField(max_length=40)
    code = models.CharField(max_length=80, help_text="half width, upper case, without spaces")
    latest = models.OneToOneField(
        "RegisterVersion", on_delete=models.PROTECT, null=True, related_name="standing_for", editable=False
    )

    class Meta:
        ordering = ["policy", "register", "code"]
        constraints = [
            models.UniqueConstraint(name="register_entry_once", fields=["policy", "register", "code"]),
            models.CheckConstraint(name="register_entry_has_a_code", condition=Q(code__regex=r"^\S+$")),
        ]

    def __str__(self) -> str:
        return f"{self.policy}/{self.register}/{self.code}"


class RegisterVersion(models.Model):
    """What a register says of an entry since `at`; both days count, no last day: until further notice.

    `ended`: taken off the register, from the day after `until_day`; `reason` says why a version follows another.
    """

    entry = models.ForeignKey(RegisteredThing, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    name = models.CharField(max_length=200)
    holder = models.ForeignKey(Party, on_delete=models.PROTECT, null=True, related_name="registered")
    region = models.ForeignKey(Region, on_delete=models.PROTECT, null=True, related_name="+")
    from_day = models.DateField()
    until_day = models.DateField(null=True)
    ended = models.BooleanField(default=False)
    values = models.JSONField(help_text="by field: text, days as YYYY-MM-DD, counts, amounts in fen, keys of choices")
    digest = models.CharField(max_length=64)
    reason = models.CharField(max_length=500, blank=True)
    source = models.CharField(max_length=200, help_text="the file that said so")
    by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        ordering = ["entry", "number"]
        constraints = [
            models.UniqueConstraint(name="register_version_once", fields=["entry", "number"]),
            models.CheckConstraint(name="register_version_has_a_name", condition=Q(name__regex=r"\S")),
            models.CheckConstraint(
                name="register_version_ends_after_it_begins",
                condition=Q(until_day__isnull=True) | Q(until_day__gte=F("from_day")),
            ),
            models.CheckConstraint(
                name="register_correction_has_a_reason", condition=Q(number=1) | Q(reason__regex=r"\S")
            ),
            models.CheckConstraint(
                name="register_end_has_its_day", condition=Q(ended=False) | Q(until_day__isnull=False)
            ),
        ]
        triggers = [append_only("register_versions_stay")]

    def __str__(self) -> str:
        return f"{self.entry_id} v{self.number} {self.name}"
