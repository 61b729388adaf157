"""What the register says of a party by day (region, kind, status, registration); who took whose place. Append-only."""

from __future__ import annotations

import pgtrigger
from django.db import models
from django.db.models import F, Q

from huisuan.base.db.append_only import append_only
from huisuan.parties.models.organisations import Party


class StateField(models.TextChoices):
    """What of a party has days."""

    REGION = "region", "登记地"
    KIND = "kind", "类别"
    STATUS = "status", "状态"
    REGISTERED_ON = "registered_on", "登记日"


class PartyStatus(models.TextChoices):
    """How a party stands in the business register."""

    ACTIVE = "active", "存续"
    SUSPENDED = "suspended", "列入异常或停业"
    DISSOLVED = "dissolved", "注销"


class StateChange(models.Model):
    """From a day on (until a day, which is not in it) the register says this of a party; since when that is known.

    `before` is what was known to hold on that day when it was entered: of the first change of a party, what it had all
    along. Of two that hold on a day the one that begins later counts, of two that begin together the later known.
    """

    party = models.ForeignKey(Party, on_delete=models.PROTECT, related_name="state_changes")
    what = models.CharField(max_length=14, choices=StateField)
    value = models.CharField(max_length=20)
    before = models.CharField(max_length=20, blank=True)
    valid_from = models.DateField()
    valid_to = models.DateField(null=True, blank=True)
    known_from = models.DateField()
    source = models.CharField(max_length=200, help_text="the file, or that it was a page")
    by = models.CharField(max_length=120)
    at = models.DateTimeField()

    class Meta:
        ordering = ["party", "what", "valid_from", "known_from"]
        constraints = [
            models.UniqueConstraint(
                name="party_changes_once_a_day", fields=["party", "what", "valid_from", "known_from"]
            ),
            models.CheckConstraint(name="state_change_is_of_what_has_days", condition=Q(what__in=StateField.values)),
            models.CheckConstraint(name="state_change_says_something", condition=~Q(value="") & ~Q(by="")),
            models.CheckConstraint(
                name="state_change_ends_after_it_begins",
                condition=Q(valid_to__isnull=True) | Q(valid_to__gt=F("valid_from")),
            ),
        ]
        triggers = [append_only("state_changes_stay")]

    def __str__(self) -> str:
        return f"{self.party_id} {self.what} {self.value} from {self.valid_from}"


class SuccessionKind(models.TextChoices):
    """How one party took the place of another."""

    RENUMBERED = "renumbered", "换统一社会信用代码"
    MERGED = "merged", "合并"
    SPLIT = "split", "分立"


class Succession(models.Model):
    """From a day on a party stands in the place of another; where it `carries`, with its claims and caps.

    A party has at most one successor that carries, and no circle: whose claims they are is never open.
    """

    old = models.ForeignKey(Party, on_delete=models.PROTECT, related_name="successors")
    new = models.ForeignKey(Party, on_delete=models.PROTECT, related_name="predecessors")
    kind = models.CharField(max_length=10, choices=SuccessionKind)
    carries = models.BooleanField(default=True)
    valid_from = models.DateField()
    known_from = models.DateField()
    source = models.CharField(max_length=200)
    by = models.CharField(max_length=120)
    at = models.DateTimeField()

    class Meta:
        ordering = ["old", "valid_from"]
        constraints = [
            models.UniqueConstraint(name="succession_once", fields=["old", "new"]),
            models.UniqueConstraint(name="one_successor_carries", fields=["old"], condition=Q(carries=True)),
            models.CheckConstraint(name="succession_is_between_two", condition=~Q(old=F("new"))),
            models.CheckConstraint(name="succession_kind_is_known", condition=Q(kind__in=SuccessionKind.values)),
            models.CheckConstraint(
                name="only_a_split_leaves_claims_behind", condition=Q(carries=True) | Q(kind=SuccessionKind.SPLIT)
            ),
        ]
        triggers = [
            append_only("successions_stay"),
            pgtrigger.Trigger(
                name="succession_has_no_circle",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert,
                func="""
                    PERFORM pg_advisory_xact_lock(hashtext('parties_succession'));
                    IF EXISTS (
                        WITH RECURSIVE heir AS (
                            SELECT NEW.new_id AS id
                            UNION
                            SELECT s.new_id FROM parties_succession s JOIN heir h ON s.old_id = h.id
                        ) SELECT 1 FROM heir WHERE id = NEW.old_id
                    ) THEN
                        RAISE EXCEPTION 'a party succeeds itself' USING ERRCODE = 'check_violation';
                    END IF;
                    RETURN NEW;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.old_id} -> {self.new_id} from {self.valid_from}"
