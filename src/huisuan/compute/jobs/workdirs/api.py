"""Working directories over HTTP."""

from __future__ import annotations

from datetime import UTC, datetime

from django.http import HttpRequest
from ninja import Router, Status

from huisuan.compute.jobs.workdirs import services as uploads
from huisuan.compute.models import Upload
from huisuan.parties.api_errors import ApiRefusal
from huisuan.parties.route_access import Allow, viewer_of
from huisuan.protocol import resources as wire

router = Router(tags=["作业"])
BODY = {
    "requestBody": {
        "required": True,
        "description": "工作目录，tar.gz，至多 200 MiB；只含普通文件、文件夹与不指向外面的链接",
        "content": {"application/gzip": {"schema": {"type": "string", "format": "binary"}}},
    }
}


@router.post(
    "/uploads",
    response={200: wire.UploadInfo, 201: wire.UploadInfo},
    auth=Allow("user", "province", scope="submit", project=True),
    summary="上传工作目录",
    openapi_extra=BODY,
)
def upload(request: HttpRequest, party: str | None = None) -> Status[wire.UploadInfo]:
    """Keep a working directory under its SHA-256 (201; 200 where it is known); 422 if it is not safe to unpack."""
    kept, new = uploads.take_upload(request, party, viewer_of(request), datetime.now(UTC))
    return Status(201 if new else 200, uploads.shown(kept))


@router.get(
    "/uploads/{sha256}",
    response=wire.UploadInfo,
    auth=Allow("user", "province", scope="read", project=True),
    summary="一个工作目录",
)
def show(request: HttpRequest, sha256: str) -> wire.UploadInfo:
    """Whether the caller's party has uploaded it."""
    try:
        return uploads.shown(uploads.upload_of(sha256, viewer_of(request)))
    except Upload.DoesNotExist:
        raise ApiRefusal(404, f"没有上传过 {sha256}", code="workdir.not_uploaded") from None
