"""How long a job is thought to run: learned from the jobs before it, as they end.

A job's kin are those of the same user with as many cards (of as many cards, where the user is new). People come back
with the same work: what the last of the kin did, and how long those that run have been running, says most. A straight
line through these, in doublings of a second, is fitted anew every hour (after the predictor of Helios' QSSF, SC 2021,
with regression in place of boosted trees). Seconds are thought, not money: floats will do.

The simulator keeps a `History` as its clock goes on; the platform reads the kin and the line that was fitted last from
its database (`compute/dispatch/runtime_estimates.py`).
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import compress, islice
from operator import mul
from typing import NamedTuple

from huisuan.compute.placement.priority import doublings
from huisuan.compute.placement.types import POINT

REMEMBERED = 20  # of the kin, those that began last
NEWEST = 3  # of these, told one by one
LEAST = 100  # jobs that must have ended before anything is said
FIT_EVERY_S = 3_600
RIDGE = 10.0
USUAL = 8.0  # doublings: four minutes, while nothing is known
STEPS = 2  # a doubling is told in so many: what is thought more finely is not known
LONGEST = 20  # doublings: twelve days
MARGIN = 4  # a job is counted on to be over by so many times what it is thought to run

FORM = 1  # of the features below: raised when they change, for a line fits only what it was fitted to
SIZE = 5 + 3 * NEWEST
Features = tuple[float, ...]


@dataclass(slots=True)
class Past:
    """A job that began: when, and how long it ran, in doublings of a second (None: it still runs)."""

    began_s: int
    length: float | None = None


def power(length: int) -> int:
    """The seconds of so many millionths of a doubling: the inverse of `doublings`."""
    whole, part = divmod(length, POINT)
    return (1 << whole) + ((part << whole) // POINT)


SECONDS = [power(steps * POINT // STEPS) for steps in range(LONGEST * STEPS + 1)]


def length_of(seconds: int) -> float:
    """A span in doublings of a second."""
    return doublings(seconds + 1) / POINT


def features(own: Sequence[Past], alike: Sequence[Past], cards: int, usual: float, now_s: int) -> Features:
    """What is known of a job's length: from the user's own kin, or from all of as many cards; both as they began."""
    kin = own or alike
    known = _ended(kin) or _ended(alike) or [usual]
    mean = sum(known) / len(known)
    found = [1.0, doublings(cards) / POINT, mean, max(known), 0.0 if own else 1.0]
    for past in islice(reversed(kin), NEWEST):
        if past.length is None:
            found += (1.0, length_of(now_s - past.began_s), 0.0)
        else:
            found += (0.0, 0.0, past.length)
    return (*found, *(0.0, 0.0, mean) * (NEWEST - len(kin)))


def _ended(kin: Sequence[Past]) -> list[float]:
    return [length for one in kin if (length := one.length) is not None]


@dataclass(frozen=True)
class Line:
    """The straight line through what was seen. `usual`: the mean of all, in doublings; `jobs`: how many there were."""

    slopes: Sequence[float]
    usual: float
    jobs: int

    def expected_s(self, own: Sequence[Past], alike: Sequence[Past], cards: int, now_s: int) -> int:
        """How long a job that waits is thought to run, in seconds."""
        return self.estimate_s(features(own, alike, cards, self.usual, now_s))

    def estimate_s(self, known: Features) -> int:
        """How long a job of which this is known is expected to run, in seconds."""
        length = sum(map(mul, self.slopes, known))
        steps: int = min(max(round(length * STEPS), 2 * STEPS), LONGEST * STEPS)
        return SECONDS[steps]


class Sums:
    """Ridge regression: its sums, and the line that they give."""

    def __init__(self) -> None:
        self.squares = [[0.0] * (row + 1) for row in range(SIZE)]  # every two features once: a triangle
        self.products = [0.0] * SIZE
        self.pending: list[tuple[Features, float]] = []
        self.count = 0
        self.total = 0.0

    def learn(self, known: Features, length: float) -> None:
        """Take in one job: what was known of it when it came, and how long it ran."""
        self.pending.append((known, length))
        self.count += 1
        self.total += length

    def _add_pending(self) -> None:
        """Add up what was taken in since the last line: column by column, four times as fast as job by job.

        Each sum is over the jobs in their order (`sum` of later Pythons rounds otherwise), so that it does not depend
        on how often a line is asked for.
        """
        if not self.pending:
            return
        jobs = [(*known, length) for known, length in self.pending]
        for row, values in enumerate(islice(zip(*jobs, strict=True), SIZE)):
            columns = list(zip(*compress(jobs, values), strict=True))  # of the others the products are 0
            if columns:
                sums, own = self.squares[row], columns[row]
                sums[:] = [_plus_products(total, own, column) for total, column in zip(sums, columns, strict=False)]
                self.products[row] = _plus_products(self.products[row], own, columns[SIZE])
        self.pending.clear()

    def line(self) -> Line:
        """Solve for the slopes (Cholesky)."""
        self._add_pending()
        lower: list[list[float]] = []
        for row in range(SIZE):
            made: list[float] = []
            for column in range(row + 1):
                other = made if column == row else lower[column]
                left = self.squares[row][column] - sum(map(mul, made, other))
                made.append((left + RIDGE) ** 0.5 if column == row else left / other[column])
            lower.append(made)
        forward: list[float] = []
        for row in range(SIZE):
            left = self.products[row] - sum(map(mul, lower[row], forward))
            forward.append(left / lower[row][row])
        slopes = [0.0] * SIZE
        for row in reversed(range(SIZE)):
            left = forward[row] - sum(lower[k][row] * slopes[k] for k in range(row + 1, SIZE))
            slopes[row] = left / lower[row][row]
        return Line(tuple(slopes), self.total / self.count, self.count)


def _plus_products(total: float, left: Iterable[float], right: Iterable[float]) -> float:
    for product in map(mul, left, right):
        total += product
    return total


class History:
    """What has been seen so far. Moments are told in order."""

    def __init__(self) -> None:
        self.kin: dict[tuple[str | None, int], deque[Past]] = defaultdict(partial(deque, maxlen=REMEMBERED))
        self.sums = Sums()
        self.line: Line | None = None
        self.fitted_s: int | None = None
        self.open: dict[str, tuple[Features, Past]] = {}

    def came(self, uid: str, user: str, cards: int, now_s: int) -> int | None:
        """A job was submitted: what is known of it now is what the line will learn from. What is expected of it."""
        usual = self.line.usual if self.line else USUAL
        known = features(*self._of(user, cards), cards, usual, now_s)
        self.open[uid] = known, Past(now_s)
        return self.line.estimate_s(known) if self.line else None

    def began(self, uid: str, user: str, cards: int, now_s: int) -> None:
        """A job has begun."""
        past = self.open[uid][1]
        past.began_s = now_s
        for kin in self._of(user, cards):
            kin.append(past)

    def ended(self, uid: str, now_s: int) -> None:
        """A job has ended."""
        known, past = self.open.pop(uid)
        past.length = length_of(now_s - past.began_s)
        self.sums.learn(known, past.length)

    def fit(self, now_s: int) -> None:
        """Fit the line anew if it is time, and there is enough to learn from."""
        due = self.fitted_s is None or now_s - self.fitted_s >= FIT_EVERY_S
        if due and self.sums.count >= LEAST:
            self.line, self.fitted_s = self.sums.line(), now_s

    def expected_s(self, user: str, cards: int, now_s: int) -> int | None:
        """How long a job that waits is thought to run, in seconds; None before there is a line."""
        return self.line.expected_s(*self._of(user, cards), cards, now_s) if self.line else None

    def _of(self, user: str, cards: int) -> tuple[deque[Past], deque[Past]]:
        """The user's own kin, and everybody's."""
        return self.kin[user, cards], self.kin[None, cards]


class Told(NamedTuple):
    """A job that is over, for learning; moments in seconds since 1970."""

    user: str
    cards: int
    came_s: int
    began_s: int
    ended_s: int


def learned(jobs: Iterable[Told]) -> Line | None:
    """The line through these jobs, each with what was known when it came; None: there are too few."""
    steps: list[tuple[int, int, int, Told]] = []
    for number, job in enumerate(jobs):
        began_s = max(job.began_s, job.came_s)
        # of the steps of one moment the ends come first: a job's own end is later than its begin
        ended_s = max(job.ended_s, began_s + 1)
        steps += ((job.came_s, 1, number, job), (began_s, 2, number, job), (ended_s, 0, number, job))
    history, at_s = History(), 0
    for at_s, step, number, job in sorted(steps):
        if step == 0:
            history.ended(str(number), at_s)
        elif step == 1:
            history.came(str(number), job.user, job.cards, at_s)
        else:
            history.began(str(number), job.user, job.cards, at_s)
    history.fit(at_s)
    return history.line


def over_by_s(limit_s: int, predicted_s: int | None) -> int:
    """After how many seconds a job is counted on to be over: at its limit, or well past what it is thought to run."""
    return limit_s if predicted_s is None else min(limit_s, MARGIN * predicted_s)


def still_thought_s(predicted_s: int, ran_s: int, limit_s: int) -> int:
    """How long a job is thought to run in all that has run for so long: a thought that was too short doubles."""
    thought_s = max(predicted_s, 1)
    while thought_s <= ran_s:
        thought_s *= 2
    return thought_s if limit_s <= ran_s else min(thought_s, limit_s)
