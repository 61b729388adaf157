"""The list of open data over HTTP: anyone may read it; the province brings it up to date."""

from __future__ import annotations

from typing import Annotated, Any

from django.http import HttpRequest
from django.utils import timezone
from ninja import File, Query, Router, UploadedFile

from huisuan.opendata.catalogue.catalogue_import import import_catalogue
from huisuan.opendata.catalogue.listed import find_entries
from huisuan.opendata.catalogue.queries import entry_to_dict, get_entry
from huisuan.opendata.vocabulary import Access, DataKind, Updates
from huisuan.parties.api_errors import status_by_kind
from huisuan.parties.route_access import Allow, viewer_of

router = Router(tags=["开放数据"])
_MOST = 1000


@router.get("/opendata/entries", auth=None, summary="开放清单：按词、类别、市查找，带分面计数")
def entries(
    request: HttpRequest,
    q: Annotated[str, Query(max_length=100)] = "",
    access: Access | None = None,
    kind: DataKind | None = None,
    frequency: Updates | None = None,
    region: Annotated[str, Query(pattern=r"^(\d{6})?$")] = "",
    offset: Annotated[int, Query(ge=0, le=10**6)] = 0,
    limit: Annotated[int, Query(ge=1, le=_MOST)] = 100,
) -> dict[str, Any]:
    """Entries by code; `facets` counts all that were found."""
    asked = {"access": access, "kind": kind, "frequency": frequency, "region": region}
    found = find_entries(q).narrow({name: str(value) for name, value in asked.items() if value})
    rows = found.page(offset, offset + limit)
    return {"total": found.total, "facets": found.facets(), "entries": [entry_to_dict(each) for each in rows]}


@router.get("/opendata/entries/{code}", auth=None, summary="清单里的一个目录")
def entry(request: HttpRequest, code: str) -> dict[str, Any]:
    """The version that stands, and which there were before."""
    with status_by_kind():
        found = get_entry(code)
    return {
        **entry_to_dict(found),
        "versions": list(found.entry.versions.order_by("number").values("number", "title", "access", "listed_on")),
    }


@router.post("/opendata/entries", auth=Allow("province", scope="manage"), summary="从 CSV 或 XLSX 更新开放清单")
def bring_up_to_date(request: HttpRequest, file: File[UploadedFile]) -> dict[str, Any]:
    """Good rows are kept, each bad cell is named."""
    with status_by_kind():
        report = import_catalogue(file.read(), file.name or "upload", by=viewer_of(request).name, now=timezone.now())
    return report.as_json()
