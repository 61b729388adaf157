"""Colleagues of a firm: invited by an owner with a one-time link, given a role, removed. Each is one transaction.

No mail is needed: the link is shown once, and the owner passes it on. Whose jobs go on when a colleague is removed is
decided one floor up (`compute.jobs.leaving`), in the same transaction.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet

from huisuan.base.errors import InvalidRequest, NotAllowed, NotFound
from huisuan.base.hashing import text_sha256
from huisuan.base.text_length import shortened
from huisuan.parties.identity import people
from huisuan.parties.identity.audit_trail import Actor, record_event
from huisuan.parties.identity.positions import Position
from huisuan.parties.models import MemberInvitation, MemberRole, Person, PersonAction, Role
from huisuan.parties.viewer import Viewer

DEFAULT_DAYS, _MOST_DAYS, _MOST_OPEN = 7, 30, 200
_LONGEST_NOTE = 120
_INVITATION_PREFIX = "hsi_"  # so that a leaked one is recognised for what it is


@dataclass(frozen=True)
class NewInvitation:
    """An invitation with its secret, which is kept nowhere."""

    invitation: MemberInvitation
    secret: str


def check_owner(viewer: Viewer) -> int:
    """The party that the viewer decides for, as its owner.

    Raises:
        NotAllowed: no owner of a firm, or with a token that may not.
    """
    if viewer.role != Role.USER or viewer.member_role != MemberRole.OWNER or viewer.party_id is None:
        raise NotAllowed("只有本单位的所有者可以这样做：请所有者来办", code="member.not_owner")
    if viewer.scope != "manage" or viewer.project_id is not None:
        raise NotAllowed("此令牌不能管理本单位：请用权限为 manage、不限项目的令牌", code="member.token_too_small")
    return viewer.party_id


def list_members(viewer: Viewer) -> QuerySet[Person]:
    """The people of the viewer's firm, those who may come in first, by username."""
    people_of = (
        Person.objects.filter(role=Role.USER, party=viewer.party_id) if viewer.party_id else Person.objects.none()
    )
    return people_of.select_related("party").order_by("-is_active", "username")


def get_member(viewer: Viewer, username: str) -> Person:
    """One of the viewer's firm.

    Raises:
        NotFound: there is none of that name.
    """
    found = list_members(viewer).filter(username=username).first() if "\0" not in username else None
    if found is None:
        raise NotFound(f'本单位没有成员 "{username}"', code="member.unknown")
    return found


def open_invitations(viewer: Viewer, now: datetime) -> QuerySet[MemberInvitation]:
    """The firm's invitations that may still be used, newest first."""
    mine = MemberInvitation.objects.filter(party=viewer.party_id, used_at__isnull=True, revoked_at__isnull=True)
    return mine.filter(expires_at__gt=now).select_related("invited_by")


@transaction.atomic
def invite_member(
    viewer: Viewer, actor: Actor, now: datetime, *, member_role: str, note: str = "", days: int = DEFAULT_DAYS
) -> NewInvitation:
    """A link for one colleague, once. `note` says for whom; `days` until it ends.

    Raises:
        NotAllowed: the viewer is no owner.
        InvalidRequest: no such role, too long a note, no such end, or too many invitations are open.
    """
    party, note = check_owner(viewer), note.strip()
    _lock_owners(viewer)
    _check_role(member_role)
    if len(note) > _LONGEST_NOTE or "\0" in note:
        raise InvalidRequest(f"给谁：至多 {_LONGEST_NOTE} 个字", code="invitation.note_too_long")
    if not 1 <= days <= _MOST_DAYS:
        raise InvalidRequest(f"有效期 {days} 天：须在 1 至 {_MOST_DAYS} 天之间", code="invitation.days_out_of_bounds")
    owner = Person.objects.get(username=viewer.name)
    if open_invitations(viewer, now).count() >= _MOST_OPEN:
        raise InvalidRequest(f"未用的邀请已有 {_MOST_OPEN} 个：请先撤回不用的", code="invitation.too_many")
    secret = _INVITATION_PREFIX + secrets.token_urlsafe(32)
    invitation = MemberInvitation.objects.create(
        party_id=party, member_role=member_role, note=note, digest=text_sha256(secret), invited_by=owner,
        invited_at=now, expires_at=now + timedelta(days=days),
    )  # fmt: skip
    record_event(owner, PersonAction.INVITED, actor, now, f"{invitation.pk} {member_role} {note}".strip())
    return NewInvitation(invitation, secret)


