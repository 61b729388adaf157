"""The nodes of a pool, by how many cards each has free: what fits, what is taken, what comes back.

Sets of nodes are integers, one bit a node: the lowest bit is the node with the lowest number, so ties go to the
first node on every machine.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache


class Nodes:
    """Nodes of one pool. `free[n]`: free cards of node n; `by_free[k]`: the set of nodes with k cards free."""

    __slots__ = ("by_free", "free")

    def __init__(self, bins: Sequence[int]) -> None:
        self.free = [free for free, nodes in enumerate(bins) for _ in range(nodes)]
        self.by_free = [0] * len(bins)
        for number, free in enumerate(self.free):
            self.by_free[free] |= 1 << number

    def bins(self) -> tuple[int, ...]:
        """How many nodes have k cards free, by k."""
        return tuple(nodes.bit_count() for nodes in self.by_free)

    def at_least(self, cards: int) -> int:
        """The set of nodes with so many cards free, or more."""
        found = 0
        for nodes in self.by_free[cards:]:
            found |= nodes
        return found

    def move(self, number: int, cards: int) -> None:
        """Give a node so many more free cards (fewer, if negative)."""
        bit, free = 1 << number, self.free[number]
        self.by_free[free] ^= bit
        self.free[number] = free = free + cards
        self.by_free[free] |= bit


@lru_cache(maxsize=4096)
def shape(cards: int, nodes: int) -> tuple[int, ...]:
    """Cards on each of a job's nodes: as even as they can be, the fuller ones first."""
    each, more = divmod(cards, nodes)
    return (each + 1,) * more + (each,) * (nodes - more)


def pieces_on(numbers: tuple[int, ...], cards: int) -> Iterable[tuple[int, int]]:
    """Each node of a job with the cards that it has there."""
    if len(numbers) == 1:  # most jobs
        return ((numbers[0], cards),)
    return zip(numbers, shape(cards, len(numbers)), strict=True)


def bins_without(bins: Sequence[int], cards: int, nodes: int) -> tuple[int, ...]:
    """The bins once a job is allocated its cards, each piece on a node of its own that it fills best (best fit).

    What does not fit anywhere is left out: what a scheduler reports may lag behind what was sent there.
    """
    left, touched = list(bins), [0] * len(bins)
    for piece in shape(cards, nodes):
        for free in range(piece, len(left)):
            if left[free]:
                left[free] -= 1
                touched[free - piece] += 1
                break
    return tuple(untouched + other for untouched, other in zip(left, touched, strict=True))
