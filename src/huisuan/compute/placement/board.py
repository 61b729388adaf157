"""The pools while work is placed on them: nodes, what holds them until when, cards kept for work that does not fit."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Mapping

from huisuan.compute.placement.nodes import Nodes, shape
from huisuan.compute.placement.packing import Packing
from huisuan.compute.placement.releases import laid
from huisuan.compute.placement.types import Pool, Running

NOWHERE = 1 << 62  # a score that no pool has: it has no room


class Kept:
    """Cards kept for one job from `from_s` on: a set of nodes, and what else will be free on each of them by then.

    Others may use these nodes until then, or beyond it what will be left over.
    """

    __slots__ = ("from_s", "nodes", "spare", "uid")

    def __init__(self, uid: str, from_s: int, spare: dict[int, int]) -> None:
        self.uid, self.from_s, self.spare = uid, from_s, spare
        self.nodes = sum(1 << number for number in spare)

    def others(self, piece: int) -> int:
        """The nodes on which a piece may stay for long."""
        allowed = ~self.nodes
        for number, left in self.spare.items():
            if left >= piece:
                allowed |= 1 << number
        return allowed


class PoolState:
    """One pool: what is free on which node, and what holds the rest until when."""

    __slots__ = ("ends", "free", "holds", "index", "kept", "nodes", "packing", "pool", "tenths", "unlaid")

    def __init__(self, index: int, pool: Pool, packing: Packing) -> None:
        self.index, self.pool, self.packing = index, pool, packing
        self.nodes = Nodes(pool.bins)
        self.free = pool.free
        self.tenths = int(pool.tflops_fp16 * 10)
        self.kept: Kept | None = None
        self.holds: dict[str, tuple[tuple[int, ...], int, int]] = {}  # uid -> nodes, cards, end
        self.ends: list[tuple[int, str, tuple[int, ...], int]] = []  # end, uid, nodes, cards: in order
        self.unlaid: list[Running] = []

    def take(self, uid: str, numbers: tuple[int, ...], cards: int, ends_s: int) -> None:
        """The job lies on these nodes until then, as far as is thought."""
        move = self.nodes.move
        if len(numbers) == 1:
            move(numbers[0], -cards)
        else:
            for number, piece in zip(numbers, shape(cards, len(numbers)), strict=True):
                move(number, -piece)
        self.free -= cards
        self.hold(uid, numbers, cards, ends_s)

    def hold(self, uid: str, numbers: tuple[int, ...], cards: int, ends_s: int) -> None:
        """Note that cards which are not free are this job's."""
        self.holds[uid] = numbers, cards, ends_s
        insort(self.ends, (ends_s, uid, numbers, cards))

    def give(self, uid: str) -> None:
        """The job is over: its cards are free."""
        numbers, cards, ends_s = self.holds.pop(uid)
        del self.ends[bisect_left(self.ends, (ends_s, uid, numbers, cards))]
        move = self.nodes.move
        if len(numbers) == 1:
            move(numbers[0], cards)
        else:
            for number, piece in zip(numbers, shape(cards, len(numbers)), strict=True):
                move(number, piece)
        self.free += cards

    def extend(self, uid: str, ends_s: int) -> None:
        """The job holds its cards longer (or less long) than was thought."""
        numbers, cards, before = self.holds[uid]
        del self.ends[bisect_left(self.ends, (before, uid, numbers, cards))]
        self.hold(uid, numbers, cards, ends_s)

    def settle(self) -> None:
        """Lay what runs here onto nodes, where nobody said on which it lies."""
        if self.unlaid:
            places = laid(self.pool, self.unlaid)
            for one in self.unlaid:
                if one.uid in places:
                    self.hold(one.uid, places[one.uid], one.cards, one.ends_s)
            self.unlaid = []

    def has_room(self, cards: int, count: int) -> bool:
        """Whether a job would find its cards free now, whatever is kept for others."""
        if cards > self.free:
            return False
        if count == 1:
            return any(self.nodes.by_free[cards:])
        return self.packing.spoils(self.nodes, cards, count) is not None

    def room(self, cards: int, count: int, long: bool) -> tuple[int, ...]:
        """Nodes for a job; one that is `long` stays beyond the moment from which cards are kept for another."""
        if cards > self.free:
            return ()
        if self.kept is None:
            return self.packing.choose(self.nodes, cards, count)
        outside = self.packing.choose(self.nodes, cards, count, self.kept.others(-(-cards // count)))
        return outside if outside or long else self.packing.choose(self.nodes, cards, count)

    def spoilt(self, cards: int, count: int, long: bool) -> int | None:
        """Thousandths of a card of less use once the job is here; None: it has no room."""
        if cards > self.free:
            return None
        if self.kept is None:
            return self.packing.spoils(self.nodes, cards, count)
        outside = self.packing.spoils(self.nodes, cards, count, self.kept.others(-(-cards // count)))
        return outside if outside is not None or long else self.packing.spoils(self.nodes, cards, count)

    def is_long(self, ends_s: int) -> bool:
        """Whether a job that would end then, if it began now, stays beyond the moment from which cards are kept."""
        return self.kept is not None and ends_s + self.pool.wait_s > self.kept.from_s

    def use_spare(self, numbers: tuple[int, ...], cards: int) -> None:
        """A long job lies on some of the nodes that are kept: less is left over there."""
        if self.kept is not None:
            for number, piece in zip(numbers, shape(cards, len(numbers)), strict=True):
                if number in self.kept.spare:
                    self.kept.spare[number] -= piece

    def earliest(self, cards: int, count: int, now_s: int) -> tuple[int, dict[int, int]] | None:
        """When there will be room for the job as far as is known, on which nodes, and what else is free on them then.

        A job that is past its end is thought to end in a moment.
        """
        self.settle()
        pieces = shape(cards, count)
        big, small = pieces[0], pieces[-1]
        bigs = pieces.count(big)
        free = self.nodes.free.copy()
        with_big, with_small = self.nodes.at_least(big), self.nodes.at_least(small)
        for ends_s, _, numbers, held in self.ends:
            for number, piece in zip(numbers, (held,) if len(numbers) == 1 else shape(held, len(numbers)), strict=True):
                before = free[number]
                free[number] = after = before + piece
                if before < big <= after:
                    with_big |= 1 << number
                if before < small <= after:
                    with_small |= 1 << number
            if with_big.bit_count() >= bigs and with_small.bit_count() >= count:
                chosen = self._latest({big: with_big, small: with_small}, pieces)
                spare = {number: free[number] - piece for number, piece in zip(chosen, pieces, strict=True)}
                return max(ends_s, now_s + 1), spare
        return None

    def _latest(self, room: Mapping[int, int], pieces: tuple[int, ...]) -> list[int]:
        """Of the nodes with room for each piece by then, those that are of least use to others until then."""
        chosen: list[int] = []
        taken = 0
        for piece in dict.fromkeys(pieces):
            wanted = pieces.count(piece) + len(chosen)
            for nodes in self.nodes.by_free:
                found = nodes & room[piece] & ~taken
                while found and len(chosen) < wanted:
                    low = found & -found
                    chosen.append(low.bit_length() - 1)
                    found ^= low
                    taken |= low
        return chosen
