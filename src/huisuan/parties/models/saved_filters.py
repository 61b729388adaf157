"""Filters of lists that people keep under a name."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from huisuan.parties.models.organisations import Party, Region
from huisuan.parties.models.people import Person


class SavedFilter(models.Model):
    """What a list is filtered and ordered by, kept under a name by a person for themselves or for their office.

    It holds an address, never what the address shows: whoever opens it sees what they may see. `party` and `city` are
    where the person was when it was made: it does not go with them to another.
    """

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="saved_filters")
    party = models.ForeignKey(Party, on_delete=models.PROTECT, null=True, related_name="+")
    city = models.ForeignKey(Region, on_delete=models.PROTECT, null=True, related_name="+")
    name = models.CharField(max_length=60)
    page = models.CharField(max_length=200, help_text="the path of the list")
    query = models.CharField(max_length=2000, help_text="its parameters as in the address, without a place in the list")
    shared = models.BooleanField(default=False, help_text="whether colleagues of the same office see it")
    made_at = models.DateTimeField()

    class Meta:
        ordering = ["page", "name", "pk"]
        constraints = [
            models.UniqueConstraint(name="saved_filter_once", fields=["person", "page", "name"]),
            models.CheckConstraint(name="saved_filter_has_a_name", condition=~Q(name="")),
            models.CheckConstraint(name="saved_filter_filters_something", condition=~Q(query="")),
            models.CheckConstraint(
                name="saved_filter_stays_on_this_site",
                condition=Q(page__regex=r"^/([a-zA-Z0-9]|$)") & ~Q(page__contains="//"),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def address(self) -> str:
        """Where the list is shown so."""
        return f"{self.page}?{self.query}"
