"""What a city or a centre attests of a party for some days: which item, what value, by which paper. Append-only."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from huisuan.base.db.append_only import append_only
from huisuan.parties.models.organisations import Party, Region


class AttestedBy(models.TextChoices):
    """Whose word it is; the values are those of a fact's `known_by`."""

    CITY = "city", "市"
    CENTRE = "centre", "智算中心"


class Attestation(models.Model):
    """From a day on (until a day, which is not in it) somebody attests this of a party; since when that is known.

    `item` is what a policy's facts call it (their `measure`), `value` its value as JSON writes it. `attester` is the
    city's or the centre's code, `place` where that is. Of what one attester says from one day on the later known
    counts; `withdrawn` takes it back.
    """

    party = models.ForeignKey(Party, on_delete=models.PROTECT, related_name="attestations")
    source = models.CharField(max_length=10, choices=AttestedBy)
    attester = models.CharField(max_length=40)
    place = models.ForeignKey(Region, on_delete=models.PROTECT, related_name="+")
    item = models.CharField(max_length=60)
    value = models.CharField(max_length=80)
    valid_from = models.DateField()
    valid_to = models.DateField(null=True, blank=True)
    withdrawn = models.BooleanField(default=False)
    document = models.CharField(max_length=200, help_text="the paper in which it is attested")
    known_from = models.DateField()
    source_file = models.CharField(max_length=200)
    by = models.CharField(max_length=120)
    at = models.DateTimeField()

    class Meta:
        ordering = ["party", "source", "item", "valid_from", "known_from"]
        constraints = [
            models.UniqueConstraint(
                name="attested_once_a_day", fields=["party", "source", "item", "attester", "valid_from", "known_from"]
            ),
            models.CheckConstraint(name="attested_by_city_or_centre", condition=Q(source__in=AttestedBy.values)),
            models.CheckConstraint(
                name="attestation_says_what_and_by_which_paper",
                condition=~Q(item="") & ~Q(value="") & ~Q(document="") & ~Q(attester="") & ~Q(by=""),
            ),
            models.CheckConstraint(
                name="attestation_ends_after_it_begins",
                condition=Q(valid_to__isnull=True) | Q(valid_to__gt=F("valid_from")),
            ),
        ]
        triggers = [append_only("attestations_stay")]

    def __str__(self) -> str:
        return f"{self.party_id} {self.source} {self.item} {self.value} from {self.valid_from}"
