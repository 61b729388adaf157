"""Numbers of an office and year, and the documents that bear them."""

from __future__ import annotations

import pgtrigger
from django.db import models
from django.db.models import F, Q

from huisuan.base.db.append_only import append_only
from huisuan.parties.models import Party, Person

_SHA256 = "^[0-9a-f]{64}$"
CODE_FORM = "^[0-9A-HJKMNP-TV-Z]{4}(-[0-9A-HJKMNP-TV-Z]{4}){2}$"


class DocumentKind(models.TextChoices):
    """What a document is for. The words are those that offices use."""

    CALL = "call", "申报通知"
    CORRECTION = "correction", "补正通知"
    PUBLICITY = "publicity", "公示"
    DECISION = "decision", "决定"
    REFUSAL = "refusal", "不予支持决定"
    REVOCATION = "revocation", "撤销决定"
    FUNDS = "funds", "资金下达通知"
    PAYMENT_LIST = "payment_list", "拨付清单"
    RECOVERY = "recovery", "追回通知"
    LETTER = "letter", "函"


#: what everybody may open, not only check
PUBLIC_KINDS = frozenset({DocumentKind.CALL, DocumentKind.PUBLICITY})


class DocumentSeries(models.Model):
    """The numbers of an office in a year: `prefix〔year〕n号`, from one and without gaps."""

    office = models.CharField(max_length=80, help_text="as it signs")
    year = models.PositiveSmallIntegerField(help_text="Asia/Shanghai")
    prefix = models.CharField(max_length=30, help_text="发文机关代字")

    class Meta:
        ordering = ["-year", "office"]
        constraints = [
            models.UniqueConstraint(name="series_once", fields=["office", "year"]),
            models.UniqueConstraint(name="series_prefix_once", fields=["prefix", "year"]),
            models.CheckConstraint(name="series_is_named", condition=~Q(office="") & ~Q(prefix="")),
        ]
        triggers = [append_only("series_stay")]

    def __str__(self) -> str:
        return f"{self.prefix}〔{self.year}〕"


class DocumentTemplate(models.Model):
    """By what an office's documents of a kind are made as DOCX; the newest counts, those before stay on record."""

    office = models.CharField(max_length=80, help_text="as it signs")
    kind = models.CharField(max_length=12, choices=DocumentKind)
    number = models.PositiveIntegerField(help_text="from 1")
    filename = models.CharField(max_length=120)
    sha256 = models.CharField(max_length=64)
    fields = models.JSONField(help_text="the merge fields in it")
    uploaded_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    uploaded_at = models.DateTimeField()

    class Meta:
        ordering = ["office", "kind", "-number"]
        constraints = [
            models.UniqueConstraint(name="template_once", fields=["office", "kind", "number"]),
            models.CheckConstraint(name="template_has_its_hash", condition=Q(sha256__regex=_SHA256)),
            models.CheckConstraint(name="template_kind_is_known", condition=Q(kind__in=DocumentKind.values)),
        ]
        triggers = [append_only("templates_stay")]

    def __str__(self) -> str:
        return f"{self.office} {self.kind} {self.number}"


class EndReason(models.TextChoices):
    """Why a document holds no longer before anything replaces it."""

    REVOKED = "revoked", "所作决定已撤销"


class Document(models.Model):
    """One issued document: what it says, how it was set, and the SHA-256 of the PDF. Never changed, only replaced.

    Where its office had a template there is a DOCX besides; the PDF is the document.
    """

    series = models.ForeignKey(DocumentSeries, on_delete=models.PROTECT, related_name="documents")
    number = models.PositiveIntegerField(help_text="from 1, without gaps")
    code = models.CharField(max_length=14, unique=True, help_text="what is asked with; drawn, not counted")
    kind = models.CharField(max_length=12, choices=DocumentKind)
    subject = models.CharField(max_length=80, blank=True, help_text="key of what it is about, as its room calls it")
    party = models.ForeignKey(
        Party, on_delete=models.PROTECT, null=True, related_name="documents", help_text="whom it is addressed to"
    )
    letter = models.JSONField()
    address = models.URLField(max_length=300, help_text="what its QR leads to")
    fonts = models.JSONField(help_text="families that its pages were set in")
    setter = models.CharField(max_length=40, help_text="what set it, with its version")
    sha256 = models.CharField(max_length=64, help_text="of the PDF")
    docx_sha256 = models.CharField(max_length=64, blank=True, help_text="none: its office had no template")
    docx_template = models.ForeignKey(DocumentTemplate, on_delete=models.PROTECT, null=True, related_name="documents")
    replaces = models.OneToOneField("self", on_delete=models.PROTECT, null=True, related_name="replaced_by")
    issued_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    issued_at = models.DateTimeField()

    class Meta:
        ordering = ["-issued_at", "-id"]
        constraints = [
            models.UniqueConstraint(name="document_number_once", fields=["series", "number"]),
            models.CheckConstraint(name="document_has_its_hash", condition=Q(sha256__regex=_SHA256)),
            models.CheckConstraint(
                name="document_docx_has_its_template",
                condition=Q(docx_sha256="", docx_template__isnull=True)
                | Q(docx_sha256__regex=_SHA256, docx_template__isnull=False),
            ),
            models.CheckConstraint(name="document_has_a_code", condition=Q(code__regex=CODE_FORM)),
            models.CheckConstraint(name="document_kind_is_known", condition=Q(kind__in=DocumentKind.values)),
            models.CheckConstraint(
                name="document_replaces_an_earlier_one",
                condition=Q(replaces__isnull=True) | Q(replaces__lt=F("id")),
            ),
        ]
        triggers = [
            append_only("documents_stay"),
            pgtrigger.Trigger(
                name="numbers_have_no_gaps",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert,
                # the series is held, so that of two who issue at once the second counts on from the first
                func="""
                    PERFORM 1 FROM documents_documentseries WHERE id = NEW.series_id FOR UPDATE;
                    IF NEW.number <> 1 + COALESCE(
                        (SELECT max(number) FROM documents_document WHERE series_id = NEW.series_id), 0) THEN
                        RAISE EXCEPTION 'numbers of documents have no gaps'
                            USING ERRCODE = 'check_violation', CONSTRAINT = 'numbers_have_no_gaps';
                    END IF;
                    RETURN NEW;
                """,
            ),
        ]

    def __str__(self) -> str:
        return self.full_number

    @property
    def full_number(self) -> str:
        """As it is printed: 皖智〔2026〕3号."""
        return f"{self.series}{self.number}号"

    @property
    def is_public(self) -> bool:
        """Whether anybody may open the PDF; everybody may check it."""
        return self.kind in PUBLIC_KINDS

    @property
    def title(self) -> str:
        """What it is called."""
        return str(self.letter["title"])


class DocumentEnd(models.Model):
    """That a document holds no longer, from an instant on, whether or not a letter about it is out yet."""

    document = models.OneToOneField(Document, on_delete=models.PROTECT, related_name="ended")
    why = models.CharField(max_length=12, choices=EndReason)
    at = models.DateTimeField()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(name="document_end_reason_is_known", condition=Q(why__in=EndReason.values))
        ]
        triggers = [append_only("document_ends_stay")]

    def __str__(self) -> str:
        return f"{self.document_id} {self.why}"
