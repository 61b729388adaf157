"""Projects of a firm: made and closed by its owners, for jobs that name one, the token's, or the default."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from huisuan.base.errors import Conflict, InvalidRequest, NotAllowed, NotFound, Refused
from huisuan.parties.acting_party import resolve_acting_party
from huisuan.parties.identity.audit_trail import Actor
from huisuan.parties.identity.tokens import issue_token
from huisuan.parties.models import Party, Project
from huisuan.parties.projects import (
    close_project,
    create_project,
    get_project,
    list_projects,
    project_for_job,
    reopen_project,
)
from huisuan.parties.viewer import Viewer
from support.jobs import centre, party
from support.programmes import applicant

pytestmark = pytest.mark.django_db
NOW = datetime(2024, 6, 3, 4, tzinfo=UTC)


def of(firm: Party, **more: object) -> Viewer:
    return Viewer("user", "owner", firm.pk, member_role="owner", **more)  # type: ignore[arg-type]


def test_a_project_is_made_once_closed_with_its_tokens_and_opened_again() -> None:
    owner = of(party())
    with pytest.raises(NotAllowed):
        create_project(Viewer("user", "li", party().pk, member_role="submitter"), "speech", "语音", NOW)
    for code, name in (("Speech", "x"), ("-x", "x"), ("", "x"), ("a" * 41, "x"), ("x", ""), ("x", "字" * 121)):
        with pytest.raises(InvalidRequest):
            create_project(owner, code, name, NOW)
    made = create_project(owner, " speech ", " 语音 ", NOW)
    assert (made.code, made.name, str(made)) == ("speech", "语音", "speech")
    with pytest.raises(Conflict, match="已经用了"):
        create_project(owner, "speech", "又一个", NOW)
    assert [one.code for one in list_projects(owner)] == ["default", "speech"]
    token, _ = issue_token(applicant(), "laptop", Actor("test"), NOW, scope="submit", project=made)
    assert close_project(owner, "speech", NOW).closed_at == NOW
    token.refresh_from_db()
    assert token.revoked_at is not None
    with pytest.raises(Conflict, match="已经关闭"):
        close_project(owner, "speech", NOW)
    with pytest.raises(Conflict, match="默认项目不能关闭"):
        close_project(owner, "default", NOW)
    with pytest.raises(Conflict, match="不收新作业"):
        project_for_job("speech", party(), owner, NOW)
    assert reopen_project(owner, "speech").closed_at is None
    with pytest.raises(Conflict, match="没有关闭"):
        reopen_project(owner, "speech")
    with pytest.raises(NotFound):
        get_project(of(party(2)), "speech")


def test_a_job_goes_to_the_project_named_to_that_of_the_token_or_to_the_default() -> None:
    firm, owner = party(), of(party())
    speech = create_project(owner, "speech", "语音", NOW)
    other = create_project(owner, "vision", "视觉", NOW)
    bound = of(firm, project_id=speech.pk)
    assert project_for_job(None, firm, owner, NOW).code == "default"
    assert project_for_job("vision", firm, owner, NOW) == other
    assert project_for_job("", firm, bound, NOW) == project_for_job("speech", firm, bound, NOW) == speech
    with pytest.raises(InvalidRequest, match="只用于项目 speech"):
        project_for_job("vision", firm, bound, NOW)
    for wrong in ("nothing", "X Y"):
        with pytest.raises(NotFound, match="没有项目"):
            project_for_job(wrong, firm, owner, NOW)
    assert list(list_projects(bound)) == [speech]
    with pytest.raises(NotFound):
        get_project(bound, "vision")
    Project.objects.bulk_create(
        Project(party=firm, code=f"p{number}", name="x", created_at=NOW + timedelta(seconds=number))
        for number in range(497)
    )
    with pytest.raises(InvalidRequest, match="至多 500 个"):
        create_project(owner, "one-more", "x", NOW)


def test_a_user_acts_for_the_own_party_and_the_province_for_the_one_it_names() -> None:
    own, other = party(), party(2)
    assert resolve_acting_party(None, of(own)) == resolve_acting_party(own.uscc, of(own)) == own
    assert resolve_acting_party(other.uscc, Viewer("province", "zhang")) == other
    for uscc, viewer, kind in (
        (other.uscc, of(own), NotAllowed), (None, Viewer("province", "zhang"), InvalidRequest),
        ("91340100MA2T99999X", Viewer("province", "zhang"), NotFound),
    ):  # fmt: skip
        with pytest.raises(kind):
            resolve_acting_party(uscc, viewer)
    assert issubclass(kind, Refused)


def test_each_role_sees_its_own_parties_centres_and_use_and_nothing_else() -> None:
    there = centre()
    mine, operator = party(), there.operator
    seen = {
        name: (set(Party.objects.filter(viewer.parties())), type(there).objects.filter(viewer.centres()).count())
        for name, viewer in {
            "user": of(mine), "city": Viewer("city", "c", city=mine.region_id),
            "far": Viewer("city", "c", city="341800"), "centre": Viewer("centre", "c", operator.pk),
            "auditor": Viewer("auditor", "a"), "expert": Viewer("expert", "e"),
        }.items()
    }  # fmt: skip
    every = set(Party.objects.all())
    assert seen == {
        "user": ({mine}, 0), "city": (set(Party.objects.filter(region=mine.region_id)), 1), "far": (set(), 0),
        "centre": (set(), 1), "auditor": (every, 1), "expert": (set(), 0),
    }  # fmt: skip
    assert "centre__operator_id" in str(Viewer("centre", "c", operator.pk).usage())
    both = str(Viewer("city", "c", city="340100").usage())
    assert ("party__region_id" in both, "centre__region_id" in both) == (True, True)
    assert "party__pk" in str(of(mine).usage())
