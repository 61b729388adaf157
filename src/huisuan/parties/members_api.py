"""Members of a firm over HTTP. Who is removed, and what becomes of their jobs, is in `compute.jobs.leaving_api`."""

from __future__ import annotations

from datetime import UTC, datetime

from django.http import HttpRequest
from django.urls import reverse
from ninja import Router, Status

from huisuan.parties import members
from huisuan.parties.identity.audit_trail import Actor
from huisuan.parties.identity.client_address import client_address
from huisuan.parties.models import MemberInvitation, Person
from huisuan.parties.route_access import Allow, viewer_of
from huisuan.protocol import firm as wire

router = Router(tags=["本单位"])
_OWNER = Allow("user", scope="manage")


@router.get("/members", response=list[wire.MemberInfo], auth=Allow("user", scope="read"), summary="本单位的成员")
def list_members(request: HttpRequest) -> list[wire.MemberInfo]:
    """Everybody of the caller's firm."""
    return [member_to_wire(person) for person in members.list_members(viewer_of(request))]


@router.post("/members/{username}/role", response=wire.MemberInfo, auth=_OWNER, summary="改成员的角色")
def change_role(request: HttpRequest, username: str, asked: wire.MemberRoleRequest) -> wire.MemberInfo:
    """Another role for a colleague: their sessions and tokens end."""
    viewer = viewer_of(request)
    actor, now = actor_of_request(request), datetime.now(UTC)
    return member_to_wire(members.change_member_role(viewer, username, asked.member_role, actor, now))


@router.post("/members/{username}/restore", response=wire.MemberInfo, auth=_OWNER, summary="让移除的成员回来")
def restore(request: HttpRequest, username: str) -> wire.MemberInfo:
    """A removed colleague may come in again; former tokens stay revoked."""
    found = members.restore_member(viewer_of(request), username, actor_of_request(request), datetime.now(UTC))
    return member_to_wire(found)


@router.get("/invitations", response=list[wire.InvitationInfo], auth=_OWNER, summary="未用的邀请")
def list_invitations(request: HttpRequest) -> list[wire.InvitationInfo]:
    """The invitations that may still be used."""
    return [_invitation(each) for each in members.open_invitations(viewer_of(request), datetime.now(UTC))]


@router.post("/invitations", response={201: wire.InvitationInfo}, auth=_OWNER, summary="邀请同事")
def invite(request: HttpRequest, asked: wire.InvitationRequest) -> Status[wire.InvitationInfo]:
    """A one-time link; the answer is the only place where it stands."""
    made = members.invite_member(
        viewer_of(request), actor_of_request(request), datetime.now(UTC), member_role=asked.member_role,
        note=asked.note, days=asked.days,
    )  # fmt: skip
    link = request.build_absolute_uri(reverse("join", args=[made.secret]))
    return Status(201, _invitation(made.invitation, link))


@router.post("/invitations/{number}/revoke", response=wire.InvitationInfo, auth=_OWNER, summary="撤回邀请")
def revoke_invitation(request: HttpRequest, number: int) -> wire.InvitationInfo:
    """The link is worth nothing any more."""
    ended = members.revoke_invitation(viewer_of(request), number, actor_of_request(request), datetime.now(UTC))
    return _invitation(ended)


def actor_of_request(request: HttpRequest) -> Actor:
    """Whoever calls, as the record names them."""
    name = viewer_of(request).name
    return Actor(name, Person.objects.values_list("pk", flat=True).get(username=name), client_address(request))


def member_to_wire(person: Person) -> wire.MemberInfo:
    """A member as lists and JSON show them."""
    return wire.MemberInfo(
        username=person.username, name=person.name, member_role=person.member_role, active=person.is_active,
        machine=person.machine, last_login=person.last_login,
    )  # fmt: skip


def _invitation(invitation: MemberInvitation, link: str | None = None) -> wire.InvitationInfo:
    return wire.InvitationInfo(
        id=invitation.pk, member_role=invitation.member_role, note=invitation.note,
        invited_by=invitation.invited_by.username, invited_at=invitation.invited_at, expires_at=invitation.expires_at,
        link=link,
    )  # fmt: skip
