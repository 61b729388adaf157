"""Appeals against what a bulletin says of an office, their answers, and within how many working days. Append-only."""

from __future__ import annotations

import pgtrigger
from django.db import models
from django.db.models import Q

from huisuan.base.db.append_only import append_only
from huisuan.bulletins.models.bulletins import BulletinIssue
from huisuan.parties.models import Person

MOST_APPEAL_DAYS = 60  # working days
_ANOTHER_ANSWERS = """
IF NEW.by_id = (SELECT by_id FROM bulletins_scoreappeal WHERE id = NEW.appeal_id) THEN
  RAISE EXCEPTION 'appeal % is answered by whoever made it', NEW.appeal_id
    USING ERRCODE = 'check_violation', CONSTRAINT = 'appeal_answered_by_another';
END IF;
RETURN NEW;
"""


class AppealTerm(models.Model):
    """Of bulletins of a day and later: until how many working days after it is appealed, within how many answered."""

    appeal_days = models.PositiveSmallIntegerField()
    answer_days = models.PositiveSmallIntegerField()
    valid_from = models.DateField()
    authority = models.CharField(max_length=300, help_text="the document that says so")
    by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        ordering = ["valid_from", "id"]
        constraints = [
            models.CheckConstraint(
                name="appeal_term_is_short",
                condition=Q(appeal_days__gte=1, appeal_days__lte=MOST_APPEAL_DAYS, answer_days__gte=1,
                            answer_days__lte=MOST_APPEAL_DAYS),
            ),
            models.CheckConstraint(name="appeal_term_has_authority", condition=Q(authority__regex=r"\S")),
        ]  # fmt: skip
        triggers = [append_only("appeal_terms_stay")]

    def __str__(self) -> str:
        return f"{self.appeal_days}/{self.answer_days} from {self.valid_from}"


class ScoreAppeal(models.Model):
    """What an office holds against its score: of which criterion, and why. The terms are those of the issue's day."""

    issue = models.ForeignKey(BulletinIssue, on_delete=models.PROTECT, related_name="appeals")
    region = models.CharField(max_length=6)
    office = models.CharField(max_length=120, blank=True, help_text="empty: the city itself")
    criterion = models.CharField(max_length=40, blank=True, help_text="empty: the score as a whole")
    text = models.CharField(max_length=1000)
    appeal_days = models.PositiveSmallIntegerField(null=True)
    answer_days = models.PositiveSmallIntegerField(null=True)
    by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(name="appeal_once", fields=["issue", "region", "office", "criterion"]),
            models.CheckConstraint(name="appeal_says_why", condition=Q(text__regex=r"\S", region__regex=r"^\d{6}$")),
        ]
        triggers = [append_only("score_appeals_stay")]

    def __str__(self) -> str:
        return f"{self.pk} {self.region} {self.office}"


class AppealAnswer(models.Model):
    """The answer: upheld, and then a correction of the bulletin follows, or not, with the reason."""

    appeal = models.OneToOneField(ScoreAppeal, on_delete=models.PROTECT, related_name="answer")
    upheld = models.BooleanField()
    text = models.CharField(max_length=1000)
    by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        ordering = ["id"]
        constraints = [models.CheckConstraint(name="appeal_answer_says_why", condition=Q(text__regex=r"\S"))]
        triggers = [
            append_only("appeal_answers_stay"),
            pgtrigger.Trigger(
                name="appeal_answered_by_another", when=pgtrigger.Before, operation=pgtrigger.Insert,
                func=_ANOTHER_ANSWERS,
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.appeal_id} {self.upheld}"


class DepartmentDelegate(models.Model):
    """Who speaks for a department of the province that no city stands for; of one person's rows the last one holds."""

    department = models.CharField(max_length=120, help_text="as bulletins name it")
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    speaks = models.BooleanField()
    by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        ordering = ["id"]
        constraints = [models.CheckConstraint(name="delegate_has_a_department", condition=Q(department__regex=r"\S"))]
        triggers = [append_only("department_delegates_stay")]

    def __str__(self) -> str:
        return f"{self.department} {self.person_id} {self.speaks}"
