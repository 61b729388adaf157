"""A plausible year of a centre as `sacct` would print it, the same for the same seed. Pure. For demo and benchmarks."""

from __future__ import annotations

import random
from bisect import bisect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import accumulate
from math import log

HEADER = (
    "JobIDRaw|JobID|Cluster|User|Account|Partition|State|Submit|Eligible|Start|End|ElapsedRaw|Suspended|AllocTRES|"
    "ReqTRES|NNodes|NodeList|ExitCode|Restarts"
)
#: how busy each hour of a working day is, from midnight; at weekends a third of it
HOURS = (3, 2, 2, 1, 1, 1, 2, 4, 9, 14, 16, 15, 10, 12, 16, 17, 16, 13, 8, 7, 8, 8, 6, 4)
_SIZES = (1, 2, 4, 8, 16, 32, 64)
SIZE_WEIGHTS = (46, 12, 14, 20, 5, 2, 1)
_LONGEST = 7 * 86_400
CARDS_PER_NODE = 8


@dataclass(frozen=True)
class SyntheticPool:
    """Cards of one type, as the scheduler names them: `gres/FAMILY:TYPE` in a partition."""

    partition: str
    family: str
    type: str
    nodes: int
    weight: int = 1
    bare_key: bool = True  # whether the bare key stands beside the typed one


POOLS = (
    SyntheticPool("a800", "gpu", "a800", 96, weight=3),
    SyntheticPool("npu", "npu", "910b3", 64, weight=2, bare_key=False),
)


def account_of(user: int) -> str:
    """The account of a user by number, from 0: some four users share one."""
    return f"lab{user // 4 + 1:02d}"


def accounts(users: int) -> list[str]:
    """The accounts of so many users."""
    return sorted({account_of(user) for user in range(users)})


def generate_year(
    year: int,
    jobs: int,
    users: int,
    seed: int,
    *,
    cluster: str = "ah",
    pools: Sequence[SyntheticPool] = POOLS,
    first_job: int = 100_001,
    step_share: float = 0.02,
    odd_share: float = 0.03,
) -> Iterator[str]:
    """The header and then the lines of a year's jobs, in order of submission, each without its line end.

    Arrivals follow office hours, durations are lognormal, users differ in size. `odd_share` of the jobs are
    requeued, suspended, or cancelled before they start; `step_share` bring their steps along. Times are local.
    """
    chance = random.Random(seed)  # noqa: S311 (a plausible year, not a secret)
    clock = [f"T{s // 3600:02d}:{s // 60 % 60:02d}:{s % 60:02d}" for s in range(86_400)]
    first_day = date(year, 1, 1)
    days = [(first_day + timedelta(day)).isoformat() for day in range(366 + 40)]
    writer = _Writer(chance, cluster, pools, users, days, clock)
    yield HEADER
    for job, submit in enumerate(_arrivals(chance, first_day, jobs), start=first_job):
        yield from writer.job(job, submit, step_share, odd_share)


def _arrivals(chance: random.Random, first_day: date, jobs: int) -> Iterator[int]:
    """Seconds since the year's first midnight, ascending, exactly `jobs` of them."""
    days = (first_day.replace(year=first_day.year + 1) - first_day).days
    weights = [
        hour * (1 if (first_day + timedelta(day)).weekday() < 5 else 0.33) for day in range(days) for hour in HOURS
    ]
    total, done = sum(weights), 0
    for hour, reached in enumerate(accumulate(weights)):
        due = jobs if hour == len(weights) - 1 else int(jobs * reached / total)
        yield from sorted(hour * 3600 + int(chance.random() * 3600) for _ in range(due - done))
        done = due


