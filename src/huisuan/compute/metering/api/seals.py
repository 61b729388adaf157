"""The meter's proofs over HTTP: seals, flags, the proof of a record, the platform's public key."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import HttpRequest
from ninja import Field, Router, Schema

from huisuan.base.errors import Refused
from huisuan.compute.keys import platform_key
from huisuan.compute.metering.checks.flags import flag_to_dict
from huisuan.compute.metering.seals import queries
from huisuan.compute.metering.seals.queries import prove_record, seal_to_dict
from huisuan.compute.metering.seals.register import register_file
from huisuan.compute.models import Centre, MeterFlag
from huisuan.parties.api_errors import ApiRefusal
from huisuan.parties.route_access import Allow, viewer_of

router = Router(tags=["计量"])
_READERS = ("centre", "city", "province", "auditor")
_MOST = 1000


class SealOut(Schema):
    """A sealed month; both signatures are over the statement."""

    centre: str
    month: str
    records: int
    late: int = Field(description="其中迟到的：所属月份已封之后才来")
    card_seconds: int
    root: str = Field(description="默克尔根（RFC 9162）")
    last_sequence: int
    sealed_at: datetime
    sealed_by: str
    parquet_sha256: str
    statement: str
    signature: str
    countersigned_by: str | None
    countersignature: str | None
    countersigned_at: datetime | None


class FlagOut(Schema):
    """What looked wrong, and what was answered."""

    id: int
    centre: str
    kind: str
    kind_zh: str
    about: str
    text: str
    line: str
    sequence: int | None
    flagged_at: datetime
    answered_at: datetime | None
    answered_by: str
    answer: str
    correction: dict[str, Any] | None = Field(None, description="随疑点等待确认的更正；applied：接受后成为的记录")


@router.get("/meter/key", response=dict[str, str], auth=Allow(scope="read"), summary="平台的公钥")
def key(request: HttpRequest) -> dict[str, str]:
    """The Ed25519 key with which receipts, seals and exports are signed, in hex."""
    return {"platform_key": platform_key.public()}


@router.get("/meter/register", response=dict[str, Any], auth=None, summary="登记册：所有中心与月份")
def register(request: HttpRequest) -> dict[str, Any]:
    """The register of all centres, keys, ledgers' ends and sealed months, signed month by month; for everybody."""
    try:
        return register_file()
    except Refused as nothing:
        raise ApiRefusal(404, str(nothing), code=nothing.code) from None


@router.get("/meter/{centre}/seals", response=list[SealOut], auth=Allow(*_READERS, scope="read"), summary="封账月")
def list_seals(request: HttpRequest, centre: str) -> list[dict[str, Any]]:
    """A centre's sealed months, the oldest first."""
    return [seal_to_dict(seal) for seal in queries.list_seals(_centre(request, centre))]


@router.get("/meter/{centre}/flags", response=list[FlagOut], auth=Allow(*_READERS, scope="read"), summary="疑点")
def list_flags(request: HttpRequest, centre: str, answered: bool = False) -> list[dict[str, Any]]:
    """What looked wrong in a centre's records and is not answered; with `answered` everything, the newest first."""
    found = MeterFlag.objects.filter(centre=_centre(request, centre)).select_related("centre")
    if not answered:
        found = found.filter(answered_at__isnull=True)
    return [flag_to_dict(flag) for flag in found[:_MOST]]


@router.get(
    "/meter/{centre}/proof/{sequence}",
    response=dict[str, Any],
    auth=Allow(*_READERS, scope="read"),
    summary="一条记录的证明",
)
def show_proof(request: HttpRequest, centre: str, sequence: int) -> dict[str, Any]:
    """That a record is in a sealed month; `huisuan meter verify` checks it offline."""
    return prove_record(_centre(request, centre), sequence)


def _centre(request: HttpRequest, code: str) -> Centre:
    found = Centre.objects.filter(viewer_of(request).centres(), code=code).first()
    if found is None:
        raise ApiRefusal(404, f"没有智算中心 {code}，或不是您能查看的", code="centre.unknown")
    return found
