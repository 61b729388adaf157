"""Ridge regression over the features of jobs: predicted runtimes from a few sums."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import compress, islice
from operator import mul

from huisuan.compute.placement.prediction.features import SIZE, Features, RuntimeSample, exp2, features
from huisuan.compute.placement.types import POINT

RIDGE = 10.0
_STEPS = 2  # a prediction is rounded to so many steps of a log2-second: it is no finer than that
_LONGEST = 20  # log2-seconds: twelve days
_SECONDS = [exp2(steps * POINT // _STEPS) for steps in range(_LONGEST * _STEPS + 1)]


@dataclass(frozen=True)
class RidgeModel:
    """A linear model of runtimes. `usual`: the mean of all, in log2-seconds; `jobs`: how many it was fitted to."""

    slopes: Sequence[float]
    usual: float
    jobs: int

    def predict_s(self, own: Sequence[RuntimeSample], alike: Sequence[RuntimeSample], cards: int, now_s: int) -> int:
        """The predicted runtime of a waiting job, in seconds."""
        return self.predict_from(features(own, alike, cards, self.usual, now_s))

    def predict_from(self, values: Features) -> int:
        """The predicted runtime of a job with these features, in seconds."""
        length = sum(map(mul, self.slopes, values))
        steps: int = min(max(round(length * _STEPS), 2 * _STEPS), _LONGEST * _STEPS)
        return _SECONDS[steps]


class RidgeAccumulator:
    """The sums of a ridge regression, and the model that they give."""

    def __init__(self) -> None:
        self.squares = [[0.0] * (row + 1) for row in range(SIZE)]  # every two features once: a triangle
        self.products = [0.0] * SIZE
        self.pending: list[tuple[Features, float]] = []
        self.count = 0
        self.total = 0.0

    def add(self, values: Features, length: float) -> None:
        """Add one job: its features when it was submitted, and how long it ran, in log2-seconds."""
        self.pending.append((values, length))
        self.count += 1
        self.total += length

    def _add_pending(self) -> None:
        """Add up the jobs since the last fit: column by column, four times as fast as job by job.

        Each sum is over the jobs in their order (`sum` of later Pythons rounds otherwise), so that it does not depend
        on how often a model is asked for.
        """
        if not self.pending:
            return
        jobs = [(*values, length) for values, length in self.pending]
        for row, column_values in enumerate(islice(zip(*jobs, strict=True), SIZE)):
            columns = list(zip(*compress(jobs, column_values), strict=True))  # of the others the products are 0
            if columns:
                sums, own = self.squares[row], columns[row]
                sums[:] = [_plus_products(total, own, column) for total, column in zip(sums, columns, strict=False)]
                self.products[row] = _plus_products(self.products[row], own, columns[SIZE])
        self.pending.clear()

    def fit(self) -> RidgeModel:
        """Solve for the slopes (Cholesky)."""
        self._add_pending()
        lower: list[list[float]] = []
        for row in range(SIZE):
            lower_row: list[float] = []
            for column in range(row + 1):
                other = lower_row if column == row else lower[column]
                left = self.squares[row][column] - sum(map(mul, lower_row, other))
                lower_row.append((left + RIDGE) ** 0.5 if column == row else left / other[column])
            lower.append(lower_row)
        forward: list[float] = []
        for row in range(SIZE):
            left = self.products[row] - sum(map(mul, lower[row], forward))
            forward.append(left / lower[row][row])
        slopes = [0.0] * SIZE
        for row in reversed(range(SIZE)):
            left = forward[row] - sum(lower[k][row] * slopes[k] for k in range(row + 1, SIZE))
            slopes[row] = left / lower[row][row]
        return RidgeModel(tuple(slopes), self.total / self.count, self.count)


def _plus_products(total: float, left: Iterable[float], right: Iterable[float]) -> float:
    for product in map(mul, left, right):
        total += product
    return total
