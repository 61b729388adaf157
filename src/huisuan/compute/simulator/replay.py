"""One trace under one policy: from event to event, each pass made by the very planner that runs the province."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from heapq import heappop, heappush
from typing import NamedTuple

from huisuan.compute.placement.runtime_predictor import History, over_by_s, still_thought_s
from huisuan.compute.placement.scheduler import Planner
from huisuan.compute.placement.types import Ask, Needs, Pool
from huisuan.compute.placement.weights import Weights
from huisuan.compute.simulator.cluster import World
from huisuan.compute.simulator.policies import Policy
from huisuan.compute.simulator.trace_jobs import TraceJob

UNLIMITED_S = 30 * 86_400  # what the platform allows a job at most: where the trace does not say less
TOLD_EVERY = 500  # jobs


class Ran(NamedTuple):
    """A job as it ran: where, and when it began (seconds, as the trace counts them)."""

    job: TraceJob
    pool: Pool
    started_s: int

    @property
    def ended_s(self) -> int:
        """When it was over."""
        return self.started_s + self.job.duration_s

    @property
    def waited_s(self) -> int:
        """How long it waited."""
        return self.started_s - self.job.submitted_s


class Peers(NamedTuple):
    """What jobs have in common whose estimate changes together."""

    user: str
    tenant: str
    cards: int
    models: tuple[str, ...]
    limit_s: int | None


def peers_of(job: TraceJob) -> Peers:
    """With which waiting jobs a job is estimated."""
    return Peers(job.user, job.tenant, job.cards, job.models, job.limit_s)


class Replay:
    """A trace on its way through the planner."""

    def __init__(self, jobs: Sequence[TraceJob], world: World, policy: Policy, weights: Weights) -> None:
        self.jobs, self.policy = jobs, policy
        self.largest = max(pool.cards_per_node for pool in world.pools)
        self.planner = Planner(
            world.pools, policy.weights(weights), cities=world.cities, rules=policy.rules,
            tenants=[world.tenant(code) for code in dict.fromkeys(job.tenant for job in jobs)],
            before_keeping=self._extend_overdue,
        )  # fmt: skip
        self.history = History() if policy.knows == "history" else None
        self.needs: dict[tuple[int, tuple[str, ...]], Needs] = {}
        self.peers = [peers_of(job) for job in jobs]
        self.waiting: dict[tuple[str, int], dict[Peers, int]] = {}  # how many, by what the history tells apart
        self.running: dict[str, Ran] = {}
        self.done: list[Ran] = []
        self.ends: list[tuple[int, str]] = []  # a heap of moments and uids
        self.expected_ends: list[tuple[int, str]] = []  # of the jobs that run longer than that: a heap, too

    def run(self, told: Callable[[int], None] = lambda done: None) -> list[Ran]:
        """Every job that can run at all, in the order in which they began; `told` hears how many have begun."""
        arrived, jobs, ends, planner = 0, self.jobs, self.ends, self.planner
        waiting = next_told = 0
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
                for placed in planner.pass_over(now_s, runners_up=0, explain=False):
                    self._start(placed.ask, placed.pool, now_s)
                    waiting -= 1
                if len(self.done) >= next_told:
                    told(len(self.done))
                    next_told = len(self.done) + TOLD_EVERY
        return self.done

    def _submit(self, job: TraceJob, number: int, now_s: int) -> None:
        name = job.cards, job.models
        needs = self.needs.get(name)
        if needs is None:
            nodes = -(-job.cards // self.largest)
            needs = self.needs[name] = Needs(job.cards, nodes, models=job.models)
        uid = f"{number:09}"
        predicted_s, limit_s = self._estimate(uid, job, now_s)
        ask = Ask(uid, job.tenant, needs, job.submitted_s, limit_s, None, predicted_s)
        if self.history is None:
            self.planner.submit(ask, now_s)
            return
        peers = self.peers[number]
        waiting = self.waiting.setdefault((job.user, job.cards), {})
        waiting[peers] = waiting.get(peers, 0) + 1
        self.planner.submit(ask, now_s, peers=peers)

    def _estimate(self, uid: str, job: TraceJob, now_s: int) -> tuple[int | None, int]:
        """How long the policy expects a job that comes to run, and after how long it counts on the job to be over."""
        if self.policy.knows == "truth":
            return job.duration_s, job.duration_s
        predicted_s = self.history.came(uid, job.user, job.cards, now_s) if self.history else None
        return predicted_s, over_by_s(job.limit_s or UNLIMITED_S, predicted_s)

    def _estimate_again(self, job: TraceJob, now_s: int) -> None:
        """A job like those that wait has ended: they are expected to run as long as such jobs do now."""
        waiting = self.waiting.get((job.user, job.cards))
        if not waiting or self.history is None:
            return
        predicted_s = self.history.expected_s(job.user, job.cards, now_s)
        for peers in waiting:
            self.planner.estimate(peers, predicted_s, over_by_s(peers.limit_s or UNLIMITED_S, predicted_s))

    def _waits_no_more(self, peers: Peers) -> None:
        waiting = self.waiting[peers.user, peers.cards]
        waiting[peers] -= 1
        if not waiting[peers]:
            del waiting[peers]

    def _start(self, ask: Ask, pool: Pool, now_s: int) -> None:
        number = int(ask.uid)
        job = self.jobs[number]
        ran = self.running[ask.uid] = Ran(job, pool, now_s)
        self.done.append(ran)
        heappush(self.ends, (now_s + job.duration_s, ask.uid))
        if self.history is not None:
            self._waits_no_more(self.peers[number])
            self.history.began(ask.uid, job.user, job.cards, now_s)
            if ask.predicted_s is not None and now_s + ask.predicted_s < ran.ended_s:
                heappush(self.expected_ends, (now_s + ask.predicted_s, ask.uid))

    def _extend_overdue(self, now_s: int) -> None:
        """Jobs that were expected to be over by now still run: nobody needs to know before cards are kept."""
        overdue = self.expected_ends
        while overdue and overdue[0][0] <= now_s:
            expected_s, uid = heappop(overdue)
            ran = self.running.get(uid)
            if ran is None:
                continue
            while expected_s <= now_s:
                ran_s = expected_s - ran.started_s
                expected_s = ran.started_s + still_thought_s(ran_s, ran_s, ran.job.limit_s or UNLIMITED_S)
            self.planner.extend(uid, expected_s)
            if expected_s < ran.ended_s:
                heappush(overdue, (expected_s, uid))

    def _end(self, uid: str, now_s: int) -> None:
        """A job is over."""
        ran = self.running.pop(uid)
        self.planner.finish(uid, now_s)
        if self.history is not None:
            self.history.ended(uid, now_s)
            self.history.fit(now_s)
            self._estimate_again(ran.job, now_s)
