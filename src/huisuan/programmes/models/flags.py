"""Flags on applications: something that somebody else than the checker has to look at and answer with a reason."""

from __future__ import annotations

import pgtrigger
from django.db import models
from django.db.models import F, Q

from huisuan.parties.models import Person
from huisuan.programmes.models.applications import Application


class FlagReason(models.TextChoices):
    """Why somebody has to look."""

    SAME_OBJECT = "same_object", "同一申报对象另有申报"
    SAME_EVIDENCE = "same_evidence", "佐证材料相同"
    SAME_ACCOUNT = "same_account", "收款账户相同"
    SAME_CONTACT = "same_contact", "联系人相同"
    CONTROL_PATH = "control_path", "两家申报单位有控制关系"
    LATE_RELATION = "late_relation", "事后登记的关系使已办的步骤应回避"
    FACT_DIFFERS = "fact_differs", "填报与平台所见不同"
    STRUCK_EVIDENCE = "struck_evidence", "佐证材料的出具机构已失去资格"


class ApplicationFlag(models.Model):
    """What was found about an application, and `other` (the one raised first) where it lies between two.

    `about` tells flags of one kind apart: the hash of a file, the code of an object; `saw` is what it was found by. It
    is answered once, with a reason, by nobody who has checked either of them or whom it is about.
    """

    application = models.ForeignKey(Application, on_delete=models.PROTECT, related_name="flags")
    other = models.ForeignKey(Application, on_delete=models.PROTECT, null=True, related_name="flags_of_others")
    kind = models.CharField(max_length=20, choices=FlagReason)
    about = models.CharField(max_length=200)
    saw = models.JSONField(default=dict)
    raised_at = models.DateTimeField()
    answered_by = models.ForeignKey(Person, on_delete=models.PROTECT, null=True, related_name="+")
    answered_at = models.DateTimeField(null=True)
    reason = models.CharField(max_length=1000, blank=True)

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(name="flags_that_wait", fields=["application"], condition=Q(answered_at__isnull=True))]
        constraints = [
            models.UniqueConstraint(
                name="application_flag_once", fields=["application", "other", "kind", "about"], nulls_distinct=False
            ),
            models.CheckConstraint(name="flag_is_known", condition=Q(kind__in=[kind.value for kind in FlagReason])),
            models.CheckConstraint(name="flag_is_between_two", condition=~Q(other=F("application"))),
            models.CheckConstraint(
                name="flag_is_answered_with_a_reason",
                condition=Q(answered_by__isnull=True, answered_at__isnull=True, reason="")
                | (Q(answered_by__isnull=False, answered_at__isnull=False) & ~Q(reason="")),
            ),
        ]
        triggers = [
            pgtrigger.Trigger(
                name="flags_are_not_answered_by_whom_they_are_about",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert | pgtrigger.Update,
                func="""
                    IF EXISTS (
                        SELECT 1 FROM parties_person p
                        WHERE p.id = NEW.answered_by_id AND p.username = NEW.saw ->> 'person')
                    THEN
                        RAISE EXCEPTION 'a flag is answered by somebody whom it is not about' USING
                            ERRCODE = 'check_violation', CONSTRAINT = 'flags_are_not_answered_by_whom_they_are_about';
                    END IF;
                    RETURN NEW;
                """,
            ),
            pgtrigger.Protect(name="flags_stay", operation=pgtrigger.Delete),
            pgtrigger.ReadOnly(name="flags_keep_what_they_saw", exclude=["answered_by", "answered_at", "reason"]),
            pgtrigger.Protect(
                name="flags_are_answered_once",
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(old__answered_at__isnull=False),
            ),
            pgtrigger.Trigger(
                name="flags_are_not_answered_by_the_checker",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert | pgtrigger.Update,
                func="""
                    IF NEW.answered_by_id IS NOT NULL AND EXISTS (
                        SELECT 1 FROM programmes_dutyheld d
                        WHERE d.person_id = NEW.answered_by_id AND d.duty IN ('check', 'apply')
                          AND d.application_id IN (NEW.application_id, NEW.other_id))
                    THEN
                        RAISE EXCEPTION 'a flag is answered by somebody other than the checker'
                            USING ERRCODE = 'check_violation', CONSTRAINT = 'flags_are_not_answered_by_the_checker';
                    END IF;
                    RETURN NEW;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.application_id} {self.kind}"
