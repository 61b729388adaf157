"""What a firm divides its work into, and the links by which its owners invite colleagues."""

from __future__ import annotations

from datetime import timedelta

import pgtrigger
from django.db import models
from django.db.models import F, Q

from huisuan.parties.models.organisations import Party
from huisuan.parties.models.people import MemberRole, Person

DEFAULT_PROJECT = "default"  # of every party: where a job belongs that names no project
_LONGEST_INVITATION = timedelta(days=30)


class Project(models.Model):
    """A part of a firm's work that has its own jobs, budgets and tokens; `code` is its name within the firm."""

    party = models.ForeignKey(Party, on_delete=models.PROTECT, related_name="projects")
    code = models.CharField(max_length=40)
    name = models.CharField(max_length=120)
    created_by = models.CharField(max_length=80, blank=True, help_text="username; empty: made by the platform")
    created_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True, help_text="takes no new jobs since")

    class Meta:
        ordering = ["party", "code"]
        constraints = [
            models.UniqueConstraint(name="project_once", fields=["party", "code"]),
            models.CheckConstraint(
                name="project_code_has_its_form", condition=Q(code__regex=r"^[a-z0-9][a-z0-9-]{0,39}$")
            ),
            models.CheckConstraint(name="project_has_a_name", condition=~Q(name="")),
            models.CheckConstraint(
                name="default_project_stays_open", condition=~Q(code=DEFAULT_PROJECT) | Q(closed_at__isnull=True)
            ),
        ]
        triggers = [
            pgtrigger.Protect(name="projects_stay", operation=pgtrigger.Delete),
            pgtrigger.Protect(
                name="projects_keep_their_code",
                operation=pgtrigger.Update,
                condition=pgtrigger.AnyChange("party", "code", "created_at"),
            ),
        ]

    def __str__(self) -> str:
        return self.code


class MemberInvitation(models.Model):
    """A link by which a colleague joins a firm, once, until a day; only the digest of its secret is kept.

    An open one is always an active owner's of that firm: with the inviter's removal, move or other role it is revoked.
    """

    party = models.ForeignKey(Party, on_delete=models.PROTECT, related_name="invitations")
    member_role = models.CharField(max_length=10, choices=MemberRole)
    note = models.CharField(max_length=120, blank=True, help_text="for whom")
    digest = models.CharField(max_length=64, unique=True)
    invited_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    invited_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    used_by = models.OneToOneField(Person, on_delete=models.PROTECT, null=True, blank=True, related_name="invitation")
    used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(name="invitation_role_is_known", condition=Q(member_role__in=MemberRole.values)),
            models.CheckConstraint(
                name="invitation_ends_within_a_month",
                condition=Q(expires_at__gt=F("invited_at"), expires_at__lte=F("invited_at") + _LONGEST_INVITATION),
            ),
            models.CheckConstraint(
                name="invitation_is_used_or_revoked",
                condition=Q(used_at__isnull=True, used_by__isnull=True)
                | Q(used_at__isnull=False, used_by__isnull=False, revoked_at__isnull=True),
            ),
        ]
        triggers = [
            # locks the inviter: who is just being removed either is so before, or takes this invitation along
            pgtrigger.Trigger(
                name="invitation_is_an_owners",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert,
                func="""
                    PERFORM 1 FROM parties_person p
                        WHERE p.id = NEW.invited_by_id AND p.party_id = NEW.party_id
                          AND p.member_role = 'owner' AND p.is_active FOR SHARE;
                    IF NOT FOUND THEN
                        RAISE EXCEPTION 'only an owner of the firm invites'
                            USING ERRCODE = 'check_violation', CONSTRAINT = 'invitation_is_an_owners';
                    END IF;
                    RETURN NEW;
                """,
            ),
            pgtrigger.Protect(name="invitations_stay", operation=pgtrigger.Delete),
            pgtrigger.Protect(
                name="invitations_only_end",
                operation=pgtrigger.Update,
                condition=pgtrigger.AnyChange(
                    "party", "member_role", "note", "digest", "invited_by", "invited_at", "expires_at"
                ),
            ),
            pgtrigger.Protect(
                name="invitations_end_once",
                operation=pgtrigger.Update,
                condition=pgtrigger.Q(old__used_at__isnull=False) | pgtrigger.Q(old__revoked_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.party_id} {self.member_role}"
