"""The waiting work: groups of jobs that are decided alike, and the order in which their first jobs are looked at."""

from __future__ import annotations

from collections.abc import Hashable
from heapq import heapify, heappop, heappush, heapreplace

from huisuan.compute.placement.equivalence_classes import NeedsClass
from huisuan.compute.placement.priority import Key
from huisuan.compute.placement.scoring import Terms
from huisuan.compute.placement.types import Ask, City, Hold, Reservation, Tenant
from huisuan.compute.placement.weights import Weights


class CityState:
    """How many cards a city's tenants hold, and may."""

    __slots__ = ("held", "most")

    def __init__(self, city: City) -> None:
        self.most, self.held = city.most_cards, city.held


class TenantState:
    """A tenant while its work is placed. `points`: how far behind its use puts it. `heads`: a heap of its groups.

    `entry`: the tenant's place in the heap over tenants, None while it has nothing to be looked at.
    """

    __slots__ = ("city", "code", "entry", "heads", "held", "most", "points", "terms", "use", "weight")

    def __init__(self, tenant: Tenant, city: CityState | None, weights: Weights) -> None:
        self.code, self.city, self.weight = tenant.code, city, tenant.weight
        self.use, self.held, self.most = tenant.use, tenant.held, tenant.most_cards
        self.terms = Terms.before(tenant, weights)
        self.points = 0
        self.heads: list[Head] = []
        self.entry: Entry | None = None

    def quota(self, cards: int) -> tuple[Hold, tuple[int, int]] | None:
        """Which quota keeps the tenant from holding so many cards more: what is allowed, what is held."""
        if self.most is not None and self.held + cards > self.most:
            return Hold.TENANT_NEVER if cards > self.most else Hold.TENANT_QUOTA, (self.most, self.held)
        city = self.city
        if city is not None and city.held + cards > city.most:
            return Hold.CITY_NEVER if cards > city.most else Hold.CITY_QUOTA, (city.most, city.held)
        return None

    def holds(self, cards: int) -> None:
        """It holds so many cards more (fewer, if negative)."""
        self.held += cards
        if self.city is not None:
            self.city.held += cards


class Group:
    """Jobs of one tenant with the same needs and limit: where one finds no room, none of the others does."""

    __slots__ = ("head", "hold", "jobs", "kind", "limit_s", "pass_no", "quota", "reserved", "tenant", "timed")

    def __init__(self, tenant: TenantState, kind: NeedsClass, limit_s: int, timed: bool) -> None:
        self.tenant, self.kind, self.limit_s, self.timed = tenant, kind, limit_s, timed
        self.jobs: list[Job] = []
        self.head: Head | None = None
        self.pass_no = -1  # of the pass in which it was found that it waits, and why:
        self.hold = Hold.ROOM
        self.quota: tuple[int, int] | None = None
        self.reserved: Reservation | None = None  # for the first of them

    def __lt__(self, other: Group) -> bool:
        """Of two places for one job one does not count any more: either may come first."""
        return False

    def renew(self) -> Head:
        """The place of its first job in its tenant's heap; what was there before counts no more."""
        key, submitted_s, uid, _ = self.jobs[0]
        self.head = head = (key, submitted_s, uid, self)
        return head


class Series:
    """Waiting jobs of one tenant with the same needs whose estimate changes together: a queue in order of submission.

    Only its first job stands in a group, so that a new estimate moves one job, however many wait behind it.
    """

    __slots__ = ("estimate", "jobs", "kind", "peers", "tenant")

    def __init__(self, peers: Hashable, tenant: TenantState, kind: NeedsClass, estimate: Estimate) -> None:
        self.peers, self.tenant, self.kind, self.estimate = peers, tenant, kind, estimate
        self.jobs: list[tuple[int, str, Ask]] = []  # submitted, uid: a heap

    @property
    def first(self) -> Ask:
        """Its first job, as it is estimated now."""
        ask, (predicted_s, limit_s) = self.jobs[0][2], self.estimate
        if (ask.predicted_s, ask.limit_s) == self.estimate:
            return ask
        return Ask(ask.uid, ask.tenant, ask.needs, ask.submitted_s, limit_s, ask.deadline_s, predicted_s)


Estimate = tuple[
    int | None, int
]  # how long jobs are predicted to run, and after how long they are counted on to be over
Job = tuple[int, int, str, Ask]  # key, submitted, uid
Head = tuple[int, int, str, Group]
Entry = tuple[int, int, str, TenantState]


