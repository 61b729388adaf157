"""How long a job is thought to run: learned from the jobs before it, as they end.

A job's kin are those of the same user with as many cards (of as many cards, where its user is new). People come back
with the same work: what the last of the kin did, and how long those that run have been running, says most. A straight
line through these, in doublings of a second, is fitted anew every so many jobs (after the predictor of Helios' QSSF,
SC 2021, with regression in place of boosted trees). Seconds are thought, not money: floats will do.

The simulator alone uses it so far: live placement goes by the time limit (docs/decisions/014-placement.md).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from huisuan.compute.placement.order import doublings
from huisuan.compute.placement.types import POINT

LAST = 3  # of the kin, one by one
MEAN = 10  # of the kin, as a mean
FIT_EVERY = 100  # jobs that ended
RIDGE = 10.0
USUAL = 8.0  # doublings: four minutes, while nothing is known
STEPS = 2  # a doubling is told in so many: what is thought more finely is not known

Features = tuple[float, ...]


class Kin:
    """What the jobs of one kind did lately, in doublings of a second."""

    __slots__ = ("began", "came_s", "ended")

    def __init__(self) -> None:
        self.ended: deque[float] = deque(maxlen=MEAN)
        self.began: deque[list[float]] = deque(maxlen=LAST)  # [moment, doublings or -1 while it runs]
        self.came_s: int | None = None


class Line:
    """The straight line through what was seen: ridge regression, its sums kept, solved when asked to."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.squares = [[0.0] * size for _ in range(size)]
        self.products = [0.0] * size
        self.slopes: list[float] | None = None

    def learn(self, features: Features, value: float) -> None:
        """Take in one job."""
        products = self.products
        for row, (squares, feature) in enumerate(zip(self.squares, features, strict=True)):
            products[row] += feature * value
            for column in range(row + 1):
                squares[column] += feature * features[column]

    def fit(self) -> None:
        """Solve for the slopes (Cholesky)."""
        size = self.size
        lower: list[list[float]] = []
        for row in range(size):
            made: list[float] = []
            for column in range(row + 1):
                other = made if column == row else lower[column]
                left = self.squares[row][column] - sum(
                    mine * theirs for mine, theirs in zip(made, other[:column], strict=True)
                )
                if column == row:
                    made.append((left + RIDGE) ** 0.5)
                else:
                    made.append(left / other[column])
            lower.append(made)
        forward: list[float] = []
        for row in range(size):
            left = self.products[row] - sum(lower[row][k] * forward[k] for k in range(row))
            forward.append(left / lower[row][row])
        slopes = [0.0] * size
        for row in reversed(range(size)):
            left = forward[row] - sum(lower[k][row] * slopes[k] for k in range(row + 1, size))
            slopes[row] = left / lower[row][row]
        self.slopes = slopes

    def at(self, features: Features) -> float | None:
        """What the line says; None before it was fitted."""
        if self.slopes is None:
            return None
        return sum(slope * feature for slope, feature in zip(self.slopes, features, strict=True))


class History:
    """What has been seen so far. Moments are told in order."""

    def __init__(self) -> None:
        self.kin: dict[tuple[str, int], Kin] = {}
        self.line = Line(4 + 2 + 3 * LAST)
        self.count = 0
        self.total = 0.0
        self.open: dict[str, tuple[Features, list[list[float]]]] = {}

    def came(self, uid: str, user: str, cards: int, now_s: int) -> int:
        """A job was submitted; how long it is thought to run, in seconds."""
        features = self._features(user, cards, now_s)
        self.open[uid] = features, []
        for kin in self._of(user, cards):
            kin.came_s = now_s
        return self._seconds(features)

    def expected_s(self, user: str, cards: int, now_s: int) -> int:
        """How long a job that waits is thought to run, now that more is known."""
        return self._seconds(self._features(user, cards, now_s))

    def began(self, uid: str, user: str, cards: int, now_s: int) -> None:
        """A job has begun."""
        for kin in self._of(user, cards):
            mark = [float(now_s), -1.0]
            kin.began.append(mark)
            self.open[uid][1].append(mark)

    def ended(self, uid: str, user: str, cards: int, duration_s: int) -> None:
        """A job has ended: the line learns from what was known when it came."""
        length = doublings(duration_s + 1) / POINT
        features, marks = self.open.pop(uid)
        for mark in marks:
            mark[1] = length
        for kin in self._of(user, cards):
            kin.ended.append(length)
        self.count += 1
        self.total += length
        self.line.learn(features, length)
        if self.count % FIT_EVERY == 0:
            self.line.fit()

    def _of(self, user: str, cards: int) -> Sequence[Kin]:
        names = ((user, cards), ("", cards))
        return [self.kin.setdefault(name, Kin()) for name in names]

    def _features(self, user: str, cards: int, now_s: int) -> Features:
        own, alike = self._of(user, cards)
        kin = own if own.ended or own.began else alike
        usual = self.total / self.count if self.count else USUAL
        known = kin.ended or alike.ended
        mean = sum(known) / len(known) if known else usual
        found = [1.0, doublings(cards) / POINT, mean, max(known) if known else usual]
        gap = 40 * 86_400 if kin.came_s is None else now_s - kin.came_s
        found += [doublings(gap + 1) / POINT, 0.0 if own is kin else 1.0]
        begun = list(kin.began)
        for back in range(1, LAST + 1):
            if back > len(begun):
                found += [0.0, 0.0, mean]
            else:
                since, length = begun[-back]
                runs = length < 0
                elapsed = doublings(int(now_s - since) + 1) / POINT if runs else 0.0
                found += [1.0 if runs else 0.0, elapsed, 0.0 if runs else length]
        return tuple(found)

    def _seconds(self, features: Features) -> int:
        length = self.line.at(features)
        if length is None:
            length = features[2]
        steps = max(round(length * STEPS), 2 * STEPS)
        return power(min(steps, 20 * STEPS) * POINT // STEPS)


def power(length: int) -> int:
    """The seconds of so many millionths of a doubling: the inverse of `doublings`."""
    whole, part = divmod(length, POINT)
    return (1 << whole) + ((part << whole) // POINT)
