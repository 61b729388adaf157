"""On which nodes lies what runs, where nobody said: it decides when whole nodes come free."""

from __future__ import annotations

from collections.abc import Sequence

from huisuan.compute.placement.nodes import Nodes, shape
from huisuan.compute.placement.packing import packing
from huisuan.compute.placement.types import Pool, Running


def laid(pool: Pool, running: Sequence[Running]) -> dict[str, tuple[int, ...]]:
    """On which nodes (numbered as in `Nodes(pool.bins)`) each job lies, by its uid.

    Where the caller does not know, the largest pieces are laid first, each on the node whose used cards it fills best:
    a job of whole nodes then comes to lie on full ones. What finds no place (its cards are not seen as used) is left
    out; the cards that remain used are others', which we do not see come free.
    """
    free = Nodes(pool.bins).free
    used = Nodes(tuple(reversed(pool.bins)))  # an upside-down pool: its "free" cards are those in use
    used.free = [pool.cards_per_node - one for one in free]
    used.by_free = [0] * len(pool.bins)
    for number, cards in enumerate(used.free):
        used.by_free[cards] |= 1 << number
    fullest_last = packing(pool.cards_per_node, None)
    found = {}
    for one in sorted(running, key=lambda one: (-(-one.cards // one.nodes), one.ends_s, one.uid), reverse=True):
        numbers = one.on or fullest_last.choose(used, one.cards, one.nodes)
        if not numbers:
            continue
        found[one.uid] = numbers
        for number, piece in zip(numbers, shape(one.cards, one.nodes), strict=True):
            used.move(number, -piece)
    return found
