"""Submissions: what an application said each time that it was handed in."""

from __future__ import annotations

import pgtrigger
from django.db import models
from django.db.models import Q

from huisuan.base.db.append_only import append_only
from huisuan.parties.models import Person
from huisuan.programmes.models.applications import Application, ApplicationStep


class ApplicationSubmission(models.Model):
    """What an application said when it was handed in: copied from its draft, hashed, never changed.

    `facts` are the texts as typed, `known` what the platform filled in itself (value, source, day); `evidence` lists
    the files by hash, so that one withdrawn from the draft later stays here. A correction is the next `version`.
    """

    application = models.ForeignKey(Application, on_delete=models.PROTECT, related_name="submissions")
    version = models.PositiveSmallIntegerField()
    step = models.OneToOneField(ApplicationStep, on_delete=models.PROTECT, related_name="submission")
    draft_version = models.PositiveIntegerField()
    facts = models.JSONField(default=dict)
    known = models.JSONField(default=dict)
    evidence = models.JSONField(default=list)
    task = models.CharField(max_length=40, blank=True)
    named = models.JSONField(default=list, help_text="the objects that it claims for: kind and code")
    law = models.CharField(max_length=64, help_text="digest of the policy as it was read")
    read_on = models.DateField(help_text="the day on which the law is read for it")
    by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(help_text="the platform's clock when the whole request had come")
    hash = models.CharField(max_length=64)

    class Meta:
        ordering = ["application", "version"]
        constraints = [
            models.UniqueConstraint(name="submission_once", fields=["application", "version"]),
            models.CheckConstraint(name="submission_has_a_version", condition=Q(version__gte=1)),
            models.CheckConstraint(
                name="submission_has_its_hashes", condition=Q(hash__regex="^[0-9a-f]{64}$", law__regex="^[0-9a-f]{64}$")
            ),
        ]
        triggers = [
            append_only("submissions_stay"),
            pgtrigger.Trigger(
                name="submissions_come_in_time_and_order",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert,
                func="""
                    IF NEW.version = 1 AND EXISTS (
                        SELECT 1 FROM programmes_application a JOIN programmes_call c ON c.id = a.call_id
                        WHERE a.id = NEW.application_id AND (
                            NEW.at < c.first_day::timestamp AT TIME ZONE 'Asia/Shanghai'
                            OR NEW.at >= (c.last_day + 1)::timestamp AT TIME ZONE 'Asia/Shanghai'))
                    THEN
                        RAISE EXCEPTION 'a submission comes while its call is open'
                            USING ERRCODE = 'check_violation', CONSTRAINT = 'submissions_come_in_time_and_order';
                    END IF;
                    IF NEW.version > 1 AND NOT EXISTS (
                        SELECT 1 FROM programmes_applicationsubmission s
                        WHERE s.application_id = NEW.application_id AND s.version = NEW.version - 1)
                    THEN
                        RAISE EXCEPTION 'a correction follows the version before'
                            USING ERRCODE = 'check_violation', CONSTRAINT = 'submissions_come_in_time_and_order';
                    END IF;
                    RETURN NEW;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.application_id} v{self.version}"


class PersonConsent(models.Model):
    """That a person whom a claim is about agreed to it. The name is all that is kept of the person here.

    `paper` says by which paper, `given_on` when it was signed. The name is erased once the consent is withdrawn. One
    given `again` was entered after a consent to this application had been taken back: it counts once it is confirmed.
    """

    application = models.ForeignKey(Application, on_delete=models.PROTECT, related_name="consents")
    name = models.CharField(max_length=80)
    paper = models.CharField(max_length=200, help_text="the signed paper: its number, or where it is kept")
    given_on = models.DateField()
    again = models.BooleanField(default=False, db_default=False, help_text="entered after a withdrawal")
    by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                name="consent_of_a_person_once", fields=["application", "name"], condition=~Q(name="")
            ),
            models.CheckConstraint(name="consent_has_its_paper", condition=Q(paper__regex=r"\S")),
        ]
        triggers = [
            pgtrigger.Protect(name="consents_stay", operation=pgtrigger.Delete),
            pgtrigger.ReadOnly(name="consents_keep_what_they_say", exclude=["name"]),
            pgtrigger.Trigger(
                name="a_new_consent_follows_what_was_taken_back",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert,
                declare=[("last_day", "date")],
                func="""
                    SELECT max(w.withdrawn_on) INTO last_day FROM programmes_consentwithdrawal w
                    JOIN programmes_personconsent c ON c.id = w.consent_id
                    WHERE c.application_id = NEW.application_id;
                    IF NEW.given_on <= last_day THEN
                        RAISE EXCEPTION 'a consent that was taken back is given again on a later day'
                            USING ERRCODE = 'check_violation', CONSTRAINT = 'a_new_consent_follows_what_was_taken_back';
                    END IF;
                    NEW.again := last_day IS NOT NULL;
                    RETURN NEW;
                """,
            ),
            pgtrigger.Trigger(
                name="names_of_consents_are_erased_on_record",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert | pgtrigger.Update,
                func="""
                    IF TG_OP = 'INSERT' AND NEW.name = '' OR TG_OP = 'UPDATE' AND NOT (
                        NEW.name = '' AND EXISTS (
                            SELECT 1 FROM programmes_consentwithdrawal w WHERE w.consent_id = NEW.id))
                    THEN
                        RAISE EXCEPTION 'who agreed is kept, or erased on record'
                            USING ERRCODE = 'check_violation', CONSTRAINT = 'names_of_consents_are_erased_on_record';
                    END IF;
                    RETURN NEW;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.application_id} {self.given_on}"


class ConsentWithdrawal(models.Model):
    """That a person took the consent back: on which day, by which paper; from then on nothing is done on it."""

    consent = models.OneToOneField(PersonConsent, on_delete=models.PROTECT, related_name="withdrawal")
    paper = models.CharField(max_length=200)
    withdrawn_on = models.DateField()
    by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        ordering = ["id"]
        constraints = [models.CheckConstraint(name="withdrawal_has_its_paper", condition=Q(paper__regex=r"\S"))]
        triggers = [append_only("consent_withdrawals_stay")]

    def __str__(self) -> str:
        return f"{self.consent_id} {self.withdrawn_on}"


class ConsentConfirmation(models.Model):
    """That the office saw the paper of a consent that was given again after a withdrawal: from then on it counts."""

    consent = models.OneToOneField(PersonConsent, on_delete=models.PROTECT, related_name="confirmation")
    by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        ordering = ["id"]
        triggers = [
            append_only("consent_confirmations_stay"),
            pgtrigger.Trigger(
                name="a_consent_is_confirmed_by_another",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert,
                func="""
                    IF NOT EXISTS (
                        SELECT 1 FROM programmes_personconsent c
                        WHERE c.id = NEW.consent_id AND c.again AND c.by_id <> NEW.by_id)
                    THEN
                        RAISE EXCEPTION 'a consent given again is confirmed, by another than entered it'
                            USING ERRCODE = 'check_violation', CONSTRAINT = 'a_consent_is_confirmed_by_another';
                    END IF;
                    RETURN NEW;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.consent_id} confirmed"
