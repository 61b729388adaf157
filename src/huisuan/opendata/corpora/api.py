"""Corpora over HTTP: what there is, and their shards with ranges, to whoever may read every source of them."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone
from ninja import Router

from huisuan.opendata.corpora.building import get_build, standing_builds
from huisuan.opendata.corpora.delivering import deliver_shard
from huisuan.opendata.corpora.queries import corpus_to_dict, summary_to_dict
from huisuan.opendata.corpora.shards import get_shard
from huisuan.opendata.models import AccessWay
from huisuan.parties.api_errors import status_by_kind
from huisuan.parties.route_access import viewer_if_any

router = Router(tags=["开放数据"])


@router.get("/opendata/corpora", auth=None, summary="语料：名称、来自哪些目录、规则")
def corpora(request: HttpRequest) -> dict[str, Any]:
    """All of them, by name."""
    found = [summary_to_dict(build) for build in standing_builds()]
    return {"total": len(found), "corpora": found}


@router.get("/opendata/corpora/{name}", auth=None, summary="一个语料：统计、数据卡、分片")
def one_corpus(request: HttpRequest, name: str) -> dict[str, Any]:
    """Its standing build; of each shard whether whoever asks may read it."""
    with status_by_kind():
        return corpus_to_dict(get_build(name), viewer_if_any(request), timezone.now())


@router.api_operation(
    ["GET", "HEAD"],
    "/opendata/corpora/{name}/shards/{number}/{form}",
    auth=None,
    summary="下载语料的一片：可续传，ETag 是 SHA-256",
)
def shard_content(request: HttpRequest, name: str, number: int, form: str) -> HttpResponseBase:
    """`form` is jsonl or parquet; 410 while a source of it is out no more."""
    viewer = viewer_if_any(request)
    with status_by_kind():
        read = get_shard(name, number, form, viewer, timezone.now())
        return deliver_shard(request, read, viewer, timezone.now, AccessWay.API)
