"""Conditional data, who may use it: grants, the copies that bear their mark, and the ledger of each access.

A grant says for which firm, which purpose, how long, under which licence and terms. It is in force once the firm has
accepted the terms, until its last day or until it is revoked. The ledger only grows, each row sealing the one before.
"""

from __future__ import annotations

import pgtrigger
from django.db import models
from django.db.models import F, Q

from huisuan.base.db.append_only import append_only
from huisuan.opendata.models.catalogue import CatalogueEntry
from huisuan.opendata.models.gate_files import SHA256_PATTERN
from huisuan.opendata.models.gate_products import GateRelease
from huisuan.parties.models import Party, Person


class DataGrant(models.Model):
    """That a firm may use an entry's released files; `application` is the number of what was decided, if any."""

    entry = models.ForeignKey(CatalogueEntry, on_delete=models.PROTECT, related_name="grants")
    party = models.ForeignKey(Party, on_delete=models.PROTECT, related_name="data_grants")
    purpose = models.CharField(max_length=500)
    licence = models.CharField(max_length=120)
    terms = models.TextField(help_text="what the firm binds itself to, word by word")
    ground = models.CharField(max_length=300, help_text="by what it is accredited: the entry of a register")
    application = models.CharField(max_length=40, blank=True)
    starts_on = models.DateField()
    ends_on = models.DateField(help_text="its last day")
    given_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    given_at = models.DateTimeField()
    accepted_by = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, related_name="+")
    accepted_at = models.DateTimeField(null=True)
    statement = models.TextField(blank=True, help_text="canonical JSON of what was accepted, as it was signed")
    signature = models.CharField(max_length=128, blank=True)
    revoked_by = models.ForeignKey(
        Person, on_delete=models.PROTECT, null=True, related_name="+", help_text="none where its ground ended by itself"
    )
    revoked_at = models.DateTimeField(null=True)
    reason = models.CharField(max_length=300, blank=True, help_text="why it was revoked")

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                name="data_grant_says_what_for",
                condition=Q(purpose__regex=r"\S", licence__regex=r"\S", terms__regex=r"\S", ground__regex=r"\S"),
            ),
            models.CheckConstraint(name="data_grant_has_its_term", condition=Q(ends_on__gte=F("starts_on"))),
            models.CheckConstraint(
                name="data_grant_accepted_by_somebody",
                condition=Q(accepted_at__isnull=True, accepted_by__isnull=True, statement="", signature="")
                | Q(accepted_at__isnull=False, accepted_by__isnull=False) & ~Q(statement="") & ~Q(signature=""),
            ),
            models.CheckConstraint(
                name="data_grant_revoked_with_a_reason",
                condition=Q(revoked_at__isnull=True, revoked_by__isnull=True, reason="")
                | Q(revoked_at__isnull=False, reason__regex=r"\S"),
            ),
        ]
        triggers = [
            pgtrigger.Protect(name="data_grants_stay", operation=pgtrigger.Delete),
            pgtrigger.ReadOnly(
                name="data_grants_keep_what_they_say",
                exclude=["accepted_by", "accepted_at", "statement", "signature", "revoked_by", "revoked_at", "reason"],
            ),
            pgtrigger.Protect(
                name="an_accepted_grant_stays_accepted", operation=pgtrigger.Update,
                condition=pgtrigger.Q(old__accepted_at__isnull=False)
                & (
                    pgtrigger.Q(old__accepted_by__df=pgtrigger.F("new__accepted_by"))
                    | pgtrigger.Q(old__accepted_at__df=pgtrigger.F("new__accepted_at"))
                    | pgtrigger.Q(old__statement__df=pgtrigger.F("new__statement"))
                    | pgtrigger.Q(old__signature__df=pgtrigger.F("new__signature"))
                ),
            ),
            pgtrigger.Protect(
                name="a_revoked_grant_stays_revoked", operation=pgtrigger.Update,
                condition=pgtrigger.Q(old__revoked_at__isnull=False),
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.pk} {self.entry_id} {self.party_id}"


class GrantCopy(models.Model):
    """A released file as a grant's firm gets it: the same rows, each with the mark of the grant."""

    grant = models.ForeignKey(DataGrant, on_delete=models.PROTECT, related_name="copies")
    release = models.ForeignKey(GateRelease, on_delete=models.PROTECT, related_name="copies")
    sha256 = models.CharField(max_length=64)
    size = models.BigIntegerField()
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="grant_copy_once", fields=["grant", "release"]),
            models.CheckConstraint(name="grant_copy_has_its_digest", condition=Q(sha256__regex=SHA256_PATTERN)),
        ]
        triggers = [append_only("grant_copies_stay")]

    def __str__(self) -> str:
        return f"{self.grant_id} {self.release_id}"


class AccessWay(models.TextChoices):
    """By which way data went out."""

    PAGE = "page", "网页"
    FILE = "file", "文件"
    API = "api", "接口"
    SQL = "sql", "查询"


class DataAccess(models.Model):
    """One access under a grant, numbered from 1 without gaps; `sealed` is the SHA-256 over the row and `previous`."""

    grant = models.ForeignKey(DataGrant, on_delete=models.PROTECT, related_name="accesses")
    number = models.PositiveIntegerField()
    release = models.ForeignKey(GateRelease, on_delete=models.PROTECT, related_name="accesses")
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    way = models.CharField(max_length=4, choices=AccessWay)
    detail = models.CharField(max_length=120, blank=True, help_text="the range of a file, the digest of a query")
    at = models.DateTimeField()
    previous = models.CharField(max_length=64, blank=True)
    sealed = models.CharField(max_length=64)

    class Meta:
        ordering = ["grant", "number"]
        constraints = [
            models.UniqueConstraint(name="data_access_once", fields=["grant", "number"]),
            models.UniqueConstraint(name="data_access_follows_one", fields=["grant", "previous"]),
            models.CheckConstraint(
                name="data_access_is_chained",
                condition=Q(sealed__regex=SHA256_PATTERN)
                & (Q(number=1, previous="") | Q(number__gt=1, previous__regex=SHA256_PATTERN)),
            ),
        ]
        triggers = [append_only("data_accesses_stay")]

    def __str__(self) -> str:
        return f"{self.grant_id}/{self.number} {self.way}"