class Backlog:
    """The groups of each tenant in a heap, the tenants in a heap. What was overtaken is dropped when it comes up.

    The keys of jobs stay; a tenant's points, which are added to them, move with everything that it is given.
    """

    def __init__(self, key: Key) -> None:
        self.key = key
        self.groups: dict[tuple[TenantState, NeedsClass, int, bool], Group] = {}
        self.tenants: dict[TenantState, int] = {}  # how many groups each has that waits
        self.top: list[Entry] = []
        self.timed = 0  # jobs whose keys move
        self.series: dict[Hashable, dict[Estimate, Series]] = {}
        self.leading: dict[str, Series] = {}  # by the uid of a series' first job

    def add(self, ask: Ask, tenant: TenantState, kind: NeedsClass, now_s: int) -> None:
        """Take a job in."""
        timed = ask.deadline_s is not None
        name = (tenant, kind, ask.limit_s, timed)
        group = self.groups.get(name)
        if group is None:
            group = self.groups[name] = Group(*name)
            self.tenants[tenant] = self.tenants.get(tenant, 0) + 1
            kind.waiting += 1
        job = (self.key(ask, now_s), ask.submitted_s, ask.uid, ask)
        heappush(group.jobs, job)
        self.timed += timed
        if group.jobs[0] is job:
            head = group.renew()
            heappush(tenant.heads, head)
            if tenant.heads[0] is head:
                self.renew(tenant)

    def add_peer(self, ask: Ask, tenant: TenantState, kind: NeedsClass, peers: Hashable) -> None:
        """Take in a job without a deadline that is estimated together with its peers, all of one tenant and kind."""
        alike = self.series.setdefault(peers, {})
        estimate = ask.predicted_s, ask.limit_s
        series = alike.get(estimate)
        if series is None:
            series = alike[estimate] = Series(peers, tenant, kind, estimate)
        before = series.jobs[0] if series.jobs else None
        job = (ask.submitted_s, ask.uid, ask)
        heappush(series.jobs, job)
        if series.jobs[0] is job:
            if before is not None:
                self._hide(series, before[1])
            self._show(series)

    def estimate(self, peers: Hashable, predicted_s: int | None, limit_s: int) -> None:
        """All waiting jobs of these peers are now predicted to run so long, and counted on to be over by the limit."""
        alike, estimate = self.series.get(peers), (predicted_s, limit_s)
        if not alike or (len(alike) == 1 and estimate in alike):
            return
        found = sorted(alike.values(), key=lambda series: len(series.jobs))
        for series in found:
            self._hide(series, series.jobs[0][1])
        longest = found.pop()
        for series in found:
            for job in series.jobs:
                heappush(longest.jobs, job)
        alike.clear()
        alike[estimate] = longest
        longest.estimate = estimate
        self._show(longest)

    def _show(self, series: Series) -> None:
        """The first job of a series stands in its group."""
        first = series.first
        self.leading[first.uid] = series
        self.add(first, series.tenant, series.kind, 0)

    def _hide(self, series: Series, uid: str) -> None:
        """The job that stood for a series does so no more."""
        del self.leading[uid]
        group = self.groups[series.tenant, series.kind, series.estimate[1], False]
        self._remove(group, uid)

    def _remove(self, group: Group, uid: str) -> None:
        tenant = group.tenant
        group.jobs = left = [job for job in group.jobs if job[2] != uid]
        group.head = None  # what the tenant's heap holds of it counts no more
        if left:
            heapify(left)
            heappush(tenant.heads, group.renew())
        else:
            self._close(group)
        self.renew(tenant)

    def renew(self, tenant: TenantState) -> None:
        """Put the tenant where its first job belongs now."""
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

    def first(self) -> Group | None:
        """The group whose first job comes first, if any is left to look at."""
        top = self.top
        while top:
            entry = top[0]
            if entry is entry[3].entry:
                return entry[3].heads[0][3]
            heappop(top)
        return None

    def take(self, group: Group) -> None:
        """The first job waits no more. Its tenant must be renewed."""
        _, _, uid, _ = heappop(group.jobs)
        self.timed -= group.timed
        if self.leading and (series := self.leading.pop(uid, None)) is not None:
            self._next_of(series, group)
        if group.jobs:
            heapreplace(group.tenant.heads, group.renew())
        else:
            heappop(group.tenant.heads)
            self._close(group)

    def _close(self, group: Group) -> None:
        """Nothing of the group waits any more."""
        tenant = group.tenant
        del self.groups[tenant, group.kind, group.limit_s, group.timed]
        group.kind.waiting -= 1
        self.tenants[tenant] -= 1
        if not self.tenants[tenant]:
            del self.tenants[tenant]

    def _next_of(self, series: Series, group: Group) -> None:
        """The first job of a series is gone: the one behind it stands in the group."""
        heappop(series.jobs)
        if series.jobs:
            first = series.first
            self.leading[first.uid] = series
            heappush(group.jobs, (self.key(first, 0), first.submitted_s, first.uid, first))
        else:
            alike = self.series[series.peers]
            del alike[series.estimate]
            if not alike:
                del self.series[series.peers]

    def set_aside(self, group: Group) -> None:
        """The first group is not looked at any more, until it is put back."""
        heappop(group.tenant.heads)
        group.kind.waiting -= 1
        self.renew(group.tenant)

    def put_back(self, groups: list[Group]) -> None:
        """All are to be looked at again."""
        for group in groups:
            group.kind.waiting += 1
            heappush(group.tenant.heads, group.renew())
        for tenant in {group.tenant: None for group in groups}:
            self.renew(tenant)

    def begin(self, now_s: int, moved: bool) -> None:
        """Before a pass: what depends on the moment is worked out anew. `moved`: the tenants' points may have."""
        if self.timed:
            for group in self.groups.values():
                if group.timed:
                    group.jobs = [(self.key(ask, now_s), submitted, uid, ask) for _, submitted, uid, ask in group.jobs]
                    heapify(group.jobs)
                    heappush(group.tenant.heads, group.renew())
        if moved or self.timed:
            self.top = []
            for tenant in self.tenants:
                self.renew(tenant)
