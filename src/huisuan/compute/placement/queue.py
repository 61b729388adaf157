"""The waiting work: groups of jobs that are decided alike, and the order in which their first jobs are looked at."""

from __future__ import annotations

from collections.abc import Hashable
from heapq import heapify, heappop, heappush, heapreplace

from huisuan.compute.placement.equivalence_classes import NeedsClass
from huisuan.compute.placement.priority import PriorityKey
from huisuan.compute.placement.scoring import PriceTerms
from huisuan.compute.placement.types import City, PlacementRequest, PlacementTenant, Reservation, WaitReason
from huisuan.compute.placement.weights import Weights


class CityState:
    """How many cards the tenants of a city hold, and may hold."""

    __slots__ = ("held", "most")

    def __init__(self, city: City) -> None:
        self.most, self.held = city.most_cards, city.held


class TenantState:
    """A tenant during scheduling. `points`: how much later its use makes it come. `heads`: a heap of its groups.

    `entry`: the tenant's place in the heap over tenants, None while none of its jobs is to be looked at.
    """

    __slots__ = ("city", "code", "entry", "heads", "held", "most", "points", "terms", "use", "weight")

    def __init__(self, tenant: PlacementTenant, city: CityState | None, weights: Weights) -> None:
        self.code, self.city, self.weight = tenant.code, city, tenant.weight
        self.use, self.held, self.most = tenant.use, tenant.held, tenant.most_cards
        self.terms = PriceTerms.before(tenant, weights)
        self.points = 0
        self.heads: list[_GroupHead] = []
        self.entry: _TenantHead | None = None

    def quota(self, cards: int) -> tuple[WaitReason, tuple[int, int]] | None:
        """The quota that so many more cards would exceed, with the cards allowed and held."""
        if self.most is not None and self.held + cards > self.most:
            return WaitReason.TENANT_NEVER if cards > self.most else WaitReason.TENANT_QUOTA, (self.most, self.held)
        city = self.city
        if city is not None and city.held + cards > city.most:
            return WaitReason.CITY_NEVER if cards > city.most else WaitReason.CITY_QUOTA, (city.most, city.held)
        return None

    def change_held(self, cards: int) -> None:
        """It holds so many cards more (fewer, if negative)."""
        self.held += cards
        if self.city is not None:
            self.city.held += cards


class JobGroup:
    """Jobs of one tenant with the same needs and limit: where one finds no room, none of the others does."""

    __slots__ = (
        "cycle",
        "head",
        "jobs",
        "limit_s",
        "needs_class",
        "quota",
        "reserved",
        "tenant",
        "timed",
        "wait_reason",
    )

    def __init__(self, tenant: TenantState, needs_class: NeedsClass, limit_s: int, timed: bool) -> None:
        self.tenant, self.needs_class, self.limit_s, self.timed = tenant, needs_class, limit_s, timed
        self.jobs: list[_QueuedJob] = []
        self.head: _GroupHead | None = None
        self.cycle = -1  # of the cycle in which it was found that it waits, and why:
        self.wait_reason = WaitReason.ROOM
        self.quota: tuple[int, int] | None = None
        self.reserved: Reservation | None = None  # for the first of them

    def __lt__(self, other: JobGroup) -> bool:
        """Of two heap entries for one job one is stale: either may come first."""
        return False

    def renew(self) -> _GroupHead:
        """A new entry of its first job for the tenant's heap; an earlier one becomes stale."""
        key, submitted_s, uid, _ = self.jobs[0]
        self.head = head = (key, submitted_s, uid, self)
        return head


