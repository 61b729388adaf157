"""Usage records, tariffs and parties over HTTP; every answer holds only what the caller may see."""

from __future__ import annotations

import hashlib
from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal

from django.http import HttpRequest
from ninja import Field, File, Form, Query, Router, Schema, UploadedFile

from huisuan.base.large_files import map_or_read
from huisuan.compute.centres import queries
from huisuan.compute.centres.queries import tariff_to_dict
from huisuan.compute.metering.imports.import_file import UsageFile, import_usage
from huisuan.compute.metering.imports.upload_limits import IMPORT_MOST_BYTES
from huisuan.compute.metering.usage.summaries import UsageFilter, list_usage_records, summarise_usage, usage_rows
from huisuan.compute.models import Centre
from huisuan.compute.traces.columns import TraceColumns
from huisuan.parties.api_errors import ApiRefusal
from huisuan.parties.queries import list_visible_parties, party_row
from huisuan.parties.route_access import Allow, viewer_of
from huisuan.parties.viewer import Viewer

router = Router(tags=["用量"])
_MOST = 1000


class UsageOut(Schema):
    """One run of one job on cards of one model."""

    centre: str
    sequence: int
    supersedes: int | None
    cluster: str
    job_id: str
    run: int
    array_index: int | None
    user: str
    account: str
    party: str | None = Field(description="统一社会信用代码；null：尚无主体")
    partition: str
    model: str
    requested_cards: int | None
    cards: int
    card_seconds: int
    start: datetime
    end: datetime
    suspended_seconds: int
    state: str
    source_file_id: int
    source_line: int


class UsagePage(Schema):
    """Some records; `next` continues them as `after`."""

    items: list[UsageOut]
    next: str | None


class Asked(Schema):
    """Which records."""

    centre: str | None = None
    party: str | None = None
    user: str | None = None
    job: str | None = None
    month: str | None = Field(None, description="2024-01，北京时间")


class TariffOut(Schema):
    """A price from a day until a day (the end day is not in it)."""

    centre: str
    model: str
    fen_per_card_hour: int
    valid_from: date
    valid_to: date | None


class PartyOut(Schema):
    """An organisation."""

    uscc: str
    name: str
    name_en: str
    kind: str
    region: str
    region_name: str
    registered_on: date | None
    in_anhui: bool
    demo: bool


class PartyPage(Schema):
    """Some parties; `next` continues them as `after`."""

    items: list[PartyOut]
    next: str | None


class ImportForm(Schema):
    """How to read the uploaded file; what follows the model is for traces."""

    centre: str
    format: Literal["sacct", "trace"]
    timezone: str | None = None
    model: str | None = None
    epoch: str | None = None
    shift_days: int = 0
    tenant: str = ""
    dry_run: bool = False
    sha256: str | None = Field(None, description="文件的 SHA-256（十六进制）；写了就核对，不符则 422，什么也不存")
    submit_column: str | None = None
    start_column: str | None = None
    end_column: str | None = None
    duration_column: str | None = None
    cards_column: str | None = None
    user_column: str | None = None
    account_column: str | None = None
    job_column: str | None = None
    state_column: str | None = None


_PageLimit = Annotated[int, Field(ge=1, le=_MOST)]


@router.get("/usage", response=UsagePage, auth=Allow(scope="read"), summary="用量记录")
def list_usage(
    request: HttpRequest, asked: Query[Asked], limit: _PageLimit = 100, after: str | None = None
) -> dict[str, Any]:
    """Current records that the caller may see, by centre and sequence; `after` is the `next` of the page before."""
    records = list_usage_records(UsageFilter(**asked.dict(), after=after), viewer_of(request))
    rows = list(usage_rows(records, limit + 1))
    items = rows[:limit]
    more = len(rows) > limit
    return {"items": items, "next": f"{items[-1]['centre']}/{items[-1]['sequence']}" if more else None}


@router.get("/usage/summary", response=list[dict[str, Any]], auth=Allow(scope="read"), summary="用量汇总")
def summarise(request: HttpRequest, asked: Query[Asked], by: str = "party,month") -> list[dict[str, Any]]:
    """Integer card-seconds and records by any of party, month, centre, model, user, account, state."""
    names = [name.strip() for name in by.split(",") if name.strip()]
    return summarise_usage(names, UsageFilter(**asked.dict()), viewer_of(request))


@router.post(
    "/usage/import",
    response=dict[str, Any],
    auth=Allow("centre", "province", scope="manage"),
    summary="导入记账文件",
    description=f"整个请求至多 {IMPORT_MOST_BYTES:,} 字节，超过则 413，什么也不存；"
    "写了 Content-Digest（RFC 9530，sha-256）或 sha256 则核对。不能用的行在 faults 里。",
)
def upload(
    request: HttpRequest, form: Form[ImportForm], file: File[UploadedFile], tenants: File[UploadedFile] | None = None
) -> dict[str, Any]:
    """Import a file: a centre's people at their own centre, the province at any. Refused lines are in `faults`."""
    _may_import(viewer_of(request), form.centre)
    columns = {name.removesuffix("_column"): value for name, value in form.dict().items() if name.endswith("_column")}
    content = map_or_read(file)
    if form.sha256 and form.sha256.lower() != (found := hashlib.sha256(content).hexdigest()):
        raise ApiRefusal(
            422,
            f"收到的文件与 sha256 不符（收到的是 {found}）：没有存下任何内容，请重新发送",
            code="upload.digest_mismatch",
        )
    usage = UsageFile(
        content=content,
        name=file.name or "upload",
        format=form.format,
        timezone=form.timezone,
        tenants=(tenants.read(), tenants.name or "tenants") if tenants else None,
        model=form.model,
        columns=TraceColumns(**columns),
        epoch=form.epoch,
        shift_days=form.shift_days,
        tenant=form.tenant,
        by=viewer_of(request).name,
    )
    return import_usage(form.centre, usage, datetime.now(UTC), dry_run=form.dry_run).as_json()


def _may_import(viewer: Viewer, code: str) -> None:
    if not Centre.objects.filter(viewer.centres(), code=code).exists():
        raise ApiRefusal(403, f"不能向智算中心 {code} 导入：没有这个中心，或不是您所在的中心", code="centre.not_own")


@router.get("/tariffs", response=list[TariffOut], auth=Allow(scope="read"), summary="价目")
def list_tariffs(request: HttpRequest, centre: str | None = None) -> list[dict[str, Any]]:
    """Prices are public to all who sign in."""
    return [tariff_to_dict(tariff) for tariff in queries.list_tariffs(centre)]


@router.get("/parties", response=PartyPage, auth=Allow("province", "auditor", "city", scope="read"), summary="主体")
def list_parties(request: HttpRequest, limit: _PageLimit = 100, after: str | None = None) -> dict[str, Any]:
    """Parties by code; a city sees those registered in it."""
    parties = list_visible_parties(viewer_of(request))
    if after is not None:
        parties = parties.filter(uscc__gt=after)
    rows = [party_row(party) for party in parties[: limit + 1]]
    return {"items": rows[:limit], "next": rows[limit - 1]["uscc"] if len(rows) > limit else None}
