"""Which centre runs a job: one pure function from what is free and what is asked to a choice with its reasons.

First cut: among the pools that can hold the job now, the lowest price per card-hour, then the most free
cards, then the centre's code. First come, first served: a job that has to wait holds the cards of the pool
that it waits for, so that small jobs behind it do not starve it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

SHOWN = 3


@dataclass(frozen=True)
class Pool:
    """Cards of one model at one centre; price in fen per card-hour, None where none is set."""

    centre: str
    model: str
    cards: int
    free: int
    fen_per_card_hour: int | None
    online: bool = True

    def __str__(self) -> str:
        return f"{self.centre} {self.model}"


@dataclass(frozen=True)
class Ask:
    """What a job needs; None: any."""

    uid: str
    cards: int
    model: str | None = None
    centre: str | None = None


@dataclass(frozen=True)
class Placement:
    """A choice, or why there is none yet; `possible` is False when no pool, even empty, could ever hold the job."""

    chosen: Pool | None
    reasons: tuple[str, ...]
    runners_up: tuple[Pool, ...] = ()
    possible: bool = True
    waits_for: Pool | None = None


def place(ask: Ask, pools: Iterable[Pool]) -> Placement:
    """Choose a pool for one job."""
    suitable = [pool for pool in pools if ask.model in (None, pool.model) and ask.centre in (None, pool.centre)]
    able = [pool for pool in suitable if pool.cards >= ask.cards]
    if not able:
        return Placement(None, (_impossible(ask, suitable),), possible=False)
    ready = sorted((pool for pool in able if pool.online and pool.free >= ask.cards), key=_preference)
    if ready:
        first, *others = ready
        return Placement(first, _why(first, others, able), tuple(others))
    waits_for = min(able, key=lambda pool: (not pool.online, *_preference(replace(pool, free=pool.cards))))
    return Placement(None, (_why_not_yet(ask, able),), waits_for=waits_for)


def place_all(asks: Sequence[Ask], pools: Sequence[Pool]) -> list[tuple[Ask, Placement]]:
    """Place waiting jobs in the order they came, each on what the earlier ones left."""
    free = {(pool.centre, pool.model): pool for pool in pools}
    answers = []
    for ask in asks:
        placement = place(ask, free.values())
        taken = placement.chosen or placement.waits_for
        if taken:
            left = taken.free - ask.cards if placement.chosen else 0
            free[taken.centre, taken.model] = replace(taken, free=left)
        answers.append((ask, placement))
    return answers


def _preference(pool: Pool) -> tuple[bool, int, int, str, str]:
    price = pool.fen_per_card_hour
    return (price is None, price or 0, -pool.free, pool.centre, pool.model)


def _why(first: Pool, others: Sequence[Pool], able: Sequence[Pool]) -> tuple[str, ...]:
    reasons = [f"选中 {first}：{_price(first)}，空闲 {first.free}/{first.cards} 卡"]
    if others:
        reasons.append(
            "其次：" + "；".join(f"{pool}（{_price(pool)}，空闲 {pool.free} 卡）" for pool in others[:SHOWN])
        )
    missed = [pool for pool in able if pool is not first and pool not in others]
    if missed:
        reasons.append("当时不可用：" + "；".join(f"{pool}（{_state(pool)}）" for pool in missed[:SHOWN]))
    return tuple(reasons)


def _why_not_yet(ask: Ask, able: Sequence[Pool]) -> str:
    return f"等待 {ask.cards} 卡：" + "；".join(f"{pool} {_state(pool)}" for pool in able[:SHOWN])


def _impossible(ask: Ask, suitable: Sequence[Pool]) -> str:
    what = f" {ask.model}" if ask.model else "卡"
    where = f"智算中心 {ask.centre} " if ask.centre else "各智算中心都"
    if not suitable:
        return f"{where}没有可供平台作业使用的{what}：请换一个型号或中心（huisuan centre list 查看）"
    largest = max(pool.cards for pool in suitable)
    return f"{where}没有这么多{what}：要 {ask.cards} 卡，一处最多 {largest} 卡"


def _state(pool: Pool) -> str:
    return f"空闲 {max(pool.free, 0)}/{pool.cards} 卡" if pool.online else "站点代理未连接"


def _price(pool: Pool) -> str:
    price = pool.fen_per_card_hour
    return "未定价" if price is None else f"每卡时 {price // 100}.{price % 100:02d} 元"
