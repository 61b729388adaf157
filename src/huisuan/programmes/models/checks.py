"""What is on record of an application beside its steps: checks with what they saw, on site by two, moves. Kept."""

from __future__ import annotations

import pgtrigger
from django.db import models
from django.db.models import F, Q

from huisuan.base.db.append_only import append_only
from huisuan.law.procedure import Duty
from huisuan.parties.models import Person
from huisuan.programmes.models.applications import Application, ProcedureEdition
from huisuan.programmes.models.contracts import Milestone
from huisuan.programmes.models.offices import Post
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


# What it says of a step: where the newer procedure has the act, it has it under the duty under which it was taken.
# Else somebody who holds one duty could take what the newer procedure keeps apart.
_MOVE = """
    SELECT edition_id, state, steps_taken INTO held
    FROM programmes_application WHERE id = NEW.application_id FOR NO KEY UPDATE;
    IF held.edition_id <> NEW.from_edition_id OR held.steps_taken <> NEW.after_step
        OR held.state IN ('in_publicity', 'suspended')
        OR NOT EXISTS (
            SELECT 1 FROM programmes_procedureedge e
            WHERE e.edition_id = NEW.to_edition_id AND e.from_state = held.state)
        OR NOT EXISTS (
            SELECT 1 FROM programmes_procedureedition a JOIN programmes_procedureedition b USING (policy, key)
            WHERE a.id = NEW.from_edition_id AND b.id = NEW.to_edition_id)
        OR EXISTS (
            SELECT 1 FROM programmes_applicationstep s
            WHERE s.application_id = NEW.application_id
              AND EXISTS (
                SELECT 1 FROM programmes_procedureedge e
                WHERE e.edition_id = NEW.to_edition_id AND e.action = s.action)
              AND NOT EXISTS (
                SELECT 1 FROM programmes_procedureedge e
                WHERE e.edition_id = NEW.to_edition_id AND e.action = s.action AND e.duty = s.duty)) THEN
        RAISE EXCEPTION 'an application moves to a procedure that goes on from where it is, with the same duties'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'a_move_goes_on_from_where_it_is';
    END IF;
    UPDATE programmes_application SET edition_id = NEW.to_edition_id WHERE id = NEW.application_id;
    RETURN NULL;
"""


