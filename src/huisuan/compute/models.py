"""What compute is made of: accelerators, centres, tariffs, jobs, and the usage records that money rests on.

Everything here is an integer with its unit in its name, or a time in UTC. Usage records are append-only:
a correction is a new record that names the one it supersedes.
"""

from __future__ import annotations

from decimal import Decimal

import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from huisuan.parties.models import Party, Region

HUGE_CARDS = 1_000_000  # more than any centre on earth holds: a slip of the pen


class Accelerator(models.Model):
    """One card of a model; `tflops_fp16` is its dense FP16 peak in TFLOPS."""

    model = models.CharField(max_length=60, unique=True)
    vendor = models.CharField(max_length=60)
    memory_gib = models.PositiveIntegerField()
    tflops_fp16 = models.DecimalField(max_digits=8, decimal_places=1)
    source = models.CharField(max_length=200, help_text="where the figures come from")

    class Meta:
        ordering = ["vendor", "model"]
        constraints = [
            models.CheckConstraint(name="accelerator_figures_not_negative", condition=Q(tflops_fp16__gte=0)),
            models.CheckConstraint(name="accelerator_names_its_source", condition=~Q(source="")),
        ]

    def __str__(self) -> str:
        return self.model


class Centre(models.Model):
    """A compute centre that joined. `operator` owns it: who is related to the operator uses its own."""

    code = models.SlugField(max_length=40, unique=True)
    name = models.CharField(max_length=120)
    name_en = models.CharField(max_length=120, blank=True)
    operator = models.ForeignKey(Party, on_delete=models.PROTECT, related_name="centres")
    region = models.ForeignKey(Region, on_delete=models.PROTECT, related_name="centres")
    timezone = models.CharField(max_length=40, default="Asia/Shanghai")
    engine = models.CharField(max_length=20, blank=True, help_text="what runs the platform's jobs here; empty: none")
    last_sequence = models.BigIntegerField(default=0, help_text="of its usage records; moved by the database")
    demo = models.BooleanField(default=False)

    class Meta:
        ordering = ["code"]

    def __str__(self) -> str:
        return self.code

    @property
    def capacity_p(self) -> Decimal:
        """Nameplate capacity in P (PFLOPS of dense FP16)."""
        return sum((partition.capacity_p for partition in self.partitions.all()), Decimal(0))


