"""What was read at the gate: the rules in force, scans, their findings, and the judgements on them. All append-only.

Values never stand here: a finding is its place, what it looks like masked, and a fingerprint by the dataset's key.
"""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from huisuan.base.db.append_only import append_only
from huisuan.base.db.background_work import BackgroundWork
from huisuan.opendata.models.gate_files import SHA256_PATTERN, GateFile
from huisuan.parties.models import Person


class JudgeAction(models.TextChoices):
    """What is done about a finding."""

    MASK = "mask", "以令牌替换"
    GENERALISE = "generalise", "遮盖"
    DROP = "drop", "删去"
    FALSE_ALARM = "false_alarm", "误报"


class GateRules(models.Model):
    """A version of the rules of scanning, in force since the row; the last is current.

    `model` is the digest of the model that judges names by them, "none" without one; rules without a model do not take
    the place of the same rules with one (`opendata_scan_stands`, migration 0012).
    """

    version = models.CharField(max_length=120, unique=True)
    model = models.CharField(max_length=64, default="none")
    at = models.DateTimeField()

    class Meta:
        ordering = ["id"]
        triggers = [append_only("gate_rules_stay")]

    def __str__(self) -> str:
        return self.version


class ScanWork(BackgroundWork):
    """A scan asked of the background worker: of the file, or of the product that was made of it."""

    file = models.ForeignKey(GateFile, on_delete=models.PROTECT, related_name="scan_works")

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.file_id} {self.state}"


class GateScan(models.Model):
    """A scan of a file, or of a product of it; one that a limit ended (`refused`) is not complete.

    `statement` is canonical JSON as the platform signed it; `root` the SHA-256 of its findings.
    """

    file = models.ForeignKey(GateFile, on_delete=models.PROTECT, related_name="scans")
    product = models.ForeignKey("opendata.GateProduct", on_delete=models.PROTECT, null=True, related_name="scans")
    sha256 = models.CharField(max_length=64)
    rules = models.ForeignKey(GateRules, on_delete=models.PROTECT, related_name="+", to_field="version")
    cells = models.BigIntegerField()
    complete = models.BooleanField()
    refused = models.CharField(max_length=40, blank=True)
    root = models.CharField(max_length=64)
    statement = models.TextField()
    signature = models.CharField(max_length=128)
    at = models.DateTimeField()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                name="gate_scan_ends_or_says_why",
                condition=Q(complete=True, refused="") | Q(complete=False) & ~Q(refused=""),
            ),
            models.CheckConstraint(
                name="gate_scan_has_its_digests", condition=Q(sha256__regex=SHA256_PATTERN, root__regex=SHA256_PATTERN)
            ),
        ]  # fmt: skip
        triggers = [append_only("gate_scans_stay")]

    def __str__(self) -> str:
        return f"{self.file_id} {self.sha256[:8]}"


class GateFinding(models.Model):
    """A finding of a scan: where, of which kind, how it looks masked; `row` and `column` from 1, 0: of the whole."""

    scan = models.ForeignKey(GateScan, on_delete=models.PROTECT, related_name="findings")
    number = models.PositiveIntegerField()
    kind = models.CharField(max_length=12)
    part = models.CharField(max_length=300, blank=True)
    row = models.PositiveIntegerField()
    column = models.PositiveIntegerField()
    heading = models.CharField(max_length=80, blank=True)
    masked = models.CharField(max_length=120)
    fingerprint = models.CharField(max_length=64)
    confidence = models.CharField(max_length=4)

    class Meta:
        ordering = ["scan", "number"]
        constraints = [models.UniqueConstraint(name="gate_finding_once", fields=["scan", "number"])]
        triggers = [append_only("gate_findings_stay")]

    def __str__(self) -> str:
        return f"{self.scan_id}/{self.number} {self.kind}"


class GateJudgement(models.Model):
    """What is done about one finding of a scan (`number`), or about all of a kind in a column, or of a kind.

    Of several that meet a finding the last one holds.
    """

    file = models.ForeignKey(GateFile, on_delete=models.PROTECT, related_name="judgements")
    scan = models.ForeignKey(GateScan, on_delete=models.PROTECT, related_name="judgements")
    number = models.PositiveIntegerField(null=True, help_text="the one finding that it is about")
    kind = models.CharField(max_length=12, blank=True, help_text="or all of this kind")
    part = models.CharField(max_length=300, blank=True)
    column = models.PositiveIntegerField(null=True, help_text="in this column of that part; none: anywhere")
    action = models.CharField(max_length=11)
    reason = models.CharField(max_length=300, blank=True)
    duty = models.CharField(max_length=8, default="judge")
    by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                name="gate_judgement_is_known", condition=Q(action__in=JudgeAction.values, duty="judge")
            ),
            models.CheckConstraint(
                name="gate_judgement_is_of_one_or_a_kind",
                condition=Q(number__isnull=False, kind="", column__isnull=True) | Q(number__isnull=True) & ~Q(kind=""),
            ),
            models.CheckConstraint(
                name="gate_false_alarm_has_a_reason",
                condition=~Q(action=JudgeAction.FALSE_ALARM) | Q(reason__regex=r"\S"),
            ),
        ]
        triggers = [append_only("gate_judgements_stay")]

    def __str__(self) -> str:
        return f"{self.scan_id} {self.action}"


class GateGeneralisation(models.Model):
    """Which level each column of a table is made coarser to, as its judge picked it; of several the last one holds.

    `leave_out`: rows that are then still in classes of fewer than k are left out of the product.
    """

    file = models.ForeignKey(GateFile, on_delete=models.PROTECT, related_name="generalisations")
    scan = models.ForeignKey(GateScan, on_delete=models.PROTECT, related_name="generalisations")
    part = models.CharField(max_length=300, blank=True)
    levels = models.JSONField(help_text="by heading the name of its level; none: nothing is made coarser")
    k = models.PositiveIntegerField()
    leave_out = models.BooleanField(default=False)
    duty = models.CharField(max_length=8, default="judge")
    by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(name="gate_generalised_under_its_duty", condition=Q(duty="judge", k__gte=2))
        ]
        triggers = [append_only("gate_generalisations_stay")]

    def __str__(self) -> str:
        return f"{self.scan_id} {self.levels}"


class NameChunk(models.Model):
    """Names found in one chunk of a text while its scan is under way: a worker that ends is followed by one that goes
    on behind it. Masked as findings are, and gone once the scan is written.
    """

    work = models.ForeignKey(ScanWork, on_delete=models.CASCADE, related_name="name_chunks")
    sha256 = models.CharField(max_length=64)
    number = models.PositiveIntegerField()
    rules = models.CharField(max_length=120)
    found = models.JSONField()

    class Meta:
        constraints = [models.UniqueConstraint(name="name_chunk_once", fields=["work", "sha256", "number", "rules"])]

    def __str__(self) -> str:
        return f"{self.work_id} {self.number}"
