"""People: who signs in, in which role, for whom. What ends their sessions and tokens is held by a trigger."""

from __future__ import annotations

from typing import Any

import pgtrigger
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.password_validation import validate_password
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.crypto import salted_hmac

from huisuan.parties.models.organisations import Party, Region


class Role(models.TextChoices):
    """What a person may see and do. An operator manages people and sees no tenant's data and no money.

    People of a department, of the treasury and experts act by their posts and seats; the role alone shows them little.
    """

    USER = "user", "算力使用方"
    CENTRE = "centre", "智算中心"
    CITY = "city", "市"
    PROVINCE = "province", "省专班"
    DEPARTMENT = "department", "部门"
    TREASURY = "treasury", "财政"
    EXPERT = "expert", "评审专家"
    AUDITOR = "auditor", "审计"
    OPERATOR = "operator", "平台管理员"


class MemberRole(models.TextChoices):
    """What a user may do within the firm (its party): `Role.USER` has one, every other role has none.

    A viewer reads; a submitter submits and cancels jobs besides; an owner decides about members, projects and budgets.
    """

    OWNER = "owner", "所有者"
    SUBMITTER = "submitter", "提交者"
    VIEWER = "viewer", "只读成员"


#: the widest scope of a user by the role in the firm; one without a role only reads
MEMBER_SCOPE = {MemberRole.OWNER.value: "manage", MemberRole.SUBMITTER.value: "submit", MemberRole.VIEWER.value: "read"}
#: roles that decide about money, meters or people: a password alone does not let them in
SECOND_FACTOR_ROLES = frozenset({Role.CENTRE, Role.PROVINCE, Role.DEPARTMENT, Role.TREASURY, Role.OPERATOR})
#: roles that belong to no party and to no city
_PROVINCIAL_ROLES = [Role.PROVINCE, Role.DEPARTMENT, Role.TREASURY, Role.EXPERT, Role.AUDITOR, Role.OPERATOR]

_ROLE_HAS_ITS_PLACE = (
    Q(role__in=[Role.USER, Role.CENTRE], party__isnull=False, city__isnull=True)
    | Q(role=Role.CITY, party__isnull=True, city__isnull=False)
    | Q(role__in=_PROVINCIAL_ROLES, party__isnull=True, city__isnull=True)
)

_USER_HAS_A_MEMBER_ROLE = Q(role=Role.USER, member_role__in=MemberRole.values) | (
    ~Q(role=Role.USER) & Q(member_role="")
)

# A user that nobody gave a role in the firm is its owner where it has none, and a submitter otherwise; who is no user
# has none. So the invariant holds however a person is written. Whoever moves somebody to another firm says which role
# they have there, or writes none: that it is the same as in the former one is no reason to take it for left out.
_FILL_MEMBER_ROLE = """
    IF NEW.role <> 'user' THEN
        NEW.member_role := '';
    ELSIF NEW.member_role = '' THEN
        IF NEW.machine OR EXISTS (
            SELECT 1 FROM parties_person p
            WHERE p.party_id = NEW.party_id AND p.member_role = 'owner' AND p.is_active AND NOT p.machine
              AND p.id IS DISTINCT FROM NEW.id
        ) THEN
            NEW.member_role := 'submitter';
        ELSE
            NEW.member_role := 'owner';
        END IF;
    END IF;
    RETURN NEW;
"""

# Whoever changes who a person is, however it is done, ends what was granted to the person before: the sessions (their
# key holds the epoch) and the tokens; and what the person granted as an owner: the invitations that nobody has used,
# for a colleague who was removed could come back by them. The lock makes two operators who disable each other wait for
# one another.
_BEFORE_UPDATE = """
    IF (NEW.role, NEW.party_id, NEW.city_id, NEW.is_active, NEW.password_changed_at, NEW.member_role)
        IS DISTINCT FROM
        (OLD.role, OLD.party_id, OLD.city_id, OLD.is_active, OLD.password_changed_at, OLD.member_role) THEN
        NEW.session_epoch := OLD.session_epoch + 1;
        UPDATE parties_token SET revoked_at = GREATEST(now(), created_at)
            WHERE person_id = NEW.id AND revoked_at IS NULL;
        UPDATE parties_memberinvitation SET revoked_at = GREATEST(now(), invited_at)
            WHERE invited_by_id = NEW.id AND used_at IS NULL AND revoked_at IS NULL
              AND NOT (NEW.is_active AND NEW.member_role = 'owner' AND party_id = NEW.party_id);
    END IF;
    IF OLD.role = 'operator' AND OLD.is_active AND NOT (NEW.role = 'operator' AND NEW.is_active) THEN
        PERFORM pg_advisory_xact_lock(hashtext('parties_person operators'));
        IF NOT EXISTS (
            SELECT 1 FROM parties_person p
            WHERE p.role = 'operator' AND p.is_active AND NOT p.machine AND p.id <> NEW.id
        ) THEN
            RAISE EXCEPTION 'the last operator stays'
                USING ERRCODE = 'check_violation', CONSTRAINT = 'last_operator_stays';
        END IF;
    END IF;
    IF OLD.member_role = 'owner' AND OLD.is_active AND NOT OLD.machine
        AND NOT (NEW.member_role = 'owner' AND NEW.is_active AND NEW.party_id IS NOT DISTINCT FROM OLD.party_id) THEN
        PERFORM pg_advisory_xact_lock(hashtext('parties_person owners'), OLD.party_id::int);
        IF NOT EXISTS (
            SELECT 1 FROM parties_person p
            WHERE p.party_id = OLD.party_id AND p.member_role = 'owner' AND p.is_active AND NOT p.machine
              AND p.id <> OLD.id
        ) AND (NEW.is_active AND NEW.party_id IS NOT DISTINCT FROM OLD.party_id OR EXISTS (
            SELECT 1 FROM parties_person p
            WHERE p.party_id = OLD.party_id AND p.role = 'user' AND p.is_active AND NOT p.machine AND p.id <> OLD.id
        )) THEN
            RAISE EXCEPTION 'the last owner stays'
                USING ERRCODE = 'check_violation', CONSTRAINT = 'last_owner_stays';
        END IF;
    END IF;
    RETURN NEW;
"""


