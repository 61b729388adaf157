"""Bin packing: a job gets the nodes that it fragments least.

A node with k free cards is of no use to the jobs that want more than k on one node. Over the declared demand, k times
their share of all jobs is the node's fragmentation (after "Beware of Fragmentation", USENIX ATC 2023). What a job adds
to that, or takes from it, is its gradient on that node.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from huisuan.compute.placement.nodes.node_bins import Nodes, shape

PER = 1_000  # demand is given per thousand jobs


class Packing:
    """How pieces go onto nodes of at most `largest` cards: by gradient over a demand, or the fullest that will do.

    `order[piece]`: free cards of the nodes to try, best first. `gradient[piece][free]`: thousandths of a card that are
    of less use afterwards.
    """

    __slots__ = ("gradient", "order")

    def __init__(self, largest: int, demand: Mapping[int, int] | None) -> None:
        total = sum(demand.values()) if demand else 1
        idle = [
            free * PER * sum(jobs for cards, jobs in (demand or {}).items() if cards > free) // total
            for free in range(largest + 1)
        ]
        self.gradient = [
            [idle[free - piece] - idle[free] if free >= piece else 0 for free in range(largest + 1)]
            for piece in range(largest + 1)
        ]
        self.order = [self._candidates(piece, largest) for piece in range(largest + 1)]

    def _candidates(self, piece: int, largest: int) -> list[int]:
        return sorted(range(piece, largest + 1), key=lambda free: (self.gradient[piece][free], free))

    def choose(self, nodes: Nodes, cards: int, count: int, allowed: int = -1) -> tuple[int, ...]:
        """Numbers of `count` nodes of the `allowed` for so many cards, one for each piece in order; empty: no room."""
        if count == 1:
            if cards < len(self.order):
                for free in self.order[cards]:
                    if found := nodes.by_free[free] & allowed:
                        return ((found & -found).bit_length() - 1,)
            return ()
        chosen: list[int] = []
        pieces = shape(cards, count)
        for piece in dict.fromkeys(pieces):
            wanted = pieces.count(piece) + len(chosen)
            for free in self.order[piece] if piece < len(self.order) else ():
                found = nodes.by_free[free] & allowed
                while found and len(chosen) < wanted:
                    low = found & -found
                    chosen.append(low.bit_length() - 1)
                    found ^= low
                    allowed &= ~low
            if len(chosen) < wanted:
                return ()
        return tuple(chosen)

    def fragmentation_delta(self, nodes: Nodes, cards: int, count: int, allowed: int = -1) -> int | None:
        """Thousandths of a card that are of less use once a job is where `choose` puts it; None: no room."""
        if count == 1:
            for free in self.order[cards] if cards < len(self.order) else ():
                if nodes.by_free[free] & allowed:
                    return self.gradient[cards][free]
            return None
        total, used = 0, [0] * len(self.order)
        each, more = divmod(cards, count)
        for piece, pieces in ((each + 1, more), (each, count - more)):
            lacking = pieces
            if not lacking:
                continue
            for free in self.order[piece] if piece < len(self.order) else ():
                found = min((nodes.by_free[free] & allowed).bit_count() - used[free], lacking)
                used[free] += found
                total += found * self.gradient[piece][free]
                lacking -= found
                if not lacking:
                    break
            else:
                return None
        return total


@lru_cache(maxsize=256)
def packing(largest: int, demand: tuple[tuple[int, int], ...] | None) -> Packing:
    """The tables for nodes of that size, made once."""
    return Packing(largest, None if demand is None else dict(demand))
