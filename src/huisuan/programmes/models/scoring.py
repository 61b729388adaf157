"""What experts hand in: a sheet for each seat of a panel, and what a panel agreed on where its sheets are far apart.

Neither is ever changed. What a sheet was scored against stands beside it, so that it can be weighed again by anyone.
"""

from __future__ import annotations

import pgtrigger
from django.db import models
from django.db.models import Q

from huisuan.base.db.append_only import append_only
from huisuan.parties.models import Person
from huisuan.programmes.models.applications import Application
from huisuan.programmes.models.offices import Post
from huisuan.programmes.models.review import PanelSeat

_SHA256, _FRACTION = "^[0-9a-f]{64}$", "^[0-9]+(/[1-9][0-9]*)?$"


_WHOLE_MARKS = """
    IF NEW.marks = '{}'::jsonb OR EXISTS (
        SELECT 1 FROM jsonb_each(NEW.marks) m WHERE jsonb_typeof(m.value) <> 'number' OR m.value::text !~ '^[0-9]+$')
    THEN
        RAISE EXCEPTION 'marks are whole numbers' USING ERRCODE = 'check_violation', CONSTRAINT = 'marks_are_whole';
    END IF;
    RETURN NEW;
"""


def _whole_marks(name: str) -> pgtrigger.Trigger:
    """The trigger of that name under which every mark is a whole number of at least 0."""
    return pgtrigger.Trigger(name=name, when=pgtrigger.Before, operation=pgtrigger.Insert, func=_WHOLE_MARKS)


class ScoreSheet(models.Model):
    """The one sheet of a seat, sent by the expert who sits in it. `score` is the exact fraction of 100, as text."""

    seat = models.OneToOneField(PanelSeat, on_delete=models.PROTECT, related_name="sheet")
    marks = models.JSONField(help_text="whole marks by criterion")
    reasons = models.JSONField(default=dict, help_text="by criterion; required where marks are very low or very high")
    criteria = models.JSONField(help_text="what it was scored against: criteria with full marks, limits for reasons")
    score = models.CharField(max_length=80)
    hash = models.CharField(max_length=64)
    at = models.DateTimeField()

    class Meta:
        ordering = ["seat"]
        constraints = [
            models.CheckConstraint(
                name="score_sheet_is_weighed", condition=Q(score__regex=_FRACTION, hash__regex=_SHA256)
            )
        ]
        triggers = [
            append_only("score_sheets_stay"),
            _whole_marks("score_sheet_marks_are_whole"),
            pgtrigger.Trigger(
                name="score_sheet_of_a_seat_sat_in",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert,
                func="""
                    IF EXISTS (SELECT 1 FROM programmes_seatend e WHERE e.seat_id = NEW.seat_id) OR EXISTS (
                        SELECT 1 FROM programmes_panelseat s WHERE s.id = NEW.seat_id AND s.alternate
                        AND NOT EXISTS (SELECT 1 FROM programmes_seatend e WHERE e.successor_id = s.id))
                    THEN
                        RAISE EXCEPTION 'a sheet is sent from a seat that is sat in'
                            USING ERRCODE = 'check_violation', CONSTRAINT = 'score_sheet_of_a_seat_sat_in';
                    END IF;
                    RETURN NEW;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.seat_id} {self.score}"


class PanelMeeting(models.Model):
    """What a panel agreed on when it met, because its sheets were further apart than the programme allows."""

    application = models.OneToOneField(Application, on_delete=models.PROTECT, related_name="panel_meeting")
    marks = models.JSONField(help_text="whole marks by criterion, agreed on")
    minutes = models.CharField(max_length=2000, help_text="how the panel came to them")
    score = models.CharField(max_length=80)
    by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    post = models.ForeignKey(Post, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        ordering = ["application"]
        constraints = [
            models.CheckConstraint(name="panel_meeting_has_minutes", condition=~Q(minutes="")),
            models.CheckConstraint(name="panel_meeting_is_weighed", condition=Q(score__regex=_FRACTION)),
        ]
        triggers = [append_only("panel_meetings_stay"), _whole_marks("panel_meeting_marks_are_whole")]

    def __str__(self) -> str:
        return f"{self.application_id} {self.score}"
