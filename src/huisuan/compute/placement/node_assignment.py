"""Which nodes the running jobs of a pool use, where only their sizes are known."""

from __future__ import annotations

from collections.abc import Sequence

from huisuan.compute.placement.nodes import Nodes, packing, shape
from huisuan.compute.placement.types import Pool, Running


def assign_nodes(pool: Pool, running: Sequence[Running]) -> dict[str, tuple[int, ...]]:
    """The nodes (numbered as in `Nodes(pool.bins)`) of each running job, by its uid.

    Where the caller does not know them, the largest pieces are assigned first, each to the node whose used cards it
    fills best, so that a job of whole nodes gets full ones. A job that fits nowhere (its cards are not seen as used) is
    left out; the cards that remain used belong to others, and when they are released is unknown.
    """
    free = Nodes(pool.bins).free
    used = Nodes(tuple(reversed(pool.bins)))  # an upside-down pool: its "free" cards are those in use
    used.free = [pool.cards_per_node - cards for cards in free]
    used.by_free = [0] * len(pool.bins)
    for number, cards in enumerate(used.free):
        used.by_free[cards] |= 1 << number
    best_fit = packing(pool.cards_per_node, None)
    found = {}
    largest_first = sorted(running, key=lambda job: (-(-job.cards // job.nodes), job.ends_s, job.uid), reverse=True)
    for job in largest_first:
        numbers = job.on or best_fit.choose(used, job.cards, job.nodes)
        if not numbers:
            continue
        found[job.uid] = numbers
        for number, piece in zip(numbers, shape(job.cards, job.nodes), strict=True):
            used.move(number, -piece)
    return found
