"""Budgets of firms and their projects, what is reserved of them for placed jobs, and the use that is charged to them.

Money in fen, use in card-seconds, both integers. A budget is never changed: another limit is another budget. So is a
reservation: it is made with a placement and closed once, and says with what.
"""

from __future__ import annotations

import pgtrigger
from django.db import models
from django.db.models import F, Q

from huisuan.base.db.append_only import append_only
from huisuan.compute.models.centres import Accelerator, Centre
from huisuan.compute.models.jobs import Job
from huisuan.compute.models.usage_days import use_month_triggers
from huisuan.parties.models import Party, Project
from huisuan.protocol.firm import HUGE_LIMIT


class BudgetPeriod(models.TextChoices):
    """How often a budget begins anew, at Asia/Shanghai."""

    YEAR = "year", "年"
    MONTH = "month", "月"


class BudgetUnit(models.TextChoices):
    """What a budget is of."""

    FEN = "fen", "分"
    CARD_SECONDS = "card_seconds", "卡秒"


class FirmBudget(models.Model):
    """The most that a project, or the whole firm (no project), may use in each period; `hard` holds placement."""

    party = models.ForeignKey(Party, on_delete=models.PROTECT, related_name="budgets")
    project = models.ForeignKey(Project, on_delete=models.PROTECT, null=True, blank=True, related_name="budgets")
    period = models.CharField(max_length=5, choices=BudgetPeriod)
    unit = models.CharField(max_length=12, choices=BudgetUnit)
    limit = models.BigIntegerField(help_text="fen, or card-seconds")
    hard = models.BooleanField(help_text="no job is placed beyond it; otherwise it only alerts")
    set_by = models.CharField(max_length=80)
    set_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.CharField(max_length=80, blank=True)

    class Meta:
        ordering = ["party", "project", "period", "unit", "-hard", "id"]
        constraints = [
            models.UniqueConstraint(
                name="budget_stands_once", fields=["party", "project", "period", "unit", "hard"],
                condition=Q(ended_at__isnull=True), nulls_distinct=False,
            ),
            models.CheckConstraint(name="budget_limit_is_sane", condition=Q(limit__gte=0, limit__lte=HUGE_LIMIT)),
            models.CheckConstraint(
                name="budget_words_are_known",
                condition=Q(period__in=BudgetPeriod.values, unit__in=BudgetUnit.values),
            ),
            models.CheckConstraint(
                name="budget_ends_by_somebody",
                condition=Q(ended_at__isnull=True, ended_by="") | (Q(ended_at__gte=F("set_at")) & ~Q(ended_by="")),
            ),
        ]  # fmt: skip
        triggers = [
            pgtrigger.Protect(name="budgets_stay", operation=pgtrigger.Delete),
            pgtrigger.Protect(
                name="budgets_only_end",
                operation=pgtrigger.Update,
                condition=pgtrigger.AnyChange(
                    "party", "project", "period", "unit", "limit", "hard", "set_by", "set_at"
                ),
            ),
            pgtrigger.Protect(
                name="budgets_end_once", operation=pgtrigger.Update, condition=pgtrigger.Q(old__ended_at__isnull=False)
            ),
            pgtrigger.Trigger(
                name="budget_is_of_its_firms_project",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert,
                func="""
                    IF NEW.project_id IS NOT NULL AND NOT EXISTS (
                        SELECT 1 FROM parties_project WHERE id = NEW.project_id AND party_id = NEW.party_id
                    ) THEN
                        RAISE EXCEPTION 'a budget is of a project of its firm' USING ERRCODE = 'check_violation';
                    END IF;
                    RETURN NEW;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.party_id}/{self.project_id or '*'} {self.limit} {self.unit} a {self.period}"


class ReservationOutcome(models.TextChoices):
    """What became of a reservation."""

    METERED = "metered", "已计量"
    NEVER_BEGAN = "never_began", "没有开始"
    UNMETERED = "unmetered", "没有计量送到"


class BudgetReservation(models.Model):
    """The most that one placement of a job can use: made with its lease, closed when its use is metered or cannot be.

    `card_seconds` is cards x time limit; `fen_per_card_hour` the highest price of the pool on record for the day of
    the placement or later (None: no price).
    """

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="reservations")
    run = models.PositiveSmallIntegerField()
    lease = models.PositiveIntegerField()
    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="reservations")
    centre = models.ForeignKey(Centre, on_delete=models.PROTECT, related_name="+")
    accelerator = models.ForeignKey(Accelerator, on_delete=models.PROTECT, related_name="+")
    card_seconds = models.BigIntegerField()
    fen_per_card_hour = models.BigIntegerField(null=True, blank=True)
    placed_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)
    outcome = models.CharField(max_length=12, choices=ReservationOutcome, blank=True)

    class Meta:
        ordering = ["id"]
        indexes = [
            models.Index(name="reservation_open", fields=["project"], condition=Q(closed_at__isnull=True)),
        ]
        constraints = [
            models.UniqueConstraint(name="reservation_once", fields=["job", "lease"]),
            models.CheckConstraint(
                name="reservation_closes_with_an_outcome",
                condition=Q(closed_at__isnull=True, outcome="")
                | Q(closed_at__isnull=False, outcome__in=ReservationOutcome.values),
            ),
            models.CheckConstraint(
                name="reservation_is_of_something",
                condition=Q(card_seconds__gte=1) & (Q(fen_per_card_hour__isnull=True) | Q(fen_per_card_hour__gte=0)),
            ),
        ]
        triggers = [
            pgtrigger.Protect(
                name="reservations_only_close",
                operation=pgtrigger.Update,
                condition=pgtrigger.AnyChange(
                    "job", "run", "lease", "project", "centre", "accelerator", "card_seconds", "fen_per_card_hour",
                    "placed_at",
                ),
            ),
            pgtrigger.Protect(
                name="reservations_close_once",
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(old__closed_at__isnull=False),
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.job_id} #{self.lease}: {self.card_seconds}"


class AlertKind(models.TextChoices):
    """What a budget's alert says."""

    HALF = "50", "已用 50%"
    MOST = "80", "已用 80%"
    REACHED = "100", "已用 100%"
    HELD = "held", "有作业在等预算"


class BudgetAlert(models.Model):
    """That a budget's use reached a share of it in a period, or first held a job back: recorded once each.

    `used` and `reserved` are in the budget's unit (fen rounded down) as they stood at `at`.
    """

    budget = models.ForeignKey(FirmBudget, on_delete=models.PROTECT, related_name="alerts")
    starts = models.DateField(help_text="first day of the period")
    kind = models.CharField(max_length=4, choices=AlertKind)
    at = models.DateTimeField()
    used = models.BigIntegerField()
    reserved = models.BigIntegerField()
    job_uid = models.CharField(max_length=32, blank=True, help_text="the job that was held back")

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(name="budget_alert_once", fields=["budget", "starts", "kind"]),
            models.CheckConstraint(name="budget_alert_kind_is_known", condition=Q(kind__in=AlertKind.values)),
        ]
        triggers = [append_only("budget_alerts_stay")]

    def __str__(self) -> str:
        return f"{self.budget_id} {self.starts} {self.kind}"


class PartyUseTally(models.Model):
    """How far a centre's records are counted in the days of its users: up to this sequence."""

    centre = models.OneToOneField(Centre, on_delete=models.CASCADE, related_name="party_tally")
    sequence = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.centre_id} up to {self.sequence}"


