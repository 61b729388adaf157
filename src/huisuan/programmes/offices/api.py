"""Posts over HTTP: who holds which, given and ended by the person whose token asks."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Field, Query, Router, Schema

from huisuan.base.months import SHANGHAI
from huisuan.parties.api_errors import status_by_kind
from huisuan.parties.route_access import Allow, viewer_of
from huisuan.programmes.offices.queries import get_post, list_offices, list_posts, post_to_dict
from huisuan.programmes.offices.services import end_post, give_post
from huisuan.programmes.people import find_person

router = Router(tags=["岗位"])
_READERS = ("city", "province", "department", "treasury", "auditor", "operator")
_GIVERS = ("province", "operator")
_MOST = 1000


class PostBody(Schema):
    """Whom, where, as what and when; both days count, and a stand-in names the post that it stands in for."""

    person: str = Field(max_length=80, description="账号")
    office: str = Field(max_length=80, description="单位，照政策文本写")
    duty: str = Field(max_length=10, description="职责，如 check、decide")
    from_day: date = Field(alias="from", description="第一天")
    until_day: date | None = Field(None, alias="until", description="最后一天；不写则到结束为止")
    stands_in_for: int | None = Field(None, ge=1, le=10**15, description="代理哪个岗位")


class PostEndBody(Schema):
    """The last day of a post; yesterday at the earliest."""

    last_day: date = Field(description="最后一天，至早是昨天")


@router.get("/offices", auth=Allow(*_READERS, scope="read"), summary="政策文本写到的单位")
def offices(request: HttpRequest) -> dict[str, Any]:
    """Their names, as posts name them."""
    return {"offices": list_offices()}


@router.get("/posts", auth=Allow(*_READERS, scope="read"), summary="岗位：谁在哪个单位承担什么，新的在前")
def posts(
    request: HttpRequest,
    office: Annotated[str, Query(max_length=80)] = "",
    person: Annotated[str, Query(max_length=80)] = "",
    offset: Annotated[int, Query(ge=0, le=10**9)] = 0,
    limit: Annotated[int, Query(ge=1, le=_MOST)] = 100,
) -> dict[str, Any]:
    """Those in force and those that are over."""
    found, today = list_posts(office=office, username=person), _now().astimezone(SHANGHAI).date()
    return {"total": found.count(), "posts": [post_to_dict(one, today) for one in found[offset : offset + limit]]}


@router.post("/posts", auth=Allow(*_GIVERS, scope="manage"), summary="给予一个岗位，以令牌本人的名义")
def give(request: HttpRequest, body: PostBody) -> dict[str, Any]:
    """The post that was given; nobody gives one to oneself."""
    now = _now()
    with status_by_kind():
        stands_in_for = get_post(body.stands_in_for) if body.stands_in_for else None
        made = give_post(
            find_person(body.person), body.office, body.duty, body.from_day, find_person(viewer_of(request).name), now,
            until_day=body.until_day, stands_in_for=stands_in_for,
        )  # fmt: skip
    return post_to_dict(made, now.astimezone(SHANGHAI).date())


@router.post("/posts/{number}/end", auth=Allow(*_GIVERS, scope="manage"), summary="结束一个岗位")
def end(request: HttpRequest, number: int, body: PostEndBody) -> dict[str, Any]:
    """The post with its last day."""
    now = _now()
    with status_by_kind():
        ended = end_post(get_post(number), body.last_day, find_person(viewer_of(request).name), now)
    return post_to_dict(ended, now.astimezone(SHANGHAI).date())


def _now() -> datetime:
    return datetime.now(UTC)
