"""What people show besides a password: tokens for programs, a second factor, an account elsewhere (OIDC)."""

from __future__ import annotations

from datetime import timedelta

import pgtrigger
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from huisuan.parties.models.people import Person
from huisuan.parties.models.projects import Project

_LONGEST_LIFE = timedelta(days=366)


class Scope(models.TextChoices):
    """What a token may do of what its person may do; each includes the ones before it."""

    READ = "read", "只读"
    SUBMIT = "submit", "提交作业"
    MANAGE = "manage", "全部"


# A token ends and nothing else: no other owner, no wider scope, no later end, no coming back. It is made for a person
# who may still come in: the lock makes it wait for a change of the person that is under way.
_BEFORE_INSERT = """
    PERFORM 1 FROM parties_person p WHERE p.id = NEW.person_id AND p.is_active FOR SHARE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no token for who is disabled'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'token_of_who_is_active';
    END IF;
    IF NEW.project_id IS NOT NULL AND NOT EXISTS (
        SELECT 1 FROM parties_project j JOIN parties_person p ON p.party_id = j.party_id
        WHERE j.id = NEW.project_id AND p.id = NEW.person_id
    ) THEN
        RAISE EXCEPTION 'a token is of a project of its person''s firm'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'token_project_is_the_firms';
    END IF;
    RETURN NEW;
"""
_BEFORE_UPDATE = """
    IF (NEW.digest, NEW.person_id, NEW.scope, NEW.created_at, NEW.label, NEW.project_id)
        IS DISTINCT FROM (OLD.digest, OLD.person_id, OLD.scope, OLD.created_at, OLD.label, OLD.project_id)
        OR NEW.expires_at > OLD.expires_at
        OR (OLD.revoked_at IS NOT NULL AND NEW.revoked_at IS DISTINCT FROM OLD.revoked_at) THEN
        RAISE EXCEPTION 'a token only ends' USING ERRCODE = 'check_violation', CONSTRAINT = 'token_only_ends';
    END IF;
    RETURN NEW;
"""


class Token(models.Model):
    """What a program shows instead of a password, for a person; only its SHA-256 is kept."""

    digest = models.CharField(max_length=64, unique=True)
    label = models.CharField(max_length=80)
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="tokens")
    scope = models.CharField(max_length=10, choices=Scope)
    project = models.ForeignKey(
        Project, on_delete=models.PROTECT, null=True, blank=True, related_name="tokens",
        help_text="only jobs of this project; empty: whatever its person may do",
    )  # fmt: skip
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True, help_text="to the minute")

    class Meta:
        constraints = [
            models.CheckConstraint(name="token_scope_is_known", condition=Q(scope__in=Scope.values)),
            models.CheckConstraint(
                name="token_ends_within_a_year",
                condition=Q(expires_at__gt=F("created_at")) & Q(expires_at__lte=F("created_at") + _LONGEST_LIFE),
            ),
            models.CheckConstraint(name="token_has_a_name", condition=~Q(label="")),
        ]
        triggers = [
            pgtrigger.Trigger(
                name="token_begins", when=pgtrigger.Before, operation=pgtrigger.Insert, func=_BEFORE_INSERT
            ),
            pgtrigger.Trigger(
                name="token_only_ends", when=pgtrigger.Before, operation=pgtrigger.Update, func=_BEFORE_UPDATE
            ),
        ]

    def __str__(self) -> str:
        return self.label


class SecondFactor(models.Model):
    """A TOTP secret (RFC 6238), sealed with the platform's key; a step that was used once is used up."""

    person = models.OneToOneField(Person, on_delete=models.CASCADE, related_name="second_factor")
    sealed_secret = models.TextField()
    enrolled_at = models.DateTimeField()
    last_step = models.BigIntegerField(default=0, help_text="the newest 30-second step whose code was used")

    def __str__(self) -> str:
        return f"TOTP {self.person_id}"


class RecoveryCode(models.Model):
    """One of the codes that stand in for a lost telephone, once; only a keyed digest is kept."""

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="recovery_codes")
    digest = models.CharField(max_length=64)
    used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(name="one_recovery_code_once", fields=["person", "digest"])]

    def __str__(self) -> str:
        return f"recovery code {self.pk}"


class IdentityLink(models.Model):
    """The account at an OpenID provider that is this person's: its `sub`, which the provider never gives again."""

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="identities")
    issuer = models.CharField(max_length=300)
    subject = models.CharField(max_length=255)
    bound_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(name="one_person_a_subject", fields=["issuer", "subject"]),
            models.UniqueConstraint(name="one_subject_a_person", fields=["issuer", "person"]),
            models.CheckConstraint(name="identity_has_a_subject", condition=~Q(subject="") & ~Q(issuer="")),
        ]

    def __str__(self) -> str:
        return f"{self.subject} at {self.issuer}"
