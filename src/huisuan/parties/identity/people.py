"""Adding, moving, disabling people, and their passwords: each in one transaction with its audit event."""

from __future__ import annotations

import secrets
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.db.models import F, QuerySet

from huisuan.base.errors import Conflict, InvalidRequest, NotAllowed, NotFound, Unavailable
from huisuan.parties.identity.audit_trail import Actor, record_event
from huisuan.parties.identity.positions import Position
from huisuan.parties.models import IdentityLink, Person, PersonAction

_PASSWORD_BYTES = 12  # 16 letters
_MAX_NAME_LENGTH = 80


def list_people() -> QuerySet[Person]:
    """All people with their party, city and second factor, by username."""
    return Person.objects.select_related("party", "city", "second_factor").order_by("username")


def get_person(username: str) -> Person:
    """The person with a username.

    Raises:
        Refused: there is none.
    """
    person = list_people().filter(username=username).first() if "\0" not in username else None
    if person is None:
        raise NotFound(f'没有人员 "{username}"：用 huisuan person list 查看', code="person.unknown")
    return person


@transaction.atomic
def add_person(
    username: str,
    position: Position,
    actor: Actor,
    now: datetime,
    *,
    name: str = "",
    email: str = "",
    machine: bool = False,
    password: str | None = None,
) -> tuple[Person, str]:
    """A new person, and the password that was made for them (to be changed at the first sign-in); "" for a machine.

    Raises:
        Refused: the name is taken or malformed, the position or the password is invalid.
    """
    username, name = unicodedata.normalize("NFKC", username.strip()), name.strip()
    if not username or len(username) > _MAX_NAME_LENGTH or any(not (c.isalnum() or c in "._@+-") for c in username):
        raise InvalidRequest(
            f'账号 "{username}"：1 至 {_MAX_NAME_LENGTH} 个字母、数字或 . _ @ + -', code="person.username_malformed"
        )
    if len(name) > _MAX_NAME_LENGTH or "\0" in name:
        raise InvalidRequest(f"姓名：至多 {_MAX_NAME_LENGTH} 个字", code="person.name_too_long")
    if Person.objects.filter(username__iexact=username).exists():
        raise Conflict(f'账号 "{username}" 已有人用（不分大小写）', code="person.username_taken")
    if machine and password is not None:
        raise InvalidRequest("程序账号没有口令：它用令牌", code="person.program_has_no_password")
    party, city = position.resolve()
    secret = "" if machine else password or generate_password()
    with _explain_violations():
        person = Person.objects.create_person(
            username, secret or None, role=position.role, name=name or username, party=party, city=city,
            email=_parse_email(email), machine=machine, member_role=position.member_role,
            must_change_password=bool(secret) and not password,
            password_changed_at=now,
        )  # fmt: skip
    record_event(person, PersonAction.ADDED, actor, now, _describe_position(person))
    return person, secret


@transaction.atomic
def disable_person(person: Person, actor: Actor, now: datetime, detail: str = "") -> Person:
    """Disable a person; ends their sessions and revokes their tokens. `detail` goes on record.

    Raises:
        Refused: disabled already, the last operator, or the last owner of a firm that has other members.
    """
    person = _lock(person)
    if not person.is_active:
        raise Conflict(f"{person.username} 已经停用", code="person.already_disabled")
    person.is_active = False
    _save_fields(person, "is_active")
    record_event(person, PersonAction.DISABLED, actor, now, detail)
    return person


@transaction.atomic
def enable_person(person: Person, actor: Actor, now: datetime) -> Person:
    """Enable a disabled person; their tokens stay revoked.

    Raises:
        Refused: not disabled.
    """
    person = _lock(person)
    if person.is_active:
        raise Conflict(f"{person.username} 没有停用", code="person.not_disabled")
    person.is_active = True
    _save_fields(person, "is_active")
    record_event(person, PersonAction.ENABLED, actor, now)
    return person


@transaction.atomic
def set_password(person: Person, password: str | None, actor: Actor, now: datetime) -> str:
    """Set a password (None: make one), which ends sessions and tokens; returns it.

    One that somebody else knows must be changed at the next sign-in.

    Raises:
        Refused: too weak, or a machine's account.
    """
    person = _lock(person)
    if person.machine:
        raise InvalidRequest(
            f"{person.username} 是程序账号，没有口令：用 huisuan token new 给它令牌",
            code="person.program_has_no_password",
        )
    secret = password or generate_password()
    own = actor.person_id == person.pk
    if own and person.check_password(secret):
        raise InvalidRequest("新口令与旧口令相同", code="person.password_same")
    with _explain_violations():
        _validate_password(secret, person)
    person.set_password(secret)
    person.password_changed_at, person.must_change_password = now, not own
    _save_fields(person, "password", "password_changed_at", "must_change_password")
    record_event(person, PersonAction.PASSWORD, actor, now, "本人" if own else "由他人设定，下次登录须改")
    return secret


@transaction.atomic
def change_position(person: Person, position: Position, actor: Actor, now: datetime) -> Person:
    """Give a person another role or party; ends their sessions and revokes their tokens.

    Raises:
        Refused: one's own role, no such place, or the last operator.
    """
    person = _lock(person)
    if actor.person_id == person.pk:
        raise NotAllowed("不能改自己的角色：请另一位平台管理员来改", code="person.own_role")
    party, city = position.resolve()
    before = _describe_position(person)
    same = (person.role, person.party_id, person.city_id) == (position.role, party and party.pk, city and city.pk)
    if same and position.member_role in ("", person.member_role):
        raise Conflict(f"{person.username} 已是 {before}", code="person.role_same")
    person.role, person.party, person.city, person.member_role = position.role, party, city, position.member_role
    _save_fields(person, "role", "party", "city", "member_role")
    record_event(person, PersonAction.MOVED, actor, now, f"{before} → {_describe_position(person)}")
    return person


