"""CKAN's actions over HTTP, for anyone: `/api/action/NAME`, `/api/3/action/NAME`, by GET or POST (JSON or a form)."""

from __future__ import annotations

from collections.abc import Mapping

from django.http import HttpRequest, JsonResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from huisuan.opendata.ckan.actions import CKAN_ACTIONS
from huisuan.opendata.ckan.calls import ActionCall, ActionRefused
from huisuan.parties.api_errors import ApiRefusal
from huisuan.parties.input_limits import StrictParser
from huisuan.parties.route_access import public_page

_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")


@csrf_exempt  # it only reads, and for everybody alike: no session is looked at
@public_page
@require_http_methods(["GET", "HEAD", "POST"])
def ckan_action(request: HttpRequest, name: str) -> JsonResponse:
    """What CKAN would answer: `success` with `result`, or with `error`; 400 where it is no call at all."""
    if name not in CKAN_ACTIONS:
        return _not_a_call(f"Action name not known: {name}")
    site = request.build_absolute_uri("/").rstrip("/")
    head = {"help": f"{site}{reverse('ckan-action-3', args=['help_show'])}?name={name}"}
    try:
        call = ActionCall(_params(request), site, timezone.now())
        return _answer({**head, "success": True, "result": CKAN_ACTIONS[name](call)}, 200)
    except ActionRefused as refused:
        return _answer({**head, "success": False, "error": refused.error}, refused.status)
    except ApiRefusal as refusal:
        return _not_a_call(f"JSON Error: {refusal}")


def _params(request: HttpRequest) -> Mapping[str, object]:
    if request.method != "POST":
        return {name: request.GET[name] for name in request.GET}
    if request.content_type in _FORMS:
        return {name: request.POST[name] for name in request.POST}
    found = StrictParser().parse_body(request) if request.body.strip() else {}
    if not isinstance(found, dict):
        raise ApiRefusal(
            400, "Request data JSON decoded but it needs to be a dictionary.", code="input.not_an_object"
        )  # fmt: skip
    return found


def _not_a_call(message: str) -> JsonResponse:
    return _answer(f"Bad request - {message}", 400)


def _answer(content: object, status: int) -> JsonResponse:
    answer = JsonResponse(content, status=status, safe=False, json_dumps_params={"ensure_ascii": False})
    answer["Access-Control-Allow-Origin"] = "*"  # public, without cookies: pages elsewhere may show it
    return answer
