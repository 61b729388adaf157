"""Histories in which agents, platform and network are killed by chance, and what must hold after each."""

from __future__ import annotations

import contextlib
import itertools
import random
from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from huisuan.base.errors import Refused
from huisuan.compute.jobs.services import cancel_job, submit_job
from huisuan.compute.metering.usage.records import current_usage
from huisuan.compute.models import FINAL_STATES, Accelerator, Centre, Job, JobEvent, JobLog, MeterFlag, Partition
from huisuan.parties.models import Party
from huisuan.parties.viewer import Viewer
from huisuan.protocol.resources import JobRequest
from support.federation import Province, Site, moment
from support.model_scheduler import SLOTS, Began, Program

NOON = moment("2024-06-03T04:00:00")


KILLS = 20  # in each history: two hundred and more in all


SEEDS = [*range(10), 88, 144]  # in the last two, a run begins by its centre's clock before the run that it follows


CHANCES = {"agent": 0.5, "platform": 0.5, "request": 0.1, "reply": 0.15, "cut": 0.2, "cancel": 0.05, "down": 0.05}


class History:
    """One seed's world and what happens in it."""

    def __init__(self, seed: int, folder: Path) -> None:
        self.chance = random.Random(seed)
        self.province = Province(NOON)
        self.begun: list[Began] = []
        self.programs: dict[str, Program] = {}
        self.party = Party.objects.create(uscc="91340100MA2T000013", name="用户", kind="enterprise", region_id="340100")
        self.viewer = Viewer(role="user", name="用户", party_id=self.party.pk)
        self.sites = [self._site(code, folder / code) for code in ("hf", "wh")]
        self.cut = dict.fromkeys(self.sites, 0)
        self.down = 0

    def _site(self, code: str, folder: Path) -> Site:
        made = Centre.objects.create(code=code, name=code, operator=self.party, region_id="340100", engine="local")
        Partition.objects.create(
            centre=made,
            name="cpu",
            accelerator=Accelerator.objects.get(model="CPU-SLOT"),
            nodes=1,
            cards_per_node=SLOTS,
        )
        return Site(self.province, made, folder, self.programs, self.begun, self.chance.randint(-200, 200))

    def submit(self, number: int) -> Job:
        retries = self.chance.choice([0, 0, 1, 2])
        asked = JobRequest(command=["x"], cards=self.chance.randint(1, 3), model="CPU-SLOT", retries=retries)
        job = submit_job(asked, self.viewer, self.province.time, number.to_bytes(10))
        fails = self.chance.random() < 0.25
        self.programs[job.uid] = Program(
            waits=self.chance.choice([0, 0, 90, 3000]), runs=self.chance.choice([1, 20, 300, 4000, 9000]),
            exit_code=3 if fails else 0,
        )  # fmt: skip
        return job

    def trouble(self) -> None:
        """Choose who is in trouble in this round."""
        for site in self.sites:
            site.loses_request = self._happens("request") or self.cut[site] > 0
            site.loses_reply = self._happens("reply")
            self.cut[site] = max(0, self.cut[site] - 1)
            if self._happens("cut"):
                self.cut[site] = self.chance.randint(4, 9)
            if self._happens("agent"):
                site.doom.draw(self.chance.randint(0, 40))
        self.down = max(0, self.down - 1)
        if self._happens("down"):
            self.down = self.chance.randint(2, 6)
        self.province.up = self.down == 0
        if self._happens("platform"):
            self.province.doom.draw(self.chance.randint(0, 30))
        waiting = list(Job.objects.exclude(state__in=FINAL_STATES))
        if waiting and self._happens("cancel"):
            with contextlib.suppress(Refused):
                cancel_job(self.chance.choice(waiting).uid, self.viewer, self.province.time)

    def _happens(self, what: str) -> bool:
        return self.chance.random() < CHANCES[what]

    def round(self, steps: Sequence[int], calm: bool = False) -> None:
        """A while goes by: the schedulers work, then each agent calls, and the minute strikes."""
        self.province.time += timedelta(seconds=self.chance.choice(steps))
        for site in self.sites:
            if calm:  # who calls all the time has called just now
                site.step()
            site.tick()
            site.step()
            if site.agent is None:  # killed: started again at once, this time to live
                site.step()
            site.tick()
        self.province.minute()

    @property
    def kills(self) -> int:
        """How often anyone was killed."""
        return self.province.doom.kills + sum(site.doom.kills for site in self.sites)

    def heal(self) -> None:
        """No more accidents."""
        self.province.up, self.down = True, 0
        self.province.doom.spare()
        for site in self.sites:
            site.loses_request = site.loses_reply = False
            site.doom.spare()
            self.cut[site] = 0

    @property
    def rests(self) -> bool:
        """Whether every job is over and no agent has anything left to say."""
        over = not Job.objects.exclude(state__in=FINAL_STATES).exists()
        return over and all(
            site.agent and not site.state.open_runs() and site.state.batch_queue.count_unacknowledged() == (0, 0)
            for site in self.sites
        )


