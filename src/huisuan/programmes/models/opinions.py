"""What an office that the text names said of a case that is decided one by one. Append-only."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from huisuan.base.db.append_only import append_only
from huisuan.parties.models import Person
from huisuan.programmes.models.applications import Application
from huisuan.programmes.models.offices import Office, Post


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
