"""Applications over HTTP: what one may see, what waits for one's posts, and acts by the person who asks."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Field, Header, Query, Router, Schema

from huisuan.base.errors import InvalidRequest
from huisuan.parties.api_errors import status_by_kind
from huisuan.parties.route_access import Allow, viewer_of
from huisuan.programmes.people import find_person
from huisuan.programmes.workflow.act import act, act_on_many
from huisuan.programmes.workflow.inbox import INBOX_PAGE, list_waiting
from huisuan.programmes.workflow.moving import move_to_present
from huisuan.programmes.workflow.queries import (
    application_to_dict,
    describe_application,
    get_application,
    visible_applications,
)
from huisuan.protocol.resources import IDEMPOTENCY_KEY

router = Router(tags=["申报"])
_READERS = ("user", "city", "province", "department", "treasury", "auditor")
_ACTORS = ("user", "city", "province", "department", "treasury")
_OFFICIALS = ("city", "province", "department", "treasury")
_MOST = 1000
_Key = Annotated[str, Header(alias=IDEMPOTENCY_KEY, max_length=80, description="幂等键：同一键在一件申报上只办一次")]


#: what only some acts take beside a reason; the act refuses what is missing, this what is said in vain
_ONLY_WITH = {
    "fields": ("return",), "budget_year": ("commit",), "owed_fen": ("recover", "relent"),
    "facts": ("recover", "relent"), "repayments": ("recover",),
}  # fmt: skip


class ActBody(Schema):
    """What goes with an act; each field says with which it may stand."""

    reason: str = Field("", max_length=1000)
    amount_fen: int | None = Field(None, ge=0, le=10**15, description="批准的金额（分），只用于 decide")
    fields: list[str] | None = Field(None, max_length=200, description="须补正的栏目，只用于 return")
    budget_year: int | None = Field(None, ge=2000, le=2200, description="用哪一年的预算，只用于 commit；不写则为今年")
    owed_fen: int | None = Field(
        None, ge=0, le=10**15, description="更正后应得（分），只用于 recover 和 relent；平台算得出的不写"
    )
    facts: dict[str, str] | None = Field(
        None, max_length=200, description="更正的事实：名 → 文字，只用于 recover 和 relent"
    )
    repayments: list[tuple[int, str]] | None = Field(
        None, max_length=60, description="分期退款：金额（分）、日期，只用于 recover"
    )

    def payload(self, action: str) -> dict[str, Any]:
        """What the step keeps beside its reason.

        Raises:
            InvalidRequest: something is said that this act does not take.
        """
        said = {name: value for name in _ONLY_WITH if (value := getattr(self, name)) is not None}
        for name in said:
            if action not in _ONLY_WITH[name]:
                raise InvalidRequest(f"{name} 只用于 {'、'.join(_ONLY_WITH[name])}", code="application.field_not_here")
        return said


class ActOnManyBody(ActBody):
    """The same act, with one reason, on many applications."""

    numbers: list[str] = Field(min_length=1, max_length=10_000)


@router.get("/applications", auth=Allow(*_READERS, scope="read"), summary="可看的申报，新的在前")
def applications(
    request: HttpRequest,
    state: Annotated[str, Query(max_length=20)] = "",
    offset: Annotated[int, Query(ge=0, le=10**9)] = 0,
    limit: Annotated[int, Query(ge=1, le=_MOST)] = 100,
) -> dict[str, Any]:
    """A party's own, a city's own and its parties', or all."""
    found = visible_applications(viewer_of(request))
    found = found.filter(state=state) if state else found
    rows = found[offset : offset + limit]
    return {"total": found.count(), "applications": [application_to_dict(one) for one in rows]}


@router.get("/applications/{number}", auth=Allow(*_READERS, scope="read"), summary="一件申报：状态、金额、到期、每一步")
def application(request: HttpRequest, number: str) -> dict[str, Any]:
    """One of them with its history."""
    with status_by_kind():
        return describe_application(get_application(viewer_of(request), number))


@router.get("/inbox", auth=Allow(*_OFFICIALS, scope="read"), summary="等我当天在任的岗位办理的申报")
def inbox(request: HttpRequest, after: Annotated[int, Query(ge=0, le=10**15)] = 0) -> dict[str, Any]:
    """Oldest first, a hundred at a time; `after` is the last id of the page before."""
    now = datetime.now(UTC)
    waiting = list_waiting(find_person(viewer_of(request).name), now, after=after, limit=INBOX_PAGE)
    return {"waiting": [one.to_dict(now) for one in waiting]}


@router.post(
    "/applications/{number}/acts/{action}", auth=Allow(*_ACTORS, scope="submit"), summary="办理一步，以令牌本人的名义"
)
def take_step(request: HttpRequest, number: str, action: str, body: ActBody, key: _Key = "") -> dict[str, Any]:
    """The application after the step; asked again with the same key nothing more is done."""
    person = find_person(viewer_of(request).name)
    with status_by_kind():
        step = act(
            number, action, person, datetime.now(UTC),
            reason=body.reason, amount_fen=body.amount_fen, payload=body.payload(action), key=key,
        )  # fmt: skip
    return describe_application(type(step.application).objects.get(pk=step.application_id))


class MoveBody(Schema):
    """Why an application goes on under the newer procedure."""

    reason: str = Field(max_length=1000)


@router.post(
    "/applications/{number}/move",
    auth=Allow(*_OFFICIALS, scope="submit"),
    summary="改按现行程序办理，由作决定的岗位，写明理由",
)
def move(request: HttpRequest, number: str, body: MoveBody) -> dict[str, Any]:
    """The application after the move; what was done stands."""
    with status_by_kind():
        made = move_to_present(number, body.reason, find_person(viewer_of(request).name), datetime.now(UTC))
    return describe_application(type(made.application).objects.get(pk=made.application_id))


@router.post("/acts/{action}", auth=Allow(*_ACTORS, scope="submit"), summary="对多件申报办理同一步，一个理由")
def take_step_on_many(request: HttpRequest, action: str, body: ActOnManyBody, key: _Key = "") -> dict[str, Any]:
    """All that may be done are, in one transaction; the others are named, each with its reason."""
    person = find_person(viewer_of(request).name)
    outcome = act_on_many(
        body.numbers, action, person, datetime.now(UTC),
        reason=body.reason, amount_fen=body.amount_fen, payload=body.payload(action), key=key,
    )  # fmt: skip
    return {
        "done": sorted(step.application.number for step in outcome.done),
        "refused": [
            {"number": number, "code": refusal.code, "detail": str(refusal)}
            for number, refusal in outcome.refused.items()
        ],
    }
