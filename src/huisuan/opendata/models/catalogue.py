"""The list as the database holds it: an entry, and each version of it as it was listed.

The database itself refuses what must not be listed: an entry that is closed without a reason, conditional without
ground and conditions, open without a licence, above the general grade, or a document whose attribute says otherwise.
"""

from __future__ import annotations

from functools import reduce

import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import F, Q

from huisuan.base.db.append_only import append_only
from huisuan.opendata.vocabulary import (
    ACCESS_OF_ATTRIBUTE,
    ACCESS_WORDS,
    CODE_PATTERN,
    FREQUENCY_WORDS,
    GENERAL_GRADE,
    KIND_WORDS,
    PROVIDER_LENGTH,
    Access,
    DataKind,
    Updates,
)
from huisuan.parties.models import Region

_JOIN_GROUP = """
SELECT g.id INTO NEW.group_id FROM opendata_catalogueversion v
JOIN opendata_cataloguegroup g USING (access, kind, frequency, theme, region_id, department, licence)
WHERE v.id = NEW.latest_id AND g.provider = left(NEW.code, 18);
IF NEW.latest_id IS NOT NULL AND NEW.group_id IS NULL THEN
  INSERT INTO opendata_cataloguegroup (provider, access, kind, frequency, theme, region_id, department, licence)
  SELECT left(NEW.code, 18), access, kind, frequency, theme, region_id, department, licence
  FROM opendata_catalogueversion WHERE id = NEW.latest_id
  ON CONFLICT DO NOTHING;
  SELECT g.id INTO NEW.group_id FROM opendata_catalogueversion v
  JOIN opendata_cataloguegroup g USING (access, kind, frequency, theme, region_id, department, licence)
  WHERE v.id = NEW.latest_id AND g.provider = left(NEW.code, 18);
END IF;
RETURN NEW;
"""
_AGREEING = [Q(attribute=attribute, access=access) for attribute, access in ACCESS_OF_ATTRIBUTE.items()]


class CatalogueGroup(models.Model):
    """What entries are counted by: all that are alike in it are counted as one number, without looking at each."""

    provider = models.CharField(max_length=PROVIDER_LENGTH, help_text="its USCC")
    access = models.CharField(max_length=12)
    kind = models.CharField(max_length=10)
    frequency = models.CharField(max_length=12)
    theme = models.CharField(max_length=40)
    region = models.ForeignKey(Region, on_delete=models.PROTECT, related_name="+")
    department = models.CharField(max_length=120)
    licence = models.CharField(max_length=120, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="catalogue_group_once",
                fields=["provider", "access", "kind", "frequency", "theme", "region", "department", "licence"],
            )
        ]
        triggers = [append_only("catalogue_groups_stay")]

    def __str__(self) -> str:
        return f"{self.provider} {self.department} {self.theme}"


class CatalogueEntry(models.Model):
    """One thing on the list, known by its code for good; `latest` is the version that stands, `group` follows it."""

    code = models.CharField(max_length=32, unique=True)
    latest = models.OneToOneField(
        "CatalogueVersion", on_delete=models.PROTECT, null=True, related_name="standing_for", editable=False
    )
    searched = models.TextField(default="", help_text="the folded texts in which words are looked for")
    group = models.ForeignKey(
        CatalogueGroup, on_delete=models.PROTECT, null=True, related_name="entries", editable=False
    )

    class Meta:
        ordering = ["code"]
        indexes = [GinIndex(models.Func(F("searched"), function="opendata_grams"), name="catalogue_is_searched_by")]
        constraints = [
            models.CheckConstraint(name="catalogue_code_has_its_form", condition=Q(code__regex=CODE_PATTERN)),
        ]
        triggers = [
            pgtrigger.Trigger(
                name="catalogue_entries_join_their_group", when=pgtrigger.Before,
                operation=pgtrigger.Insert | pgtrigger.UpdateOf("latest_id"),  # type: ignore[no-untyped-call]
                func=_JOIN_GROUP,
            )
        ]  # fmt: skip

    def __str__(self) -> str:
        return self.code