class People(BaseUserManager["Person"]):
    """Makes people who can sign in."""

    def create_person(
        self,
        username: str,
        password: str | None,
        *,
        role: str,
        name: str = "",
        party: Party | None = None,
        city: Region | None = None,
        **more: Any,
    ) -> Person:
        """A person with a password (kept only as its hash); None: one who cannot sign in by password.

        Raises:
            ValidationError: the password is too weak.
        """
        person = self.model(username=username, role=role, name=name or username, party=party, city=city, **more)
        if password is not None:
            validate_password(password, person)
        person.set_password(password)
        person.save(using=self._db)
        person.refresh_from_db(using=self._db, fields=["member_role"])  # the database fills in what was left open
        return person


class Person(AbstractBaseUser):
    """Someone who signs in: for a party (user, centre), for a city, for an office of the province, or as an expert.

    A `machine` is the account of a program: it holds tokens, and never signs in.
    """

    username = models.CharField(max_length=80, unique=True)
    name = models.CharField(max_length=80)
    email = models.EmailField(blank=True, default="", help_text="set by an operator; binds the first OIDC sign-in")
    role = models.CharField(max_length=10, choices=Role)
    party = models.ForeignKey(Party, on_delete=models.PROTECT, null=True, blank=True, related_name="people")
    member_role = models.CharField(
        max_length=10, choices=MemberRole, blank=True, default="", help_text="within the firm; only users have one"
    )
    city = models.ForeignKey(Region, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    is_active = models.BooleanField(default=True)
    demo = models.BooleanField(default=False)
    machine = models.BooleanField(default=False)
    must_change_password = models.BooleanField(default=False, help_text="somebody else knows it")
    password_changed_at = models.DateTimeField(default=timezone.now)
    session_epoch = models.PositiveIntegerField(default=0, help_text="sessions of an earlier epoch are over")

    objects: People = People()
    USERNAME_FIELD = "username"

    class Meta:
        constraints = [
            models.CheckConstraint(name="person_role_has_its_place", condition=_ROLE_HAS_ITS_PLACE),
            models.CheckConstraint(name="user_has_a_member_role", condition=_USER_HAS_A_MEMBER_ROLE),
            models.CheckConstraint(
                name="machine_has_no_password",
                condition=Q(machine=False) | Q(password__startswith="!"),  # noqa: S106
            ),
            models.UniqueConstraint(name="one_person_an_email", fields=["email"], condition=~Q(email="")),
        ]
        triggers = [
            pgtrigger.Trigger(
                name="a_user_gets_a_member_role",  # PostgreSQL fires in the order of names: before the one below
                when=pgtrigger.Before,
                operation=pgtrigger.Insert | pgtrigger.Update,
                func=_FILL_MEMBER_ROLE,
            ),
            pgtrigger.Trigger(
                name="person_changes_end_access", when=pgtrigger.Before, operation=pgtrigger.Update, func=_BEFORE_UPDATE
            ),
            pgtrigger.Protect(name="people_stay", operation=pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return self.username

    def set_password(self, raw_password: str | None) -> None:
        """Set it, and note when: that ends sessions and tokens.

        Django itself calls this to renew an old hash of the same password, and then saves the hash alone.
        """
        super().set_password(raw_password)
        self.password_changed_at = timezone.now()

    def get_session_auth_hash(self) -> str:
        """What a session of this person carries: another password or epoch, and the session is over."""
        return self._session_hash()

    def get_session_auth_fallback_hash(self) -> Any:
        """No older keys are honoured."""
        return iter(())

    def _session_hash(self) -> str:
        value = f"{self.pk}:{self.session_epoch}:{self.password}"
        return salted_hmac("huisuan.parties.session", value, algorithm="sha256").hexdigest()

    @property
    def widest_scope(self) -> str:
        """The widest scope that a token of this person may have: of a user, as the role in the firm allows."""
        return MEMBER_SCOPE.get(self.member_role, "read") if self.role == Role.USER else "manage"

    @property
    def needs_second_factor(self) -> bool:
        """Whether this role signs in with a second factor, like it or not."""
        return self.role in SECOND_FACTOR_ROLES
