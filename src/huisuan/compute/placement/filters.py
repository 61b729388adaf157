"""Which pools could ever take a job, and why the others cannot."""

from __future__ import annotations

from collections.abc import Callable

from huisuan.base.money import yuan
from huisuan.compute.accelerators import PROCESSOR_SLOT
from huisuan.compute.placement.types import Bar, Needs, Pool

Barred = tuple[Bar, str]


def barred(needs: Needs, pool: Pool) -> Barred | None:
    """Why the pool cannot take the job however long it waits; None: it can."""
    for bar, test in _TESTS:
        text = test(needs, pool)
        if text is not None:
            return bar, text
    return None


def _centre(needs: Needs, pool: Pool) -> str | None:
    return f"作业限定在 {needs.centre}" if needs.centre not in (None, pool.centre) else None


def _city(needs: Needs, pool: Pool) -> str | None:
    return f"作业限定在 {needs.city}，它在 {pool.city}" if needs.city not in (None, pool.city) else None


def _refused(needs: Needs, pool: Pool) -> str | None:
    return "它已退回过这个作业" if pool.centre in needs.not_at else None


def _model(needs: Needs, pool: Pool) -> str | None:
    if pool.model in needs.models:
        return None
    if not needs.models and pool.model == PROCESSOR_SLOT and not needs.takes_slots:
        # whoever asks for a card of any model must not be given, and billed, a processor
        return f"处理器槽不是加速卡：只收不要卡的作业，或写明 --models {PROCESSOR_SLOT} 的"
    if not needs.models:
        return None
    return f"型号不在可接受之列（{'、'.join(needs.models)}）"


def _vendor(needs: Needs, pool: Pool) -> str | None:
    return f"厂商是 {pool.vendor}，不是 {needs.vendor}" if needs.vendor not in ("", pool.vendor) else None


def _memory(needs: Needs, pool: Pool) -> str | None:
    if pool.memory_gib >= needs.min_memory_gib:
        return None
    return f"显存 {pool.memory_gib} GiB，不足 {needs.min_memory_gib} GiB"


def _tflops(needs: Needs, pool: Pool) -> str | None:
    if pool.tflops_fp16 >= needs.min_tflops_fp16:
        return None
    return f"FP16 算力 {pool.tflops_fp16} TFLOPS，不足 {needs.min_tflops_fp16} TFLOPS"


def _ability(needs: Needs, pool: Pool) -> str | None:
    lacking = sorted(needs.all_abilities - pool.abilities)
    return f"它的执行引擎{'、'.join(ABILITY_WORDS.get(one, one) for one in lacking)}" if lacking else None


def _price(needs: Needs, pool: Pool) -> str | None:
    ceiling, price = needs.price_ceiling_fen, pool.fen_per_card_hour
    if ceiling is None or price is None or price <= ceiling:
        return None
    return f"每卡时 {yuan(price)} 元，高于上限 {yuan(ceiling)} 元"


def _no_price(needs: Needs, pool: Pool) -> str | None:
    if needs.price_ceiling_fen is None or pool.fen_per_card_hour is not None:
        return None
    return f"没有价目，不能确认不超过上限 {yuan(needs.price_ceiling_fen)} 元"


def _size(needs: Needs, pool: Pool) -> str | None:
    each, sizes = needs.cards_each, pool.all_sizes
    fuller = needs.cards - needs.nodes * (each - 1)  # nodes that hold `each`; the others one less
    room, rest = sum(sizes[each:]), sum(sizes[max(each - 1, 1) :])
    if room >= fuller and rest >= needs.nodes:
        return None
    if needs.nodes == 1:
        text = f"一个节点最多 {pool.cards_per_node} 卡，不足 {needs.cards} 卡"
        nodes = _nodes_that_hold(needs.cards, pool)
        return f"{text}；要用几个节点请写 --nodes {nodes}" if nodes else text
    return f"每节点至少 {each} 卡的节点只有 {room} 个，不足 {needs.nodes} 个"


def _nodes_that_hold(cards: int, pool: Pool) -> int | None:
    """The fewest nodes on which so many cards lie evenly and that the pool has; None: it has not."""
    if "gang" not in pool.abilities:
        return None
    sizes = pool.all_sizes
    for nodes in range(2, sum(sizes) + 1):
        if cards % nodes == 0 and sum(sizes[cards // nodes :]) >= nodes:
            return nodes
    return None


#: what an engine lacks, in words that end the sentence "its engine ..."
ABILITY_WORDS = {"gang": "不能同时占用多个节点", "containers": "不能运行容器", "workdir": "不能带工作目录"}

_TESTS: tuple[tuple[Bar, Callable[[Needs, Pool], str | None]], ...] = (
    (Bar.CENTRE, _centre),
    (Bar.CITY, _city),
    (Bar.REFUSED, _refused),
    (Bar.MODEL, _model),
    (Bar.VENDOR, _vendor),
    (Bar.MEMORY, _memory),
    (Bar.TFLOPS, _tflops),
    (Bar.SIZE, _size),
    (Bar.ABILITY, _ability),
    (Bar.NO_PRICE, _no_price),
    (Bar.PRICE, _price),
)
