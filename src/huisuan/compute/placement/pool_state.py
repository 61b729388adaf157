"""The pools while work is placed on them: nodes, what holds them until when, cards kept for work that does not fit."""

from __future__ import annotations

from huisuan.compute.placement.bin_packing import Packing
from huisuan.compute.placement.node_bins import Nodes, pieces_on, shape
from huisuan.compute.placement.node_layout import Releases, laid
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

    __slots__ = ("free", "holds", "index", "kept", "nodes", "packing", "pool", "releases", "tenths", "unlaid")

    def __init__(self, index: int, pool: Pool, packing: Packing) -> None:
        self.index, self.pool, self.packing = index, pool, packing
        self.nodes = Nodes(pool.bins)
        self.free = pool.free
        self.tenths = int(pool.tflops_fp16 * 10)
        self.kept: Kept | None = None
        self.holds: dict[str, tuple[tuple[int, ...], int, int]] = {}  # uid -> nodes, cards, end
        self.releases = Releases(self.nodes)
        self.unlaid: list[Running] = []

    def take(self, uid: str, numbers: tuple[int, ...], cards: int, ends_s: int) -> None:
        """The job lies on these nodes until then, as far as is thought."""
        move = self.nodes.move
        for number, piece in pieces_on(numbers, cards):
            move(number, -piece)
        self.free -= cards
        self.hold(uid, numbers, cards, ends_s)

    def hold(self, uid: str, numbers: tuple[int, ...], cards: int, ends_s: int) -> None:
        """Note that cards which are not free are this job's."""
        self.holds[uid] = numbers, cards, ends_s
        self.releases.add(uid, numbers, cards, ends_s)

    def give(self, uid: str) -> None:
        """The job is over: its cards are free."""
        numbers, cards, ends_s = self.holds.pop(uid)
        self.releases.remove(uid, numbers, ends_s)
        move = self.nodes.move
        for number, piece in pieces_on(numbers, cards):
            move(number, piece)
        self.free += cards

    def extend(self, uid: str, ends_s: int) -> None:
        """The job holds its cards longer (or less long) than was thought."""
        numbers, cards, before = self.holds[uid]
        self.releases.remove(uid, numbers, before)
        self.hold(uid, numbers, cards, ends_s)

    def settle(self) -> None:
        """Lay what runs here onto nodes, where nobody said on which it lies."""
        if self.unlaid:
            places = laid(self.pool, self.unlaid)
            for one in self.unlaid:
                if one.uid in places:
                    self.hold(one.uid, places[one.uid], one.cards, one.ends_s)
            self.unlaid = []

    def worth(self, cards: int, seconds: int) -> int:
        """What so many cards give in that time: card-seconds x TFLOPS."""
        return cards * seconds * self.tenths // 10

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

    def spoilt(self, cards: int, count: int) -> tuple[int | None, int | None]:
        """Thousandths of a card of less use once the job is here; None: it has no room.

        First for a job that is over when cards are kept for another, then for one that stays longer.
        """
        if cards > self.free:
            return None, None
        if self.kept is None:
            anywhere = self.packing.spoils(self.nodes, cards, count)
            return anywhere, anywhere
        outside = self.packing.spoils(self.nodes, cards, count, self.kept.others(-(-cards // count)))
        return self.packing.spoils(self.nodes, cards, count) if outside is None else outside, outside

    def is_long(self, ends_s: int) -> bool:
        """Whether a job that would end then, if it began now, stays beyond the moment from which cards are kept."""
        return self.kept is not None and ends_s + self.pool.wait_s > self.kept.from_s

    def use_spare(self, numbers: tuple[int, ...], cards: int) -> None:
        """A long job lies on some of the nodes that are kept: less is left over there."""
        if self.kept is not None:
            for number, piece in pieces_on(numbers, cards):
                if number in self.kept.spare:
                    self.kept.spare[number] -= piece

    def earliest(self, cards: int, count: int, now_s: int) -> tuple[int, dict[int, int]] | None:
        """When there will be room for the job as far as is known, on which nodes, and what else is free on them then.

        A job that is past its end is thought to end in a moment.
        """
        self.settle()
        found = self.releases.earliest(shape(cards, count))
        return None if found is None else (max(found[0], now_s + 1), found[1])
