"""Which rules a placement follows: the platform's, or those of a baseline."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from huisuan.compute.placement.priority import PriorityKey, by_arrival, by_length, by_weights
from huisuan.compute.placement.weights import Weights


@dataclass(frozen=True)
class Rules:
    """The switches of a scheduling policy; the defaults are the platform's, others are baselines of the simulator."""

    order: Literal["weights", "arrival", "length"] = "weights"
    fair: bool = True
    strict: bool = False  # head-of-line blocking: the first job that finds no room holds up all others
    reserve: bool = True
    fullest: bool = False  # plain best fit, without fragmentation-aware packing

    def key(self, weights: Weights) -> PriorityKey:
        """The order of work."""
        return {"arrival": by_arrival, "length": by_length, "weights": by_weights(weights.order)}[self.order]


PLATFORM_RULES = Rules()