class Partition(models.Model):
    """Cards of one model at a centre, as its scheduler names them."""

    centre = models.ForeignKey(Centre, on_delete=models.CASCADE, related_name="partitions")
    name = models.CharField(max_length=60)
    accelerator = models.ForeignKey(Accelerator, on_delete=models.PROTECT, related_name="+")
    nodes = models.PositiveIntegerField()
    cards_per_node = models.PositiveIntegerField()
    local_names = ArrayField(
        models.CharField(max_length=60),
        default=list,
        blank=True,
        help_text="what the centre's scheduler calls the card (a800, 910b3), in small letters",
    )

    class Meta:
        ordering = ["centre", "name"]
        constraints = [
            models.UniqueConstraint(name="partition_once", fields=["centre", "name", "accelerator"]),
            models.CheckConstraint(
                name="partition_has_cards",
                condition=Q(nodes__gte=1, cards_per_node__gte=1, nodes__lte=HUGE_CARDS, cards_per_node__lte=1024),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.centre_id}/{self.name}"

    @property
    def cards(self) -> int:
        """Cards in the partition."""
        return self.nodes * self.cards_per_node

    @property
    def capacity_p(self) -> Decimal:
        """P of the partition: cards x TFLOPS of dense FP16 / 1000."""
        return self.cards * self.accelerator.tflops_fp16 / 1000


class Tariff(models.Model):
    """Price of a card-hour at a centre in fen, from a day until a day (the end day is not in it)."""

    centre = models.ForeignKey(Centre, on_delete=models.PROTECT, related_name="tariffs")
    accelerator = models.ForeignKey(Accelerator, on_delete=models.PROTECT, related_name="+")
    fen_per_card_hour = models.BigIntegerField()
    valid_from = models.DateField()
    valid_to = models.DateField(null=True, blank=True)
    set_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["centre", "accelerator", "valid_from"]
        constraints = [
            models.CheckConstraint(
                name="tariff_price_is_sane", condition=Q(fen_per_card_hour__gte=0, fen_per_card_hour__lte=10_000_000)
            ),
            models.CheckConstraint(
                name="tariff_ends_after_it_begins",
                condition=Q(valid_to__isnull=True) | Q(valid_to__gt=F("valid_from")),
            ),
        ]
        triggers = [
            pgtrigger.Trigger(
                name="tariff_days_do_not_overlap",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert | pgtrigger.Update,
                func="""
                    PERFORM 1 FROM compute_centre WHERE id = NEW.centre_id FOR UPDATE;
                    IF EXISTS (
                        SELECT 1 FROM compute_tariff t
                        WHERE t.centre_id = NEW.centre_id AND t.accelerator_id = NEW.accelerator_id AND t.id <> NEW.id
                          AND t.valid_from < COALESCE(NEW.valid_to, 'infinity'::date)
                          AND NEW.valid_from < COALESCE(t.valid_to, 'infinity'::date)
                    ) THEN
                        RAISE EXCEPTION 'tariff overlaps one that stands' USING ERRCODE = 'exclusion_violation';
                    END IF;
                    RETURN NEW;
                """,
            )
        ]

    def __str__(self) -> str:
        return f"{self.centre_id} {self.accelerator_id}: {self.fen_per_card_hour} fen from {self.valid_from}"


class Tenant(models.Model):
    """Which party an account or a user of a centre's scheduler stands for; a user goes before its account."""

    class Kind(models.TextChoices):
        """What the name names: an account `physics` may be another than the user `physics`."""

        EITHER = "", "账户或用户"
        ACCOUNT = "account", "账户"
        USER = "user", "用户"

    centre = models.ForeignKey(Centre, on_delete=models.CASCADE, related_name="tenants")
    kind = models.CharField(max_length=8, choices=Kind, default=Kind.EITHER, blank=True)
    name = models.CharField(max_length=120, help_text="account or user, as the scheduler writes it")
    party = models.ForeignKey(Party, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["centre", "name"]
        constraints = [models.UniqueConstraint(name="tenant_once", fields=["centre", "kind", "name"])]

    def __str__(self) -> str:
        return self.name


class JobState(models.TextChoices):
    """Where a job is in its life."""

    SUBMITTED = "submitted", "已提交"
    PLACED = "placed", "已调度"
    RUNNING = "running", "运行中"
    DONE = "done", "完成"
    FAILED = "failed", "失败"
    CANCELLED = "cancelled", "已取消"
    LOST = "lost", "失联"


FINAL_STATES = (JobState.DONE, JobState.FAILED, JobState.CANCELLED, JobState.LOST)


class Job(models.Model):
    """What a party asks to run. Its uid is its name everywhere, at the centre too."""

    uid = models.CharField(max_length=32, primary_key=True)
    party = models.ForeignKey(Party, on_delete=models.PROTECT, related_name="jobs")
    submitted_by = models.CharField(max_length=80)
    name = models.CharField(max_length=120)
    command = models.JSONField(help_text="a list of words, never handed to a shell")
    environment = models.JSONField(default=dict)
    cards = models.PositiveIntegerField()
    accelerator = models.ForeignKey(
        Accelerator, on_delete=models.PROTECT, null=True, blank=True, related_name="+", help_text="none: any"
    )
    time_limit_seconds = models.PositiveIntegerField(default=3600)
    centre = models.ForeignKey(Centre, on_delete=models.PROTECT, null=True, blank=True, related_name="jobs")
    wanted_centre = models.ForeignKey(Centre, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    reasons = models.JSONField(default=list, help_text="why it was placed there, or why not yet")
    state = models.CharField(max_length=10, choices=JobState, default=JobState.SUBMITTED)
    submitted_at = models.DateTimeField()
    placed_at = models.DateTimeField(null=True, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    cancel_requested_at = models.DateTimeField(null=True, blank=True)
    exit_code = models.IntegerField(null=True, blank=True)

    class Meta:
        ordering = ["-submitted_at", "uid"]
        indexes = [models.Index(fields=["party", "-submitted_at"]), models.Index(fields=["centre", "state"])]
        constraints = [
            models.CheckConstraint(name="job_asks_for_cards", condition=Q(cards__gte=1, cards__lte=HUGE_CARDS)),
            models.CheckConstraint(name="job_state_is_known", condition=Q(state__in=JobState.values)),
            models.CheckConstraint(
                name="job_ends_after_it_starts", condition=Q(ended_at__isnull=True) | Q(ended_at__gte=F("started_at"))
            ),
        ]

    def __str__(self) -> str:
        return self.uid


class SiteAgent(models.Model):
    """The one agent that serves a centre; another may take over only when it has been silent for long.

    Without it two agents of one centre would each run every job.
    """

    centre = models.OneToOneField(Centre, on_delete=models.CASCADE, related_name="agent")
    name = models.CharField(max_length=36, help_text="made by the agent itself, once")
    host = models.CharField(max_length=120)
    version = models.CharField(max_length=40)
    last_seen_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.centre_id} {self.host}"


class JobLog(models.Model):
    """A piece of a job's output; `offset` is its place in bytes."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="log_pieces")
    offset = models.BigIntegerField()
    content = models.BinaryField()

    class Meta:
        ordering = ["job", "offset"]
        constraints = [models.UniqueConstraint(name="job_log_piece_once", fields=["job", "offset"])]

    def __str__(self) -> str:
        return f"{self.job_id}+{self.offset}"


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

    class Meta:
        ordering = ["-imported_at"]
        constraints = [models.UniqueConstraint(name="source_file_once", fields=["centre", "sha256"])]
        triggers = [
            pgtrigger.Protect(name="source_files_stay", operation=pgtrigger.Update | pgtrigger.Delete),
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
            pgtrigger.Protect(name="source_chunks_stay", operation=pgtrigger.Update | pgtrigger.Delete),
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
        indexes = [models.Index(name="usage_of_a_party", fields=["party", "started_at"])]
        constraints = [
            models.UniqueConstraint(
                name="usage_run_once",
                fields=["centre", "job_id", "started_at", "cluster", "accelerator"],
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
            pgtrigger.Protect(name="usage_is_append_only", operation=pgtrigger.Update | pgtrigger.Delete),
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
