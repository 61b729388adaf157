"""What is answered when a request breaks: JSON under /api/, a page elsewhere; 503 while the database is away."""

from __future__ import annotations

import sys

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import get_template
from django.views import defaults

_DATABASE_AWAY = "数据库暂时连不上，请稍候再试"
_INTERNAL_ERROR = "平台内部出错，已记入日志"
_RETRY_AFTER_SECONDS = 5


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's handler500: called while the exception is being handled."""
    away = isinstance(sys.exc_info()[1], (OperationalError, InterfaceError))
    status = 503 if away else 500
    response: HttpResponse
    if request.path.startswith("/api/"):
        response = JsonResponse(
            {"detail": _DATABASE_AWAY if away else _INTERNAL_ERROR},
            status=status,
            json_dumps_params={"ensure_ascii": False},
        )
    elif away:  # the page asks the database nothing
        response = HttpResponse(get_template("portal/away.html").render({}), status=status)
    else:
        response = defaults.server_error(request)
    if away:
        response["Retry-After"] = str(_RETRY_AFTER_SECONDS)
    return response
