"""Decision sheets of calls as they were frozen. A later one of the same call says who moved up when others fell out.

Never changed. What a sheet funds is never above its budget: the database sums it up.
"""

from __future__ import annotations

import pgtrigger
from django.db import models
from django.db.models import F, Q

from huisuan.base.db.append_only import append_only
from huisuan.parties.models import Person
from huisuan.programmes.models.applications import Application
from huisuan.programmes.models.calls import Call
from huisuan.programmes.models.offices import Office, Post

_STATUSES = ["funded", "partly_funded", "waiting", "not_recommended"]


class FrozenSheet(models.Model):
    """A decision sheet, whole: `content` is what the digest is of. The last of a call counts."""

    call = models.ForeignKey(Call, on_delete=models.PROTECT, related_name="sheets")
    number = models.PositiveSmallIntegerField(help_text="from 1")
    budget_fen = models.BigIntegerField()
    content = models.JSONField()
    digest = models.CharField(max_length=64)
    reason = models.CharField(max_length=200, blank=True, help_text="of a later one: who fell out")
    by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        ordering = ["call", "number"]
        constraints = [
            models.UniqueConstraint(name="frozen_sheet_once", fields=["call", "number"]),
            models.CheckConstraint(
                name="frozen_sheet_has_its_digest", condition=Q(digest__regex="^[0-9a-f]{64}$", budget_fen__gte=0)
            ),
            models.CheckConstraint(
                name="a_later_sheet_says_why", condition=Q(number=1) | (Q(number__gt=1) & ~Q(reason=""))
            ),
        ]
        triggers = [append_only("frozen_sheets_stay")]

    def __str__(self) -> str:
        return f"{self.call_id}/{self.number}"


class FrozenLine(models.Model):
    """What a frozen sheet says of one application. Scores are exact fractions, as text."""

    sheet = models.ForeignKey(FrozenSheet, on_delete=models.PROTECT, related_name="lines")
    application = models.ForeignKey(Application, on_delete=models.PROTECT, related_name="sheet_lines")
    rank = models.PositiveIntegerField()
    status = models.CharField(max_length=16)
    score = models.CharField(max_length=80)
    owed_fen = models.BigIntegerField()
    funded_fen = models.BigIntegerField()

    class Meta:
        ordering = ["sheet", "rank"]
        constraints = [
            models.UniqueConstraint(name="frozen_line_once", fields=["sheet", "application"]),
            models.UniqueConstraint(name="frozen_rank_once", fields=["sheet", "rank"]),
            models.CheckConstraint(name="frozen_line_status_is_known", condition=Q(status__in=_STATUSES)),
            models.CheckConstraint(
                name="funded_within_what_is_owed", condition=Q(funded_fen__gte=0, funded_fen__lte=F("owed_fen"))
            ),
        ]
        triggers = [
            append_only("frozen_lines_stay"),
            pgtrigger.Trigger(
                name="frozen_lines_within_the_budget",
                level=pgtrigger.Statement,
                when=pgtrigger.After,
                operation=pgtrigger.Insert,
                referencing=pgtrigger.Referencing(new="new_lines"),  # type: ignore[no-untyped-call]
                func="""
                    IF EXISTS (
                        SELECT 1 FROM programmes_frozensheet s
                        WHERE s.id IN (SELECT n.sheet_id FROM new_lines n) AND s.budget_fen < (
                            SELECT sum(l.funded_fen) FROM programmes_frozenline l WHERE l.sheet_id = s.id))
                    THEN
                        RAISE EXCEPTION 'a sheet funds no more than its budget'
                            USING ERRCODE = 'check_violation', CONSTRAINT = 'frozen_lines_within_the_budget';
                    END IF;
                    RETURN NULL;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.sheet_id} {self.rank}"


class OfficeOpinion(models.Model):
    """The opinion of an office, by a person with a post there; `amount_fen` is what it would grant, if it says so."""

    application = models.ForeignKey(Application, on_delete=models.PROTECT, related_name="opinions")
    office = models.ForeignKey(Office, on_delete=models.PROTECT, related_name="+")
    text = models.CharField(max_length=2000)
    amount_fen = models.BigIntegerField(null=True)
    by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    post = models.ForeignKey(Post, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(name="an_office_has_one_opinion", fields=["application", "office"]),
            models.CheckConstraint(name="opinion_says_something", condition=~Q(text="")),
            models.CheckConstraint(
                name="opinion_of_no_debt", condition=Q(amount_fen__isnull=True) | Q(amount_fen__gte=0)
            ),
        ]
        triggers = [append_only("opinions_stay")]

    def __str__(self) -> str:
        return f"{self.application_id} {self.office_id}"
