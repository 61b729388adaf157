"""How both APIs answer a refusal: `{"detail": words, "code": code}`, 422 unless the route names another status."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.http import HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import HttpError

from huisuan.base.errors import Conflict, Gone, HuisuanError, NotAllowed, NotFound

_STATUS = ((NotFound, 404), (NotAllowed, 403), (Conflict, 409), (Gone, 410))


class ApiRefusal(HttpError):
    """A refusal with a status of its own; `code` as in base/errors.py."""

    def __init__(self, status: int, message: str, *, code: str) -> None:
        super().__init__(status, message)
        self.code = code


@contextmanager
def status_by_kind() -> Iterator[None]:
    """Within it what is not found is answered by 404, what is not allowed by 403, a conflict by 409, what was
    taken back by 410."""
    try:
        yield
    except HuisuanError as refusal:
        for kind, status in _STATUS:
            if isinstance(refusal, kind):
                raise ApiRefusal(status, str(refusal), code=refusal.code) from None
        raise


def answer_refusals(api: NinjaAPI) -> None:
    """Have an API answer every refusal with its words and its code."""

    @api.exception_handler(HuisuanError)
    def refused(request: HttpRequest, refusal: HuisuanError) -> HttpResponse:
        return api.create_response(request, {"detail": str(refusal), "code": refusal.code}, status=422)

    @api.exception_handler(ApiRefusal)
    def refused_with_status(request: HttpRequest, refusal: ApiRefusal) -> HttpResponse:
        body = {"detail": str(refusal), "code": refusal.code}
        return api.create_response(request, body, status=refusal.status_code)

    @api.exception_handler(HttpError)
    def refused_by_the_framework(request: HttpRequest, error: HttpError) -> HttpResponse:
        # what a parser refuses arrives wrapped, with words of the framework's own
        if isinstance(error.__cause__, ApiRefusal):
            return refused_with_status(request, error.__cause__)
        return api.create_response(request, {"detail": str(error)}, status=error.status_code)