class EditionMove(models.Model):
    """An application moved from the procedure that it was under to a newer one of its programme, with a reason."""

    application = models.ForeignKey(Application, on_delete=models.PROTECT, related_name="moves")
    from_edition = models.ForeignKey(ProcedureEdition, on_delete=models.PROTECT, related_name="+")
    to_edition = models.ForeignKey(ProcedureEdition, on_delete=models.PROTECT, related_name="+")
    after_step = models.PositiveIntegerField(help_text="how many steps it had taken")
    duty = models.CharField(max_length=10)
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    post = models.ForeignKey(Post, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    reason = models.CharField(max_length=1000)

    class Meta:
        ordering = ["application", "id"]
        constraints = [
            models.CheckConstraint(name="move_to_another", condition=~Q(from_edition=models.F("to_edition"))),
            models.CheckConstraint(
                name="move_by_an_official_with_a_reason",
                condition=~Q(duty=Duty.APPLY.value) & Q(reason__regex=r"\S"),
            ),
        ]
        triggers = [
            append_only("moves_stay"),
            pgtrigger.Trigger(
                name="moves_change_the_procedure",
                when=pgtrigger.After,
                operation=pgtrigger.Insert,
                declare=[("held", "record")],
                func=_MOVE,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.application_id} {self.from_edition_id} to {self.to_edition_id}"


class SiteCheck(models.Model):
    """What two persons found on site on a day, as one of them entered it; it counts once the other has confirmed it.

    Neither of the two belongs or is tied to the applicant.
    """

    milestone = models.ForeignKey(Milestone, on_delete=models.PROTECT, related_name="site_checks")
    day = models.DateField()
    first = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    second = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    text = models.CharField(max_length=4000)
    holds = models.BooleanField(help_text="what was reported was found")
    by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        ordering = ["milestone", "id"]
        constraints = [
            models.CheckConstraint(name="two_persons_check_on_site", condition=~Q(first=F("second"))),
            models.CheckConstraint(name="site_check_says_something", condition=~Q(text="")),
        ]
        triggers = [
            append_only("site_checks_stay"),
            pgtrigger.Trigger(
                name="nobody_tied_checks_on_site",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert,
                declare=[("today", "date")],
                func="""
                    today := (NEW.at AT TIME ZONE 'Asia/Shanghai')::date;
                    IF EXISTS (
                        SELECT 1 FROM programmes_milestone m
                        JOIN programmes_contract c ON c.id = m.contract_id
                        JOIN programmes_application a ON a.id = c.application_id
                        JOIN parties_person p ON p.id IN (NEW.first_id, NEW.second_id)
                        WHERE m.id = NEW.milestone_id AND (
                            p.party_id = a.party_id OR p.city_id = a.city_id
                            OR EXISTS (SELECT 1 FROM programmes_dutyheld d WHERE d.application_id = a.id
                                       AND d.person_id = p.id AND d.duty = 'apply')
                            OR EXISTS (SELECT 1 FROM programmes_experttie t
                                       JOIN programmes_expert e ON e.id = t.expert_id
                                       WHERE e.person_id = p.id AND t.party_id = a.party_id
                                         AND (t.starts <= NEW.day AND (t.ends IS NULL OR t.ends > NEW.day)
                                              OR t.starts <= today AND (t.ends IS NULL OR t.ends > today)))))
                    THEN
                        RAISE EXCEPTION 'nobody who belongs or is tied to the applicant checks on site'
                            USING ERRCODE = 'check_violation', CONSTRAINT = 'nobody_tied_checks_on_site';
                    END IF;
                    IF NEW.by_id NOT IN (NEW.first_id, NEW.second_id) OR NEW.day > today OR NEW.day < (
                        SELECT LEAST(c.signed_on, (c.at AT TIME ZONE 'Asia/Shanghai')::date)
                        FROM programmes_milestone m JOIN programmes_contract c ON c.id = m.contract_id
                        WHERE m.id = NEW.milestone_id)
                    THEN
                        RAISE EXCEPTION 'one of the two enters a check on site, of a day from the contract until now'
                            USING ERRCODE = 'check_violation', CONSTRAINT = 'nobody_tied_checks_on_site';
                    END IF;
                    RETURN NEW;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.milestone_id} {self.day}"


class SiteCheckConfirmation(models.Model):
    """That the other of the two on site found the same, said by that person alone; or what was otherwise."""

    site_check = models.OneToOneField(SiteCheck, on_delete=models.PROTECT, related_name="confirmation")
    agrees = models.BooleanField()
    text = models.CharField(max_length=1000, blank=True, help_text="what was otherwise")
    by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                name="who_found_otherwise_says_what", condition=Q(agrees=True) | Q(text__regex=r"\S")
            )
        ]
        triggers = [
            append_only("site_check_confirmations_stay"),
            pgtrigger.Trigger(
                name="the_other_of_the_two_confirms",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert,
                func="""
                    IF NOT EXISTS (
                        SELECT 1 FROM programmes_sitecheck s WHERE s.id = NEW.site_check_id AND NEW.at >= s.at
                        AND NEW.by_id IN (s.first_id, s.second_id) AND NEW.by_id <> s.by_id)
                    THEN
                        RAISE EXCEPTION 'a check on site is confirmed by the one of the two who did not enter it'
                            USING ERRCODE = 'check_violation', CONSTRAINT = 'the_other_of_the_two_confirms';
                    END IF;
                    RETURN NEW;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.site_check_id}"
