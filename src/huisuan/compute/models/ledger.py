"""What makes the meter checkable by someone who trusts nobody: batches in a chain, seals, and what looked wrong.

Append-only. The chain over a centre's ledger is the platform's; inside an agent's batch is the agent's own, signed.
"""

from __future__ import annotations

import pgtrigger
from django.db import models
from django.db.models import F, Q

from huisuan.base.db.append_only import append_only
from huisuan.compute.models.agents import HEX_64, AgentKey
from huisuan.compute.models.centres import Centre
from huisuan.compute.models.usage import SourceFile


class MeterBatch(models.Model):
    """Usage records that came together: `first` to `last` in the centre's sequence, chained to the batch before.

    `leaves` is the SHA-256 of the records' leaves (metering.leaf) in order; `chain` that of the previous chain and
    this batch's header. An agent's batch keeps the agent's number, digest and signature; `receipt` is the
    platform's signature over the chain.
    """

    centre = models.ForeignKey(Centre, on_delete=models.PROTECT, related_name="batches")
    number = models.BigIntegerField(help_text="from 1, without gaps, per centre")
    first = models.BigIntegerField()
    last = models.BigIntegerField(help_text="first - 1 for a batch all of whose lines were known or refused")
    key = models.ForeignKey(AgentKey, on_delete=models.PROTECT, null=True, blank=True, related_name="batches")
    agent_number = models.BigIntegerField(null=True, blank=True)
    agent_previous = models.CharField(max_length=64, blank=True)
    agent_digest = models.CharField(max_length=64, blank=True)
    signature = models.CharField(max_length=128, blank=True, help_text="Ed25519, in hex, by the agent over its digest")
    source_file = models.ForeignKey(SourceFile, on_delete=models.PROTECT, null=True, blank=True, related_name="batches")
    leaves = models.CharField(max_length=64)
    previous = models.CharField(max_length=64)
    chain = models.CharField(max_length=64)
    receipt = models.CharField(max_length=128, help_text="Ed25519, in hex, by the platform over the chain")
    received_at = models.DateTimeField(help_text="by the platform's clock")
    sent_at = models.DateTimeField(null=True, blank=True, help_text="by the agent's clock, which the platform bounds")

    class Meta:
        ordering = ["centre", "number"]
        constraints = [
            models.UniqueConstraint(name="batch_once", fields=["centre", "number"]),
            models.UniqueConstraint(
                name="agent_batch_once", fields=["key", "agent_number"], condition=Q(key__isnull=False)
            ),
            models.CheckConstraint(name="batch_spans_records", condition=Q(first__gte=1, last__gte=F("first") - 1)),
            models.CheckConstraint(
                name="batch_hashes_have_their_form",
                condition=Q(leaves__regex=HEX_64, previous__regex=HEX_64, chain__regex=HEX_64),
            ),
            models.CheckConstraint(
                name="batch_of_an_agent_is_signed",
                condition=Q(key__isnull=True, agent_number__isnull=True)
                | Q(key__isnull=False, agent_number__gte=1, agent_digest__regex=HEX_64, signature__gt=""),
            ),
        ]
        triggers = [
            append_only("batches_stay"),
            pgtrigger.Trigger(
                name="batch_continues_the_chain",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert,
                declare=[("before", "RECORD")],
                func="""
                    PERFORM 1 FROM compute_centre WHERE id = NEW.centre_id FOR NO KEY UPDATE;
                    SELECT number, last, chain INTO before FROM compute_meterbatch
                        WHERE centre_id = NEW.centre_id ORDER BY number DESC LIMIT 1;
                    IF NEW.number <> COALESCE(before.number, 0) + 1 OR NEW.first <> COALESCE(before.last, 0) + 1
                        OR NEW.previous <> COALESCE(before.chain, repeat('0', 64)) THEN
                        RAISE EXCEPTION 'batch % of centre % does not continue the chain', NEW.number, NEW.centre_id
                            USING ERRCODE = 'integrity_constraint_violation';
                    END IF;
                    RETURN NEW;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.centre_id} #{self.number}"


class Seal(models.Model):
    """A centre's month, closed: which records, their Merkle root, the platform's signature.

    A month holds the records that ended before its end (Shanghai), are among the first `last_sequence` and in no
    earlier seal. One that comes later belongs to the next seal, marked late. The Parquet lies beside the database
    under its own SHA-256.
    """

    centre = models.ForeignKey(Centre, on_delete=models.PROTECT, related_name="seals")
    month = models.DateField(help_text="its first day")
    last_sequence = models.BigIntegerField(help_text="head of the ledger when it was sealed")
    chain = models.CharField(max_length=64, help_text="of the last batch in it")
    records = models.BigIntegerField()
    late = models.BigIntegerField(default=0, help_text="records of it whose month was sealed before they came")
    card_seconds = models.BigIntegerField(help_text="of its records, each as booked")
    root = models.CharField(max_length=64, help_text="Merkle root over the leaves, RFC 9162")
    parquet_sha256 = models.CharField(max_length=64)
    statement = models.TextField(help_text="all of this and what each agent sent, in canonical JSON, as it was signed")
    signature = models.CharField(max_length=128, help_text="the platform's, Ed25519 in hex, over the statement")
    sealed_at = models.DateTimeField()
    sealed_by = models.CharField(max_length=80)

    class Meta:
        ordering = ["centre", "month"]
        constraints = [
            models.UniqueConstraint(name="seal_once", fields=["centre", "month"]),
            models.CheckConstraint(
                name="seal_hashes_have_their_form", condition=Q(root__regex=HEX_64, parquet_sha256__regex=HEX_64)
            ),
            models.CheckConstraint(
                name="seal_counts",
                condition=Q(records__gte=0, late__gte=0, late__lte=F("records"), card_seconds__gte=0),
            ),
        ]
        triggers = [
            append_only("seals_stay"),
            pgtrigger.Trigger(
                name="seal_follows_the_last",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert,
                func="""
                    PERFORM 1 FROM compute_centre WHERE id = NEW.centre_id FOR NO KEY UPDATE;
                    IF EXISTS (
                        SELECT 1 FROM compute_seal s WHERE s.centre_id = NEW.centre_id
                          AND (s.month >= NEW.month OR s.last_sequence > NEW.last_sequence)
                    ) THEN
                        RAISE EXCEPTION 'a later month of centre % is sealed', NEW.centre_id
                            USING ERRCODE = 'integrity_constraint_violation';
                    END IF;
                    RETURN NEW;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.centre_id} {self.month:%Y-%m}"


class SealSignature(models.Model):
    """The centre's signature under a seal, by its agent's key after it had counted for itself."""

    seal = models.OneToOneField(Seal, on_delete=models.PROTECT, related_name="countersigned")
    key = models.ForeignKey(AgentKey, on_delete=models.PROTECT, related_name="+")
    signature = models.CharField(max_length=128)
    signed_at = models.DateTimeField()

    class Meta:
        triggers = [append_only("seal_signatures_stay")]

    def __str__(self) -> str:
        return f"{self.seal_id} by {self.key_id}"


class MeterFlag(models.Model):
    """What looked wrong in what was metered: kept, with the line it came in, until somebody answers it."""

    class Kind(models.TextChoices):
        """What kind of wrong."""

        NO_LEASE = "no_lease", "没有调度过的作业"
        OTHER_CARDS = "other_cards", "卡数与调度不符"
        OVER_CAPACITY = "over_capacity", "同时使用的卡多于中心所有"
        CLOCK = "clock", "时间与平台时钟不符"
        FORM = "form", "格式不对"
        SIGNATURE = "signature", "签名不对"
        ORDER = "order", "批次断号或重排"
        MISSING = "missing", "运行过而没有记录"
        SCHEDULER = "scheduler", "与调度器的记账不符"
        FORGEABLE = "forgeable", "可能写在作业名里的行"
        CONTRADICTION = "contradiction", "同一次运行有两种说法"
        OVERLAP = "overlap", "同一作业的时间重叠"
        NO_CARDS = "no_cards", "该有卡而记账里没有卡"
        CORRECTION = "correction", "等待确认的更正"

    centre = models.ForeignKey(Centre, on_delete=models.PROTECT, related_name="flags")
    kind = models.CharField(max_length=16, choices=Kind)
    key = models.CharField(max_length=200, help_text="what it is about; flagged once, and again on another occasion")
    occasion = models.PositiveIntegerField(default=1, help_text="2 and on: found again though it had been answered")
    size = models.BigIntegerField(null=True, help_text="how large what was found is, where a larger one is another")
    text = models.TextField()
    line = models.TextField(blank=True, help_text="the refused line, as it came")
    sequence = models.BigIntegerField(null=True, blank=True, help_text="the record, where there is one")
    flagged_at = models.DateTimeField()
    answered_at = models.DateTimeField(null=True, blank=True)
    answered_by = models.CharField(max_length=80, blank=True)
    answer = models.TextField(blank=True)

    class Meta:
        ordering = ["-flagged_at", "-id"]
        indexes = [  # what waits is counted on every desk; what was answered only grows
            models.Index(name="flags_open", fields=["centre", "flagged_at"], condition=Q(answered_at__isnull=True))
        ]
        constraints = [
            models.UniqueConstraint(name="flag_once", fields=["centre", "kind", "key", "occasion"]),
            models.UniqueConstraint(
                name="flag_open_once", fields=["centre", "kind", "key"], condition=Q(answered_at__isnull=True)
            ),
            models.CheckConstraint(
                name="flag_answer_is_whole",
                condition=Q(answered_at__isnull=True) | Q(answered_by__gt="", answer__gt=""),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.centre_id} {self.kind} {self.key}"


class PendingCorrection(models.Model):
    """A correction by an imported file that makes a finished record smaller, empty or another's: it waits for a person.

    What it would change is kept for good as it came. `applied` is the sequence of the record that it became when it
    was accepted; it is set once.
    """

    flag = models.OneToOneField(MeterFlag, on_delete=models.PROTECT, related_name="correction")
    centre = models.ForeignKey(Centre, on_delete=models.PROTECT, related_name="pending_corrections")
    source_file = models.ForeignKey(SourceFile, on_delete=models.PROTECT, related_name="+")
    supersedes = models.BigIntegerField(help_text="the sequence of the record that it would take the place of")
    record = models.JSONField(help_text="the record that it would become, by column; times in UTC seconds")
    applied = models.BigIntegerField(null=True, blank=True)

    class Meta:
        ordering = ["centre", "id"]
        constraints = [
            models.CheckConstraint(
                name="correction_comes_after_what_it_corrects",
                condition=Q(applied__isnull=True) | Q(applied__gt=F("supersedes")),
            ),
        ]
        triggers = [
            pgtrigger.Protect(name="pending_corrections_stay", operation=pgtrigger.Delete),
            pgtrigger.Protect(
                name="pending_corrections_are_kept_as_they_came",
                operation=pgtrigger.Update,
                condition=pgtrigger.AnyChange("flag", "centre", "source_file", "supersedes", "record"),
            ),
            pgtrigger.Protect(
                name="pending_corrections_are_applied_once",
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(old__applied__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.centre_id}/{self.supersedes}"
