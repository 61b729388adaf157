"""One trace under one policy: from event to event, each pass made by the very scheduler that runs the province."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from heapq import heappop, heappush
from typing import NamedTuple

from huisuan.compute.placement.prediction import RuntimePredictor, revised_estimate_s, upper_bound_s
from huisuan.compute.placement.scheduler import Scheduler
from huisuan.compute.placement.types import Needs, PlacementRequest, Pool
from huisuan.compute.placement.weights import Weights
from huisuan.compute.simulator.cluster import World
from huisuan.compute.simulator.policies import SchedulingPolicy
from huisuan.compute.simulator.trace_jobs import TraceJob

UNLIMITED_S = 30 * 86_400  # what the platform allows a job at most: where the trace does not say less
REPORT_EVERY = 500  # jobs


class ReplayedJob(NamedTuple):
    """A job as it ran: where, and when it began (seconds, as the trace counts them)."""

    job: TraceJob
    pool: Pool
    started_s: int

    @property
    def ended_s(self) -> int:
        """When it ended, in seconds."""
        return self.started_s + self.job.duration_s

    @property
    def waited_s(self) -> int:
        """How long it waited, in seconds."""
        return self.started_s - self.job.submitted_s


class Peers(NamedTuple):
    """What waiting jobs have in common whose estimates change together."""

    user: str
    tenant: str
    cards: int
    models: tuple[str, ...]
    limit_s: int | None


def peers_of(job: TraceJob) -> Peers:
    """The peers of a job."""
    return Peers(job.user, job.tenant, job.cards, job.models, job.limit_s)


class Replay:
    """A trace on its way through the scheduler."""

    def __init__(self, jobs: Sequence[TraceJob], world: World, policy: SchedulingPolicy, weights: Weights) -> None:
        self.jobs, self.policy = jobs, policy
        self.largest = max(pool.cards_per_node for pool in world.pools)
        self.scheduler = Scheduler(
            world.pools, policy.weights(weights), cities=world.cities, rules=policy.rules,
            tenants=[world.tenant(code) for code in dict.fromkeys(job.tenant for job in jobs)],
            before_reserving=self._extend_overdue,
        )  # fmt: skip
        self.predictor = RuntimePredictor() if policy.knows == "history" else None
        self.needs: dict[tuple[int, tuple[str, ...]], Needs] = {}
        self.peers = [peers_of(job) for job in jobs]
        self.waiting: dict[
            tuple[str, int], dict[Peers, int]
        ] = {}  # how many, by user and cards: what the predictor tells apart
        self.running: dict[str, ReplayedJob] = {}
        self.done: list[ReplayedJob] = []
        self.ends: list[tuple[int, str]] = []  # a heap of moments and uids
        self.expected_ends: list[tuple[int, str]] = []  # of the jobs that run longer than that: a heap, too

    def run(self, report: Callable[[int], None] = lambda done: None) -> list[ReplayedJob]:
        """Every job that can run at all, in the order in which they began; `report` hears how many have begun."""
        arrived, jobs, ends, scheduler = 0, self.jobs, self.ends, self.scheduler
        waiting = next_report = 0
        while arrived < len(jobs) or ends:
            now_s = jobs[arrived].submitted_s if arrived < len(jobs) else ends[0][0]
            if ends and ends[0][0] < now_s:
                now_s = ends[0][0]
            while ends and ends[0][0] == now_s:
                self._end(heappop(ends)[1], now_s)
            while arrived < len(jobs) and jobs[arrived].submitted_s == now_s:
                self._submit(jobs[arrived], arrived, now_s)
                arrived += 1
                waiting += 1
            if waiting:
                for placed in scheduler.run_cycle(now_s, runners_up=0, explain=False):
                    self._start(placed.request, placed.pool, now_s)
                    waiting -= 1
                if len(self.done) >= next_report:
                    report(len(self.done))
                    next_report = len(self.done) + REPORT_EVERY
        return self.done

    def _submit(self, job: TraceJob, number: int, now_s: int) -> None:
        name = job.cards, job.models
        needs = self.needs.get(name)
        if needs is None:
            nodes = -(-job.cards // self.largest)
            needs = self.needs[name] = Needs(job.cards, nodes, models=job.models)
        uid = f"{number:09}"
        predicted_s, limit_s = self._estimate(uid, job, now_s)
        request = PlacementRequest(uid, job.tenant, needs, job.submitted_s, limit_s, None, predicted_s)
        if self.predictor is None:
            self.scheduler.submit(request, now_s)
            return
        peers = self.peers[number]
        waiting = self.waiting.setdefault((job.user, job.cards), {})
        waiting[peers] = waiting.get(peers, 0) + 1
        self.scheduler.submit(request, now_s, peers=peers)

    def _estimate(self, uid: str, job: TraceJob, now_s: int) -> tuple[int | None, int]:
        """The policy's predicted runtime of a job that is submitted, and its upper bound, in seconds."""
        if self.policy.knows == "truth":
            return job.duration_s, job.duration_s
        predicted_s = self.predictor.submitted(uid, job.user, job.cards, now_s) if self.predictor else None
        return predicted_s, upper_bound_s(job.limit_s or UNLIMITED_S, predicted_s)

    def _estimate_again(self, job: TraceJob, now_s: int) -> None:
        """A peer of waiting jobs has ended: predict their runtimes again."""
        waiting = self.waiting.get((job.user, job.cards))
        if not waiting or self.predictor is None:
            return
        predicted_s = self.predictor.predict_s(job.user, job.cards, now_s)
        for peers in waiting:
            self.scheduler.estimate(peers, predicted_s, upper_bound_s(peers.limit_s or UNLIMITED_S, predicted_s))

    def _remove_waiting(self, peers: Peers) -> None:
        waiting = self.waiting[peers.user, peers.cards]
        waiting[peers] -= 1
        if not waiting[peers]:
            del waiting[peers]

    def _start(self, request: PlacementRequest, pool: Pool, now_s: int) -> None:
        number = int(request.uid)
        job = self.jobs[number]
        ran = self.running[request.uid] = ReplayedJob(job, pool, now_s)
        self.done.append(ran)
        heappush(self.ends, (now_s + job.duration_s, request.uid))
        if self.predictor is not None:
            self._remove_waiting(self.peers[number])
            self.predictor.started(request.uid, job.user, job.cards, now_s)
            if request.predicted_s is not None and now_s + request.predicted_s < ran.ended_s:
                heappush(self.expected_ends, (now_s + request.predicted_s, request.uid))

    def _extend_overdue(self, now_s: int) -> None:
        """Extend jobs that run longer than predicted: the scheduler needs to know only before it reserves cards."""
        overdue = self.expected_ends
        while overdue and overdue[0][0] <= now_s:
            expected_s, uid = heappop(overdue)
            ran = self.running.get(uid)
            if ran is None:
                continue
            while expected_s <= now_s:
                ran_s = expected_s - ran.started_s
                expected_s = ran.started_s + revised_estimate_s(ran_s, ran_s, ran.job.limit_s or UNLIMITED_S)
            self.scheduler.extend(uid, expected_s)
            if expected_s < ran.ended_s:
                heappush(overdue, (expected_s, uid))

    def _end(self, uid: str, now_s: int) -> None:
        """A job has ended."""
        ran = self.running.pop(uid)
        self.scheduler.finish(uid, now_s)
        if self.predictor is not None:
            self.predictor.finished(uid, now_s)
            self.predictor.fit(now_s)
            self._estimate_again(ran.job, now_s)
