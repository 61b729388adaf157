"""Registers of things: parks, products, scenarios, standards. What is on record stays; a correction is a version."""

from __future__ import annotations

import pgtrigger
from django.db import models
from django.db.models import F, Q

from huisuan.base.db.append_only import append_only
from huisuan.parties.models import Party, Person, Region

_NEVER_BEYOND = """
    PERFORM 1 FROM programmes_registeredthing WHERE id = NEW.{source} FOR NO KEY UPDATE;
    IF (SELECT coalesce(sum(amount), 0) FROM programmes_drawnamount WHERE source_id = NEW.{source})
        > (SELECT coalesce(holds, 0) FROM programmes_registeredthing WHERE id = NEW.{source})
    THEN
        RAISE EXCEPTION 'more is drawn than there is'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'register_draws_within_what_is_held';
    END IF;
    RETURN NULL;
"""


class RegisteredThing(models.Model):
    """One thing on a register, known by its code for good; `latest` is the version that stands.

    `holds` is how much of it others may draw: a commitment, what is on offer. In fen or in its own unit.
    """

    policy = models.CharField(max_length=60)
    register = models.CharField(max_length=40)
    code = models.CharField(max_length=80, help_text="half width, upper case, without spaces")
    latest = models.OneToOneField(
        "RegisterVersion", on_delete=models.PROTECT, null=True, related_name="standing_for", editable=False
    )
    holds = models.BigIntegerField(null=True)

    class Meta:
        ordering = ["policy", "register", "code"]
        triggers = [
            pgtrigger.Trigger(
                name="register_holds_what_is_drawn",
                when=pgtrigger.After,
                operation=pgtrigger.UpdateOf("holds"),  # type: ignore[no-untyped-call]
                condition=pgtrigger.Q(old__holds__df=pgtrigger.F("new__holds")),
                func=_NEVER_BEYOND.format(source="id"),
            )
        ]
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


class DrawnAmount(models.Model):
    """How much an entry that stands takes of another one: never more together than there is, and the database knows."""

    thing = models.ForeignKey(RegisteredThing, on_delete=models.CASCADE, related_name="draws")
    source = models.ForeignKey(RegisteredThing, on_delete=models.PROTECT, related_name="drawn_by")
    amount = models.BigIntegerField(help_text="in fen or in the unit of the source")

    class Meta:
        ordering = ["source", "thing"]
        constraints = [
            models.UniqueConstraint(name="drawn_amount_once", fields=["thing", "source"]),
            models.CheckConstraint(name="drawn_amount_is_some", condition=Q(amount__gt=0)),
        ]
        triggers = [
            pgtrigger.Trigger(
                name="register_draws_within_what_is_held",
                when=pgtrigger.After,
                operation=pgtrigger.Insert | pgtrigger.Update,
                func=_NEVER_BEYOND.format(source="source_id"),
            )
        ]

    def __str__(self) -> str:
        return f"{self.thing_id} takes {self.amount} of {self.source_id}"


class FrozenRegister(models.Model):
    """What a register said on a day, counted and frozen with its digest; a correction is the next number."""

    policy = models.CharField(max_length=60)
    register = models.CharField(max_length=40)
    period = models.CharField(max_length=10, help_text="2024Q2, 2024")
    number = models.PositiveSmallIntegerField(help_text="from 1")
    on_day = models.DateField()
    content = models.JSONField()
    digest = models.CharField(max_length=64)
    reason = models.CharField(max_length=500, blank=True, help_text="of a later number")
    by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        ordering = ["policy", "register", "period", "number"]
        constraints = [
            models.UniqueConstraint(name="register_snapshot_once", fields=["policy", "register", "period", "number"]),
            models.CheckConstraint(
                name="register_snapshot_again_has_a_reason", condition=Q(number=1) | Q(reason__regex=r"\S")
            ),
        ]
        triggers = [append_only("register_snapshots_stay")]

    def __str__(self) -> str:
        return f"{self.policy}/{self.register} {self.period} {self.number}"
