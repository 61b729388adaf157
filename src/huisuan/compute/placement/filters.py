"""Which pools could ever take a job, and what keeps it from the others (kube-scheduler's Filter)."""

from __future__ import annotations

from collections.abc import Callable

from huisuan.compute.accelerators import PROCESSOR_SLOT
from huisuan.compute.placement.types import Needs, Pool, Rejection


def filter_pool(needs: Needs, pool: Pool) -> Rejection | None:
    """Why the pool cannot take the job however long it waits; None: it can."""
    for rejection, rejects in _FILTERS:
        if rejects(needs, pool):
            return rejection
    return None


def _model(needs: Needs, pool: Pool) -> bool:
    if pool.model in needs.models:
        return False
    # a job that asks for a card of any model must not be given, and billed, a processor
    return bool(needs.models) or (pool.model == PROCESSOR_SLOT and not needs.takes_slots)


def _price(needs: Needs, pool: Pool) -> bool:
    ceiling, price = needs.price_ceiling_fen, pool.fen_per_card_hour
    return ceiling is not None and price is not None and price > ceiling


def _size(needs: Needs, pool: Pool) -> bool:
    fullest, sizes = needs.cards_on_fullest_node, pool.all_sizes
    fuller = needs.cards - needs.nodes * (fullest - 1)  # nodes with as many cards as the fullest; the others: one less
    return sum(sizes[fullest:]) < fuller or sum(sizes[max(fullest - 1, 1) :]) < needs.nodes


_FILTERS: tuple[tuple[Rejection, Callable[[Needs, Pool], bool]], ...] = (
    (Rejection.CENTRE, lambda needs, pool: needs.centre not in (None, pool.centre)),
    (Rejection.CITY, lambda needs, pool: needs.city not in (None, pool.city)),
    (Rejection.REFUSED, lambda needs, pool: pool.centre in needs.not_at),
    (Rejection.MODEL, _model),
    (Rejection.VENDOR, lambda needs, pool: needs.vendor not in ("", pool.vendor)),
    (Rejection.MEMORY, lambda needs, pool: pool.memory_gib < needs.min_memory_gib),
    (Rejection.TFLOPS, lambda needs, pool: pool.tflops_fp16 < needs.min_tflops_fp16),
    (Rejection.SIZE, _size),
    (Rejection.ABILITY, lambda needs, pool: not needs.all_abilities <= pool.abilities),
    (Rejection.NO_PRICE, lambda needs, pool: needs.price_ceiling_fen is not None and pool.fen_per_card_hour is None),
    (Rejection.PRICE, _price),
    (Rejection.BUDGET, lambda needs, pool: pool.key in needs.too_dear),
)
