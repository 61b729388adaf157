"""How much a request may bring and which threads answer it: one table, by path. Pure.

The front (`front.py`) enforces it while the body comes in; `RequestLimits` does under any other server, which knows
no more than the Content-Length.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse

from huisuan.base.csv_lines import LARGEST_CSV
from huisuan.compute.agent_gateway import api as agent_api
from huisuan.compute.jobs.workdirs import archive_safety as archives
from huisuan.compute.metering.imports.upload_limits import IMPORT_MOST_BYTES
from huisuan.opendata.gate.uploading import LARGEST_UPLOAD
from huisuan.portal.sentences.catalogue import translate
from huisuan.programmes.models.limits import LARGEST_BYTES, MOST_OBJECTION_FILES

_MIB = 1024 * 1024
SMALL = 2 * _MIB  # what Django itself allows a form (DATA_UPLOAD_MAX_MEMORY_SIZE), and more than any form has
_FILES_AT_ONCE = 10  # pieces of evidence in one form
_WORKDIR_REMEDY = "请用 .huisuanignore 排除数据与环境"


@dataclass(frozen=True)
class RequestLimit:
    """What requests to a path may bring, the threads that answer them, and what to do where it is not enough."""

    most_bytes: int
    lane: str = "pages"
    remedy: str = "请减少内容，或分几次提交"

    @property
    def refusal(self) -> str:
        """The message of the refusal of a larger request."""
        return f"请求超过此处的上限 {_size(self.most_bytes)}（{self.most_bytes} 字节），没有存下任何内容：{self.remedy}"


REQUEST_LIMITS = (
    (r"/healthz", RequestLimit(0, "health")),
    (r"/api/agent/.*", RequestLimit(agent_api._MOST_REQUEST_BYTES, "agents")),
    (
        r"/api/v1/usage/import|/centres/[\w-]+/imports",
        RequestLimit(IMPORT_MOST_BYTES, remedy="请按月导出，分几次导入，或在平台所在的机器上用 huisuan usage import"),
    ),
    (r"/api/v1/opendata/files|/opendata/desk", RequestLimit(LARGEST_UPLOAD + SMALL, remedy="请分成几个文件送交")),
    (r"/api/v1/uploads", RequestLimit(archives.MOST_PACKED_BYTES, remedy=_WORKDIR_REMEDY)),
    (r"/jobs/new", RequestLimit(archives.MOST_PACKED_BYTES + SMALL, remedy=_WORKDIR_REMEDY)),
    (r"/parties/import", RequestLimit(LARGEST_CSV + SMALL, remedy="请分成几个再导入")),
    (
        r"/notices/[\w-]+/\d+|/api/v1/notices/[\w-]+/lines/\d+/objections",
        RequestLimit(MOST_OBJECTION_FILES * LARGEST_BYTES + SMALL, remedy="请减少附件"),
    ),
    (r"/drafts/(?:\d+|new/.*)", RequestLimit(_FILES_AT_ONCE * LARGEST_BYTES + SMALL, remedy="请分几次上传")),
)
_LIMITS_BY_PATH = tuple((re.compile(pattern), limit) for pattern, limit in REQUEST_LIMITS)
_DEFAULT_LIMIT = RequestLimit(SMALL)


def limit_for(path: str) -> RequestLimit:
    """The limit of the requests to a path."""
    return next((limit for pattern, limit in _LIMITS_BY_PATH if pattern.fullmatch(path)), _DEFAULT_LIMIT)


def _size(number: int) -> str:
    for unit, name in ((1024 * _MIB, "GiB"), (_MIB, "MiB"), (1024, "KiB")):
        if number >= unit and number % unit == 0:
            return f"{number // unit} {name}"
    return f"{number} 字节"


def refusal(path: str, status: int, detail: str) -> tuple[str, bytes]:
    """The media type and the body of an answer to a request that goes no further: JSON where programs ask.

    Elsewhere people read it, in Chinese and below it in English: whose language it is, nobody has looked up yet.
    """
    if path.startswith("/api/"):
        return "application/json", json.dumps({"detail": detail}, ensure_ascii=False).encode()
    return "text/plain; charset=utf-8", f"{status}\n{detail}\n{translate(detail)}\n".encode()


class RequestLimits:
    """413 to a request that says that it brings more than its path allows."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer, or refuse before anything is read."""
        limit, said = limit_for(request.path_info), request.META.get("CONTENT_LENGTH") or "0"
        if said.isdecimal() and int(said[:20]) > limit.most_bytes:
            media_type, body = refusal(request.path_info, 413, limit.refusal)
            return HttpResponse(body, status=413, content_type=media_type)
        return self.get_response(request)
