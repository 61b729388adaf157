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
    """What a person may see and do. An operator manages people and sees no tenant's data and no money."""

    USER = "user", "算力使用方"
    CENTRE = "centre", "智算中心"
    CITY = "city", "市"
    PROVINCE = "province", "省专班"
    AUDITOR = "auditor", "审计"
    OPERATOR = "operator", "平台管理员"


#: roles that decide about money, meters or people: a password alone does not let them in
SECOND_FACTOR_ROLES = frozenset({Role.CENTRE, Role.PROVINCE, Role.OPERATOR})

_ROLE_HAS_ITS_PLACE = (
    Q(role__in=[Role.USER, Role.CENTRE], party__isnull=False, city__isnull=True)
    | Q(role=Role.CITY, party__isnull=True, city__isnull=False)
    | Q(role__in=[Role.PROVINCE, Role.AUDITOR, Role.OPERATOR], party__isnull=True, city__isnull=True)
)

# Whoever changes who a person is, however it is done, ends what was granted to the person before: the sessions (their
# key holds the epoch) and the tokens. The lock makes two operators who disable each other wait for one another.
_BEFORE_UPDATE = """
    IF (NEW.role, NEW.party_id, NEW.city_id, NEW.is_active, NEW.password_changed_at)
        IS DISTINCT FROM (OLD.role, OLD.party_id, OLD.city_id, OLD.is_active, OLD.password_changed_at) THEN
        NEW.session_epoch := OLD.session_epoch + 1;
        UPDATE parties_token SET revoked_at = GREATEST(now(), created_at)
            WHERE person_id = NEW.id AND revoked_at IS NULL;
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
        return person


class Person(AbstractBaseUser):
    """Someone who signs in: for a party (user, centre), for a city, for the province, as an auditor or an operator.

    A `machine` is the account of a program: it holds tokens, and never signs in.
    """

    username = models.CharField(max_length=80, unique=True)
    name = models.CharField(max_length=80)
    email = models.EmailField(blank=True, default="", help_text="set by an operator; binds the first OIDC sign-in")
    role = models.CharField(max_length=10, choices=Role)
    party = models.ForeignKey(Party, on_delete=models.PROTECT, null=True, blank=True, related_name="people")
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
            models.CheckConstraint(
                name="machine_has_no_password",
                condition=Q(machine=False) | Q(password__startswith="!"),  # noqa: S106
            ),
            models.UniqueConstraint(name="one_person_an_email", fields=["email"], condition=~Q(email="")),
        ]
        triggers = [
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
    def needs_second_factor(self) -> bool:
        """Whether this role signs in with a second factor, like it or not."""
        return self.role in SECOND_FACTOR_ROLES
