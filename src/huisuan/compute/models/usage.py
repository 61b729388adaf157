"""The usage records that money rests on, and the files they came from.

Integers with their unit in their name, times in UTC. Append-only: a correction is a new record that names the one it
supersedes.
"""

from __future__ import annotations

import pgtrigger
from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import F, Q

from huisuan.base.db.append_only import append_only
from huisuan.compute.models.centres import Accelerator, Centre
from huisuan.parties.models import Party
from huisuan.protocol.agent import HUGE_CARDS


class SourceFile(models.Model):
    """An accounting file (or an agent's batch) exactly as it came: what every usage record goes back to."""

    centre = models.ForeignKey(Centre, on_delete=models.PROTECT, related_name="source_files")
    sha256 = models.CharField(max_length=64)
    name = models.CharField(max_length=200)
    format = models.CharField(max_length=20)
    timezone = models.CharField(max_length=40)
    line_count = models.BigIntegerField()
    imported_at = models.DateTimeField()
    collector = models.CharField(max_length=60, help_text="what read it, with its version")
    delimiter = models.CharField(
        max_length=40, blank=True, help_text="the random delimiter that it was exported with: no other file may have it"
    )

    class Meta:
        ordering = ["-imported_at"]
        indexes = [models.Index(name="source_file_latest", fields=["centre", "-imported_at"])]
        constraints = [
            models.UniqueConstraint(name="source_file_once", fields=["centre", "sha256"]),
            models.UniqueConstraint(
                name="source_delimiter_once", fields=["centre", "delimiter"], condition=Q(delimiter__gt="")
            ),
        ]
        triggers = [
            append_only("source_files_stay"),
        ]

    def __str__(self) -> str:
        return self.name


class SourceChunk(models.Model):
    """Some hundreds of lines of a source file, compressed with zstd; the first line of a file is line 1."""

    file = models.ForeignKey(SourceFile, on_delete=models.PROTECT, related_name="chunks")
    first_line = models.BigIntegerField()
    line_count = models.IntegerField()
    raw_bytes = models.IntegerField(help_text="length before compression")
    content = models.BinaryField()

    class Meta:
        ordering = ["file", "first_line"]
        constraints = [models.UniqueConstraint(name="source_chunk_once", fields=["file", "first_line"])]
        triggers = [
            append_only("source_chunks_stay"),
        ]

    def __str__(self) -> str:
        return f"{self.file_id}:{self.first_line}"


