"""What no request gets past, whatever it asks for: text that no database keeps, and an error without words.

A NUL, half a surrogate pair or a number beyond 64 bits is the asker's mistake: 400, not 500. Programs under /api/ are
answered in JSON whatever goes wrong: `{"detail": ...}`, as Django Ninja's own answers are.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from urllib.parse import unquote

from django.core.exceptions import BadRequest
from django.db import DataError
from django.http import HttpRequest, HttpResponse, HttpResponseBase

from huisuan.parties.input_limits import (
    MAX_INTEGER,
    NOT_STORABLE_TEXT,
    NUMBER_OUT_OF_RANGE,
    TOO_LONG_NUMBER,
    is_storable_text,
)
from huisuan.serving.http.limits import refusal

_API_PREFIX = "/api/"
_FORM_TYPES = ("application/x-www-form-urlencoded", "multipart/form-data")
_DEFAULT_DETAILS = {
    400: "请求的写法不对",
    403: "没有权限",
    404: "没有这个地址，或没有这一项；接口一览见 /api/v1/docs",
    405: "这个地址不接受这种方法",
    413: "请求太大",
    500: "平台出错了：已记在日志里，请联系平台运维",
}
log = logging.getLogger(__name__)
GetResponse = Callable[[HttpRequest], HttpResponse]


class InputGuard:
    """Refuses what cannot be kept, and gives every answer under /api/ its words in JSON."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer."""
        if fault := _input_fault(request):
            return _refusal_response(request, 400, fault)
        answer = self.get_response(request)
        is_api = request.path_info.startswith(_API_PREFIX)
        if is_api and answer.status_code >= 400 and not answer.get("Content-Type", "").startswith("application/json"):
            spoken = _refusal_response(
                request, answer.status_code, _DEFAULT_DETAILS.get(answer.status_code, answer.reason_phrase)
            )
            if "Allow" in answer:
                spoken["Allow"] = answer["Allow"]
            return spoken
        return answer

    def process_view(
        self, request: HttpRequest, view: Callable[..., HttpResponseBase], args: object, kwargs: dict[str, object]
    ) -> HttpResponse | None:
        """Look at what the address says, and at a form once it is read."""
        if any(isinstance(value, int) and abs(value) > MAX_INTEGER for value in kwargs.values()):
            return _refusal_response(request, 404, _DEFAULT_DETAILS[404])
        if (
            request.method == "POST"
            and request.content_type in _FORM_TYPES
            and not request.path_info.startswith(_API_PREFIX)
        ):
            texts = [text for name, each in request.POST.lists() for text in (name, *each)]
            if not all(is_storable_text(str(text)) for text in texts):
                return _refusal_response(request, 400, NOT_STORABLE_TEXT)
        return None

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """What the database refuses to look for is not there; the log says what it was."""
        if isinstance(exception, DataError | UnicodeEncodeError | OverflowError):
            log.warning("%s %s: %s", request.method, request.path, str(exception).splitlines()[0])
            return _refusal_response(
                request,
                400,
                NUMBER_OUT_OF_RANGE if not isinstance(exception, UnicodeEncodeError) else NOT_STORABLE_TEXT,
            )
        if isinstance(exception, BadRequest):
            return _refusal_response(request, 400, _DEFAULT_DETAILS[400])
        return None


def _input_fault(request: HttpRequest) -> str:
    query = unquote(request.META.get("QUERY_STRING", "").replace("+", " "))
    if not is_storable_text(request.path_info) or not is_storable_text(query):
        return NOT_STORABLE_TEXT
    return (
        NUMBER_OUT_OF_RANGE
        if any(TOO_LONG_NUMBER.fullmatch(each.partition("=")[2]) for each in query.split("&"))
        else ""
    )


def _refusal_response(request: HttpRequest, status: int, detail: str) -> HttpResponse:
    media_type, body = refusal(request.path_info, status, detail)
    return HttpResponse(body, status=status, content_type=media_type)
