"""Drafts and their evidence over HTTP: of one's own party alone, until they are handed in under a call."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Field, File, Path, Router, Schema, UploadedFile

from huisuan.base.errors import Conflict, NotFound
from huisuan.base.months import SHANGHAI
from huisuan.law.model import Rule
from huisuan.law.policy import Policy, load_policy
from huisuan.parties.api_errors import status_by_kind
from huisuan.parties.models import Party, Person
from huisuan.parties.route_access import Allow, viewer_of
from huisuan.programmes.applications.queries import claimant, drafts
from huisuan.programmes.applications.services import (
    DraftTexts,
    attach_evidence,
    begin_draft,
    discard_draft,
    name_objects,
    save_draft,
    withdraw_evidence,
)
from huisuan.programmes.models import Draft
from huisuan.programmes.models.limits import LARGEST_BYTES
from huisuan.programmes.people import find_person

router = Router(tags=["申报"])
_APPLICANTS = ("user", "city")
_Number = Annotated[int, Path(ge=1, le=10**15)]


class NamedObjectBody(Schema):
    """An object that the draft claims for."""

    kind: str = Field(max_length=20, description="contract、invoice、standard、project、voucher")
    code: str = Field(max_length=320)


class DraftBody(Schema):
    """What is typed: a text for each fact, as in the form; a fact that is left out is empty."""

    label: str = Field("", max_length=80)
    facts: dict[str, Annotated[str, Field(max_length=2000)]] = Field(default_factory=dict, max_length=500)
    objects: list[NamedObjectBody] | None = Field(None, max_length=500, description="不写则不动")

    def texts(self) -> DraftTexts:
        """As the services take them."""
        return DraftTexts(self.facts, self.label)


class NewDraftBody(DraftBody):
    """Under which rule of which policy it is begun."""

    policy: str = Field(max_length=60)
    rule: str = Field(max_length=60)


class SavedDraftBody(DraftBody):
    """With the version that its author had before their eyes."""

    version: int = Field(ge=1, le=10**9)


@router.get("/drafts", auth=Allow(*_APPLICANTS, scope="read"), summary="本单位的草稿")
def list_drafts(request: HttpRequest) -> dict[str, Any]:
    """Those that were not put away, the newest first; five hundred at most."""
    found = drafts(viewer_of(request)).order_by("-pk").prefetch_related("evidence")
    return {"drafts": [_to_dict(one) for one in found]}


@router.post("/drafts", auth=Allow(*_APPLICANTS, scope="submit"), summary="按一条政策起草申报")
def new_draft(request: HttpRequest, body: NewDraftBody) -> dict[str, Any]:
    """What is no fact of the rule is left out; nothing is checked before it is handed in."""
    now, person = datetime.now(UTC), _person(request)
    with status_by_kind():
        law, rule = _law(body.policy, body.rule)
        made = begin_draft(_claimant(request), person, law, rule, body.texts(), now)
        if body.objects is not None:
            made = name_objects(made, [each.dict() for each in body.objects], person, now)
    return _to_dict(made)


@router.get("/drafts/{number}", auth=Allow(*_APPLICANTS, scope="read"), summary="一份草稿和它的佐证材料")
def show_draft(request: HttpRequest, number: _Number) -> dict[str, Any]:
    """What is missing of it under a call: `/calls/{number}/missing`."""
    with status_by_kind():
        return _to_dict(_own(request, number))


@router.put("/drafts/{number}", auth=Allow(*_APPLICANTS, scope="submit"), summary="保存一份草稿")
def keep_draft(request: HttpRequest, number: _Number, body: SavedDraftBody) -> dict[str, Any]:
    """409 if somebody else saved it since `version`."""
    now, person = datetime.now(UTC), _person(request)
    with status_by_kind():
        draft = _own(request, number)
        law, rule = _law(draft.policy, draft.rule)
        made = save_draft(draft, body.version, person, law, rule, body.texts(), now)
        if body.objects is not None:
            made = name_objects(made, [each.dict() for each in body.objects], person, now)
    return _to_dict(made)


@router.post("/drafts/{number}/discard", auth=Allow(*_APPLICANTS, scope="submit"), summary="舍弃一份草稿")
def put_draft_away(request: HttpRequest, number: _Number) -> dict[str, Any]:
    """It stays on record with its evidence."""
    with status_by_kind():
        discard_draft(_own(request, number), datetime.now(UTC))
    return {"draft": number, "discarded": True}


@router.post("/drafts/{number}/evidence/{fact}", auth=Allow(*_APPLICANTS, scope="submit"), summary="上传一项佐证材料")
def add_evidence(request: HttpRequest, number: _Number, fact: str, file: File[UploadedFile]) -> dict[str, Any]:
    """Of one fact of the rule; the same file again is kept once."""
    with status_by_kind():
        draft = _own(request, number)
        rule = _law(draft.policy, draft.rule)[1]
        content = file.read(LARGEST_BYTES + 1)
        attach_evidence(draft, rule, fact, file.name or "", content, _person(request), datetime.now(UTC))
    return _to_dict(draft)


@router.post(
    "/drafts/{number}/withdrawals/{evidence}", auth=Allow(*_APPLICANTS, scope="submit"), summary="撤回一项佐证材料"
)
def take_evidence_back(request: HttpRequest, number: _Number, evidence: _Number) -> dict[str, Any]:
    """It stays on record, and in what was handed in with it."""
    with status_by_kind():
        draft = _own(request, number)
        withdraw_evidence(draft, evidence, _person(request), datetime.now(UTC))
    return _to_dict(draft)


def _person(request: HttpRequest) -> Person:
    return find_person(viewer_of(request).name)


def _claimant(request: HttpRequest) -> Party:
    party = claimant(viewer_of(request))
    if party is None:
        raise Conflict("本市还没有登记为主体：请省专班先登记", code="draft.no_party")
    return party


def _own(request: HttpRequest, number: int) -> Draft:
    found: Draft | None = drafts(viewer_of(request)).filter(pk=number).first()
    if found is None:
        raise NotFound(f"没有草稿 {number}", code="draft.unknown")
    return found


def _law(policy: str, rule: str) -> tuple[Policy, Rule]:
    law = load_policy(policy)
    return law, law.rule(rule)


def _to_dict(draft: Draft) -> dict[str, Any]:
    return {
        "draft": draft.pk, "policy": draft.policy, "rule": draft.rule, "label": draft.label, "version": draft.version,
        "facts": draft.facts, "objects": draft.named, "updated_at": draft.updated_at.astimezone(SHANGHAI).isoformat(),
        "evidence": [
            {"id": file.pk, "fact": file.fact, "filename": file.filename, "size": file.size, "sha256": file.sha256}
            for file in draft.evidence.all()
            if file.withdrawn_at is None
        ],
    }  # fmt: skip
