"""When the allocated cards of a pool are released, node by node: by it a waiting job finds its nodes."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Sequence

from huisuan.compute.placement.nodes.node_bins import Nodes, pieces_on

_ReleaseTime = tuple[
    int, str
]  # seconds, and the uid of the job that ends then: within one second jobs end in the order of their uids
NOW: _ReleaseTime = (-1, "")
_NEVER: _ReleaseTime = (1 << 62, "")


class Reached:
    """The nodes of a pool in the `order` in which so many cards come free on them; `moments`: when, by node."""

    __slots__ = ("moments", "order")

    def __init__(self, moments: list[_ReleaseTime]) -> None:
        self.moments = moments
        self.order = sorted((moment, number) for number, moment in enumerate(moments))

    def move(self, number: int, moment: _ReleaseTime) -> None:
        """So many cards will be free on the node at another moment."""
        before = self.moments[number]
        if moment != before:
            del self.order[bisect_left(self.order, (before, number))]
            insort(self.order, (moment, number))
            self.moments[number] = moment


class Releases:
    """The releases of each node of a pool, in the order of time.

    `reached`, by how many cards, is kept from call to call and worked out again only for nodes on which something
    changed: between two cycles that is one or two.
    """

    __slots__ = ("changed", "nodes", "on", "reached")

    def __init__(self, nodes: Nodes) -> None:
        self.nodes = nodes
        self.on: dict[int, list[tuple[int, str, int]]] = defaultdict(list)  # node -> end, uid, cards: in order
        self.reached: dict[int, Reached] = {}
        self.changed: set[int] = set()

    def add(self, uid: str, numbers: tuple[int, ...], cards: int, ends_s: int) -> None:
        """The job releases its cards on these nodes then."""
        for number, piece in pieces_on(numbers, cards):
            insort(self.on[number], (ends_s, uid, piece))
        self.changed.update(numbers)

    def remove(self, uid: str, numbers: tuple[int, ...], ends_s: int) -> None:
        """The job does not release its cards then: it has ended already, or will at another moment."""
        for number in numbers:
            due = self.on[number]
            del due[bisect_left(due, (ends_s, uid))]
        self.changed.update(numbers)

    def earliest(self, pieces: tuple[int, ...]) -> tuple[int, dict[int, int]] | None:
        """The end (seconds) that makes room for all pieces, the fuller first; the nodes, and the spare cards on each.

        None: the known ends do not make room.
        """
        big, small = pieces[0], pieces[-1]
        bigs = pieces.count(big)
        moment = self._when(big, bigs)
        if small != big:
            moment = max(moment, self._when(small, len(pieces)))
        if moment == NOW:  # there is room already: from the next end on
            moment = min((due[0][:2] for due in self.on.values() if due), default=_NEVER)
        if moment == _NEVER:
            return None
        chosen = self._least_free(big, bigs, moment, [])
        if small != big:
            chosen += self._least_free(small, len(pieces) - bigs, moment, chosen)
        left = {number: self._free_at(number, moment) - piece for number, piece in zip(chosen, pieces, strict=True)}
        return moment[0], left

    def _when(self, piece: int, count: int) -> _ReleaseTime:
        """The moment from which so many nodes have room for the piece."""
        order = self._reached(piece).order
        return order[count - 1][0] if count <= len(order) else _NEVER

    def _reached(self, piece: int) -> Reached:
        for number in self.changed:
            for known, reached in self.reached.items():
                reached.move(number, self._moment(number, known))
        self.changed.clear()
        asked = self.reached.get(piece)
        if asked is None:
            moments = [self._moment(number, piece) for number in range(len(self.nodes.free))]
            asked = self.reached[piece] = Reached(moments)
        return asked

    def _moment(self, number: int, piece: int) -> _ReleaseTime:
        free = self.nodes.free[number]
        if free >= piece:
            return NOW
        for ends_s, uid, more in self.on.get(number, ()):
            free += more
            if free >= piece:
                return ends_s, uid
        return _NEVER

    def _least_free(self, piece: int, count: int, moment: _ReleaseTime, taken: Sequence[int]) -> list[int]:
        """Of the nodes with room for the piece by then, those that are of least use to others until then."""
        free, order = self.nodes.free, self._reached(piece).order
        by_then = order[: bisect_left(order, (moment, len(order)))]
        found = sorted((free[number], number) for _, number in by_then if number not in taken)
        return [number for _, number in found[:count]]

    def _free_at(self, number: int, moment: _ReleaseTime) -> int:
        free = self.nodes.free[number]
        for ends_s, uid, more in self.on.get(number, ()):
            if (ends_s, uid) > moment:
                break
            free += more
        return free