@transaction.atomic
def revoke_invitation(viewer: Viewer, number: int, actor: Actor, now: datetime) -> MemberInvitation:
    """End an invitation that nobody has used.

    Raises:
        NotAllowed: the viewer is no owner.
        NotFound: the firm has no such open invitation.
    """
    party = check_owner(viewer)
    mine = MemberInvitation.objects.select_for_update().filter(
        party=party, used_at__isnull=True, revoked_at__isnull=True
    )
    found = mine.filter(pk=number).first() if 0 < number < 2**63 else None
    if found is None:
        raise NotFound(f"没有编号 {number} 的未用邀请", code="invitation.unknown")
    found.revoked_at = now
    found.save(update_fields=["revoked_at"])
    owner = Person.objects.get(username=viewer.name)
    record_event(owner, PersonAction.UNINVITED, actor, now, f"{found.pk} {found.member_role} {found.note}".strip())
    return found


def find_invitation(secret: str, now: datetime) -> MemberInvitation | None:
    """The invitation with that secret, if it may still be used."""
    if len(secret) > 200:
        return None
    found = MemberInvitation.objects.filter(digest=text_sha256(secret), used_at__isnull=True, revoked_at__isnull=True)
    return found.filter(expires_at__gt=now).select_related("party", "invited_by").first()


@transaction.atomic
def accept_invitation(
    secret: str, username: str, password: str, now: datetime, *, name: str = "", address: str = ""
) -> Person:
    """The new colleague, by a link that is used up by this.

    Raises:
        NotFound: the link is used, withdrawn (as it is when its inviter is no owner any more), past its end, or none.
        Refused: the name is taken or malformed, or the password is weak (the link is then still good).
    """
    found = find_invitation(secret, now)
    if found is not None:  # two who use it at once: the second waits here, and finds it used
        found = (
            MemberInvitation.objects.select_for_update(of=("self",))
            .select_related("party", "invited_by")
            .filter(pk=found.pk, used_at__isnull=True, revoked_at__isnull=True)
            .first()
        )
    if found is None:
        raise NotFound("这个邀请链接已经用过、撤回或过期：请本单位的所有者再发一个", code="invitation.not_valid")
    if not password:
        raise InvalidRequest("请设一个口令", code="person.password_missing")
    actor = Actor(shortened(f"{username.strip()}（受 {found.invited_by.username} 邀请）", 120), address=address)
    position = Position(Role.USER, found.party.uscc, member_role=found.member_role)
    person, _ = people.add_person(username, position, actor, now, name=name, password=password)
    found.used_by, found.used_at = person, now
    found.save(update_fields=["used_by", "used_at"])
    return person


@transaction.atomic
def change_member_role(viewer: Viewer, username: str, member_role: str, actor: Actor, now: datetime) -> Person:
    """Give a colleague another role in the firm; ends their sessions and revokes their tokens.

    Raises:
        NotAllowed: the viewer is no owner, or the last owner would be none.
        Refused: no such colleague or role, or it is theirs already.
    """
    _lock_owners(viewer)
    _check_role(member_role)
    return people.set_member_role(get_member(viewer, username), member_role, actor, now)


@transaction.atomic
def remove_member(viewer: Viewer, username: str, actor: Actor, now: datetime, detail: str = "") -> Person:
    """End a colleague's access: sessions and tokens die at once. The record of what they did stays.

    Raises:
        NotAllowed: the viewer is no owner, or it is the last owner.
        Refused: no such colleague, or removed already.
    """
    owners = _lock_owners(viewer)
    person = get_member(viewer, username)
    if owners == [person.username]:
        raise NotAllowed("这是本单位最后一位所有者：请先让另一位成员成为所有者", code="member.last_owner")
    return people.disable_person(person, actor, now, detail)


@transaction.atomic
def restore_member(viewer: Viewer, username: str, actor: Actor, now: datetime) -> Person:
    """Let a removed colleague come in again; former tokens stay revoked.

    Raises:
        NotAllowed: the viewer is no owner.
        Conflict: not removed.
    """
    _lock_owners(viewer)
    return people.enable_person(get_member(viewer, username), actor, now)


def _lock_owners(viewer: Viewer) -> list[str]:
    """The owners who may come in, locked: two who remove each other at once wait here, and the second finds out.

    Raises:
        NotAllowed: the viewer is none of them any more.
    """
    party = check_owner(viewer)
    active = Person.objects.filter(party=party, member_role=MemberRole.OWNER, is_active=True, machine=False)
    names = [owner.username for owner in active.order_by("pk").select_for_update(of=("self",), no_key=True)]
    if viewer.name not in names and not Person.objects.filter(username=viewer.name, machine=True).exists():
        raise NotAllowed("您已不是本单位的所有者", code="member.not_owner")
    return names


def _check_role(member_role: str) -> None:
    if member_role not in MemberRole.values:
        raise InvalidRequest(
            f"成员角色 {member_role}：只能是 {'、'.join(MemberRole.values)}", code="member.role_unknown"
        )
