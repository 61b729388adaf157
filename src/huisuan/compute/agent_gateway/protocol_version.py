"""Which versions of the agent protocol the platform speaks: its own, N, and the one before.

A centre upgrades its agent when it can; the platform goes first. docs/reference/compatibility.md is the promise.
"""

from __future__ import annotations

import json

from huisuan.compute.agent_gateway.enrolment import EnrolmentRefused
from huisuan.protocol import agent as wire


def check_protocol(protocol: int) -> None:
    """Let version N and N - 1 pass.

    Raises:
        EnrolmentRefused: 409, an older or a newer version, with which side has to be upgraded.
    """
    current = wire.PROTOCOL
    if current - 1 <= protocol <= current:
        return
    accepted = "第 1 版" if current == 1 else f"第 {current - 1} 和第 {current} 版"
    remedy = "请先升级平台，再升级站点代理" if protocol > current else "请在中心升级 huisuan，再启动站点代理"
    raise EnrolmentRefused(
        409, f"站点代理说的是协议第 {protocol} 版，这个平台接受{accepted}：{remedy}", code="agent.protocol_unsupported"
    )


def check_stated_protocol(body: bytes) -> None:
    """The same for a request that this version cannot parse: another version has other fields, and that is the reason.

    Raises:
        EnrolmentRefused: 409, it states a version that is not accepted.
    """
    try:
        stated = json.loads(body)["protocol"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return
    if isinstance(stated, int) and not isinstance(stated, bool) and stated > 0:
        check_protocol(stated)