def lived(seed: int, folder: Path) -> History:
    """A whole history, to its rest."""
    history = History(seed, folder)
    for number in range(JOBS):
        history.submit(number)
    while history.kills < KILLS:
        history.trouble()
        history.round([5, 20, 60, 300, 1500])
    history.heal()
    for _ in range(CALM):
        if history.rests:
            return history
        history.round([1, 60, 3000], calm=True)
    left = list(Job.objects.exclude(state__in=FINAL_STATES).values_list("uid", "state", "centre__code", "reasons"))
    raise AssertionError(f"no rest: {left}, {[site.state.open_runs() for site in history.sites]}")


def check_starts(history: History) -> None:
    """No run began twice, no two of a job at once, and none without need."""
    skew = {site.scheduler.centre: int(site.skew.total_seconds()) for site in history.sites}
    runs: dict[str, list[Began]] = defaultdict(list)
    for began in history.begun:
        runs[began.uid].append(began)
    for job in Job.objects.all():
        began = sorted(runs[job.uid], key=lambda each: each.run)
        for earlier, later in itertools.pairwise(began):
            assert earlier.end is not None
            assert earlier.end - skew[earlier.centre] <= later.start - skew[later.centre], (
                f"{job.uid} ran twice at once"
            )
        assert len({each.run for each in began}) == len(began), f"{job.uid} began a run twice"
        assert len(began) <= 1 + job.retries
        if job.state == "done":
            assert began
        if history.programs[job.uid].exit_code == 0:
            assert len(began) <= 1, f"{job.uid} began {len(began)} times, and the first went well"


def check_bills(history: History) -> None:
    """What is billed is what ran, run by run, to the second."""
    ran: dict[tuple[str, int], int] = defaultdict(int)
    for began in history.begun:
        assert began.end is not None
        ran[began.uid, began.run] += began.cards * (began.end - began.start)
    billed: dict[tuple[str, int], int] = defaultdict(int)
    for record in current_usage():
        billed[record.job_id, record.run] += record.card_seconds
    assert {key: seconds for key, seconds in billed.items() if seconds} == dict(ran)
    assert list(MeterFlag.objects.values_list("text", flat=True)) == []


def check_stories(history: History) -> None:
    """The platform tells of each job what happened: its end, its output, its steps in order."""
    last = {began.uid: began for began in history.begun}  # the last to begin: a job's runs follow one another
    for job in Job.objects.all():
        program, began = history.programs[job.uid], last.get(job.uid)
        cancelled = job.cancel_requested_at is not None
        expected = {"failed"} if program.exit_code else {"done"}
        assert job.state in expected | ({"cancelled"} if cancelled else set()), job.reasons
        steps = list(JobEvent.objects.filter(job=job).values_list("state", flat=True))
        assert steps[0] == "waiting"
        assert steps[-1] == job.state
        assert [state for state in steps if state in FINAL_STATES][:-1] == ["failed"] * steps[:-1].count("failed")
        if began is not None and job.state != "cancelled":
            assert (job.run, job.started_at is None) == (began.run, False)
            output = b"".join(bytes(piece.content) for piece in JobLog.objects.filter(job=job).order_by("offset"))
            assert output == expected_output(history, job)


def expected_output(history: History, job: Job) -> bytes:
    """What the runs of a job wrote, one after the other: by their numbers, since the centres' clocks differ."""
    whole = b""
    for began in sorted((each for each in history.begun if each.uid == job.uid), key=lambda each: each.run):
        name = f"{job.uid}-{began.run}" if began.run else job.uid
        assert began.end is not None
        whole += b"".join(f"{name} {minute}\n".encode() for minute in range((began.end - began.start) // 60 + 1))
    return whole


JOBS, CALM = 6, 60
