"""Review over HTTP: panels drawn by a post that reviews, scored or left by who sits in them, and the decision sheet."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from django.http import HttpRequest, HttpResponse
from ninja import Field, Query, Router, Schema

from huisuan.documents.typesetting import PDF_TYPE
from huisuan.parties.api_errors import status_by_kind
from huisuan.parties.route_access import Allow, viewer_of
from huisuan.programmes.people import find_person
from huisuan.programmes.review_desk.decision_sheet import freeze_sheet, official_call, show_sheet
from huisuan.programmes.review_desk.drawing import describe_draw, draw_again, draw_call, draws_of
from huisuan.programmes.review_desk.opinions import give_opinion, list_opinions, list_opinions_waiting
from huisuan.programmes.review_desk.seeds import commit_seed, prove_draws
from huisuan.programmes.scoring.seats import recuse
from huisuan.programmes.scoring.sheets import send_sheet
from huisuan.settlement.statements.workbook import XLSX_TYPE

router = Router(tags=["申报"])
_OFFICIALS = ("province", "department", "treasury")


@router.get("/calls/{number}/sheet", auth=Allow(*_OFFICIALS, "auditor", scope="read"), summary="申报通知的决策表")
def sheet(request: HttpRequest, number: str) -> dict[str, Any]:
    """The frozen one; before that, what freezing it now would give."""
    with status_by_kind():
        return show_sheet(viewer_of(request), number).to_dict()


@router.post("/calls/{number}/sheet", auth=Allow(*_OFFICIALS, scope="submit"), summary="冻结决策表；此后以它为准")
def freeze(request: HttpRequest, number: str) -> dict[str, Any]:
    """Once: asked again it is the sheet that was frozen."""
    viewer = viewer_of(request)
    with status_by_kind():
        freeze_sheet(number, find_person(viewer.name), datetime.now(UTC))
        return show_sheet(viewer, number).to_dict()


@router.get("/calls/{number}/sheet.pdf", auth=Allow(*_OFFICIALS, "auditor", scope="read"), summary="冻结的决策表，PDF")
def sheet_pdf(request: HttpRequest, number: str) -> HttpResponse:
    """With the names of the applicants, tables as annexes; the same frozen sheet is the same bytes."""
    with status_by_kind():
        content = show_sheet(viewer_of(request), number).to_pdf()
    return _file(content, PDF_TYPE, f"decision-sheet-{number}.pdf")


@router.get("/calls/{number}/sheet.xlsx", auth=Allow(*_OFFICIALS, "auditor", scope="read"), summary="决策表，XLSX")
def sheet_xlsx(request: HttpRequest, number: str) -> HttpResponse:
    """With the names of the applicants; before it is frozen, what freezing it now would give."""
    with status_by_kind():
        content = show_sheet(viewer_of(request), number).to_workbook()
    return _file(content, XLSX_TYPE, f"decision-sheet-{number}.xlsx")


def _file(content: bytes, media_type: str, name: str) -> HttpResponse:
    answer = HttpResponse(content, content_type=media_type)
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


class OpinionBody(Schema):
    """What an office says of a case that is decided one by one."""

    office: str = Field(max_length=80)
    text: str = Field(max_length=2000)
    amount_fen: int | None = Field(None, ge=0, le=10**15, description="建议的金额（分），可不写")


@router.get("/inbox/opinions", auth=Allow(*_OFFICIALS, "city", scope="read"), summary="等我的单位出具意见的申报")
def opinions_inbox(request: HttpRequest, after: Annotated[int, Query(ge=0, le=10**15)] = 0) -> dict[str, Any]:
    """Oldest first, a hundred at a time; `after` is the last id of the page before."""
    person = find_person(viewer_of(request).name)
    return {"waiting": list_opinions_waiting(person, datetime.now(UTC), after=after)}


@router.get(
    "/applications/{number}/opinions",
    auth=Allow(*_OFFICIALS, "auditor", scope="read"),
    summary="一事一议须征求意见的单位和各自的意见",
)
def opinions(request: HttpRequest, number: str) -> dict[str, Any]:
    """Every office to be heard; null where it has not said anything yet."""
    with status_by_kind():
        return {"opinions": list_opinions(viewer_of(request), number)}


@router.post(
    "/applications/{number}/opinions", auth=Allow(*_OFFICIALS, scope="submit"), summary="登记一个单位的意见，一次"
)
def opinion(request: HttpRequest, number: str, body: OpinionBody) -> dict[str, Any]:
    """By a post to recommend there; all of the application afterwards."""
    with status_by_kind():
        person = find_person(viewer_of(request).name)
        give_opinion(number, body.office, body.text, person, datetime.now(UTC), amount_fen=body.amount_fen)
    return opinions(request, number)


class DrawBody(Schema):
    """The word that was committed to, if any, to be checked; for more alternates, of which application and why."""

    seed: str = Field("", max_length=200)
    again: str = Field("", max_length=20, description="申报编号：候补已用完，补抽")
    reason: str = Field("", max_length=500)


class CommitBody(Schema):
    """A word of which only the digest is kept; or that digest: the SHA-256 of `call number|word`."""

    seed: str = Field("", max_length=200)
    digest: str = Field("", max_length=64)


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
        person, now = find_person(viewer_of(request).name), datetime.now(UTC)
        if body.again:
            return describe_draw(draw_again(number, body.again, body.seed.strip(), body.reason, person, now))
        return describe_draw(draw_call(number, body.seed.strip(), person, now))


@router.post(
    "/calls/{number}/seed-commitment", auth=Allow(*_OFFICIALS, scope="submit"), summary="在收到申报之前承诺抽签的种子"
)
def commit(request: HttpRequest, number: str, body: CommitBody) -> dict[str, Any]:
    """Once; the same again is the one that there is."""
    with status_by_kind():
        person, now = find_person(viewer_of(request).name), datetime.now(UTC)
        made = commit_seed(number, person, now, word=body.seed.strip(), digest=body.digest)
    return {"call": number, "commitment": made.digest, "by": made.by.username, "at": made.at.isoformat()}


@router.get(
    "/calls/{number}/draws/proof",
    auth=Allow(*_OFFICIALS, "auditor", scope="read"),
    summary="各次抽签的全部输入和复算结果",
)
def proof(request: HttpRequest, number: str) -> dict[str, Any]:
    """With the text of which each seed is the SHA-256."""
    with status_by_kind():
        return prove_draws(official_call(viewer_of(request), number), datetime.now(UTC))


@router.post("/reviews/{number}/score", auth=Allow(scope="submit"), summary="提交评分表，一次")
def score(request: HttpRequest, number: str, body: ScoreBody) -> dict[str, Any]:
    """By the expert who sits in the panel; it is never changed."""
    with status_by_kind():
        sheet = send_sheet(number, body.marks, body.reasons, find_person(viewer_of(request).name), datetime.now(UTC))
    return {"number": number, "score": str(sheet.score)}


@router.post("/reviews/{number}/recusal", auth=Allow(scope="submit"), summary="回避：由候补专家递补")
def leave(request: HttpRequest, number: str, body: RecusalBody) -> dict[str, Any]:
    """By the expert who sits in the panel, of the own seat only."""
    with status_by_kind():
        recuse(number, find_person(viewer_of(request).name), body.reason, datetime.now(UTC))
    return {"number": number, "left": True}
