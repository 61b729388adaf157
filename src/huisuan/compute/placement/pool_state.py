"""The pools during scheduling: free nodes, allocations with their expected ends, reservations (EASY backfill)."""

from __future__ import annotations

from huisuan.compute.placement.node_assignment import assign_nodes
from huisuan.compute.placement.nodes import Nodes, Packing, Releases, pieces_on, shape
from huisuan.compute.placement.types import Pool, Running

NO_ROOM = 1 << 62  # a score that no pool has: it has no room


class NodeReservation:
    """Cards reserved for one job from `from_s` on: a set of nodes, and the spare cards on each of them by then.

    Other jobs may use these nodes until then, and the spare cards for longer.
    """

    __slots__ = ("from_s", "nodes", "spare", "uid")

    def __init__(self, uid: str, from_s: int, spare: dict[int, int]) -> None:
        self.uid, self.from_s, self.spare = uid, from_s, spare
        self.nodes = sum(1 << number for number in spare)

    def nodes_open_to(self, piece: int) -> int:
        """The nodes that a piece may use beyond `from_s`."""
        allowed = ~self.nodes
        for number, left in self.spare.items():
            if left >= piece:
                allowed |= 1 << number
        return allowed


class PoolState:
    """One pool: the free cards of each node, and the jobs that hold the rest until when."""

    __slots__ = (
        "allocations",
        "free",
        "index",
        "nodes",
        "packing",
        "pool",
        "releases",
        "reservation",
        "tflops_tenths",
        "unassigned",
    )

    def __init__(self, index: int, pool: Pool, packing: Packing) -> None:
        self.index, self.pool, self.packing = index, pool, packing
        self.nodes = Nodes(pool.bins)
        self.free = pool.free
        self.tflops_tenths = int(pool.tflops_fp16 * 10)
        self.reservation: NodeReservation | None = None
        self.allocations: dict[str, tuple[tuple[int, ...], int, int]] = {}  # uid -> nodes, cards, end
        self.releases = Releases(self.nodes)
        self.unassigned: list[Running] = []

    def allocate(self, uid: str, numbers: tuple[int, ...], cards: int, ends_s: int) -> None:
        """Give the job these nodes; it is expected to end at `ends_s`."""
        move = self.nodes.move
        for number, piece in pieces_on(numbers, cards):
            move(number, -piece)
        self.free -= cards
        self.record_allocation(uid, numbers, cards, ends_s)

    def record_allocation(self, uid: str, numbers: tuple[int, ...], cards: int, ends_s: int) -> None:
        """Note that cards which are not free belong to this job."""
        self.allocations[uid] = numbers, cards, ends_s
        self.releases.add(uid, numbers, cards, ends_s)

    def release(self, uid: str) -> None:
        """The job has ended: free its cards."""
        numbers, cards, ends_s = self.allocations.pop(uid)
        self.releases.remove(uid, numbers, ends_s)
        move = self.nodes.move
        for number, piece in pieces_on(numbers, cards):
            move(number, piece)
        self.free += cards

    def extend(self, uid: str, ends_s: int) -> None:
        """The job is now expected to end at another moment."""
        numbers, cards, before = self.allocations[uid]
        self.releases.remove(uid, numbers, before)
        self.record_allocation(uid, numbers, cards, ends_s)

    def assign_unassigned(self) -> None:
        """Assign nodes to the running jobs whose nodes are unknown."""
        if self.unassigned:
            nodes = assign_nodes(self.pool, self.unassigned)
            for job in self.unassigned:
                if job.uid in nodes:
                    self.record_allocation(job.uid, nodes[job.uid], job.cards, job.ends_s)
            self.unassigned = []

    def normalized_use(self, cards: int, seconds: int) -> int:
        """The use of so many cards for that time, in card-seconds x TFLOPS."""
        return cards * seconds * self.tflops_tenths // 10

    def has_room(self, cards: int, count: int) -> bool:
        """Whether a job would find its cards free now, reservations aside."""
        if cards > self.free:
            return False
        if count == 1:
            return any(self.nodes.by_free[cards:])
        return self.packing.fragmentation_delta(self.nodes, cards, count) is not None

    def choose_nodes(self, cards: int, count: int, long: bool) -> tuple[int, ...]:
        """Nodes for a job, empty without room; a `long` job outlasts the start of the reservation."""
        if cards > self.free:
            return ()
        if self.reservation is None:
            return self.packing.choose(self.nodes, cards, count)
        outside = self.packing.choose(self.nodes, cards, count, self.reservation.nodes_open_to(-(-cards // count)))
        return outside if outside or long else self.packing.choose(self.nodes, cards, count)

    def fragmentation_deltas(self, cards: int, count: int) -> tuple[int | None, int | None]:
        """Thousandths of a card that the job would fragment; None: it has no room.

        First for a job that ends before the reservation starts, then for one that outlasts its start.
        """
        if cards > self.free:
            return None, None
        if self.reservation is None:
            anywhere = self.packing.fragmentation_delta(self.nodes, cards, count)
            return anywhere, anywhere
        outside = self.packing.fragmentation_delta(
            self.nodes, cards, count, self.reservation.nodes_open_to(-(-cards // count))
        )
        return self.packing.fragmentation_delta(self.nodes, cards, count) if outside is None else outside, outside

    def outlasts_reservation(self, ends_s: int) -> bool:
        """Whether a job that would end at `ends_s`, if it began now, outlasts the start of the reservation."""
        return self.reservation is not None and ends_s + self.pool.wait_s > self.reservation.from_s

    def consume_spare(self, numbers: tuple[int, ...], cards: int) -> None:
        """A long job uses some of the reserved nodes: fewer spare cards are left there."""
        if self.reservation is not None:
            for number, piece in pieces_on(numbers, cards):
                if number in self.reservation.spare:
                    self.reservation.spare[number] -= piece

    def earliest_start(self, cards: int, count: int, now_s: int) -> tuple[int, dict[int, int]] | None:
        """When there will be room for the job as far as is known, on which nodes, and the spare cards on each by then.

        A job that is past its expected end is expected to end in a second.
        """
        self.assign_unassigned()
        found = self.releases.earliest(shape(cards, count))
        return None if found is None else (max(found[0], now_s + 1), found[1])
