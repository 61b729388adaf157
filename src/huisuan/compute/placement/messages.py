"""Reasons, in words."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from fractions import Fraction
from typing import TYPE_CHECKING

from huisuan.base.money import yuan
from huisuan.base.months import SHANGHAI
from huisuan.compute.placement.filters import Barred
from huisuan.compute.placement.types import Bar, Hold, Needs, Pool, Reason, Scored

if TYPE_CHECKING:
    from huisuan.compute.placement.decisions import Waits

SHOWN = 3
WORDS = {"start": "等待", "price": "净价", "distance": "数据距离", "fit": "卡的余裕", "fragmentation": "零碎"}


def why_there(
    chosen: Scored, others: Sequence[Scored], backfilled: bool, now_s: int, thought_s: int | None
) -> tuple[Reason, ...]:
    """Why a job goes to a pool: its figures, what made the difference to the next, and who came next."""
    pool = chosen.pool
    wait = f"，那里预计还排队 {span(chosen.starts_s - now_s)}" if chosen.starts_s > now_s else ""
    told = [Reason("placed", f"选中 {pool}：{_price(chosen)}{wait}")]
    if others:
        nearest = others[0]
        parts = {name: nearest.parts[name] - chosen.parts[name] for name in chosen.parts}
        name = max(parts, key=lambda name: (parts[name], name))
        if parts[name] > 0:
            told.append(Reason("better", f"比其次的 {nearest.pool} 好在{WORDS[name]}"))
        told.append(
            Reason("runners_up", "其次：" + "；".join(f"{one.pool}（{_price(one)}）" for one in others[:SHOWN]))
        )
    if backfilled:
        told.append(Reason("backfilled", "前面有作业在等更多的卡；这个作业用它暂时用不上的卡，预计不耽误它开始"))
    if thought_s is not None:
        told.append(Reason("thought", f"预计运行 {span(thought_s)}：按以往同样卡数的作业推算"))
    return tuple(told)


def why_not_yet(waits: Waits) -> tuple[Reason, ...]:
    """Why a job stays, and what it waits for."""
    if waits.hold is Hold.NEVER:
        return (why_never(waits.ask.needs, waits.outlook.barred),)
    told = [Reason(waits.hold, _why(waits))]
    if waits.reservation is not None:
        kept = waits.reservation
        when = moment(kept.starts_s)
        told.append(Reason("kept", f"已在 {kept.centre} {kept.model} 为它留卡，预计 {when} 可以开始"))
    if waits.ahead and not waits.hold.for_good:
        told.append(Reason("ahead", f"前面还有 {waits.ahead:,} 个作业在等"))
    return tuple(told)


def _why(waits: Waits) -> str:
    needs, outlook = waits.ask.needs, waits.outlook
    most, held = waits.quota or (0, 0)
    less = "等待也无用：请减少卡数，或请省专班调整上限"
    return {
        Hold.TENANT_NEVER: f"要 {needs.cards} 卡，而主体同时最多占用 {most} 卡，{less}",
        Hold.CITY_NEVER: f"要 {needs.cards} 卡，而所在市同时最多占用 {most} 卡，{less}",
        Hold.TENANT_QUOTA: f"主体已占用 {held} 卡，上限 {most} 卡，放不下再要的 {needs.cards} 卡：等自己的作业结束",
        Hold.CITY_QUOTA: f"所在市已占用 {held} 卡，上限 {most} 卡，放不下再要的 {needs.cards} 卡：等本市的作业结束",
        Hold.OFFLINE: f"能运行它的智算中心都没有连接：{_some([str(pool) for pool in outlook.could])}",
        Hold.RESERVED: f"空闲的卡留给了排在前面的作业：{_rooms(waits)}",
        Hold.BEHIND: "按先后次序：排在最前的作业还放不下，后面的都等它",
        Hold.ROOM: f"等待 {_amount(needs)}：{_rooms(waits)}",
    }[waits.hold]


def why_never(needs: Needs, out: Sequence[tuple[Pool, Barred]]) -> Reason:
    """Why no pool could ever hold the job: each reason once, with the pools that have it."""
    if not out:
        return Reason(
            "never", f"没有可供平台作业使用的加速卡，不能运行 {_amount(needs)}的作业（huisuan centre list 查看）"
        )
    by_reason: dict[str, list[str]] = {}
    for pool, (_, text) in out:
        by_reason.setdefault(text, []).append(str(pool))
    told = "；".join(f"{_some(pools)}：{text}" for text, pools in by_reason.items())
    return Reason("never", f"各处都不能运行 {_amount(needs)}的作业，等待也无用：{told}")


def room(pool: Pool, bins: Sequence[int], needs: Needs) -> str:
    """What is free at a pool, and why it does not do."""
    free = sum(free * nodes for free, nodes in enumerate(bins))
    told = f"空闲 {free}/{pool.cards} 卡"
    if free < needs.cards:
        return told
    if needs.nodes == 1:
        return f"{told}，但一个节点最多空 {max(free for free, nodes in enumerate(bins) if nodes)} 卡"
    return f"{told}，但空出 {needs.cards_each} 卡的节点只有 {sum(bins[needs.cards_each :])} 个"


def _rooms(waits: Waits) -> str:
    outlook, needs = waits.outlook, waits.ask.needs
    told = []
    for pool in outlook.could[:SHOWN]:
        state = room(pool, outlook.free[pool.key], needs) if pool.online else Bar.OFFLINE.text
        told.append(f"{pool} {state}")
    more = f"；等 {len(outlook.could)} 处" if len(outlook.could) > SHOWN else ""
    return "；".join(told) + more


def _amount(needs: Needs) -> str:
    return f"{needs.cards} 卡" if needs.nodes == 1 else f"{needs.nodes} 个节点共 {needs.cards} 卡"


def _some(names: Sequence[str]) -> str:
    more = f"等 {len(names)} 处" if len(names) > SHOWN else ""
    return "、".join(names[:SHOWN]) + more


def _price(one: Scored) -> str:
    gross, net = one.pool.fen_per_card_hour, one.net_fen
    if gross is None or net is None:
        return "未定价"
    told = f"每卡时 {yuan(gross)} 元"
    return told if net == gross else f"{told}，补助后约 {yuan(round_up(net))} 元"


def round_up(fen: Fraction) -> int:
    """Whole fen, in favour of nobody's hopes."""
    return -(-fen.numerator // fen.denominator)


def span(seconds: int) -> str:
    """A span as people say it."""
    if seconds < 60:
        return f"{seconds} 秒"
    minutes = -(-seconds // 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} 小时 {minutes} 分" if hours and minutes else f"{hours} 小时" if hours else f"{minutes} 分"


def moment(at_s: int) -> str:
    """A moment in Shanghai."""
    return datetime.fromtimestamp(at_s, SHANGHAI).strftime("%Y-%m-%d %H:%M")
