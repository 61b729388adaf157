"""The agent's one endpoint."""

from __future__ import annotations

from datetime import UTC, datetime

from django.http import HttpRequest
from ninja import Router

from huisuan.client.agent_wire import SyncReply, SyncRequest
from huisuan.compute import agent_sync
from huisuan.parties.gate import Allow, viewer_of

router = Router(tags=["站点代理"])


@router.post("/agent/sync", response=SyncReply, auth=Allow("province", "centre"), summary="站点代理的唯一接口")
def sync(request: HttpRequest, seen: SyncRequest) -> SyncReply:
    """Tell what is seen, hear what is wanted; sending the same again changes nothing."""
    return agent_sync.sync(seen, viewer_of(request), datetime.now(UTC))
