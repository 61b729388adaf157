"""Free and working days of years, as the State Council's documents say them and the province adopted them.

Programmes had the calendar first; it moved down to where open data counts by it, too. Its tables keep their names.
"""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from huisuan.base.db.append_only import append_only


class CalendarDocument(models.Model):
    """A document about the days of one year; a later one prevails for the days that it names."""

    number = models.CharField(max_length=80)
    year = models.PositiveSmallIntegerField()
    sha256 = models.CharField(max_length=64, help_text="of the file that was adopted")
    adopted_by = models.CharField(max_length=80)
    adopted_at = models.DateTimeField()

    class Meta:
        app_label = "programmes"
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(name="calendar_document_once", fields=["number", "year"]),
            models.CheckConstraint(name="calendar_document_is_named", condition=~Q(number="") & ~Q(adopted_by="")),
        ]
        triggers = [append_only("calendar_documents_stay")]

    def __str__(self) -> str:
        return f"{self.number} {self.year}"


class AdoptedDay(models.Model):
    """A day of it: free, or a weekend day on which people work."""

    document = models.ForeignKey(CalendarDocument, on_delete=models.PROTECT, related_name="days")
    day = models.DateField()
    working = models.BooleanField()
    name = models.CharField(max_length=40)

    class Meta:
        app_label = "programmes"
        ordering = ["document", "day"]
        constraints = [
            models.UniqueConstraint(name="adopted_day_once", fields=["document", "day"]),
            models.CheckConstraint(
                name="only_weekends_are_made_working",
                condition=Q(working=False) | Q(day__iso_week_day__gte=6),
            ),
        ]
        triggers = [append_only("adopted_days_stay")]

    def __str__(self) -> str:
        return f"{self.day} {'works' if self.working else 'is free'}"