class Series:
    """Waiting jobs of one tenant with the same needs whose estimate changes together: a queue in order of submission.

    Only its first job is in a group, so that a new estimate moves one job, however many wait behind it.
    """

    __slots__ = ("estimate", "jobs", "needs_class", "peers", "tenant")

    def __init__(self, peers: Hashable, tenant: TenantState, needs_class: NeedsClass, estimate: Estimate) -> None:
        self.peers, self.tenant, self.needs_class, self.estimate = peers, tenant, needs_class, estimate
        self.jobs: list[tuple[int, str, PlacementRequest]] = []  # submitted, uid: a heap

    @property
    def first(self) -> PlacementRequest:
        """Its first job, with the present estimate."""
        request, (predicted_s, limit_s) = self.jobs[0][2], self.estimate
        if (request.predicted_s, request.limit_s) == self.estimate:
            return request
        return request._replace(limit_s=limit_s, predicted_s=predicted_s)


Estimate = tuple[int | None, int]  # predicted runtime and its upper bound, in seconds
_QueuedJob = tuple[int, int, str, PlacementRequest]  # key, submitted, uid
_GroupHead = tuple[int, int, str, JobGroup]
_TenantHead = tuple[int, int, str, TenantState]


class Backlog:
    """The groups of each tenant in a heap, the tenants in a heap. Stale entries are dropped when they come up.

    The keys of jobs stay; a tenant's points, which are added to them, change with every job that is placed for it.
    """

    def __init__(self, key: PriorityKey) -> None:
        self.key = key
        self.groups: dict[tuple[TenantState, NeedsClass, int, bool], JobGroup] = {}
        self.tenants: dict[TenantState, int] = {}  # how many waiting groups each has
        self.top: list[_TenantHead] = []
        self.timed = 0  # jobs whose keys change with time
        self.series: dict[Hashable, dict[Estimate, Series]] = {}
        self.leading: dict[str, Series] = {}  # by the uid of a series' first job

    def add(self, request: PlacementRequest, tenant: TenantState, needs_class: NeedsClass, now_s: int) -> None:
        """Add a waiting job."""
        timed = request.deadline_s is not None
        name = (tenant, needs_class, request.limit_s, timed)
        group = self.groups.get(name)
        if group is None:
            group = self.groups[name] = JobGroup(*name)
            self.tenants[tenant] = self.tenants.get(tenant, 0) + 1
            needs_class.waiting += 1
        job = (self.key(request, now_s), request.submitted_s, request.uid, request)
        heappush(group.jobs, job)
        self.timed += timed
        if group.jobs[0] is job:
            head = group.renew()
            heappush(tenant.heads, head)
            if tenant.heads[0] is head:
                self.renew(tenant)

    def add_peer(
        self, request: PlacementRequest, tenant: TenantState, needs_class: NeedsClass, peers: Hashable
    ) -> None:
        """Add a job without a deadline that is estimated together with its peers, all of one tenant and class."""
        by_estimate = self.series.setdefault(peers, {})
        estimate = request.predicted_s, request.limit_s
        series = by_estimate.get(estimate)
        if series is None:
            series = by_estimate[estimate] = Series(peers, tenant, needs_class, estimate)
        before = series.jobs[0] if series.jobs else None
        job = (request.submitted_s, request.uid, request)
        heappush(series.jobs, job)
        if series.jobs[0] is job:
            if before is not None:
                self._hide(series, before[1])
            self._show(series)

    def estimate(self, peers: Hashable, predicted_s: int | None, limit_s: int) -> None:
        """All waiting jobs of these peers have this predicted runtime and upper bound from now on."""
        by_estimate, estimate = self.series.get(peers), (predicted_s, limit_s)
        if not by_estimate or (len(by_estimate) == 1 and estimate in by_estimate):
            return
        found = sorted(by_estimate.values(), key=lambda series: len(series.jobs))
        for series in found:
            self._hide(series, series.jobs[0][1])
        longest = found.pop()
        for series in found:
            for job in series.jobs:
                heappush(longest.jobs, job)
        by_estimate.clear()
        by_estimate[estimate] = longest
        longest.estimate = estimate
        self._show(longest)

    def _show(self, series: Series) -> None:
        """Add the first job of a series to its group."""
        first = series.first
        self.leading[first.uid] = series
        self.add(first, series.tenant, series.needs_class, 0)

    def _hide(self, series: Series, uid: str) -> None:
        """Remove the job that represents a series from its group."""
        del self.leading[uid]
        group = self.groups[series.tenant, series.needs_class, series.estimate[1], False]
        self._remove(group, uid)

    def _remove(self, group: JobGroup, uid: str) -> None:
        tenant = group.tenant
        group.jobs = left = [job for job in group.jobs if job[2] != uid]
        group.head = None  # its entry in the tenant's heap is stale
        if left:
            heapify(left)
            heappush(tenant.heads, group.renew())
        else:
            self._close(group)
        self.renew(tenant)

    def renew(self, tenant: TenantState) -> None:
        """Move the tenant to where its first job belongs now."""
        heads, top = tenant.heads, self.top
        while heads and heads[0] is not heads[0][3].head:
            heappop(heads)
        if not heads:
            tenant.entry = None
            return
        key, submitted_s, uid, _ = heads[0]
        before, tenant.entry = tenant.entry, (key + tenant.points, submitted_s, uid, tenant)
        if top and top[0] is before:
            heapreplace(top, tenant.entry)
        else:
            heappush(top, tenant.entry)

    def first(self) -> JobGroup | None:
        """The group whose first job comes first, if any is left to look at."""
        top = self.top
        while top:
            entry = top[0]
            if entry is entry[3].entry:
                return entry[3].heads[0][3]
            heappop(top)
        return None

    def take(self, group: JobGroup) -> None:
        """Remove the first job, which was placed. Its tenant must be renewed."""
        _, _, uid, _ = heappop(group.jobs)
        self.timed -= group.timed
        if self.leading and (series := self.leading.pop(uid, None)) is not None:
            self._next_of(series, group)
        if group.jobs:
            heapreplace(group.tenant.heads, group.renew())
        else:
            heappop(group.tenant.heads)
            self._close(group)

    def _close(self, group: JobGroup) -> None:
        """Remove a group in which no job waits."""
        tenant = group.tenant
        del self.groups[tenant, group.needs_class, group.limit_s, group.timed]
        group.needs_class.waiting -= 1
        self.tenants[tenant] -= 1
        if not self.tenants[tenant]:
            del self.tenants[tenant]

    def _next_of(self, series: Series, group: JobGroup) -> None:
        """The first job of a series was placed: the next one takes its place in the group."""
        heappop(series.jobs)
        if series.jobs:
            first = series.first
            self.leading[first.uid] = series
            heappush(group.jobs, (self.key(first, 0), first.submitted_s, first.uid, first))
        else:
            by_estimate = self.series[series.peers]
            del by_estimate[series.estimate]
            if not by_estimate:
                del self.series[series.peers]

    def set_aside(self, group: JobGroup) -> None:
        """Skip the first group until it is put back."""
        heappop(group.tenant.heads)
        group.needs_class.waiting -= 1
        self.renew(group.tenant)

    def put_back(self, groups: list[JobGroup]) -> None:
        """Look at these groups again."""
        for group in groups:
            group.needs_class.waiting += 1
            heappush(group.tenant.heads, group.renew())
        for tenant in {group.tenant: None for group in groups}:
            self.renew(tenant)

    def begin(self, now_s: int, moved: bool) -> None:
        """Begin a cycle: update the keys that depend on the time. `moved`: the tenants' points may have changed."""
        if self.timed:
            for group in self.groups.values():
                if group.timed:
                    group.jobs = [
                        (self.key(request, now_s), submitted, uid, request) for _, submitted, uid, request in group.jobs
                    ]
                    heapify(group.jobs)
                    heappush(group.tenant.heads, group.renew())
        if moved or self.timed:
            self.top = []
            for tenant in self.tenants:
                self.renew(tenant)
