"""Colleagues of a firm: invited once, given roles that hold on every route, removed with their jobs decided on."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.test import Client

from huisuan.base.errors import Conflict, InvalidRequest, NotAllowed, NotFound, Refused
from huisuan.compute.jobs.leaving import remove_with_jobs
from huisuan.compute.jobs.services import submit_job
from huisuan.compute.models import Job, JobEvent
from huisuan.parties import members
from huisuan.parties.identity import people
from huisuan.parties.identity.audit_trail import Actor
from huisuan.parties.identity.positions import Position
from huisuan.parties.identity.tokens import find_valid_token, issue_token
from huisuan.parties.models import MemberInvitation, Person, PersonEvent
from huisuan.parties.projects import create_project
from huisuan.parties.viewer import Viewer
from support.jobs import asked, centre, online, party

pytestmark = pytest.mark.django_db
NOW = datetime(2024, 6, 3, 4, 0, tzinfo=UTC)
ACTOR = Actor("test")
PASSWORD = "correct horse battery"
API = "/api/v1"


def add(username: str, member_role: str = "", number: int = 1) -> Person:
    """Somebody of that firm, added by an operator."""
    position = Position("user", party(number).uscc, member_role=member_role)
    return people.add_person(username, position, ACTOR, NOW, password=PASSWORD)[0]


def seen(person: Person) -> Viewer:
    person.refresh_from_db()
    return Viewer.for_person(person)


def bearer(person: Person, scope: str, **rest: object) -> Client:
    _, secret = issue_token(person, "x", ACTOR, datetime.now(UTC), scope=scope, **rest)  # type: ignore[arg-type]
    return Client(headers={"Authorization": f"Bearer {secret}"})


def browser(person: Person) -> Client:
    client = Client()
    client.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
    return client


def test_the_first_of_a_firm_is_its_owner_and_the_next_ones_are_submitters() -> None:
    assert [add(name).member_role for name in ("one", "two")] == ["owner", "submitter"]
    assert add("three", number=2).member_role == "owner"
    assert people.add_person("four", Position("province"), ACTOR, NOW)[0].member_role == ""
    with pytest.raises(InvalidRequest, match="成员角色"):
        people.add_person("five", Position("province", member_role="owner"), ACTOR, NOW)
    moved = people.change_position(Person.objects.get(username="three"), Position("user", party().uscc), ACTOR, NOW)
    assert moved.member_role == "submitter"  # its role in the former firm did not come along
    add("six", "viewer", number=2)
    for role in ("viewer", "owner"):  # the same as in the former firm is no reason to take it for left out
        there, back = Position("user", party().uscc, member_role=role), Position("user", party(2).uscc)
        six = people.change_position(Person.objects.get(username="six"), there, ACTOR, NOW)
        assert six.member_role == role
        people.change_position(six, dataclasses.replace(back, member_role="owner"), ACTOR, NOW)


def test_a_link_lets_in_one_colleague_once_and_is_kept_nowhere() -> None:
    owner = add("owner")
    made = members.invite_member(seen(owner), ACTOR, NOW, member_role="viewer", note="小李")
    assert made.secret not in str(MemberInvitation.objects.values())
    with pytest.raises(Refused):
        members.accept_invitation(made.secret, "li", "short", NOW)
    li = members.accept_invitation(made.secret, "li", PASSWORD, NOW, name="李")
    assert (li.member_role, li.party, li.must_change_password) == ("viewer", party(), False)
    assert "受 owner 邀请" in PersonEvent.objects.get(person=li).actor
    with pytest.raises(NotFound, match="已经用过"):
        members.accept_invitation(made.secret, "wang", PASSWORD, NOW)
    late = members.invite_member(seen(owner), ACTOR, NOW, member_role="owner", days=1)
    with pytest.raises(NotFound):
        members.accept_invitation(late.secret, "wang", PASSWORD, NOW + timedelta(days=1))
    members.revoke_invitation(seen(owner), late.invitation.pk, ACTOR, NOW)
    for wrong in (late.secret, "hsi_nothing", "", "x" * 500):
        with pytest.raises(NotFound):
            members.accept_invitation(wrong, "wang", PASSWORD, NOW)
    with pytest.raises(DatabaseError), transaction.atomic():
        MemberInvitation.objects.filter(used_by=li).update(used_at=None, used_by=None)


ENDS = {
    "another role": lambda who: people.set_member_role(who, "submitter", ACTOR, NOW),
    "removed": lambda who: people.disable_person(who, ACTOR, NOW),
    "owner of another firm": lambda who: people.change_position(
        who, Position("user", party(2).uscc, member_role="owner"), ACTOR, NOW
    ),
    "moved behind the services": lambda who: Person.objects.filter(pk=who.pk).update(party=party(2)),
    "no user any more": lambda who: people.change_position(who, Position("auditor"), ACTOR, NOW),
}


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS.keys())
def test_open_invitations_end_with_the_owner_who_made_them(end: Callable[[Person], object]) -> None:
    other, owner = add("other"), add("owner", "owner")
    used, left = (members.invite_member(seen(owner), ACTOR, NOW, member_role="owner") for _ in range(2))
    kept = members.invite_member(seen(other), ACTOR, NOW, member_role="viewer")
    members.accept_invitation(used.secret, "li", PASSWORD, NOW)
    people.set_password(owner, PASSWORD + " 2", ACTOR, NOW)  # that ends nothing of what an owner granted
    assert members.find_invitation(left.secret, NOW) is not None
    end(owner)
    assert list(members.open_invitations(seen(other), NOW)) == [kept.invitation]
    with pytest.raises(NotFound, match="撤回"):
        members.accept_invitation(left.secret, "wang", PASSWORD, NOW)
    if not Person.objects.get(pk=owner.pk).is_active:
        members.restore_member(seen(other), "owner", ACTOR, NOW)
        assert members.find_invitation(left.secret, NOW) is None  # it does not come back with them
    assert members.accept_invitation(kept.secret, "wang", PASSWORD, NOW).member_role == "viewer"


def test_the_database_lets_only_an_owner_of_the_firm_invite() -> None:
    owner = add("owner")
    for inviter, firm in ((add("li", "submitter"), party()), (owner, party(2)), (add("elsewhere", number=2), party())):
        with pytest.raises(IntegrityError), transaction.atomic():
            MemberInvitation.objects.create(
                party=firm, member_role="owner", digest=f"{inviter.pk} {firm.pk}", invited_by=inviter, invited_at=NOW,
                expires_at=NOW + timedelta(days=1),
            )  # fmt: skip


@pytest.mark.django_db(transaction=True)
def test_an_owner_who_is_removed_while_inviting_leaves_no_open_invitation() -> None:
    other, owner = add("other"), add("owner", "owner")
    viewer = seen(owner)
    gate, outcomes = threading.Barrier(2), []

    def does(what: Callable[[], object]) -> None:
        gate.wait()
        try:
            what()
        except Refused as refusal:
            outcomes.append(refusal.code)
        finally:
            connection.close()

    threads = [
        threading.Thread(target=does, args=(act,))
        for act in (
            lambda: members.remove_member(seen(other), "owner", ACTOR, NOW),
            lambda: members.invite_member(viewer, ACTOR, NOW, member_role="owner"),
        )
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert outcomes in ([], ["member.not_owner"])
    assert not members.open_invitations(seen(other), NOW).exists()
    assert not Person.objects.get(username="owner").is_active


@pytest.mark.django_db(transaction=True)
def test_one_link_used_by_two_at_once_lets_one_in() -> None:
    made = members.invite_member(seen(add("owner")), ACTOR, NOW, member_role="viewer")
    gate, outcomes = threading.Barrier(2), []

    def join(name: str) -> None:
        gate.wait()
        try:
            outcomes.append(members.accept_invitation(made.secret, name, PASSWORD, NOW).username)
        except NotFound as refusal:
            outcomes.append(refusal.code)
        finally:
            connection.close()

    threads = [threading.Thread(target=join, args=(name,)) for name in ("li", "wang")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(outcomes)[0] == "invitation.not_valid"
    assert Person.objects.filter(member_role="viewer").count() == 1


def test_only_an_owner_manages_and_only_the_own_firm() -> None:
    owner, other = add("owner"), add("other", number=2)
    for role in ("submitter", "viewer"):
        member = add(role, role)
        with pytest.raises(NotAllowed):
            members.invite_member(seen(member), ACTOR, NOW, member_role="owner")
        with pytest.raises(NotAllowed):
            members.change_member_role(seen(member), "owner", "viewer", ACTOR, NOW)
    weak = Viewer.for_person(owner, scope="submit")
    with pytest.raises(NotAllowed, match="此令牌不能管理"):
        members.invite_member(weak, ACTOR, NOW, member_role="viewer")
    with pytest.raises(NotFound):
        members.change_member_role(seen(owner), other.username, "viewer", ACTOR, NOW)
    with pytest.raises(InvalidRequest):
        members.change_member_role(seen(owner), "viewer", "boss", ACTOR, NOW)


def test_at_least_one_owner_stays() -> None:
    owner, second = add("owner"), add("second", "submitter")
    for end in (
        lambda: members.change_member_role(seen(owner), "owner", "viewer", ACTOR, NOW),
        lambda: members.remove_member(seen(owner), "owner", ACTOR, NOW),
        lambda: people.disable_person(owner, ACTOR, NOW),
        lambda: people.change_position(owner, Position("user", party(2).uscc), ACTOR, NOW),
    ):
        with pytest.raises(NotAllowed, match="最后一位所有者"):
            end()
    people.disable_person(second, ACTOR, NOW)
    people.disable_person(owner, ACTOR, NOW)  # an operator ends a firm that has nobody else
    assert not Person.objects.filter(is_active=True).exists()


@pytest.mark.django_db(transaction=True)
def test_two_owners_who_remove_each_other_at_once_leave_one() -> None:
    pair = [add("one", "owner"), add("two", "owner")]
    viewers = [seen(person) for person in pair]
    gate, refused = threading.Barrier(2), []

    def remove(by: Viewer, username: str) -> None:
        gate.wait()
        try:
            members.remove_member(by, username, ACTOR, NOW)
        except NotAllowed as refusal:
            refused.append(refusal.code)
        finally:
            connection.close()

    threads = [
        threading.Thread(target=remove, args=(viewers[0], "two")),
        threading.Thread(target=remove, args=(viewers[1], "one")),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert refused == ["member.not_owner"]
    assert Person.objects.filter(is_active=True, member_role="owner").count() == 1


def test_a_role_holds_for_tokens_the_api_and_pages_and_changing_it_ends_what_was_granted() -> None:
    add("owner")
    viewer, submitter = add("viewer", "viewer"), add("submitter", "submitter")
    for person, scope in ((viewer, "submit"), (viewer, "manage"), (submitter, "manage")):
        with pytest.raises(NotAllowed, match="权限至多是"):
            issue_token(person, "x", ACTOR, NOW, scope=scope)
    body = {"content_type": "application/json", "data": {"command": ["true"]}}
    refused = browser(viewer).post(f"{API}/jobs", **body)
    assert (refused.status_code, refused.json()["code"]) == (403, "access.scope_too_small")
    assert "所有者调整角色" in refused.json()["detail"]
    assert browser(submitter).post(f"{API}/invitations", content_type="application/json", data={}).status_code == 403
    assert browser(submitter).get("/jobs/new").status_code == 200
    assert browser(viewer).get("/jobs/new").status_code == 403
    assert browser(viewer).post("/jobs/x/cancel").status_code == 403
    assert browser(viewer).get("/jobs/").status_code == 200
    assert browser(viewer).post("/messages/settings", {}).status_code != 403  # what is everybody's own
    reads = bearer(viewer, "read")
    assert reads.get(f"{API}/me").json() | {"scope": "read", "member_role": "viewer"} == reads.get(f"{API}/me").json()
    submits = bearer(submitter, "submit")
    assert submits.get(f"{API}/me").status_code == 200
    people.set_member_role(submitter, "viewer", ACTOR, NOW)
    assert submits.get(f"{API}/me").status_code == 401


def test_a_projects_token_opens_its_jobs_and_nothing_else() -> None:
    owner = add("owner")
    online(centre(), datetime.now(UTC))
    speech = create_project(seen(owner), "speech", "语音", NOW)
    bound = bearer(owner, "submit", project=speech)
    sent = bound.post(f"{API}/jobs", {"command": ["true"]}, content_type="application/json")
    assert (sent.status_code, sent.json()["project"]) == (201, "speech")
    elsewhere = browser(owner).post(f"{API}/jobs", {"command": ["true"]}, content_type="application/json").json()
    assert elsewhere["project"] == "default"
    assert [job["uid"] for job in bound.get(f"{API}/jobs").json()["items"]] == [sent.json()["uid"]]
    assert bound.get(f"{API}/jobs/{elsewhere['uid']}").status_code == 404
    assert bound.post(f"{API}/jobs/{elsewhere['uid']}/cancel").status_code == 404
    assert [each["code"] for each in bound.get(f"{API}/projects").json()] == ["speech"]
    other = elsewhere["uid"]
    after = bound.post(f"{API}/jobs", {"command": ["true"], "after": [other]}, content_type="application/json")
    assert (after.status_code, after.json()["code"]) == (422, "job.dependency_unknown")
    for closed in ("bills", "entitlements", "usage", "members", "use"):
        answer = bound.get(f"{API}/{closed}")
        assert (closed, answer.status_code, answer.json().get("code")) == (closed, 403, "access.project_token")
    with pytest.raises(InvalidRequest):
        issue_token(owner, "x", ACTOR, NOW, scope="manage", project=speech)
    with pytest.raises(NotAllowed):
        issue_token(add("stranger", number=2), "x", ACTOR, NOW, project=speech)


@pytest.mark.parametrize("choice", ["keep", "cancel"])
def test_a_colleague_is_removed_while_a_job_runs_and_the_owner_says_what_becomes_of_it(choice: str) -> None:
    owner, li = add("owner"), add("li", "submitter")
    online(centre(), NOW)
    running, waits = (submit_job(asked(slots=4), seen(li), NOW, bytes([n] * 10)) for n in (1, 2))
    Job.objects.filter(pk=running.pk).update(state="running", started_at=NOW)
    _, secret = issue_token(li, "laptop", ACTOR, NOW)
    with pytest.raises(InvalidRequest, match="keep"):
        remove_with_jobs(seen(owner), "li", "", ACTOR, NOW)
    done = remove_with_jobs(seen(owner), "li", choice, ACTOR, NOW)
    assert done.uids == [running.pk, waits.pk]
    assert find_valid_token(secret, NOW) is None
    assert browser(li).get("/jobs/").status_code == 302
    detail = PersonEvent.objects.filter(person=li, what="disabled").values_list("detail", flat=True).get()
    running.refresh_from_db()
    waits.refresh_from_db()
    if choice == "keep":
        assert (detail, running.cancel_requested_at, waits.state) == ("其未结束的作业继续运行", None, "waiting")
    else:
        assert (detail, running.cancel_requested_at, waits.state) == ("其未结束的作业请求取消", NOW, "cancelled")
        assert "由 owner 取消" in JobEvent.objects.filter(job=waits).latest("id").text
    with pytest.raises(Conflict):
        remove_with_jobs(seen(owner), "li", choice, ACTOR, NOW)
    assert members.restore_member(seen(owner), "li", ACTOR, NOW).is_active


def test_the_page_where_one_joins_and_the_page_of_members_work_without_mail() -> None:
    owner = add("owner")
    desk = browser(owner)
    page = desk.post("/firm/invitations", {"member_role": "submitter", "note": "小王", "days": "3"})
    link = page.content.decode().split('id="link">')[1].split("<")[0]
    assert page["Cache-Control"] == "no-store"
    stranger = Client()
    path = link.removeprefix("http://testserver")
    assert "owner 邀请您加入" in stranger.get(path).content.decode()
    wrong = stranger.post(path, {"username": "wang", "password": PASSWORD, "again": "other"})
    assert (wrong.status_code, "两次输入的新密码不同" in wrong.content.decode()) == (422, True)
    assert stranger.post(path, {"username": "wang", "password": PASSWORD, "again": PASSWORD}).status_code == 302
    assert stranger.get("/jobs/").status_code == 200
    assert Client().get(path).status_code == 404
    assert desk.get(path).status_code == 404
    assert "wang" in desk.get("/firm/members").content.decode()
    assert desk.post("/firm/members/wang/role", {"member_role": "viewer"}).status_code == 302
    assert desk.post("/firm/members/wang/remove", {"jobs": "keep"}).status_code == 302
    assert desk.post("/firm/members/nobody/remove", {"jobs": "keep"}).status_code == 404
    assert desk.post("/firm/members/owner/remove", {"jobs": "keep"}).status_code == 422
    assert not Person.objects.get(username="wang").is_active
