"""Which rules a placement follows: ours, or those that it is compared with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from huisuan.compute.placement.priority import Key, by_arrival, by_length, by_weights
from huisuan.compute.placement.weights import Weights


@dataclass(frozen=True)
class Rules:
    """Which of the rules apply. What is not ours serves for comparison, in the simulator."""

    order: Literal["weights", "arrival", "length"] = "weights"
    fair: bool = True
    strict: bool = False  # the first job that finds no room holds up all others
    reserve: bool = True
    fullest: bool = False  # the fullest node that will do, whatever is left in pieces

    def key(self, weights: Weights) -> Key:
        """The order of work."""
        return {"arrival": by_arrival, "length": by_length, "weights": by_weights(weights.order)}[self.order]


OURS = Rules()
