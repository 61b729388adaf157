"""What each policy makes of a reduced trace, to the second: a faster simulator must come to the same."""

from __future__ import annotations

import hashlib
from datetime import date
from random import Random

import pytest

from huisuan.compute.placement.weights import weights_on
from huisuan.compute.simulator.cluster import one_pool
from huisuan.compute.simulator.policies import POLICIES
from huisuan.compute.simulator.replay import Replay
from huisuan.compute.simulator.trace_jobs import TraceJob

#: seconds waited by all jobs, by the one that waited longest, and a digest of when each began; taken at commit 4bcb2e1
BEGAN = {
    "fifo": (693_642_658, 450_985, "40c62ce71aca"),
    "sjf": (145_298_706, 430_645, "c97380187788"),
    "fair": (172_029_720, 316_037, "5525774df64d"),
    "limits": (235_842_540, 347_366, "fc7561d2947e"),
    "huisuan": (222_390_698, 340_912, "c0992dc0a359"),
}


@pytest.fixture(scope="module")
def crowd() -> list[TraceJob]:
    """3,000 jobs for 64 cards that are wanted three times over: users with habits, accounts with several users."""
    draw, at, jobs = Random(17), 0, []
    for number in range(3_000):
        at += draw.choice((0, 5, 20, 60))
        user = draw.choice("abcdefgh")
        lasts = int(draw.lognormvariate(5.2 + ord(user) % 4 / 2, 1.4))
        cards = draw.choice((1, 1, 1, 1, 2, 4, 8, 8, 16, 32))
        account = user.upper() if user < "e" else "E"
        limit_s = draw.choice((None, None, 3_600, 86_400))
        jobs.append(TraceJob(number, str(number), at, lasts, cards, account, user, limit_s))
    return jobs


@pytest.mark.parametrize("policy", sorted(POLICIES))
def test_every_job_begins_when_it_always_did(crowd: list[TraceJob], policy: str) -> None:
    ran = Replay(crowd, one_pool("8x8"), POLICIES[policy], weights_on(date(2024, 6, 1))).run()
    begun = ",".join(f"{one.job.line}:{one.started_s}" for one in sorted(ran, key=lambda one: one.job.line))
    waits = [one.waited_s for one in ran]
    assert (sum(waits), max(waits), hashlib.sha256(begun.encode()).hexdigest()[:12]) == BEGAN[policy]
