"""Long work about settings that somebody asked of the background worker: a comparison, a budget of a scenario."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from huisuan.base.db.background_work import WORK_UNDER_WAY, BackgroundWork, WorkState
from huisuan.settlement.models.adoption import Comparison, SettingsProposal

_ENDS = Q(state__in=WORK_UNDER_WAY, ended_at__isnull=True) | (~Q(state__in=WORK_UNDER_WAY) & Q(ended_at__isnull=False))


class ComparisonRequest(BackgroundWork):
    """A proposal that somebody asked to compare over a settled year, and what became of it."""

    proposal = models.ForeignKey(SettingsProposal, on_delete=models.PROTECT, related_name="requests")
    year = models.IntegerField()
    comparison = models.ForeignKey(Comparison, on_delete=models.PROTECT, null=True, related_name="requests")

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                name="one_comparison_under_way_a_year",
                fields=["proposal", "year"],
                condition=Q(state__in=WORK_UNDER_WAY),
            ),
            models.CheckConstraint(
                name="comparison_request_done_has_it",
                condition=Q(state=WorkState.DONE, comparison__isnull=False)
                | (~Q(state=WorkState.DONE) & Q(comparison__isnull=True)),
            ),
            models.CheckConstraint(name="comparison_request_over_has_its_end", condition=_ENDS),
        ]

    def __str__(self) -> str:
        return f"{self.proposal_id} over {self.year}: {self.state}"


class ScenarioRequest(BackgroundWork):
    """A scenario that somebody asked to budget over a sample; its result is kept for whoever opens the same scenario.

    `key` is the digest of all that the figures rest on: the law as known, the scenario, the day, the sample.
    `scenario` holds it as a scenario file does, so that the worker needs nothing but this row.
    """

    key = models.CharField(max_length=64)
    policy = models.CharField(max_length=60)
    on = models.DateField()
    as_known = models.DateField()
    parties = models.IntegerField(help_text="size of the sample")
    seed = models.BigIntegerField()
    scenario = models.JSONField(help_text="values and figures that are supposed; empty: the law as it is")
    address = models.TextField(help_text="the query of the page that asked")
    result = models.JSONField(null=True)

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(name="budget_by_key", fields=["key", "-id"])]
        constraints = [
            models.UniqueConstraint(
                name="one_budget_under_way_a_scenario", fields=["key"], condition=Q(state__in=WORK_UNDER_WAY)
            ),
            models.CheckConstraint(
                name="budget_request_done_has_it",
                condition=Q(state=WorkState.DONE, result__isnull=False)
                | (~Q(state=WorkState.DONE) & Q(result__isnull=True)),
            ),
            models.CheckConstraint(name="budget_request_over_has_its_end", condition=_ENDS),
        ]

    def __str__(self) -> str:
        return f"{self.policy} {self.on}: {self.state}"