class _Writer:
    """Writes the lines of one job after another."""

    def __init__(
        self,
        chance: random.Random,
        cluster: str,
        pools: Sequence[SyntheticPool],
        users: int,
        days: Sequence[str],
        clock: Sequence[str],
    ) -> None:
        self.chance, self.cluster, self.pools, self.days, self.clock = chance, cluster, pools, days, clock
        self.sizes = list(accumulate(SIZE_WEIGHTS))
        self.busy = list(accumulate(1 / (1 + user % 13) for user in range(users)))
        self.people = [f"u{user + 1:03d}|{account_of(user)}" for user in range(users)]
        self.shares = list(accumulate(pool.weight for pool in pools))
        self.tres = {(pool, cards): _tres(pool, cards) for pool in pools for cards in _SIZES}

    def at(self, seconds: int) -> str:
        """A local time."""
        return self.days[seconds // 86_400] + self.clock[seconds % 86_400]

    def job(self, job: int, submit: int, step_share: float, odd_share: float) -> Iterator[str]:
        """One job: its line, before it the line of a run that was requeued, after it its steps."""
        roll = self.chance.random
        who = self.people[bisect(self.busy, roll() * self.busy[-1])]
        pool = self.pools[bisect(self.shares, roll() * self.shares[-1])]
        cards = _SIZES[bisect(self.sizes, roll() * self.sizes[-1])]
        alloc, asked = self.tres[pool, cards]
        nodes = max(1, cards // CARDS_PER_NODE)
        node = int(roll() * (pool.nodes - nodes + 1)) + 1
        where = f"{pool.partition}{node:03d}" if nodes == 1 else f"{pool.partition}[{node:03d}-{node + nodes - 1:03d}]"
        start = submit + int(-(cards**0.5) * 120 * log(1 - roll()))
        held = min(int(self.chance.lognormvariate(7.8, 1.7)) + 1, _LONGEST)
        head = f"{job}|{job}|{self.cluster}|{who}|{pool.partition}|"
        tail = f"|{alloc}|{asked}|{nodes}|{where}|"
        odd, restarts, suspended = roll(), 0, 0
        if odd < odd_share / 3:
            cut = held // 3
            yield self._line(head, "REQUEUED", submit, start, start + cut, 0, f"{tail}0:0|0")
            submit, restarts = start + cut, 1
            start = submit + 120 + int(roll() * 600)
        elif odd < odd_share * 2 / 3:
            suspended = held // 4
        elif odd < odd_share:
            when = self.at(submit)
            yield (
                f"{head}CANCELLED by 1001|{when}|{when}|None|{self.at(submit + 60)}|0|00:00:00||{asked}|{nodes}|"
                "None assigned|0:0|0"
            )
            return
        state, code = ("COMPLETED", "0:0") if odd < 0.85 else ("FAILED", "1:0") if odd < 0.95 else ("TIMEOUT", "0:0")
        yield self._line(head, state, submit, start, start + held + suspended, suspended, f"{tail}{code}|{restarts}")
        if roll() < step_share:
            when = f"{self.at(start)}|{self.at(start)}|{self.at(start)}|{self.at(start + held + suspended)}"
            for step in ("batch", "extern", "0"):
                yield (
                    f"{job}.{step}|{job}.{step}|{self.cluster}||{who.split('|')[1]}||COMPLETED|{when}|{held}|00:00:00|"
                    f"{alloc}||{nodes}|{where}|0:0|{restarts}"
                )

    def _line(self, head: str, state: str, submit: int, start: int, end: int, suspended: int, tail: str) -> str:
        when = self.at(submit)
        pause = f"{suspended // 86_400}-{self.clock[suspended % 86_400][1:]}" if suspended >= 86_400 else None
        return (
            f"{head}{state}|{when}|{when}|{self.at(start)}|{self.at(end)}|{end - start - suspended}|"
            f"{pause or self.clock[suspended][1:]}{tail}"
        )


def _tres(pool: SyntheticPool, cards: int) -> tuple[str, str]:
    """AllocTRES and ReqTRES of a job; every other size asks without naming the type."""
    nodes = max(1, cards // CARDS_PER_NODE)
    typed = f"gres/{pool.family}:{pool.type}={cards}"
    bare = f"gres/{pool.family}={cards}"
    front, back = f"billing={cards},cpu={cards * 8},", f",mem={cards * 64}G,node={nodes}"
    alloc = f"{front}{typed},{bare}{back}" if pool.bare_key else f"{front}{typed}{back}"
    return alloc, f"{front}{bare if _SIZES.index(cards) % 2 else typed}{back}"