class CatalogueVersion(models.Model):
    """What the list says of an entry since `at`; the one before stays as it was."""

    entry = models.ForeignKey(CatalogueEntry, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    title = models.CharField(max_length=200)
    summary = models.CharField(max_length=2000, blank=True)
    theme = models.CharField(max_length=40)
    department = models.CharField(max_length=120)
    region = models.ForeignKey(Region, on_delete=models.PROTECT, related_name="catalogue_versions")
    kind = models.CharField(max_length=10, choices=[(key, words[0]) for key, words in KIND_WORDS.items()])
    columns = models.JSONField(default=list, help_text="name, type, unit and role of each")
    access = models.CharField(max_length=12, choices=[(key, words[0]) for key, words in ACCESS_WORDS.items()])
    ground = models.CharField(max_length=300, blank=True, help_text="the legal ground of its class")
    terms = models.CharField(max_length=500, blank=True, help_text="conditions, or the reason why it is closed")
    grade = models.CharField(max_length=10, default=GENERAL_GRADE)
    frequency = models.CharField(max_length=12, choices=[(key, words[0]) for key, words in FREQUENCY_WORDS.items()])
    licence = models.CharField(max_length=120, blank=True)
    contact = models.CharField(max_length=120)
    registration = models.CharField(max_length=80, blank=True, help_text="its code in the register of data")
    links = ArrayField(models.CharField(max_length=32), default=list, help_text="codes of entries that belong to it")
    attribute = models.CharField(max_length=12, blank=True, help_text="of documents: how they may be disclosed")
    origin_day = models.DateField(null=True, help_text="of archives: from when they are")
    opens_on = models.DateField(null=True, help_text="of archives: 25 years after that")
    reviewed_by_archive = models.CharField(max_length=120, blank=True)
    reviewed_by_origin = models.CharField(max_length=120, blank=True)
    opening_ground = models.CharField(max_length=300, blank=True, help_text="why earlier or later than after 25 years")
    rights_holder = models.CharField(max_length=120, blank=True, help_text="of gazetteers")
    digest = models.CharField(max_length=64, help_text="SHA-256 of what it says")
    listed_on = models.DateField()
    source = models.CharField(max_length=200, help_text="the file")
    by = models.CharField(max_length=120)
    at = models.DateTimeField()

    class Meta:
        ordering = ["entry", "number"]
        indexes = [
            models.Index(fields=["region", "department"], name="catalogue_by_department"),
            models.Index(fields=["at", "id"], name="catalogue_by_day"),
        ]
        constraints = [
            models.UniqueConstraint(name="catalogue_version_once", fields=["entry", "number"]),
            models.CheckConstraint(
                name="catalogue_words_are_known",
                condition=Q(access__in=Access.values, kind__in=DataKind.values, frequency__in=Updates.values),
            ),
            models.CheckConstraint(
                name="catalogue_says_what_and_whose",
                condition=Q(title__regex=r"\S") & Q(theme__regex=r"\S") & Q(department__regex=r"\S")
                & Q(contact__regex=r"\S") & ~Q(by=""),
            ),
            models.CheckConstraint(
                name="catalogue_closed_has_a_reason",
                condition=~Q(access=Access.CLOSED) | Q(ground__regex=r"\S", terms__regex=r"\S"),
            ),
            models.CheckConstraint(
                name="catalogue_conditional_has_terms",
                condition=~Q(access=Access.CONDITIONAL) | Q(ground__regex=r"\S", terms__regex=r"\S"),
            ),
            models.CheckConstraint(
                name="catalogue_open_has_a_licence", condition=~Q(access=Access.OPEN) | Q(licence__regex=r"\S")
            ),
            models.CheckConstraint(name="catalogue_is_of_general_grade", condition=Q(grade=GENERAL_GRADE)),
            models.CheckConstraint(
                name="catalogue_documents_agree",
                condition=~Q(kind=DataKind.DOCUMENTS) & Q(attribute="")
                | Q(kind=DataKind.DOCUMENTS) & reduce(Q.__or__, _AGREEING),
            ),
            models.CheckConstraint(
                name="catalogue_archives_are_reviewed",
                condition=~Q(kind=DataKind.ARCHIVES)
                | Q(origin_day__isnull=False, opens_on__gt=F("origin_day"), reviewed_by_archive__regex=r"\S",
                    reviewed_by_origin__regex=r"\S"),
            ),
            models.CheckConstraint(
                name="catalogue_archives_open_in_time",
                condition=~Q(kind=DataKind.ARCHIVES)
                | Q(opening_ground__regex=r"\S")
                | Q(access=Access.CLOSED, opens_on__gt=F("listed_on"))
                | ~Q(access=Access.CLOSED) & Q(opens_on__lte=F("listed_on")),
            ),
            models.CheckConstraint(
                name="catalogue_gazetteer_has_its_holder",
                condition=~Q(kind=DataKind.GAZETTEER) | Q(rights_holder__regex=r"\S", licence__regex=r"\S"),
            ),
        ]  # fmt: skip
        triggers = [append_only("catalogue_versions_stay")]

    def __str__(self) -> str:
        return f"{self.entry_id} v{self.number} {self.title}"
