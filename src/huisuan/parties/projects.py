"""Projects of a firm: made and closed by its owners; every party has a default one. Each change is one transaction."""

from __future__ import annotations

import re
from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from huisuan.base.errors import Conflict, InvalidRequest, NotFound
from huisuan.base.text_length import shortened
from huisuan.parties.members import check_owner
from huisuan.parties.models import DEFAULT_PROJECT, Party, Project
from huisuan.parties.viewer import Viewer

_CODE = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_LONGEST_NAME, _MOST_PROJECTS = 120, 500
DEFAULT_NAME = "默认项目"


def list_projects(viewer: Viewer) -> QuerySet[Project]:
    """The projects that the viewer may see, open ones first: of a token that is bound to one, that one."""
    projects = Project.objects.filter(viewer.parties("party")).select_related("party")
    if viewer.project_id is not None:
        projects = projects.filter(pk=viewer.project_id)
    return projects.order_by("party__uscc", "-closed_at", "code")


def get_project(viewer: Viewer, code: str) -> Project:
    """The project of the viewer's firm with this code.

    Raises:
        NotFound: there is none.
    """
    wanted = Project.objects.select_related("party").filter(party=viewer.party_id, code=code)
    if viewer.project_id is not None:
        wanted = wanted.filter(pk=viewer.project_id)
    found = wanted.first() if viewer.party_id and _CODE.fullmatch(code) else None
    if found is None:
        raise NotFound(f'本单位没有项目 "{code}"：用 huisuan project list 查看', code="project.unknown")
    return found


def default_project(party: Party, now: datetime) -> Project:
    """Where a job of the party belongs that names no project."""
    found, _ = Project.objects.get_or_create(
        party=party, code=DEFAULT_PROJECT, defaults={"name": DEFAULT_NAME, "created_at": now}
    )
    return found


def project_for_job(code: str | None, party: Party, viewer: Viewer, now: datetime) -> Project:
    """The project that a new job belongs to: the one named, that of the token, or the party's default.

    Raises:
        InvalidRequest: the token is of another project.
        NotFound: the party has no such project.
        Conflict: it is closed.
    """
    if viewer.project_id is not None:
        found = Project.objects.get(pk=viewer.project_id)
        if code not in (None, "", found.code):
            raise InvalidRequest(
                f"项目 {code}：这个令牌只用于项目 {found.code}；请去掉项目，或换一个令牌", code="project.not_of_token"
            )
    elif code:
        named = Project.objects.filter(party=party, code=code).first() if _CODE.fullmatch(code) else None
        if named is None:
            raise NotFound(
                f'主体 {party.uscc} 没有项目 "{code}"：用 huisuan project list 查看，或由所有者新建',
                code="project.unknown",
            )
        found = named
    else:
        return default_project(party, now)
    if found.closed_at is not None:
        raise Conflict(f"项目 {found.code} 已经关闭，不收新作业：请换一个项目", code="project.closed")
    return found


@transaction.atomic
def create_project(viewer: Viewer, code: str, name: str, now: datetime) -> Project:
    """A new project of the viewer's firm.

    Raises:
        NotAllowed: the viewer is no owner.
        InvalidRequest: a malformed code or name, or too many projects.
        Conflict: the code is taken.
    """
    party, code, name = check_owner(viewer), code.strip(), name.strip()
    if not _CODE.fullmatch(code):
        raise InvalidRequest(
            f'项目代码 "{shortened(code, 60)}"：1 至 40 个小写字母、数字或 -，以字母或数字开头，例如 speech-2026',
            code="project.code_malformed",
        )
    if not name or len(name) > _LONGEST_NAME or "\0" in name:
        raise InvalidRequest(f"项目名称：1 至 {_LONGEST_NAME} 个字", code="project.name_malformed")
    if Project.objects.filter(party=party).count() >= _MOST_PROJECTS:
        raise InvalidRequest(f"一个单位至多 {_MOST_PROJECTS} 个项目", code="project.too_many")
    default_project(Party.objects.get(pk=party), now)
    try:
        with transaction.atomic():
            return Project.objects.create(party_id=party, code=code, name=name, created_by=viewer.name, created_at=now)
    except IntegrityError:
        raise Conflict(f"项目代码 {code} 已经用了", code="project.code_taken") from None


@transaction.atomic
def close_project(viewer: Viewer, code: str, now: datetime) -> Project:
    """Take no new jobs for a project; its tokens end, its jobs go on, its record stays.

    Raises:
        NotAllowed: the viewer is no owner.
        Refused: no such project, the default one, or closed already.
    """
    check_owner(viewer)
    project = Project.objects.select_for_update(of=("self",)).get(pk=get_project(viewer, code).pk)
    if project.code == DEFAULT_PROJECT:
        raise Conflict("默认项目不能关闭：没有写项目的作业归它", code="project.default_stays")
    if project.closed_at is not None:
        raise Conflict(f"项目 {code} 已经关闭", code="project.closed")
    project.closed_at = now
    project.save(update_fields=["closed_at"])
    for token in project.tokens.filter(revoked_at__isnull=True):
        token.revoked_at = max(now, token.created_at)
        token.save(update_fields=["revoked_at"])
    return project


@transaction.atomic
def reopen_project(viewer: Viewer, code: str) -> Project:
    """Take new jobs again.

    Raises:
        NotAllowed: the viewer is no owner.
        Refused: no such project, or not closed.
    """
    check_owner(viewer)
    project = Project.objects.select_for_update(of=("self",)).get(pk=get_project(viewer, code).pk)
    if project.closed_at is None:
        raise Conflict(f"项目 {code} 没有关闭", code="project.not_closed")
    project.closed_at = None
    project.save(update_fields=["closed_at"])
    return project
