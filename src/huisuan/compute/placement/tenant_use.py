"""The use of all tenants, kept from cycle to cycle, and the points by which each comes later for it."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from huisuan.compute.placement.fair_share import inverse_decay
from huisuan.compute.placement.priority import fair_points
from huisuan.compute.placement.queue import TenantState
from huisuan.compute.placement.weights import Order


class TenantUse:
    """The sum of all use is kept up to date, so that a cycle need not add up tenants that have nothing waiting.

    `hour_of_all`: the capacity of all cards in an hour, the least that counts as used by all. Use is in card-seconds x
    TFLOPS; later use counts more (`inverse_decay` by the time since the first cycle) instead of earlier use less.
    """

    __slots__ = ("began_s", "half_life_s", "hour_of_all", "order", "total", "weighed", "weights")

    def __init__(self, order: Order, hour_of_all: int) -> None:
        self.order, self.half_life_s, self.hour_of_all = order, order.half_life_s, hour_of_all
        self.began_s: int | None = None  # the first cycle
        self.total = self.weights = 0  # of all tenants
        self.weighed = 0  # the total when the cycle began; 0: use plays no part in it

    def enter(self, tenant: TenantState) -> None:
        """A tenant comes in."""
        self.total += tenant.use
        self.weights += tenant.weight

    def age_s(self, now_s: int) -> int:
        """Seconds since the first cycle."""
        return 0 if self.began_s is None else now_s - self.began_s

    def add(self, tenant: TenantState, use: int, age_s: int) -> None:
        """The tenant used so much more (less, if negative), so long after the first cycle."""
        use = inverse_decay(use, age_s, self.half_life_s)
        tenant.use += use
        self.total += use

    def begin(self, now_s: int, waiting: Collection[TenantState]) -> None:
        """Begin a cycle over the jobs of these tenants. The use of a tenant that is alone plays no part."""
        self.weighed = 0
        if len(waiting) < 2:
            return
        an_hour = inverse_decay(self.hour_of_all, self.age_s(now_s), self.half_life_s)
        self.weighed = max(self.total, an_hour, 1)
        self.weigh(waiting)

    def weigh(self, tenants: Iterable[TenantState]) -> None:
        """Set the points of these tenants from their use."""
        for tenant in tenants:
            tenant.points = fair_points(tenant.use, tenant.weight, self.weighed, self.weights, self.order)