@transaction.atomic
def set_member_role(person: Person, member_role: str, actor: Actor, now: datetime) -> Person:
    """Give a user another role in the firm; ends their sessions and revokes their tokens.

    Raises:
        Refused: it is theirs already, or nobody would be an owner of the firm.
    """
    person = _lock(person)
    if person.member_role == member_role:
        raise Conflict(f"{person.username} 已是 {person.get_member_role_display()}", code="member.role_same")
    before = _describe_position(person)
    person.member_role = member_role
    _save_fields(person, "member_role")
    record_event(person, PersonAction.MOVED, actor, now, f"{before} → {_describe_position(person)}")
    return person


@transaction.atomic
def end_sessions(person: Person, actor: Actor, now: datetime) -> None:
    """Sign a person out everywhere; tokens stay."""
    Person.objects.filter(pk=person.pk).update(session_epoch=F("session_epoch") + 1)
    record_event(person, PersonAction.SIGNED_OUT, actor, now)


@transaction.atomic
def link_identity(person: Person, issuer: str, subject: str, actor: Actor, now: datetime) -> None:
    """Link a person to their account (`sub`) at the OpenID provider.

    Raises:
        Refused: the account is linked to somebody, or the person has another one.
    """
    person = _lock(person)
    if not subject or len(subject) > 255 or "\0" in subject:
        raise InvalidRequest("统一身份的 sub 须有 1 至 255 个字", code="person.identity_malformed")
    if IdentityLink.objects.filter(issuer=issuer, person=person).exists():
        raise Conflict(f"{person.username} 已绑定统一身份：请先解除", code="person.identity_linked")
    try:
        with transaction.atomic():
            IdentityLink.objects.create(person=person, issuer=issuer, subject=subject, bound_at=now)
    except IntegrityError:
        raise Conflict("这个统一身份已绑定另一个人", code="person.identity_taken") from None
    record_event(person, PersonAction.BOUND, actor, now, subject)


@transaction.atomic
def unlink_identities(person: Person, actor: Actor, now: datetime) -> None:
    """Remove a person's OpenID accounts, and the email that would link a new one; ends their sessions.

    Raises:
        Refused: there is none.
    """
    gone, _ = IdentityLink.objects.filter(person=person).delete()
    if not gone:
        raise Conflict(f"{person.username} 没有绑定统一身份", code="person.identity_not_linked")
    Person.objects.filter(pk=person.pk).update(email="", session_epoch=F("session_epoch") + 1)
    record_event(person, PersonAction.UNBOUND, actor, now)


def oidc_issuer() -> str:
    """The OpenID provider of the settings.

    Raises:
        Refused: there is none.
    """
    issuer = str(settings.HUISUAN_OIDC_ISSUER)
    if not issuer:
        raise Unavailable(
            "没有设统一身份：请先设 HUISUAN_OIDC_ISSUER（见 docs/operating.md）", code="person.identity_provider_unset"
        )
    return issuer


def generate_password() -> str:
    """A random password of 96 bits."""
    return secrets.token_urlsafe(_PASSWORD_BYTES)


def _validate_password(password: str, person: Person) -> None:
    if "\0" in password:
        raise ValidationError("口令里不能有 NUL")
    validate_password(password, person)


def _parse_email(text: str) -> str:
    text = text.strip().lower()
    try:
        if text:
            validate_email(text)
    except ValidationError:
        raise InvalidRequest(f'邮箱 "{text}"：不是邮箱地址', code="person.email_malformed") from None
    return text


def _lock(person: Person) -> Person:
    return Person.objects.select_related("party", "city").select_for_update(of=("self",)).get(pk=person.pk)


def _save_fields(person: Person, *fields: str) -> None:
    """Save these fields and reload what the database's triggers changed.

    Raises:
        Refused: the last operator stays, and so does a firm's last owner.
    """
    with _explain_violations():
        person.save(update_fields=fields)
    person.refresh_from_db(fields=["session_epoch", "member_role"])


@contextmanager
def _explain_violations() -> Iterator[None]:
    try:
        with transaction.atomic():
            yield
    except ValidationError as wrong:
        raise InvalidRequest("；".join(map(str, wrong.messages)), code="person.password_weak") from None
    except IntegrityError as broken:
        if "last operator" in str(broken):
            raise NotAllowed("这是最后一位平台管理员：请先新增另一位", code="person.last_operator") from None
        if "last owner" in str(broken):
            raise NotAllowed(
                "这是本单位最后一位所有者：请先让另一位成员成为所有者"
                "（huisuan person move 账号 --role user --party 主体 --member owner）",
                code="member.last_owner",
            ) from None
        if "one_person_an_email" in str(broken):
            raise Conflict("这个邮箱已登记在另一个人名下", code="person.email_taken") from None
        raise


def _describe_position(person: Person) -> str:
    place = (person.party and person.party.uscc) or person.city_id or ""
    return " ".join(filter(None, [person.role, place, person.member_role]))
