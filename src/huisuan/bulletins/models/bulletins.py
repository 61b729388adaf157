"""Bulletins: the snapshot each follows from, its draft, the review of it by another person, and its issue.

All of it is append-only. A draft that was sent back is followed by another; what was issued is corrected by another.
"""

from __future__ import annotations

import pgtrigger
from django.db import models
from django.db.models import Q

from huisuan.base.db.append_only import append_only
from huisuan.parties.models import Person

_SHA256 = r"^[0-9a-f]{64}$"
# Holds against two reviews and two people at once too: a draft has one review, by a unique key.
_ANOTHER_PERSON = """
IF NEW.by_id = (SELECT by_id FROM bulletins_bulletin WHERE id = NEW.bulletin_id) THEN
  RAISE EXCEPTION 'bulletin % is reviewed by whoever drafted it', NEW.bulletin_id
    USING ERRCODE = 'check_violation', CONSTRAINT = 'bulletin_reviewed_by_another';
END IF;
RETURN NEW;
"""
_CORRECTS_AN_ISSUE = """
IF NEW.corrects_id IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM bulletins_bulletinissue i JOIN bulletins_bulletin b ON b.id = i.bulletin_id
    WHERE i.id = NEW.corrects_id AND b.kind = NEW.kind) THEN
  RAISE EXCEPTION 'a correction names an issue of its own kind'
    USING ERRCODE = 'check_violation', CONSTRAINT = 'bulletin_corrects_its_kind';
END IF;
RETURN NEW;
"""
_PASSED = """
IF NOT EXISTS (
    SELECT 1 FROM bulletins_bulletinreview r JOIN bulletins_bulletin b ON b.id = r.bulletin_id
    WHERE b.id = NEW.bulletin_id AND r.passed AND b.corrects_id IS NOT DISTINCT FROM NEW.corrects_id) THEN
  RAISE EXCEPTION 'bulletin % did not pass its review', NEW.bulletin_id
    USING ERRCODE = 'check_violation', CONSTRAINT = 'bulletin_issued_after_review';
END IF;
RETURN NEW;
"""


class BulletinKind(models.TextChoices):
    """What a bulletin is about."""

    OPENNESS = "openness"
    SCENARIOS = "scenarios"
    USE = "use"
    MONEY = "money"


class BulletinSnapshot(models.Model):
    """Figures frozen on a day: canonical JSON, which holds its own SHA-256."""

    kind = models.CharField(max_length=12, choices=BulletinKind.choices)
    day = models.DateField(help_text="the day of which the figures are")
    content = models.TextField(help_text="canonical JSON")
    kept = models.TextField(blank=True, help_text="contributions behind figures, for later bulletins; never served")
    sha256 = models.CharField(max_length=64, unique=True)
    at = models.DateTimeField()

    class Meta:
        ordering = ["id"]
        constraints = [models.CheckConstraint(name="bulletin_snapshot_has_digest", condition=Q(sha256__regex=_SHA256))]
        triggers = [append_only("bulletin_snapshots_stay")]

    def __str__(self) -> str:
        return f"{self.kind} {self.day}"


class BulletinTemplate(models.Model):
    """By what an office's bulletins of a kind are made as DOCX; the newest counts, those before stay on record."""

    office = models.CharField(max_length=120, help_text="as it signs")
    kind = models.CharField(max_length=12, choices=BulletinKind.choices)
    number = models.PositiveIntegerField(help_text="from 1")
    filename = models.CharField(max_length=120)
    sha256 = models.CharField(max_length=64)
    fields = models.JSONField(help_text="the merge fields in it")
    by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        ordering = ["office", "kind", "-number"]
        constraints = [
            models.UniqueConstraint(name="bulletin_template_once", fields=["office", "kind", "number"]),
            models.CheckConstraint(
                name="bulletin_template_is_known",
                condition=Q(sha256__regex=_SHA256, office__regex=r"\S", kind__in=BulletinKind.values),
            ),
        ]
        triggers = [append_only("bulletin_templates_stay")]

    def __str__(self) -> str:
        return f"{self.office} {self.kind} {self.number}"


class Bulletin(models.Model):
    """A draft: everything but the number and the day, which the issue adds."""

    kind = models.CharField(max_length=12, choices=BulletinKind.choices)
    snapshot = models.ForeignKey(BulletinSnapshot, on_delete=models.PROTECT, related_name="+")
    before = models.ForeignKey(BulletinSnapshot, on_delete=models.PROTECT, null=True, related_name="+")
    office = models.CharField(max_length=120)
    period = models.CharField(max_length=60, help_text="as it is called: 2026年第三季度")
    demands = models.JSONField(help_text="what is asked for next, a paragraph each")
    corrects = models.ForeignKey("BulletinIssue", on_delete=models.PROTECT, null=True, related_name="corrections")
    template = models.ForeignKey(
        BulletinTemplate, on_delete=models.PROTECT, null=True, related_name="+", help_text="of its DOCX; null: ours"
    )
    reason = models.CharField(max_length=300, blank=True, help_text="what was wrong with the one that it corrects")
    by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                name="bulletin_says_who_and_when", condition=Q(office__regex=r"\S", period__regex=r"\S")
            ),
            models.CheckConstraint(
                name="bulletin_corrected_with_a_reason",
                condition=Q(corrects__isnull=True, reason="") | Q(corrects__isnull=False, reason__regex=r"\S"),
            ),
        ]
        triggers = [
            append_only("bulletins_stay"),
            pgtrigger.Trigger(
                name="bulletin_corrects_its_kind", when=pgtrigger.Before, operation=pgtrigger.Insert,
                func=_CORRECTS_AN_ISSUE,
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.pk} {self.period}"


class BulletinReview(models.Model):
    """What another person says of a draft: it passes, or goes back with a reason."""

    bulletin = models.OneToOneField(Bulletin, on_delete=models.PROTECT, related_name="review")
    passed = models.BooleanField()
    note = models.CharField(max_length=500, blank=True)
    by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                name="bulletin_sent_back_with_a_reason", condition=Q(passed=True) | Q(note__regex=r"\S")
            )
        ]
        triggers = [
            append_only("bulletin_reviews_stay"),
            pgtrigger.Trigger(
                name="bulletin_reviewed_by_another", when=pgtrigger.Before, operation=pgtrigger.Insert,
                func=_ANOTHER_PERSON,
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.bulletin_id} {self.passed}"


class BulletinIssue(models.Model):
    """A bulletin as it went out: number, day, the digest of every file, signed by the platform's key."""

    bulletin = models.OneToOneField(Bulletin, on_delete=models.PROTECT, related_name="issue")
    corrects = models.OneToOneField("self", on_delete=models.PROTECT, null=True, related_name="corrected_by")
    number = models.CharField(max_length=60, unique=True, help_text="as an office numbers it: 皖数通〔2026〕3号")
    day = models.DateField()
    files = models.JSONField(help_text="SHA-256 by name; the contents lie on the shelf")
    statement = models.TextField(help_text="canonical JSON, as it was signed")
    signature = models.CharField(max_length=128)
    by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                name="bulletin_issue_is_signed", condition=Q(number__regex=r"\S") & ~Q(statement="") & ~Q(signature="")
            )
        ]
        triggers = [
            append_only("bulletin_issues_stay"),
            pgtrigger.Trigger(
                name="bulletin_issued_after_review", when=pgtrigger.Before, operation=pgtrigger.Insert, func=_PASSED
            ),
        ]

    def __str__(self) -> str:
        return self.number
