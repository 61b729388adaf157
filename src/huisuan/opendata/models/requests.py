"""Requests for data that is not on the list, the answers to them, and within how many working days they are due.

All of it is append-only. A plan may be followed by another answer; an entry or a class is the last one.
"""

from __future__ import annotations

import pgtrigger
from django.db import models
from django.db.models import F, Q

from huisuan.base.db.append_only import append_only
from huisuan.opendata.models.catalogue import CatalogueEntry
from huisuan.opendata.vocabulary import ACCESS_WORDS, Access
from huisuan.parties.models import Party, Person, Region

MOST_ANSWER_DAYS = 60  # working days: a quarter of a year; longer is no answer
_NEXT_IN_TURN = """
IF NEW.number <> 1 + (SELECT count(*) FROM opendata_requestanswer WHERE request_id = NEW.request_id)
   OR EXISTS (SELECT 1 FROM opendata_requestanswer WHERE request_id = NEW.request_id AND outcome <> 'planned') THEN
  RAISE EXCEPTION 'request % has its last answer, or this is not its next one', NEW.request_id;
END IF;
RETURN NEW;
"""


class AnswerOutcome(models.TextChoices):
    """What an answer is."""

    LISTED = "listed"  # an entry of the list
    CLASSED = "classed"  # a class with its ground: opened on conditions, or not opened
    PLANNED = "planned"  # until when it will be listed


class AnswerTerm(models.Model):
    """Within how many working days requests of a day and later are to be answered, and who set it."""

    working_days = models.PositiveSmallIntegerField()
    valid_from = models.DateField()
    authority = models.CharField(max_length=300, help_text="the document that says so")
    by = models.CharField(max_length=120)
    at = models.DateTimeField()

    class Meta:
        ordering = ["valid_from", "id"]
        constraints = [
            models.CheckConstraint(
                name="answer_term_is_short", condition=Q(working_days__gte=1, working_days__lte=MOST_ANSWER_DAYS)
            ),
            models.CheckConstraint(name="answer_term_has_authority", condition=Q(authority__regex=r"\S") & ~Q(by="")),
        ]
        triggers = [append_only("answer_terms_stay")]

    def __str__(self) -> str:
        return f"{self.working_days} from {self.valid_from}"


class DataRequest(models.Model):
    """What somebody asks a department to list; `working_days` is the term of that day, None where none was set."""

    title = models.CharField(max_length=120)
    purpose = models.CharField(max_length=1000)
    department = models.CharField(max_length=120)
    region = models.ForeignKey(Region, on_delete=models.PROTECT, related_name="data_requests")
    party = models.ForeignKey(Party, on_delete=models.PROTECT, related_name="data_requests")
    asked_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    asked_on = models.DateField()
    asked_at = models.DateTimeField()
    working_days = models.PositiveSmallIntegerField(null=True)

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["region", "department"], name="data_request_by_department")]
        constraints = [
            models.CheckConstraint(
                name="data_request_says_what_and_whom",
                condition=Q(title__regex=r"\S", purpose__regex=r"\S", department__regex=r"\S"),
            ),
            models.CheckConstraint(
                name="data_request_is_due_soon",
                condition=Q(working_days__isnull=True) | Q(working_days__gte=1, working_days__lte=MOST_ANSWER_DAYS),
            ),
        ]
        triggers = [append_only("data_requests_stay")]

    def __str__(self) -> str:
        return f"{self.pk} {self.title}"


class RequestAnswer(models.Model):
    """An answer to a request: an entry, a class with its ground, or a plan with its day."""

    request = models.ForeignKey(DataRequest, on_delete=models.PROTECT, related_name="answers")
    number = models.PositiveSmallIntegerField()
    outcome = models.CharField(max_length=8)
    entry = models.ForeignKey(CatalogueEntry, on_delete=models.PROTECT, null=True, related_name="answers")
    access = models.CharField(max_length=12, blank=True, choices=[(key, each[0]) for key, each in ACCESS_WORDS.items()])
    ground = models.CharField(max_length=300, blank=True)
    text = models.CharField(max_length=500, blank=True, help_text="conditions, reason, or what the plan is")
    planned_on = models.DateField(null=True)
    answered_on = models.DateField()
    by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        ordering = ["request", "number"]
        constraints = [
            models.UniqueConstraint(name="request_answer_once", fields=["request", "number"]),
            models.CheckConstraint(
                name="request_answer_is_one_of_three",
                condition=Q(outcome=AnswerOutcome.LISTED, entry__isnull=False, access="", planned_on__isnull=True)
                | Q(outcome=AnswerOutcome.CLASSED, entry__isnull=True, planned_on__isnull=True, text__regex=r"\S",
                    access__in=[Access.CONDITIONAL, Access.CLOSED], ground__regex=r"\S")
                | Q(outcome=AnswerOutcome.PLANNED, entry__isnull=True, access="", text__regex=r"\S",
                    planned_on__gt=F("answered_on")),
            ),
        ]  # fmt: skip
        triggers = [
            append_only("request_answers_stay"),
            pgtrigger.Trigger(
                name="request_is_answered_in_turn", when=pgtrigger.Before, operation=pgtrigger.Insert,
                func=_NEXT_IN_TURN,
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.request_id}/{self.number} {self.outcome}"
