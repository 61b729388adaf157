"""`huisuan now`: what can be had now, where it is cheapest and where soonest."""

from __future__ import annotations

from fractions import Fraction
from typing import Annotated, Any

import typer

from huisuan.base.money import yuan
from huisuan.base.months import SHANGHAI
from huisuan.client import connect
from huisuan.compute.jobs.cli.completion import model_names
from huisuan.compute.placement.messages import format_span, round_up
from huisuan.protocol.placement import Availability, PoolNow
from huisuan.terminal import AsJson, out, print_json, print_table


def now(
    cards: Annotated[int, typer.Option("--cards", help="要多少卡")] = 1,
    model: Annotated[str | None, typer.Option("--model", help="只看这个型号", autocompletion=model_names)] = None,
    hours: Annotated[int, typer.Option("--hours", help="用多少小时")] = 1,
    as_json: AsJson = False,
) -> None:
    """现在有什么：各处空闲的卡、队列、价格、我的净价、要等多久；一小时内最便宜的和最早的。"""
    with connect() as client:
        found = client.now(cards=cards, model=model, hours=hours)
    if as_json:
        print_json(found.model_dump())
        return
    columns = {
        "centre": "智算中心", "model": "型号", "free": "空闲卡", "cards": "共有", "queued_jobs": "中心排队",
        "waiting_jobs": "全省等待", "fen_per_card_hour_fen": "每卡时", "net": "净价",
        **{f"wait_{size}": f"{size} 卡要等" for size in found.sizes},
    }  # fmt: skip
    rows = [_row(pool, found.sizes) for pool in found.pools]
    print_table("现在有什么", rows, columns, "没有可供平台作业使用的加速卡：智算中心加入后才有，见 huisuan centre list")
    _print_best(found)


def _row(pool: PoolNow, sizes: list[int]) -> dict[str, Any]:
    net = pool.net_fen_per_card_hour
    return {
        **pool.model_dump(),
        "centre": pool.centre if pool.online else f"{pool.centre}（没有连接）",
        "fen_per_card_hour_fen": pool.fen_per_card_hour,
        "net": None if net is None else yuan(round_up(Fraction(net))),
        **{f"wait_{size}": format_wait(pool.wait_seconds[str(size)]) for size in sizes},
    }


def format_wait(seconds: int | None) -> str:
    """How long until a job would begin; None: it cannot."""
    return "—" if seconds is None else format_span(seconds) if seconds else "现在"


def _print_best(found: Availability) -> None:
    size = f"{found.cards} 卡 {found.hours} 小时"
    for text, pool in ((f"{size}，一小时内最便宜", found.cheapest), (f"{size}，最早", found.soonest)):
        out.print(f"{text}：{' '.join(pool) if pool else '没有'}", markup=False)
    for window in found.windows:
        begins, ends = (at.astimezone(SHANGHAI).strftime("%m-%d %H:%M") for at in (window.starts_at, window.ends_at))
        where = f"（{'、'.join(window.partitions)}）" if window.partitions else ""
        out.print(f"维护：{window.centre}{where} {begins} 至 {ends}：{window.reason}", markup=False)
    out.print(
        f"全省等待调度 {found.waiting_jobs:,} 个作业，共 {found.waiting_cards:,} 卡；等待时间没有算上它们", markup=False
    )
