"""Released data over HTTP: open data for anyone, conditional data for who may read it (a token or a session)."""

from __future__ import annotations

import json
from typing import Annotated, Any

from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone
from ninja import Field, Query, Router, Schema

from huisuan.opendata.access.delivering import deliver_release
from huisuan.opendata.access.ledger import note_access
from huisuan.opendata.access.marking import MARK_COLUMN
from huisuan.opendata.access.preview import DOCUMENT_COLUMNS, table_preview
from huisuan.opendata.access.query import run_query
from huisuan.opendata.access.query_parse import LONGEST_QUERY
from huisuan.opendata.access.released import (
    get_release,
    list_columns,
    list_readable,
    readable_by,
    scan_paper,
    statement_paper,
)
from huisuan.opendata.access.watermark import reads_to_dicts
from huisuan.opendata.models import AccessWay
from huisuan.parties.api_errors import status_by_kind
from huisuan.parties.route_access import viewer_if_any

router = Router(tags=["开放数据"])
_MOST = 1000


class QueryBody(Schema):
    """One SELECT; `data` is the newest table of the entry, `r12` the release 12."""

    sql: str = Field(max_length=LONGEST_QUERY)
    entry: str = Field("", max_length=40)


@router.get("/opendata/released", auth=None, summary="现在能读的已放行文件，新的在前")
def released(
    request: HttpRequest,
    entry: Annotated[str, Query(max_length=40)] = "",
    offset: Annotated[int, Query(ge=0, le=10**9)] = 0,
    limit: Annotated[int, Query(ge=1, le=_MOST)] = 100,
) -> dict[str, Any]:
    """Of one entry, or all."""
    viewer, now = viewer_if_any(request), timezone.now()
    found = readable_by(viewer, now, entry)
    with status_by_kind():
        reads = list_readable(found[offset : offset + limit], viewer, now)
    return {"total": found.count(), "released": reads_to_dicts(reads)}


@router.get("/opendata/released/{number}", auth=None, summary="一份已放行的文件：列、预览、声明")
def one_released(request: HttpRequest, number: int) -> dict[str, Any]:
    """What it is, its first rows, and the signed statements of its scan and release."""
    with status_by_kind():
        viewer = viewer_if_any(request)
        read = get_release(number, viewer, timezone.now())
        release, preview = read.release, table_preview(read)
        note_access(read, viewer, AccessWay.API, timezone.now(), "preview")
    columns = list_columns(release) or list(DOCUMENT_COLUMNS)
    columns = columns if read.grant is None else [*columns, MARK_COLUMN]
    return {
        **reads_to_dicts([read])[0], "columns": columns, "preview": [list(row) for row in preview.rows],
        "statement": json.loads(statement_paper(release)), "scan_statement": json.loads(scan_paper(release)),
    }  # fmt: skip


@router.api_operation(
    ["GET", "HEAD"],
    "/opendata/released/{number}/content",
    auth=None,
    summary="下载已放行的文件：可续传，ETag 是 SHA-256",
)
def released_content(request: HttpRequest, number: int) -> HttpResponseBase:
    """Whole or one range; 410 once it was taken back."""
    viewer = viewer_if_any(request)
    with status_by_kind():
        return deliver_release(
            request, get_release(number, viewer, timezone.now()), viewer, timezone.now, AccessWay.API
        )


@router.post("/opendata/query", auth=None, summary="对已放行的表查询：一条 SELECT")
def query(request: HttpRequest, body: QueryBody) -> dict[str, Any]:
    """At most 10,000 rows or 8 MB, 512 MB of memory, 5 seconds."""
    with status_by_kind():
        found = run_query(body.sql, viewer_if_any(request), timezone.now(), body.entry)
    return {"columns": found.columns, "rows": found.rows, "cut": found.cut}
