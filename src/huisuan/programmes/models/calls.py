"""Calls for applications, and the amendments that are published to them.

A call never changes but for its last day, and that only later, by a published amendment: what applicants have read when
it opened (budget line, what is done where the budget is too small, the order of ties) holds until the end.
"""

from __future__ import annotations

import pgtrigger
from django.db import models
from django.db.models import F, Q

from huisuan.base.db.append_only import append_only
from huisuan.law.budget import PoolMode
from huisuan.parties.models import Person
from huisuan.programmes.models.applications import ProcedureEdition
from huisuan.treasury.models import AppropriationLine


class Call(models.Model):
    """A call under a programme, for a year. Its window is the whole of its days at Asia/Shanghai, first and last."""

    number = models.CharField(max_length=16, unique=True)
    edition = models.ForeignKey(ProcedureEdition, on_delete=models.PROTECT, related_name="calls")
    year = models.PositiveSmallIntegerField(help_text="the year that is claimed for")
    title = models.CharField(max_length=120)
    first_day = models.DateField()
    last_day = models.DateField(help_text="moved by amendments alone, and only later")
    line = models.ForeignKey(AppropriationLine, on_delete=models.PROTECT, related_name="calls")
    shortage = models.CharField(max_length=12, help_text="how a budget that is too small is shared out")
    ties = models.JSONField(default=list, help_text="what goes first among equals; after it the lot")
    evidence = models.JSONField(default=list, help_text="the facts of which a file must be there")
    tasks = models.JSONField(default=dict, help_text="name by code, where one of a list is applied for")
    object_kinds = models.JSONField(default=list, help_text="of which kinds at least one object must be named")
    opened_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    opened_at = models.DateTimeField()

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(name="calls_by_last_day", fields=["last_day", "id"])]
        constraints = [
            models.CheckConstraint(name="call_lasts_a_day", condition=Q(last_day__gte=F("first_day"))),
            models.CheckConstraint(name="call_has_a_title", condition=~Q(title="")),
            models.CheckConstraint(
                name="call_shares_in_a_known_way", condition=Q(shortage__in=[mode.value for mode in PoolMode])
            ),
        ]
        triggers = [
            pgtrigger.Protect(name="calls_stay", operation=pgtrigger.Delete),
            pgtrigger.ReadOnly(name="calls_keep_what_they_say", exclude=["last_day"]),
            pgtrigger.Trigger(
                name="calls_are_extended_by_amendments",
                when=pgtrigger.Before,
                operation=pgtrigger.Update,
                func="""
                    IF NEW.last_day <> OLD.last_day AND (pg_trigger_depth() < 2 OR NEW.last_day < OLD.last_day) THEN
                        RAISE EXCEPTION 'a call is extended by a published amendment, and never shortened'
                            USING ERRCODE = 'check_violation', CONSTRAINT = 'calls_are_extended_by_amendments';
                    END IF;
                    RETURN NEW;
                """,
            ),
        ]

    def __str__(self) -> str:
        return self.number


class CallAmendment(models.Model):
    """What was published to a call after it was: a text, and a later last day where it extends it."""

    call = models.ForeignKey(Call, on_delete=models.PROTECT, related_name="amendments")
    text = models.CharField(max_length=2000)
    last_day = models.DateField(null=True, help_text="the new one; none: nothing is extended")
    by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        ordering = ["id"]
        constraints = [models.CheckConstraint(name="amendment_says_something", condition=~Q(text=""))]
        triggers = [
            append_only("amendments_stay"),
            pgtrigger.Trigger(
                name="amendments_extend_the_call",
                when=pgtrigger.After,
                operation=pgtrigger.Insert,
                condition=pgtrigger.Q(new__last_day__isnull=False),
                func="""
                    UPDATE programmes_call SET last_day = NEW.last_day
                    WHERE id = NEW.call_id AND last_day <> NEW.last_day;
                    RETURN NEW;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.call_id} {self.at}"
