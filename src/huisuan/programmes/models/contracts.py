"""The plan of an applicant, the contract made of it, its milestones and targets. Append-only.

The targets of the plan are held by the contract: one that is lower says why and who agreed. Once agreed, a figure is
changed by an amendment alone. What the milestones are worth together is at most the award; no more is ordered than what
the accepted ones are worth (`OrderUnderContract`).
"""

from __future__ import annotations

import pgtrigger
from django.db import models
from django.db.models import Q

from huisuan.base.db.append_only import append_only
from huisuan.parties.models import Person
from huisuan.programmes.models.applications import Application
from huisuan.programmes.models.awards import Award
from huisuan.treasury.models.ledger import LARGEST_AMOUNT


class PlannedTarget(models.Model):
    """A target of the submitted plan: a figure with its unit, of which more (or less) is better."""

    application = models.ForeignKey(Application, on_delete=models.PROTECT, related_name="planned_targets")
    code = models.CharField(max_length=20)
    name = models.CharField(max_length=120)
    unit = models.CharField(max_length=20)
    figure = models.DecimalField(max_digits=20, decimal_places=6)
    less_is_better = models.BooleanField(default=False)
    by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        ordering = ["application", "id"]
        constraints = [
            models.UniqueConstraint(name="planned_target_once", fields=["application", "code"]),
            models.CheckConstraint(
                name="planned_target_says_what",
                condition=~Q(code="") & ~Q(name="") & ~Q(unit="") & Q(figure__gte=0),
            ),
        ]
        triggers = [append_only("planned_targets_stay")]

    def __str__(self) -> str:
        return f"{self.application_id} {self.code}"


class Contract(models.Model):
    """The contract of an application on the award that stood when it was drawn up."""

    application = models.OneToOneField(Application, on_delete=models.PROTECT, related_name="contract")
    award = models.OneToOneField(Award, on_delete=models.PROTECT, related_name="contract")
    code = models.CharField(max_length=80, help_text="as both sides call it")
    signed_on = models.DateField()
    task = models.CharField(max_length=40, blank=True, help_text="of the call, where runners race for one")
    by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        ordering = ["-id"]
        constraints = [models.CheckConstraint(name="contract_has_a_code", condition=~Q(code=""))]
        triggers = [
            append_only("contracts_stay"),
            pgtrigger.Trigger(
                name="contract_of_its_own_award",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert,
                func="""
                    IF NOT EXISTS (
                        SELECT 1 FROM programmes_award a
                        WHERE a.id = NEW.award_id AND a.application_id = NEW.application_id)
                    THEN
                        RAISE EXCEPTION 'a contract is made on an award of its application'
                            USING ERRCODE = 'check_violation', CONSTRAINT = 'contract_of_its_own_award';
                    END IF;
                    RETURN NEW;
                """,
            ),
        ]

    def __str__(self) -> str:
        return self.code