class PartyUseDay(models.Model):
    """Card-seconds of one day (Shanghai) by party, project, user, centre and model: counted out of usage records.

    `project` is empty for use that did not come by way of the platform; `user` is who submitted a job of the
    platform, otherwise the user of the centre's scheduler. Made anew at will, told by nobody.
    """

    party = models.ForeignKey(Party, on_delete=models.CASCADE, related_name="use_days")
    project = models.ForeignKey(Project, on_delete=models.CASCADE, null=True, blank=True, related_name="use_days")
    user = models.CharField(max_length=120)
    centre = models.ForeignKey(Centre, on_delete=models.CASCADE, related_name="+")
    accelerator = models.ForeignKey(Accelerator, on_delete=models.PROTECT, related_name="+")
    day = models.DateField()
    card_seconds = models.BigIntegerField()

    class Meta:
        ordering = ["party", "day"]
        # a centre's desk asks for its own days, whoever used it (the unique index begins with the party)
        indexes = [
            models.Index(
                name="party_use_of_a_centre",
                fields=["centre", "day"],
                include=["party", "accelerator", "user", "card_seconds"],
            )
        ]
        constraints = [
            models.UniqueConstraint(
                name="party_use_day_once", fields=["party", "day", "project", "user", "centre", "accelerator"],
                nulls_distinct=False,
            ),
        ]  # fmt: skip
        triggers = use_month_triggers()

    def __str__(self) -> str:
        return f"{self.party_id} {self.day}: {self.card_seconds}"
