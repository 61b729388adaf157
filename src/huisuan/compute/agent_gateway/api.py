"""The agent's one endpoint, an API of its own beside /api/v1: callers are known by a signature, not by a token."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from typing import cast

from django.db import DataError
from django.http import HttpRequest, HttpResponse
from ninja import NinjaAPI, Router
from ninja.security.base import AuthBase
from pydantic import ValidationError

from huisuan import __version__
from huisuan.base.months import SHANGHAI
from huisuan.compute.agent_gateway.enrolment import EnrolmentRefused, enrol
from huisuan.compute.agent_gateway.protocol_version import check_protocol, check_stated_protocol
from huisuan.compute.agent_gateway.sync import sync
from huisuan.compute.models import AgentKey
from huisuan.parties.api_errors import ApiRefusal, answer_refusals
from huisuan.parties.input_limits import NUMBER_OUT_OF_RANGE
from huisuan.protocol.agent import AGENT, SIGNATURE, SyncRequest
from huisuan.protocol.signatures import request_is_signed_by

log = logging.getLogger(__name__)
_MOST_REQUEST_BYTES = 32 * 1024 * 1024  # of a request


class EnrolledAgent(AuthBase):
    """Authenticates the agents that joined (`huisuan centre invite`), by the signature over the request's body."""

    openapi_type = "apiKey"
    openapi_in = "header"
    openapi_name = SIGNATURE

    def __call__(self, request: HttpRequest) -> AgentKey:
        """The key that signed.

        Raises:
            ApiRefusal: 401 unknown, 403 known and refused, 413 too large.
        """
        body = request.read(_MOST_REQUEST_BYTES + 1)  # not request.body: Django's limit for forms is not meant for this
        if len(body) > _MOST_REQUEST_BYTES:
            raise ApiRefusal(413, f"请求超过 {_MOST_REQUEST_BYTES} 字节", code="agent.request_too_large")
        name, signature = request.headers.get(AGENT, ""), request.headers.get(SIGNATURE, "")
        if not name or not signature:
            raise ApiRefusal(
                401, "没有签名：这个接口只供站点代理（huisuan agent run）使用", code="agent.signature_missing"
            )
        key = AgentKey.objects.select_related("centre").filter(name=name[:36]).first()
        try:
            key = key or _joined(name, signature, body)
        except EnrolmentRefused as refusal:
            raise ApiRefusal(refusal.status, str(refusal), code=refusal.code) from None
        if not request_is_signed_by(key.public_key, signature, body):
            raise ApiRefusal(401, f"签名与站点代理 {name} 的公钥不符", code="agent.signature_wrong")
        if key.revoked_at is not None:
            when = key.revoked_at.astimezone(SHANGHAI)
            raise ApiRefusal(
                403,
                f"站点代理 {name} 已于 {when:%Y-%m-%d %H:%M} 吊销：请向平台要新的邀请码，再 huisuan agent enrol",
                code="agent.revoked",
            )
        request.agent_body = body  # type: ignore[attr-defined]
        return key


def _joined(name: str, signature: str, body: bytes) -> AgentKey:
    """The key of an agent that joins with this very request, signed by the key that it brings.

    Raises:
        EnrolmentRefused: it brings no invitation, a bad one, or its signature is another key's.
    """
    seen = _read(
        body, EnrolmentRefused(401, f"平台不认识站点代理 {name}：请用 huisuan agent enrol 加入", code="agent.unknown")
    )
    if not seen.enrol or not seen.public_key or seen.agent != name:
        raise EnrolmentRefused(401, f"平台不认识站点代理 {name}：请用 huisuan agent enrol 加入", code="agent.unknown")
    if not request_is_signed_by(seen.public_key, signature, body):
        raise EnrolmentRefused(401, f"签名与站点代理 {name} 带来的公钥不符", code="agent.signature_wrong")
    check_protocol(seen.protocol)
    return enrol(seen.enrol, name, seen.public_key, seen.host, seen.engine, datetime.now(UTC))


def _read(body: bytes, otherwise: Exception) -> SyncRequest:
    try:
        return SyncRequest.model_validate_json(body)
    except ValidationError:
        check_stated_protocol(body)
        raise otherwise from None


router = Router(tags=["站点代理"])


@router.post(
    "/sync", auth=EnrolledAgent(), summary="站点代理的唯一接口", operation_id="huisuan_compute_agent_api_exchange"
)
def exchange(request: HttpRequest) -> HttpResponse:
    """Receive what the agent has seen, reply with what is wanted; idempotent."""
    key = cast(AgentKey, request.auth)  # type: ignore[attr-defined]
    body: bytes = request.agent_body  # type: ignore[attr-defined]
    try:
        seen = SyncRequest.model_validate_json(body)
    except ValidationError as error:
        return _not_a_request(body, error)
    if seen.agent != key.name:
        raise ApiRefusal(401, f"请求自称 {seen.agent}，签名的是 {key.name}", code="agent.another_key")
    try:
        check_protocol(seen.protocol)
        reply = sync(seen, key, datetime.now(UTC))
    except EnrolmentRefused as refusal:
        raise ApiRefusal(refusal.status, str(refusal), code=refusal.code) from None
    return HttpResponse(reply.model_dump_json(exclude_defaults=True), content_type="application/json")


def _not_a_request(body: bytes, error: ValidationError) -> HttpResponse:
    try:
        check_stated_protocol(body)
    except EnrolmentRefused as refusal:
        raise ApiRefusal(refusal.status, str(refusal), code=refusal.code) from None
    detail = error.errors(include_url=False, include_context=False, include_input=False)
    return HttpResponse(json.dumps({"detail": detail}, ensure_ascii=False), "application/json", 422)


api = NinjaAPI(title="惠算站点代理 Huisuan agents", version=__version__, urls_namespace="agent-1", docs_url=None)
api.add_router("", router)


answer_refusals(api)


@api.exception_handler(DataError)
@api.exception_handler(OverflowError)
@api.exception_handler(UnicodeEncodeError)
def not_keepable(request: HttpRequest, error: Exception) -> HttpResponse:
    """Numbers, times and texts that no column can hold."""
    log.warning("%s %s: %s", request.method, request.path, str(error).splitlines()[0])
    return api.create_response(request, {"detail": NUMBER_OUT_OF_RANGE}, status=400)
