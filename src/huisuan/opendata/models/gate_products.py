"""What is made at the gate and goes out of it: keys that mask, remakes, their products, and releases."""

from __future__ import annotations

import pgtrigger
from django.db import models
from django.db.models import Exists, OuterRef, Q

from huisuan.base.db.append_only import append_only
from huisuan.opendata.gate_arrows import GateState
from huisuan.opendata.models.gate_files import SHA256_PATTERN, GateFile
from huisuan.opendata.models.gate_scans import GateScan
from huisuan.parties.models import Person

PRODUCT_FORMATS = [
    ("csv", "CSV"),
    ("parquet", "Parquet"),
    ("jsonl", "JSONL"),
    ("txt", "TXT"),
    ("pdf", "PDF"),
]
# The one place through which anything leaves.
_LEAVES = """
IF NOT EXISTS (
    SELECT 1 FROM opendata_gateproduct p
    JOIN opendata_gateremake m ON m.id = p.remake_id
    JOIN opendata_gatefile f ON f.id = m.file_id
    JOIN opendata_gatescan s ON s.product_id = p.id
    WHERE p.id = NEW.product_id AND f.id = NEW.file_id AND s.id = NEW.scan_id AND s.file_id = f.id
      AND m.id = (SELECT max(id) FROM opendata_gateremake WHERE file_id = f.id)
      AND f.state = 'ready'
      AND p.sha256 = NEW.sha256 AND s.sha256 = NEW.sha256
      AND opendata_scan_stands(s.id, false)) THEN
    RAISE EXCEPTION 'nothing leaves that was not scanned to its end, by current rules, without an open finding'
        USING ERRCODE = 'check_violation', CONSTRAINT = 'release_is_its_scan';
END IF;
RETURN NEW;
"""


class MaskingKey(models.Model):
    """That a dataset or linkage group has a key, and that it was destroyed. The key itself is a file, never a row."""

    scope = models.CharField(max_length=60)
    number = models.PositiveIntegerField()
    made_at = models.DateTimeField()
    destroyed_at = models.DateTimeField(null=True)
    destroyed_by = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        ordering = ["scope", "number"]
        constraints = [
            models.UniqueConstraint(name="masking_key_once", fields=["scope", "number"]),
            models.UniqueConstraint(
                name="one_living_key_a_scope", fields=["scope"], condition=Q(destroyed_at__isnull=True)
            ),
            models.CheckConstraint(
                name="destroyed_by_somebody",
                condition=Q(destroyed_at__isnull=True, destroyed_by__isnull=True)
                | Q(destroyed_at__isnull=False, destroyed_by__isnull=False),
            ),
        ]
        triggers = [
            pgtrigger.Protect(name="masking_keys_stay", operation=pgtrigger.Delete),
            pgtrigger.ReadOnly(name="masking_keys_keep_what_they_are", fields=["scope", "number", "made_at"]),
            pgtrigger.Protect(
                name="destroyed_stays_destroyed", operation=pgtrigger.Update,
                condition=pgtrigger.Q(old__destroyed_at__isnull=False),
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.scope} {self.number}"


class GateRemake(models.Model):
    """A file made anew from what was read of it, by a recipe: what became of each column."""

    file = models.ForeignKey(GateFile, on_delete=models.PROTECT, related_name="remakes")
    scan = models.ForeignKey(GateScan, on_delete=models.PROTECT, related_name="remakes")
    key = models.ForeignKey(MaskingKey, on_delete=models.PROTECT, related_name="+")
    recipe = models.JSONField()
    recipe_sha256 = models.CharField(max_length=64)
    rows = models.PositiveBigIntegerField()
    by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(name="gate_recipe_has_its_digest", condition=Q(recipe_sha256__regex=SHA256_PATTERN))
        ]
        triggers = [append_only("gate_remakes_stay")]

    def __str__(self) -> str:
        return f"{self.file_id} {self.recipe_sha256[:8]}"


class GateProduct(models.Model):
    """A file that a remake made."""

    remake = models.ForeignKey(GateRemake, on_delete=models.PROTECT, related_name="products")
    format = models.CharField(max_length=8, choices=PRODUCT_FORMATS)
    sha256 = models.CharField(max_length=64)
    size = models.BigIntegerField()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(name="gate_product_once", fields=["remake", "format"]),
            models.CheckConstraint(name="gate_product_has_its_digest", condition=Q(sha256__regex=SHA256_PATTERN)),
        ]
        triggers = [append_only("gate_products_stay")]

    def __str__(self) -> str:
        return f"{self.remake_id} {self.format}"


class ReleaseRows(models.QuerySet["GateRelease"]):
    """Releases, and which of them stand."""

    def of_last_remake(self) -> ReleaseRows:
        """Without those of a file that was judged and made anew since: these never come back."""
        later = GateRemake.objects.filter(file=OuterRef("file"), pk__gt=OuterRef("product__remake"))
        return self.filter(~Exists(later.order_by()))

    def out(self) -> ReleaseRows:
        """Those whose file is released."""
        return self.of_last_remake().filter(file__state=GateState.RELEASED)


class GateRelease(models.Model):
    """A product let out: its bytes are those of its scan, whose rules were current and which found nothing open.

    By a person whose one duty at the file is to release (a foreign key over three columns).
    """

    file = models.ForeignKey(GateFile, on_delete=models.PROTECT, related_name="releases")
    product = models.OneToOneField(GateProduct, on_delete=models.PROTECT, related_name="release")
    scan = models.ForeignKey(GateScan, on_delete=models.PROTECT, related_name="+")
    sha256 = models.CharField(max_length=64)
    duty = models.CharField(max_length=8, default="release")
    by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    statement = models.TextField(help_text="canonical JSON, as it was signed")
    signature = models.CharField(max_length=128)

    objects = ReleaseRows.as_manager()

    class Meta:
        ordering = ["id"]
        constraints = [models.CheckConstraint(name="released_under_its_duty", condition=Q(duty="release"))]
        triggers = [
            append_only("gate_releases_stay"),
            pgtrigger.Trigger(
                name="release_is_its_scan", when=pgtrigger.Before, operation=pgtrigger.Insert, func=_LEAVES
            ),
        ]

    @property
    def is_out(self) -> bool:
        """Whether its file is released, and was not made anew since."""
        return self.file.state == GateState.RELEASED and GateRelease.objects.out().filter(pk=self.pk).exists()

    def __str__(self) -> str:
        return f"{self.file_id} {self.sha256[:8]}"