class Milestone(models.Model):
    """Something done by a day, and what it is worth (fen; 0: nothing is paid for it)."""

    contract = models.ForeignKey(Contract, on_delete=models.PROTECT, related_name="milestones")
    number = models.PositiveSmallIntegerField(help_text="from 1")
    title = models.CharField(max_length=200)
    due_on = models.DateField()
    amount_fen = models.BigIntegerField()

    class Meta:
        ordering = ["contract", "number"]
        indexes = [models.Index(name="milestones_by_day", fields=["due_on", "id"])]
        constraints = [
            models.UniqueConstraint(name="milestone_once", fields=["contract", "number"]),
            models.CheckConstraint(
                name="milestone_says_what",
                condition=~Q(title="") & Q(number__gte=1, amount_fen__gte=0, amount_fen__lte=LARGEST_AMOUNT),
            ),
        ]
        triggers = [
            append_only("milestones_stay"),
            pgtrigger.Trigger(
                name="milestones_within_the_award",
                level=pgtrigger.Statement,
                when=pgtrigger.After,
                operation=pgtrigger.Insert,
                referencing=pgtrigger.Referencing(new="new_milestones"),  # type: ignore[no-untyped-call]
                func="""
                    PERFORM 1 FROM programmes_contract
                    WHERE id IN (SELECT contract_id FROM new_milestones) ORDER BY id FOR NO KEY UPDATE;
                    IF EXISTS (
                        SELECT 1 FROM programmes_contract c
                        JOIN programmes_award a ON a.id = c.award_id
                        JOIN programmes_milestone m ON m.contract_id = c.id
                        WHERE c.id IN (SELECT contract_id FROM new_milestones)
                        GROUP BY c.id, a.amount_fen HAVING sum(m.amount_fen) > a.amount_fen)
                    THEN
                        RAISE EXCEPTION 'the milestones of a contract are worth no more than its award'
                            USING ERRCODE = 'check_violation', CONSTRAINT = 'milestones_within_the_award';
                    END IF;
                    RETURN NULL;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.contract_id}/{self.number}"


class ContractTarget(models.Model):
    """A figure to be reached by a milestone. `planned`: here the target of the plan has to be met.

    Where the figure is worse than that of the plan, `lowered_because` says why, and who drew up the contract agreed.
    """

    milestone = models.ForeignKey(Milestone, on_delete=models.PROTECT, related_name="targets")
    planned = models.OneToOneField(PlannedTarget, on_delete=models.PROTECT, null=True, related_name="agreed")
    code = models.CharField(max_length=20)
    name = models.CharField(max_length=120)
    unit = models.CharField(max_length=20)
    figure = models.DecimalField(max_digits=20, decimal_places=6)
    less_is_better = models.BooleanField(default=False)
    lowered_because = models.CharField(max_length=1000, blank=True)

    class Meta:
        ordering = ["milestone", "id"]
        constraints = [
            models.UniqueConstraint(name="contract_target_once", fields=["milestone", "code"]),
            models.CheckConstraint(
                name="contract_target_says_what",
                condition=~Q(code="") & ~Q(name="") & ~Q(unit="") & Q(figure__gte=0),
            ),
        ]
        triggers = [
            append_only("contract_targets_stay"),
            pgtrigger.Trigger(
                name="targets_are_not_lower_than_planned",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert,
                condition=pgtrigger.Q(new__planned__isnull=False),
                func="""
                    IF EXISTS (
                        SELECT 1 FROM programmes_plannedtarget p
                        WHERE p.id = NEW.planned_id AND (
                            (p.code, p.unit, p.less_is_better) <> (NEW.code, NEW.unit, NEW.less_is_better)
                            OR NEW.lowered_because = '' AND CASE WHEN p.less_is_better
                                THEN NEW.figure > p.figure ELSE NEW.figure < p.figure END))
                    THEN
                        RAISE EXCEPTION 'a target is not lower than planned, but for a reason on record' USING
                            ERRCODE = 'check_violation', CONSTRAINT = 'targets_are_not_lower_than_planned';
                    END IF;
                    RETURN NEW;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.milestone_id} {self.code}"


class ContractAmendment(models.Model):
    """A supplementary agreement, as both sides call it, with its day and why; what it changes are its `targets`."""

    contract = models.ForeignKey(Contract, on_delete=models.PROTECT, related_name="amendments")
    number = models.PositiveSmallIntegerField(help_text="from 1")
    code = models.CharField(max_length=80)
    agreed_on = models.DateField()
    reason = models.CharField(max_length=1000)
    by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        ordering = ["contract", "number"]
        constraints = [
            models.UniqueConstraint(name="amendment_once", fields=["contract", "number"]),
            models.CheckConstraint(
                name="amendment_says_why", condition=~Q(code="") & ~Q(reason="") & Q(number__gte=1)
            ),
        ]  # fmt: skip
        triggers = [append_only("amendments_stay")]

    def __str__(self) -> str:
        return self.code


class AmendedTarget(models.Model):
    """The figure of a target from an amendment on; that of the last one is in force, those before it stay readable."""

    amendment = models.ForeignKey(ContractAmendment, on_delete=models.PROTECT, related_name="targets")
    target = models.ForeignKey(ContractTarget, on_delete=models.PROTECT, related_name="amended")
    figure = models.DecimalField(max_digits=20, decimal_places=6)

    class Meta:
        ordering = ["amendment", "id"]
        constraints = [
            models.UniqueConstraint(name="amended_target_once", fields=["amendment", "target"]),
            models.CheckConstraint(name="amended_figure_is_one", condition=Q(figure__gte=0)),
        ]
        triggers = [
            append_only("amended_targets_stay"),
            pgtrigger.Trigger(
                name="targets_are_amended_before_acceptance", when=pgtrigger.Before, operation=pgtrigger.Insert,
                func="""
                    IF NOT EXISTS (
                        SELECT 1 FROM programmes_contractamendment a, programmes_contracttarget t
                        JOIN programmes_milestone m ON m.id = t.milestone_id
                        WHERE a.id = NEW.amendment_id AND t.id = NEW.target_id AND m.contract_id = a.contract_id
                          AND NOT EXISTS (SELECT 1 FROM programmes_milestoneresult r
                                          WHERE r.milestone_id = m.id AND r.accepted))
                    THEN
                        RAISE EXCEPTION 'a target of the contract is amended before its milestone is accepted' USING
                            ERRCODE = 'check_violation', CONSTRAINT = 'targets_are_amended_before_acceptance';
                    END IF;
                    RETURN NEW;
                """,
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.amendment_id} {self.target_id}"


class FinalEvaluation(models.Model):
    """How a project was evaluated when it was over, in hundredths of a mark; the next claim of its party sees it.

    Where the procedure asks for the audit: what the project really cost, beside what it was granted on (fen).
    """

    application = models.OneToOneField(Application, on_delete=models.PROTECT, related_name="final_evaluation")
    score = models.PositiveIntegerField(help_text="in hundredths of a mark")
    mark = models.PositiveSmallIntegerField(help_text="the lowest score that was set on that day")
    reason = models.CharField(max_length=1000)
    final_cost_fen = models.BigIntegerField(null=True, help_text="as audited at the end")
    budget_fen = models.BigIntegerField(null=True, help_text="as handed in: what the award was computed on")
    by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(name="evaluation_says_why", condition=~Q(reason="") & Q(score__lte=10_000)),
            models.CheckConstraint(
                name="audit_says_cost_and_budget",
                condition=Q(final_cost_fen__isnull=True, budget_fen__isnull=True)
                | Q(final_cost_fen__gte=0, budget_fen__gte=0),
            ),
        ]
        triggers = [append_only("final_evaluations_stay")]

    @property
    def unspent_fen(self) -> int:
        """What the audit found left of the budget; nothing where it was not asked for, or cost more."""
        return max(0, (self.budget_fen or 0) - (self.final_cost_fen or 0))

    def __str__(self) -> str:
        return f"{self.application_id} {self.score}"
