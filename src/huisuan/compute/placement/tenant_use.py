"""What all tenants have used, kept from pass to pass, and how far behind each comes for it in the order of work."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from huisuan.compute.placement.fair_share import risen
from huisuan.compute.placement.priority import fair_points
from huisuan.compute.placement.queue import TenantState
from huisuan.compute.placement.weights import Order


class TenantUse:
    """The sum of all use is kept up to date: a pass need not add up the tenants that have nothing waiting.

    `hour_of_all`: what all cards together give in an hour, the least that counts as used by all. Use is in card-seconds
    x TFLOPS, `risen` by its age since the first pass.
    """

    __slots__ = ("began_s", "half_life_s", "hour_of_all", "order", "total", "weighed", "weights")

    def __init__(self, order: Order, hour_of_all: int) -> None:
        self.order, self.half_life_s, self.hour_of_all = order, order.half_life_s, hour_of_all
        self.began_s: int | None = None  # the first pass
        self.total = self.weights = 0  # of all tenants
        self.weighed = 0  # the total when the pass began; 0: no tenant comes behind another in it

    def enter(self, tenant: TenantState) -> None:
        """A tenant comes in."""
        self.total += tenant.use
        self.weights += tenant.weight

    def age_s(self, now_s: int) -> int:
        """How long ago the first pass was."""
        return now_s - (self.began_s or now_s)

    def add(self, tenant: TenantState, use: int, age_s: int) -> None:
        """The tenant used so much more (less, if negative), that long after the first pass."""
        use = risen(use, age_s, self.half_life_s)
        tenant.use += use
        self.total += use

    def begin(self, now_s: int, waiting: Collection[TenantState]) -> None:
        """A pass begins that puts the work of these tenants in order. The use of one that is alone plays no part."""
        self.weighed = 0
        if len(waiting) < 2:
            return
        an_hour = risen(self.hour_of_all, now_s - (self.began_s or 0), self.half_life_s)
        self.weighed = max(self.total, an_hour, 1)
        self.weigh(waiting)

    def weigh(self, tenants: Iterable[TenantState]) -> None:
        """Work out anew how far behind the use of these tenants puts them."""
        for tenant in tenants:
            tenant.points = fair_points(tenant.use, tenant.weight, self.weighed, self.weights, self.order)
