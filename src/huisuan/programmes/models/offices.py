"""Offices that handle applications, and posts: a person in an office, with a duty, from a day until a day."""

from __future__ import annotations

import pgtrigger
from django.db import models
from django.db.models import F, Q

from huisuan.law.procedure import Duty
from huisuan.parties.models import Person

OFFICIAL_DUTIES = [duty.value for duty in Duty if duty is not Duty.APPLY]


class Office(models.Model):
    """An office as the texts name it behind their sentences, or a policy's treasury."""

    name = models.CharField(max_length=80, unique=True)

    class Meta:
        ordering = ["name"]
        constraints = [models.CheckConstraint(name="office_has_a_name", condition=~Q(name=""))]

    def __str__(self) -> str:
        return self.name


class Post(models.Model):
    """A person in an office with a duty; both days count. A stand-in has a post of its own that names the other's.

    Nothing of it changes but its end, and that once: `ended_on` is the last day, whatever `until_day` said.
    """

    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="posts")
    office = models.ForeignKey(Office, on_delete=models.PROTECT, related_name="posts")
    duty = models.CharField(max_length=10)
    from_day = models.DateField()
    until_day = models.DateField(null=True)
    stands_in_for = models.ForeignKey("self", on_delete=models.PROTECT, null=True, related_name="stand_ins")
    given_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    given_at = models.DateTimeField()
    ended_on = models.DateField(null=True)
    ended_by = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, related_name="+")
    ended_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(name="post_of_a_person_and_duty", fields=["id", "person", "duty"]),
            models.CheckConstraint(name="post_has_a_duty", condition=Q(duty__in=OFFICIAL_DUTIES)),
            models.CheckConstraint(name="post_is_given_by_another", condition=~Q(given_by=F("person"))),
            models.CheckConstraint(
                name="post_ends_after_it_begins",
                condition=Q(until_day__isnull=True) | Q(until_day__gte=F("from_day")),
            ),
            models.CheckConstraint(
                name="a_stand_in_has_dates", condition=Q(stands_in_for__isnull=True) | Q(until_day__isnull=False)
            ),
            models.CheckConstraint(
                name="post_is_ended_by_someone",
                condition=Q(ended_on__isnull=True, ended_by__isnull=True, ended_at__isnull=True)
                | Q(ended_on__isnull=False, ended_by__isnull=False, ended_at__isnull=False),
            ),
        ]
        triggers = [
            pgtrigger.Protect(name="posts_stay", operation=pgtrigger.Delete),
            pgtrigger.ReadOnly(name="posts_keep_what_they_are", exclude=["ended_on", "ended_by", "ended_at"]),
            pgtrigger.Protect(
                name="posts_end_once",
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(old__ended_on__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.person_id} {self.office_id} {self.duty}"
