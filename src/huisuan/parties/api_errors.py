"""How both APIs answer a refusal: `{"detail": words, "code": code}`, 422 unless the route names another status."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import HttpError

from huisuan.base.errors import HuisuanError


class ApiRefusal(HttpError):
    """A refusal with a status of its own; `code` as in base/errors.py."""

    def __init__(self, status: int, message: str, *, code: str) -> None:
        super().__init__(status, message)
        self.code = code


def answer_refusals(api: NinjaAPI) -> None:
    """Have an API answer every refusal with its words and its code."""

    @api.exception_handler(HuisuanError)
    def refused(request: HttpRequest, refusal: HuisuanError) -> HttpResponse:
        return api.create_response(request, {"detail": str(refusal), "code": refusal.code}, status=422)

    @api.exception_handler(ApiRefusal)
    def refused_with_status(request: HttpRequest, refusal: ApiRefusal) -> HttpResponse:
        body = {"detail": str(refusal), "code": refusal.code}
        return api.create_response(request, body, status=refusal.status_code)
