"""Results of placement rendered for people, in Chinese, where they are shown or stored."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction

from huisuan.base.money import yuan
from huisuan.base.months import SHANGHAI
from huisuan.compute.accelerators import PROCESSOR_SLOT
from huisuan.compute.placement.decisions import PlacedJob, WaitingJob
from huisuan.compute.placement.types import Needs, Pool, Rejection, ScoredPool, WaitReason

NAMED = 3  # pools that a sentence names
PART_NAMES = {"start": "等待", "price": "净价", "distance": "数据距离", "fit": "卡的余裕", "fragmentation": "零碎"}
OFFLINE = "站点代理未连接"
#: what an engine lacks, in words that end the sentence "its engine ..."
ABILITY_WORDS = {
    "gang": "不能同时占用多个节点",
    "containers": "不能运行容器",
    "workdir": "不能带工作目录",
    "sessions": "不支持交互会话",
    "outputs": "不能取回结果文件夹",
}


@dataclass(frozen=True)
class PlacementReason:
    """A reason for people (`text`, Chinese) and for programs (`code`: placed, backfilled, a WaitReason, ...)."""

    code: str
    text: str


# --- why a job goes where it goes, or waits


def why_placed(placed: PlacedJob) -> tuple[PlacementReason, ...]:
    """Why a job goes to a pool: its figures, what made the difference to the next, and which came next."""
    chosen, others, expected = placed.chosen, placed.runners_up, placed.request.predicted_s
    pool = chosen.pool
    wait = f"，那里预计还排队 {format_span(chosen.starts_s - placed.now_s)}" if chosen.starts_s > placed.now_s else ""
    reasons = [PlacementReason("placed", f"选中 {pool}：{_price(chosen)}{wait}")]
    if others:
        nearest = others[0]
        parts = {name: nearest.parts[name] - chosen.parts[name] for name in chosen.parts}
        name = max(parts, key=lambda name: (parts[name], name))
        if parts[name] > 0:
            reasons.append(PlacementReason("better", f"比其次的 {nearest.pool} 好在{PART_NAMES[name]}"))
        reasons.append(
            PlacementReason(
                "runners_up", "其次：" + "；".join(f"{other.pool}（{_price(other)}）" for other in others[:NAMED])
            )
        )
    if placed.backfilled:
        reasons.append(
            PlacementReason("backfilled", "前面有作业在等更多的卡；这个作业用它暂时用不上的卡，预计不耽误它开始")
        )
    if expected is not None:
        reasons.append(PlacementReason("expected", f"预计运行 {format_span(expected)}：按以往同样卡数的作业推算"))
    return tuple(reasons)


def why_waiting(waiting: WaitingJob) -> tuple[PlacementReason, ...]:
    """Why a job waits, and for what."""
    if waiting.wait_reason is WaitReason.NEVER:
        return (why_never(waiting.request.needs, waiting.feasibility.rejected),)
    reasons = [PlacementReason(waiting.wait_reason, _wait_reason(waiting))]
    if waiting.reservation is not None:
        reserved = waiting.reservation
        when = format_time(reserved.starts_s)
        reasons.append(
            PlacementReason("reservation", f"已在 {reserved.centre} {reserved.model} 为它留卡，预计 {when} 可以开始")
        )
    dear = [str(pool) for pool, rejection in waiting.feasibility.rejected if rejection is Rejection.BUDGET]
    if dear and waiting.wait_reason is not WaitReason.BUDGET:
        reasons.append(PlacementReason("too_dear", f"另有 {_some(dear)} 因预算所余不够没有考虑"))
    if waiting.ahead and not waiting.wait_reason.is_permanent:
        reasons.append(PlacementReason("ahead", f"前面还有 {waiting.ahead:,} 个作业在等"))
    return tuple(reasons)


def _wait_reason(waiting: WaitingJob) -> str:
    needs, could, reason = waiting.request.needs, waiting.feasibility.could, waiting.wait_reason
    most, held = waiting.quota or (0, 0)
    less = "等待也无用：请减少卡数，或请省专班调整上限"
    if reason is WaitReason.TENANT_QUOTA:
        return f"主体已占用 {held} 卡，上限 {most} 卡，放不下再要的 {needs.cards} 卡：等自己的作业结束"
    if reason is WaitReason.CITY_QUOTA:
        return f"所在市已占用 {held} 卡，上限 {most} 卡，放不下再要的 {needs.cards} 卡：等本市的作业结束"
    return {
        WaitReason.TENANT_NEVER: f"要 {needs.cards} 卡，而主体同时最多占用 {most} 卡，{less}",
        WaitReason.CITY_NEVER: f"要 {needs.cards} 卡，而所在市同时最多占用 {most} 卡，{less}",
        WaitReason.BUDGET: "预算所余不够：等已预留的作业结束、下一期开始，或由本单位的所有者提高预算",
        WaitReason.OFFLINE: f"能运行它的智算中心都没有连接：{_some([str(pool) for pool in could])}",
        WaitReason.MAINTENANCE: f"时限会延伸到维护时段：{_windows_by_pool(could)}；缩短时限可以早些开始",
        WaitReason.RESERVED: f"空闲的卡留给了排在前面的作业：{_free_cards_by_pool(waiting)}",
        WaitReason.BEHIND: "按先后次序：排在最前的作业还放不下，后面的都等它",
        WaitReason.ROOM: f"等待 {_amount(needs)}：{_free_cards_by_pool(waiting)}",
    }[reason]


def why_never(needs: Needs, rejected: Sequence[tuple[Pool, Rejection]]) -> PlacementReason:
    """Why no pool could ever hold the job: each reason once, with its pools."""
    if not rejected:
        return PlacementReason(
            "never", f"没有可供平台作业使用的加速卡，不能运行 {_amount(needs)}的作业（huisuan centre list 查看）"
        )
    by_reason: dict[str, list[str]] = {}
    for pool, rejection in rejected:
        by_reason.setdefault(rejection_text(rejection, needs, pool), []).append(str(pool))
    everywhere = "；".join(f"{_some(pools)}：{text}" for text, pools in by_reason.items())
    return PlacementReason("never", f"各处都不能运行 {_amount(needs)}的作业，等待也无用：{everywhere}")


# --- why a pool does not take a job


def rejection_text(rejection: Rejection, needs: Needs, pool: Pool) -> str:
    """Why the pool does not take the job."""
    return _REJECTIONS[rejection](needs, pool)


def _model(needs: Needs, pool: Pool) -> str:
    if not needs.models:
        return f"处理器槽不是加速卡：只收不要卡的作业，或写明 --models {PROCESSOR_SLOT} 的"
    return f"型号不在可接受之列（{'、'.join(needs.models)}）"


def _ability(needs: Needs, pool: Pool) -> str:
    missing = sorted(needs.all_abilities - pool.abilities)
    return f"它的执行引擎{'、'.join(ABILITY_WORDS.get(ability, ability) for ability in missing)}"


def _size(needs: Needs, pool: Pool) -> str:
    if needs.nodes == 1:
        text = f"一个节点最多 {pool.cards_per_node} 卡，不足 {needs.cards} 卡"
        nodes = _nodes_that_hold(needs.cards, pool)
        return f"{text}；要用几个节点请写 --nodes {nodes}" if nodes else text
    each = needs.cards_on_fullest_node
    return f"每节点至少 {each} 卡的节点只有 {sum(pool.all_sizes[each:])} 个，不足 {needs.nodes} 个"


def _nodes_that_hold(cards: int, pool: Pool) -> int | None:
    """The fewest nodes of the pool that so many cards divide evenly among; None: there are none."""
    if "gang" not in pool.abilities:
        return None
    sizes = pool.all_sizes
    for nodes in range(2, sum(sizes) + 1):
        if cards % nodes == 0 and sum(sizes[cards // nodes :]) >= nodes:
            return nodes
    return None


_REJECTIONS: dict[Rejection, Callable[[Needs, Pool], str]] = {
    Rejection.CENTRE: lambda needs, pool: f"作业限定在 {needs.centre}",
    Rejection.CITY: lambda needs, pool: f"作业限定在 {needs.city}，它在 {pool.city}",
    Rejection.REFUSED: lambda needs, pool: "它已退回过这个作业",
    Rejection.MODEL: _model,
    Rejection.VENDOR: lambda needs, pool: f"厂商是 {pool.vendor}，不是 {needs.vendor}",
    Rejection.MEMORY: lambda needs, pool: f"显存 {pool.memory_gib} GiB，不足 {needs.min_memory_gib} GiB",
    Rejection.TFLOPS: lambda needs, pool: f"FP16 算力 {pool.tflops_fp16} TFLOPS，不足 {needs.min_tflops_fp16} TFLOPS",
    Rejection.SIZE: _size,
    Rejection.ABILITY: _ability,
    Rejection.NO_PRICE: lambda needs, pool: f"没有价目，不能确认不超过上限 {yuan(needs.price_ceiling_fen or 0)} 元",
    Rejection.PRICE: lambda needs, pool: (
        f"每卡时 {yuan(pool.fen_per_card_hour or 0)} 元，高于上限 {yuan(needs.price_ceiling_fen or 0)} 元"
    ),
    Rejection.BUDGET: lambda needs, pool: "作业在那里最多的花费超过预算所余",
    Rejection.MAINTENANCE: lambda needs, pool: f"{windows_text(pool)}，作业的时限会延伸到其中",
    Rejection.OFFLINE: lambda needs, pool: OFFLINE,
    Rejection.ROOM: lambda needs, pool: f"{free_cards(pool, pool.bins, needs)}；何时能空出还不能确定",
}


def free_cards(pool: Pool, bins: Sequence[int], needs: Needs) -> str:
    """The free cards of a pool, and why they do not suffice."""
    free = sum(free * nodes for free, nodes in enumerate(bins))
    text = f"空闲 {free}/{pool.cards} 卡"
    if free < needs.cards:
        return text
    if needs.nodes == 1:
        return f"{text}，但一个节点最多空 {max(free for free, nodes in enumerate(bins) if nodes)} 卡"
    each = needs.cards_on_fullest_node
    return f"{text}，但空出 {each} 卡的节点只有 {sum(bins[each:])} 个"


def windows_text(pool: Pool) -> str:
    """The next maintenance window of a pool that has one."""
    starts_s, ends_s = pool.shut[0]
    return f"维护 {format_time(starts_s)} 至 {format_time(ends_s)}"


def _windows_by_pool(pools: Sequence[Pool]) -> str:
    return "；".join(f"{pool} {windows_text(pool)}" for pool in [pool for pool in pools if pool.shut][:NAMED])


def _free_cards_by_pool(waiting: WaitingJob) -> str:
    feasibility, needs = waiting.feasibility, waiting.request.needs
    texts = []
    for pool in feasibility.could[:NAMED]:
        state = free_cards(pool, feasibility.free[pool.key], needs) if pool.online else OFFLINE
        if pool.online and pool.key in needs.not_now:
            state = windows_text(pool)
        texts.append(f"{pool} {state}")
    more = f"；等 {len(feasibility.could)} 处" if len(feasibility.could) > NAMED else ""
    return "；".join(texts) + more


# --- amounts, prices, times


def _amount(needs: Needs) -> str:
    return f"{needs.cards} 卡" if needs.nodes == 1 else f"{needs.nodes} 个节点共 {needs.cards} 卡"


def _some(names: Sequence[str]) -> str:
    more = f"等 {len(names)} 处" if len(names) > NAMED else ""
    return "、".join(names[:NAMED]) + more


def _price(scored: ScoredPool) -> str:
    gross, net = scored.pool.fen_per_card_hour, scored.net_fen
    if gross is None or net is None:
        return "未定价"
    text = f"每卡时 {yuan(gross)} 元"
    return text if net == gross else f"{text}，补助后约 {yuan(round_up(net))} 元"


def round_up(fen: Fraction) -> int:
    """Whole fen, rounded up: an estimate must not promise less than is paid."""
    return -(-fen.numerator // fen.denominator)


def format_span(seconds: int) -> str:
    """A duration in hours and minutes, or in seconds below a minute."""
    if seconds < 60:
        return f"{seconds} 秒"
    minutes = -(-seconds // 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} 小时 {minutes} 分" if hours and minutes else f"{hours} 小时" if hours else f"{minutes} 分"


def format_time(at_s: int) -> str:
    """Seconds since 1970 as date and time in Shanghai."""
    return datetime.fromtimestamp(at_s, SHANGHAI).strftime("%Y-%m-%d %H:%M")
