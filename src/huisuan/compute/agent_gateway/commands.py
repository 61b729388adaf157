"""`huisuan centre invite`, `agents`, `revoke`: who may speak for a centre."""

from __future__ import annotations

import getpass
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from huisuan.base.months import SHANGHAI
from huisuan.terminal import AsJson, note, out, print_json, print_table

_CentreCode = Annotated[str, typer.Argument(help="中心代码")]
_COLUMNS = {
    "agent": "代理", "host": "主机", "serving": "正在服务", "version": "版本", "skew_ms": "时钟偏差（毫秒）",
    "clock_wrong_at": "时钟不对（不服务）自",
    "enrolled_at": "加入于", "last_seen_at": "最后回音", "revoked_at": "吊销于",
}  # fmt: skip


def invite(
    code: _CentreCode,
    days: Annotated[int, typer.Option("--days", help="有效天数")] = 7,
    as_json: AsJson = False,
) -> None:
    """开一个邀请码：站点代理凭它加入一次；只显示这一次，平台只保存其摘要。"""
    from huisuan.compute.agent_gateway.enrolment import invite_agent as make

    invitation, word = make(code, _operator(), datetime.now(UTC), days)
    if as_json:
        print_json({"centre": code, "token": word, "expires_at": invitation.expires_at})
        return
    out.print(word, markup=False)
    until = invitation.expires_at.astimezone(SHANGHAI)
    note(f"邀请码到 {until:%Y-%m-%d %H:%M} 前有效，只能用一次。在中心的机器上运行：")
    engine = invitation.centre.engine or "slurm|ray|kubernetes|local"
    note(f"  huisuan agent enrol 平台网址 --token 邀请码 --engine {engine} && huisuan agent run")


def agents(code: _CentreCode, as_json: AsJson = False) -> None:
    """列出加入过这个中心的站点代理。"""
    from huisuan.compute.agent_gateway.serving_agent import list_agents
    from huisuan.compute.centres.services import centre_by_code

    rows: list[dict[str, Any]] = list_agents(centre_by_code(code))
    if as_json:
        print_json(rows)
    else:
        print_table(f"{code} 的站点代理", rows, _COLUMNS, f"还没有代理加入：huisuan centre invite {code}")


def revoke(
    code: _CentreCode,
    agent: Annotated[str | None, typer.Option("--agent", help="只吊销这一个（见 huisuan centre agents）")] = None,
    as_json: AsJson = False,
) -> None:
    """吊销站点代理的密钥和未用的邀请码：立即失效，不能恢复；运行中的作业由下一个加入的代理接管。"""
    from huisuan.compute.agent_gateway.enrolment import revoke_agents as take_back

    keys = take_back(code, _operator(), datetime.now(UTC), agent)
    if as_json:
        print_json([{"agent": key.name, "host": key.host, "revoked_at": key.revoked_at} for key in keys])
        return
    for key in keys:
        out.print(f"{key.host} 上的代理 {key.name} 已吊销", markup=False)
    if not keys:
        out.print(f"智算中心 {code} 没有有效的代理；未用的邀请码已作废", markup=False)


def _operator() -> str:
    """Who runs this command, as the machine knows him."""
    try:
        return getpass.getuser()
    except OSError:
        return "未知用户"
