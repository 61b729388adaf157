"""Panels over HTTP: drawn by a post that reviews, scored or left by the expert who sits in them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Field, Router, Schema

from huisuan.parties.api_errors import status_by_kind
from huisuan.parties.route_access import Allow, viewer_of
from huisuan.programmes.people import find_person
from huisuan.programmes.review_desk.decision_sheet import official_call
from huisuan.programmes.review_desk.drawing import describe_draw, draw_call, draws_of
from huisuan.programmes.scoring.seats import recuse
from huisuan.programmes.scoring.sheets import send_sheet

router = Router(tags=["申报"])
_OFFICIALS = ("province", "department", "treasury")


class DrawBody(Schema):
    """The seed from which the draw can be made again."""

    seed: str = Field(max_length=200)


class ScoreBody(Schema):
    """A mark for each criterion, and a reason where the programme asks for one."""

    marks: dict[str, int] = Field(max_length=100)
    reasons: dict[str, Annotated[str, Field(max_length=2000)]] = Field(default_factory=dict, max_length=100)


class RecusalBody(Schema):
    """Why the seat is given up."""

    reason: str = Field(max_length=1000)


@router.get("/calls/{number}/draws", auth=Allow(*_OFFICIALS, "auditor", scope="read"), summary="一份申报通知的各次抽签")
def draws(request: HttpRequest, number: str) -> dict[str, Any]:
    """With seed and digest of each, and whether they come to the same seats."""
    with status_by_kind():
        return {"draws": [describe_draw(made) for made in draws_of(official_call(viewer_of(request), number))]}


@router.post("/calls/{number}/draws", auth=Allow(*_OFFICIALS, scope="submit"), summary="为等待评审的申报抽签")
def draw(request: HttpRequest, number: str, body: DrawBody) -> dict[str, Any]:
    """A panel for every application that waits and has none."""
    with status_by_kind():
        return describe_draw(draw_call(number, body.seed.strip(), find_person(viewer_of(request).name), _now()))


@router.post("/reviews/{number}/score", auth=Allow(scope="submit"), summary="提交评分表，一次")
def score(request: HttpRequest, number: str, body: ScoreBody) -> dict[str, Any]:
    """By the expert who sits in the panel; it is never changed."""
    with status_by_kind():
        sheet = send_sheet(number, body.marks, body.reasons, find_person(viewer_of(request).name), _now())
    return {"number": number, "score": str(sheet.score)}


@router.post("/reviews/{number}/recusal", auth=Allow(scope="submit"), summary="回避：由候补专家递补")
def leave(request: HttpRequest, number: str, body: RecusalBody) -> dict[str, Any]:
    """By the expert who sits in the panel, of the own seat only."""
    with status_by_kind():
        recuse(number, find_person(viewer_of(request).name), body.reason, _now())
    return {"number": number, "left": True}


def _now() -> datetime:
    return datetime.now(UTC)
