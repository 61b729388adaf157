"""Checks of applications: each with its answer, the reason, what it saw and when. Never changed."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from huisuan.base.db.append_only import append_only
from huisuan.parties.models import Person
from huisuan.programmes.models.applications import Application
from huisuan.programmes.models.submissions import ApplicationSubmission


class CheckKind(models.TextChoices):
    """What is asked of an application, in this order."""

    LAW = "law", "政策条件"
    STACKING = "stacking", "与其他补助的叠加"
    OBJECTS = "objects", "申报对象"
    RELATIONS = "relations", "关联关系"
    CREDIT = "credit", "信用名单"
    DEBTS = "debts", "未还款项"
    PERFORMANCE = "performance", "既往项目评价"
    BESIDE = "beside", "填报与平台所见"


class ApplicationCheck(models.Model):
    """One answer of a round of checks: of a submission, or of what was offered."""

    application = models.ForeignKey(Application, on_delete=models.PROTECT, related_name="check_answers")
    submission = models.ForeignKey(
        ApplicationSubmission,
        on_delete=models.PROTECT,
        null=True,
        related_name="check_answers",
        help_text="none: an offer",
    )
    round = models.PositiveIntegerField(help_text="from 1; all kinds are asked in each")
    kind = models.CharField(max_length=12, choices=CheckKind)
    passed = models.BooleanField(null=True, help_text="none: something was found that nobody fails by; it is answered")
    reason = models.CharField(max_length=2000)
    saw = models.JSONField(default=dict)
    by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        ordering = ["application", "round", "id"]
        constraints = [
            models.UniqueConstraint(name="check_once_a_round", fields=["application", "round", "kind"]),
            models.CheckConstraint(name="check_is_known", condition=Q(kind__in=[kind.value for kind in CheckKind])),
            models.CheckConstraint(name="check_says_why", condition=~Q(reason="") & Q(round__gte=1)),
        ]
        triggers = [append_only("checks_stay")]

    def __str__(self) -> str:
        return f"{self.application_id} {self.kind}"
