"""The pool of experts: who they are, where they work, what they know, and to whom they have ties. Append-only."""

from __future__ import annotations

import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from huisuan.base.db.append_only import append_only
from huisuan.parties.models import Party, Person


class Expert(models.Model):
    """A person in the pool: the account, never a mail address."""

    person = models.OneToOneField(Person, on_delete=models.PROTECT, related_name="expert")
    by = models.CharField(max_length=120)
    at = models.DateTimeField()

    class Meta:
        ordering = ["person__username"]
        triggers = [append_only("experts_stay")]

    def __str__(self) -> str:
        return f"E{self.pk}"


class ExpertEntry(models.Model):
    """What the pool says of an expert since `known_from`, until the next entry; the last one counts.

    The employer is a registered party, or only a name. `active_until` is not in it; none: still.
    """

    expert = models.ForeignKey(Expert, on_delete=models.PROTECT, related_name="entries")
    employer = models.ForeignKey(Party, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    employer_name = models.CharField(max_length=200)
    fields = ArrayField(models.CharField(max_length=60))
    active_from = models.DateField()
    active_until = models.DateField(null=True, blank=True)
    known_from = models.DateField()
    source = models.CharField(max_length=200)
    by = models.CharField(max_length=120)
    at = models.DateTimeField()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                name="expert_works_somewhere_and_knows_something",
                condition=~Q(employer_name="") & Q(fields__len__gte=1) & ~Q(by="") & ~Q(source=""),
            ),
            models.CheckConstraint(
                name="expert_ends_after_beginning",
                condition=Q(active_until__isnull=True) | Q(active_until__gt=F("active_from")),
            ),
        ]
        triggers = [append_only("expert_entries_stay")]

    def __str__(self) -> str:
        return f"{self.expert_id} {self.employer_name}"


class TieKind(models.TextChoices):
    """What ties an expert to a party."""

    EMPLOYMENT = "employment", "任职"
    SHARES = "shares", "持股"
    KINSHIP = "kinship", "亲属"
    PROJECT = "project", "合作项目"
    ADVICE = "advice", "顾问咨询"


class ExpertTie(models.Model):
    """A tie of an expert to a party from a day until a day (not in it; none: still). It can be ended, once."""

    expert = models.ForeignKey(Expert, on_delete=models.PROTECT, related_name="ties")
    party = models.ForeignKey(Party, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=12, choices=TieKind)
    starts = models.DateField()
    ends = models.DateField(null=True, blank=True)
    known_from = models.DateField()
    source = models.CharField(max_length=200)
    by = models.CharField(max_length=120)
    at = models.DateTimeField()
    ended_by = models.CharField(max_length=120, blank=True, help_text="who entered its end, where that came later")
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(name="expert_tie_once", fields=["expert", "party", "kind", "starts"]),
            models.CheckConstraint(name="expert_tie_kind_is_known", condition=Q(kind__in=TieKind.values)),
            models.CheckConstraint(name="expert_tie_says_by_whom", condition=~Q(by="") & ~Q(source="")),
            models.CheckConstraint(
                name="expert_tie_ends_after_beginning", condition=Q(ends__isnull=True) | Q(ends__gt=F("starts"))
            ),
            models.CheckConstraint(
                name="expert_tie_end_is_someones",
                condition=Q(ended_by="", ended_at__isnull=True)
                | (~Q(ended_by="") & Q(ended_at__isnull=False, ends__isnull=False)),
            ),
        ]
        triggers = [
            pgtrigger.Protect(name="expert_ties_stay", operation=pgtrigger.Delete),
            pgtrigger.ReadOnly(name="expert_ties_only_end", exclude=["ends", "ended_by", "ended_at"]),
            pgtrigger.Protect(
                name="expert_ties_end_once", operation=pgtrigger.Update, condition=pgtrigger.Q(old__ends__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.expert_id} {self.kind} {self.party_id}"