class UsageRecord(models.Model):
    """One run of one job on cards of one model. Its name is centre/sequence.

    Integers only; times in UTC. `card_seconds` = cards x (ended - started - suspended), checked by the
    database, which also keeps the sequence of a centre free of gaps and refuses every change.
    A job that held two models of card has two records; a correction names in `supersedes` the sequence of
    the record that it replaces.
    """

    pk = models.CompositePrimaryKey("centre", "sequence")
    centre = models.ForeignKey(
        Centre, on_delete=models.PROTECT, related_name="usage", db_index=False, db_constraint=False
    )
    sequence = models.BigIntegerField()
    supersedes = models.BigIntegerField(null=True, blank=True)
    cluster = models.CharField(max_length=60)
    job_id = models.CharField(max_length=80, help_text="as the scheduler names it; the uid for the platform's jobs")
    run = models.IntegerField(help_text="0 for the first run; a requeued job keeps its id: this tells the runs apart")
    array_index = models.IntegerField(null=True, blank=True)
    user = models.CharField(max_length=120)
    account = models.CharField(max_length=120, blank=True)
    party = models.ForeignKey(
        Party,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="usage",
        db_index=False,
        db_constraint=False,
    )
    contract = models.CharField(max_length=80, blank=True)
    partition = models.CharField(max_length=60, blank=True)
    accelerator = models.ForeignKey(
        Accelerator, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    requested_cards = models.IntegerField(null=True, blank=True, help_text="what was asked for; never what is paid")
    cards = models.IntegerField(help_text="what was allocated")
    nodes = models.TextField(blank=True)
    node_count = models.IntegerField(default=1)
    submitted_at = models.DateTimeField(null=True, blank=True)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField()
    suspended_seconds = models.BigIntegerField(default=0)
    card_seconds = models.BigIntegerField()
    state = models.CharField(max_length=24, help_text="as Slurm names final states: COMPLETED, FAILED, REQUEUED, ...")
    exit_code = models.CharField(max_length=12, blank=True)
    source_zone = models.CharField(max_length=40)
    raw_sha256 = models.CharField(max_length=64, help_text="of the raw line")
    content_sha256 = models.CharField(
        max_length=64, help_text="of what the line says, whatever the order of its fields"
    )
    source_file = models.ForeignKey(
        SourceFile, on_delete=models.PROTECT, related_name="records", db_index=False, db_constraint=False
    )
    source_line = models.BigIntegerField()
    received_at = models.DateTimeField()

    class Meta:
        ordering = ["centre", "sequence"]
        indexes = [
            models.Index(name="usage_of_a_party", fields=["party", "-started_at", "-centre", "-sequence"]),
            models.Index(
                name="usage_of_nobody",
                fields=["centre", "user", "account"],
                include=["sequence", "card_seconds"],  # what is summed: the records themselves need not be read
                condition=Q(party__isnull=True),
            ),
            # with `usage_run_once` it finds the records of a job (metering.usage.records.of_jobs)
            models.Index(
                name="usage_correction_of_a_job",
                fields=["centre", "job_id"],
                condition=Q(supersedes__isnull=False),
            ),
            # lists, newest first, of everybody's
            models.Index(name="usage_newest", fields=["-started_at", "-centre", "-sequence"]),
            # records arrive more or less in the order of time: an hour or a month is found without reading the rest
            BrinIndex(name="usage_by_time", fields=["started_at", "ended_at"], pages_per_range=32, autosummarize=True),
        ]
        constraints = [
            models.UniqueConstraint(
                name="usage_run_once",
                fields=["centre", "job_id", "started_at", "cluster", "accelerator", "run"],
                condition=Q(supersedes__isnull=True),
            ),
            models.UniqueConstraint(
                name="usage_superseded_once", fields=["centre", "supersedes"], condition=Q(supersedes__isnull=False)
            ),
            models.CheckConstraint(
                name="usage_supersedes_an_earlier_one",
                condition=Q(supersedes__isnull=True) | Q(supersedes__lt=F("sequence")),
            ),
            models.CheckConstraint(
                name="usage_counts_cards", condition=Q(cards__gte=1, cards__lte=HUGE_CARDS, run__gte=0)
            ),
            models.CheckConstraint(
                name="usage_time_runs_forward",
                # the sum itself, which needs SQL's own words for seconds, stands in the second migration
                condition=Q(suspended_seconds__gte=0, card_seconds__gte=0, ended_at__gte=F("started_at")),
            ),
        ]
        triggers = [
            append_only("usage_is_append_only"),
            pgtrigger.Trigger(
                name="usage_names_what_exists",
                level=pgtrigger.Statement,
                when=pgtrigger.After,
                operation=pgtrigger.Insert,
                referencing=pgtrigger.Referencing(new="arrived"),  # type: ignore[no-untyped-call]
                declare=[("named", "RECORD")],
                func="""
                    FOR named IN SELECT DISTINCT centre_id, accelerator_id, party_id, source_file_id FROM arrived
                    LOOP
                        PERFORM 1 FROM compute_centre WHERE id = named.centre_id FOR KEY SHARE;
                        PERFORM 1 FROM compute_accelerator WHERE id = named.accelerator_id FOR KEY SHARE;
                        IF NOT FOUND THEN
                            RAISE EXCEPTION 'accelerator % of a usage record is not there', named.accelerator_id
                                USING ERRCODE = 'foreign_key_violation';
                        END IF;
                        PERFORM 1 FROM parties_party WHERE id = named.party_id FOR KEY SHARE;
                        IF NOT FOUND AND named.party_id IS NOT NULL THEN
                            RAISE EXCEPTION 'party % of a usage record is not there', named.party_id
                                USING ERRCODE = 'foreign_key_violation';
                        END IF;
                        PERFORM 1 FROM compute_sourcefile
                            WHERE id = named.source_file_id AND centre_id = named.centre_id;
                        IF NOT FOUND THEN
                            RAISE EXCEPTION 'source file % is not of centre %', named.source_file_id, named.centre_id
                                USING ERRCODE = 'foreign_key_violation';
                        END IF;
                    END LOOP;
                    RETURN NULL;
                """,
            ),
            pgtrigger.Trigger(
                name="usage_sequence_has_no_gap",
                level=pgtrigger.Statement,
                when=pgtrigger.After,
                operation=pgtrigger.Insert,
                referencing=pgtrigger.Referencing(new="arrived"),  # type: ignore[no-untyped-call]
                declare=[("batch", "RECORD")],
                func="""
                    FOR batch IN
                        SELECT centre_id, min(sequence) AS first, max(sequence) AS last, count(*) AS records
                        FROM arrived GROUP BY centre_id
                    LOOP
                        UPDATE compute_centre SET last_sequence = batch.last
                        WHERE id = batch.centre_id AND last_sequence = batch.first - 1
                          AND batch.records = batch.last - batch.first + 1;
                        IF NOT FOUND THEN
                            RAISE EXCEPTION 'usage records of centre % leave a gap in the sequence', batch.centre_id
                                USING ERRCODE = 'integrity_constraint_violation';
                        END IF;
                    END LOOP;
                    RETURN NULL;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.centre_id}/{self.sequence}"
