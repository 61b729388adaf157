"""What a party asks to run, what it brought along, and what it wrote."""

from __future__ import annotations

import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from huisuan.compute.models.centres import Accelerator, Centre
from huisuan.parties.models import Party, Project, Region
from huisuan.protocol.agent import HUGE_CARDS


class JobState(models.TextChoices):
    """Where a job is in its life, in order."""

    SUBMITTED = "submitted", "已提交"  # waits for another job, not yet for cards
    WAITING = "waiting", "等待调度"
    PLACED = "placed", "已调度"
    QUEUED = "queued", "中心排队"
    RUNNING = "running", "运行中"
    DONE = "done", "完成"
    FAILED = "failed", "失败"
    CANCELLED = "cancelled", "已取消"
    LOST = "lost", "失联"


#: a centre holds it: its cards are spoken for
AT_CENTRE = (JobState.PLACED, JobState.QUEUED, JobState.RUNNING)
FINAL_STATES = (JobState.DONE, JobState.FAILED, JobState.CANCELLED, JobState.LOST)


class Upload(models.Model):
    """A working directory as a party packed it (tar.gz, checked before it was stored); its name is its SHA-256.

    Its content is forgotten when nobody has needed it for long; sent again, it is another upload. `projects`: those
    whose tokens sent it, which may use it besides the projects of the jobs that came with it.
    """

    party = models.ForeignKey(Party, on_delete=models.PROTECT, related_name="uploads")
    sha256 = models.CharField(max_length=64)
    size = models.BigIntegerField(help_text="bytes")
    content = models.BinaryField(null=True)
    uploaded_at = models.DateTimeField()
    forgotten_at = models.DateTimeField(null=True, blank=True)
    projects = models.ManyToManyField(Project, blank=True, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="upload_once", fields=["party", "sha256"], condition=Q(forgotten_at__isnull=True)
            ),
            models.CheckConstraint(
                name="upload_is_there_or_forgotten",
                condition=Q(content__isnull=False, forgotten_at__isnull=True)
                | Q(content__isnull=True, forgotten_at__isnull=False),
            ),
            models.CheckConstraint(name="upload_is_named_by_its_hash", condition=Q(sha256__regex=r"^[0-9a-f]{64}$")),
        ]
        triggers = [
            pgtrigger.Protect(
                name="uploads_stay",
                operation=pgtrigger.Update,
                condition=pgtrigger.AnyChange("party", "sha256", "size", "uploaded_at"),
            ),
            pgtrigger.Protect(
                name="uploads_change_only_to_forgotten",
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(new__forgotten_at__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return self.sha256


# A job that names no project is its party's default project's, however it is written; the project is its party's own
# and stays what it was, for budgets are charged by it.
_PROJECT = """
    IF TG_OP = 'UPDATE' THEN
        NEW.project_id := COALESCE(NEW.project_id, OLD.project_id);
        IF NEW.project_id IS DISTINCT FROM OLD.project_id THEN
            RAISE EXCEPTION 'the project of a job stays'
                USING ERRCODE = 'check_violation', CONSTRAINT = 'job_project_stays';
        END IF;
        RETURN NEW;
    END IF;
    IF NEW.project_id IS NULL THEN
        SELECT id INTO NEW.project_id FROM parties_project WHERE party_id = NEW.party_id AND code = 'default';
        IF NEW.project_id IS NULL THEN
            INSERT INTO parties_project (party_id, code, name, created_by, created_at)
                VALUES (NEW.party_id, 'default', '默认项目', '', now()) ON CONFLICT DO NOTHING;
            SELECT id INTO NEW.project_id FROM parties_project WHERE party_id = NEW.party_id AND code = 'default';
        END IF;
    ELSIF NOT EXISTS (SELECT 1 FROM parties_project WHERE id = NEW.project_id AND party_id = NEW.party_id) THEN
        RAISE EXCEPTION 'the project of a job is its party''s'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'job_project_is_its_partys';
    END IF;
    RETURN NEW;
"""


class Job(models.Model):
    """What a party asks to run. Its uid is its name everywhere, at the centre too.

    `run` counts from 0: a job that failed and may be tried again is placed anew with the next run. `lease` counts
    the placements: what an agent says under an earlier lease is not believed.
    """

    uid = models.CharField(max_length=32, primary_key=True)
    party = models.ForeignKey(Party, on_delete=models.PROTECT, related_name="jobs")
    project = models.ForeignKey(
        Project, on_delete=models.PROTECT, blank=True, related_name="jobs", help_text="none given: the party's default"
    )
    submitted_by = models.CharField(max_length=80)
    name = models.CharField(max_length=120)
    array_uid = models.CharField(max_length=32, blank=True, help_text="uid of the array's first job")
    array_index = models.PositiveIntegerField(null=True, blank=True)
    submission = models.CharField(
        max_length=64, blank=True, help_text="digest of the request and its key: sent again, it finds this job"
    )
    # what runs: a command, or a script, in an image or not
    command = models.JSONField(default=list, help_text="a list of words, never handed to a shell")
    script = models.TextField(blank=True, help_text="a whole script with its first line #!; run as a file")
    image = models.CharField(max_length=300, blank=True, help_text="container image, for engines that run containers")
    environment = models.JSONField(default=dict)
    workdir = models.ForeignKey(Upload, on_delete=models.PROTECT, null=True, blank=True, related_name="jobs")
    outputs = models.CharField(max_length=400, blank=True, help_text="folder in the working directory that is kept")
    # what it runs on
    cards = models.PositiveIntegerField(help_text="of the whole job")
    takes_slots = models.BooleanField(
        default=False, help_text="no accelerator was asked for: a processor slot of a trial machine will do"
    )
    nodes = models.PositiveIntegerField(default=1, help_text="gang: the cards lie evenly on so many nodes")
    card_models = ArrayField(
        models.CharField(max_length=60), default=list, blank=True, help_text="models that will do; empty: any"
    )
    vendor = models.CharField(max_length=60, blank=True)
    min_memory_gib = models.PositiveIntegerField(default=0)
    min_tflops_fp16 = models.DecimalField(max_digits=8, decimal_places=1, default=0)
    # where and when
    wanted_centre = models.ForeignKey(Centre, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    wanted_city = models.ForeignKey(Region, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    data_centre = models.ForeignKey(Centre, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    data_city = models.ForeignKey(Region, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    price_ceiling_fen = models.BigIntegerField(null=True, blank=True, help_text="fen per card-hour, before subsidy")
    deadline = models.DateTimeField(null=True, blank=True)
    time_limit_seconds = models.PositiveIntegerField(default=3600)
    retries = models.PositiveSmallIntegerField(default=0, help_text="runs after a failure, besides the first")
    notify_url = models.CharField(max_length=500, blank=True)
    source_format = models.CharField(max_length=20, default="huisuan")
    notes = models.JSONField(default=list, help_text="what the submitted file said that could not be carried over")
    session_kind = models.CharField(max_length=10, blank=True, default="", help_text="of an interactive session")
    # how it stands
    state = models.CharField(max_length=10, choices=JobState, default=JobState.WAITING)
    run = models.PositiveSmallIntegerField(default=0)
    lease = models.PositiveIntegerField(default=0)
    predicted_seconds = models.PositiveIntegerField(
        null=True, blank=True, help_text="how long it was thought to run when it was placed"
    )
    centre = models.ForeignKey(Centre, on_delete=models.PROTECT, null=True, blank=True, related_name="jobs")
    accelerator = models.ForeignKey(
        Accelerator, on_delete=models.PROTECT, null=True, blank=True, related_name="+", help_text="what it was given"
    )
    partition = models.CharField(max_length=60, blank=True, help_text="where at the centre")
    fen_per_card_hour = models.BigIntegerField(null=True, blank=True, help_text="price when it was placed")
    reasons = models.JSONField(default=list, help_text="why it was placed there, or why not yet")
    submitted_at = models.DateTimeField()
    placed_at = models.DateTimeField(null=True, blank=True)
    queued_at = models.DateTimeField(null=True, blank=True)
    running_since = models.DateTimeField(null=True, blank=True, help_text="when the platform heard that it runs")
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    expected_start = models.DateTimeField(
        null=True, blank=True, help_text="when it is expected to begin, by its reservation or the centre's scheduler"
    )
    cancel_requested_at = models.DateTimeField(null=True, blank=True)
    exit_code = models.IntegerField(null=True, blank=True)

    class Meta:
        ordering = ["-submitted_at", "uid"]
        indexes = [
            # lists, newest first: of a party, of all; the columns that the filter box looks in come along
            models.Index(
                name="job_of_a_party_newest",
                fields=["party", "-submitted_at", "-uid"],
                include=["name", "submitted_by", "array_uid"],
            ),
            models.Index(name="job_newest", fields=["-submitted_at", "-uid"]),
            models.Index(fields=["centre", "state"]),
            models.Index(name="job_of_a_project", fields=["project", "-submitted_at"]),
            models.Index(name="job_waiting", fields=["submitted_at", "uid"], condition=Q(state="waiting")),
            # how long a job is thought to run is learned from those that began last, of its user and of all
            models.Index(
                name="job_of_a_user_by_begin",
                fields=["party", "submitted_by", "cards", "-started_at"],
                condition=Q(started_at__isnull=False),
            ),
            models.Index(name="job_by_begin", fields=["cards", "-started_at"], condition=Q(started_at__isnull=False)),
            # what webhooks wait to hear is looked for every few seconds, among the few jobs that have one
            models.Index(name="job_with_a_webhook", fields=["ended_at"], condition=~Q(notify_url="")),
            models.Index(name="job_of_an_array", fields=["array_uid"], condition=~Q(array_uid="")),
        ]
        constraints = [
            models.UniqueConstraint(
                name="job_submitted_once", fields=["party", "submission"], condition=~Q(submission="")
            ),
            models.CheckConstraint(
                name="job_asks_for_cards", condition=Q(cards__gte=1, cards__lte=HUGE_CARDS, nodes__gte=1)
            ),
            models.CheckConstraint(name="job_lies_evenly_on_nodes", condition=Q(cards__gte=F("nodes"))),
            models.CheckConstraint(name="job_state_is_known", condition=Q(state__in=JobState.values)),
            models.CheckConstraint(
                name="job_at_a_centre_has_one",
                condition=~Q(state__in=AT_CENTRE) | Q(centre__isnull=False, accelerator__isnull=False, lease__gte=1),
            ),
            models.CheckConstraint(
                name="job_ends_after_it_starts", condition=Q(ended_at__isnull=True) | Q(ended_at__gte=F("started_at"))
            ),
        ]
        triggers = [
            pgtrigger.Trigger(
                name="job_has_a_project",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert | pgtrigger.UpdateOf("project_id"),  # type: ignore[no-untyped-call]
                func=_PROJECT,
            )
        ]

    def __str__(self) -> str:
        return self.uid


class JobDependency(models.Model):
    """`job` begins only when `after` is done; it is cancelled when `after` ends otherwise."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="dependencies")
    after = models.ForeignKey(Job, on_delete=models.PROTECT, related_name="followers")

    class Meta:
        constraints = [
            models.UniqueConstraint(name="job_dependency_once", fields=["job", "after"]),
            models.CheckConstraint(name="job_does_not_wait_for_itself", condition=~Q(job=F("after"))),
        ]

    def __str__(self) -> str:
        return f"{self.job_id} after {self.after_id}"


class JobEvent(models.Model):
    """A step in a job's life, kept for good: when, what, why. `notified_at`: when its webhook took it."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="events")
    at = models.DateTimeField()
    run = models.PositiveSmallIntegerField()
    lease = models.PositiveIntegerField()
    state = models.CharField(max_length=10, choices=JobState)
    centre = models.ForeignKey(Centre, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    text = models.TextField(blank=True)
    tries = models.PositiveSmallIntegerField(default=0, help_text="of telling the webhook")
    notified_at = models.DateTimeField(null=True, blank=True)
    began_at = models.DateTimeField(
        null=True, blank=True, help_text="of a run that failed and is tried again: when it last began"
    )

    class Meta:
        ordering = ["job", "id"]
        constraints = [models.CheckConstraint(name="event_state_is_known", condition=Q(state__in=JobState.values))]

    def __str__(self) -> str:
        return f"{self.job_id} {self.state}"


class EndedArray(models.Model):
    """A note that a job of this array has just ended: the worker looks whether it was the last, and tells.

    Without a unique constraint on purpose: two transactions that end jobs of one array must not wait for each other.
    """

    array_uid = models.CharField(max_length=32)

    def __str__(self) -> str:
        return self.array_uid


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
