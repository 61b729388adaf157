"""What an entry, the list and a table are, for other people's tools: DCAT, Croissant and Table Schema. Public."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponseBase, JsonResponse
from django.utils import timezone

from huisuan.base.errors import Gone, NotFound
from huisuan.opendata.catalogue.queries import get_entry
from huisuan.opendata.descriptions.croissant import croissant_dataset
from huisuan.opendata.descriptions.dcat import dcat_catalogue, dcat_dataset
from huisuan.opendata.descriptions.table_schema import table_schema
from huisuan.parties.route_access import public_page
from huisuan.portal.opendata.datasets import answer_readable, answer_refused

_LD = "application/ld+json"
_LAST_PAGE = 10**6


@public_page
def catalogue_dcat(request: HttpRequest) -> HttpResponseBase:
    """A page of the list in DCAT; one that does not exist is 404."""
    written = request.GET.get("page", "1")
    page = int(written) if written.isascii() and written.isdecimal() and len(written) < len(str(_LAST_PAGE)) else 0
    found = dcat_catalogue(page, _site(request), timezone.now()) if page else {}
    if not found or (page > 1 and not found["dcat:dataset"]):
        raise Http404
    return _json(found, _LD)


@public_page
def entry_dcat(request: HttpRequest, code: str) -> HttpResponseBase:
    """An entry in DCAT."""
    try:
        return _json(dcat_dataset(get_entry(code), _site(request), timezone.now()), _LD)
    except NotFound as wrong:
        raise Http404 from wrong


@public_page
def entry_croissant(request: HttpRequest, code: str) -> HttpResponseBase:
    """An entry in Croissant, where it has files that everyone may read."""
    try:
        return _json(croissant_dataset(get_entry(code), _site(request), timezone.now()), _LD)
    except NotFound as wrong:
        raise Http404 from wrong
    except Gone as gone:
        return answer_refused(request, gone)


@public_page
def table_schema_file(request: HttpRequest, number: int) -> HttpResponseBase:
    """The columns of a released file as a Table Schema, to whoever may read the file."""
    return answer_readable(request, number, lambda read: _json(table_schema(read.release), "application/json"))


def _site(request: HttpRequest) -> str:
    return request.build_absolute_uri("/").rstrip("/")


def _json(content: dict[str, Any], media_type: str) -> JsonResponse:
    return JsonResponse(content, content_type=media_type, json_dumps_params={"ensure_ascii": False, "indent": 1})
