"""A platform that comes back as it was some time ago, under agents that went on: nothing lost, nothing twice."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from django.db import transaction

from huisuan.compute.centres import restoration
from huisuan.compute.jobs.services import submit_job
from huisuan.compute.metering.usage.records import current_usage
from huisuan.compute.models import Accelerator, Centre, Job, MeterFlag, Partition, Restoration
from huisuan.parties.models import Party
from huisuan.parties.viewer import Viewer
from huisuan.protocol.resources import JobRequest
from support.federation import Province, Site, moment
from support.model_scheduler import SLOTS, Program

pytestmark = pytest.mark.django_db
NOON = moment("2024-06-03T04:00:00")


class World:
    """One centre with a real agent, and its platform."""

    def __init__(self, folder: Path) -> None:
        self.province, self.programs, self.begun = Province(NOON), {}, []  # type: Province, dict[str, Program], list[Began]
        self.party = Party.objects.create(uscc="91340100MA2T000013", name="用户", kind="enterprise", region_id="340100")
        made = Centre.objects.create(code="hf", name="hf", operator=self.party, region_id="340100", engine="local")
        card = Accelerator.objects.get(model="CPU-SLOT")
        Partition.objects.create(centre=made, name="cpu", accelerator=card, nodes=1, cards_per_node=SLOTS)
        self.site = Site(self.province, made, folder / "hf", self.programs, self.begun, 0)
        self.numbers = 0

    def submit(self, cards: int, runs: int) -> str:
        self.numbers += 1
        viewer = Viewer(role="user", name="用户", party_id=self.party.pk)
        asked = JobRequest(command=["x"], cards=cards, model="CPU-SLOT", time_limit_seconds=20_000)
        job = submit_job(asked, viewer, self.province.time, self.numbers.to_bytes(10))
        self.programs[job.uid] = Program(waits=0, runs=runs)
        return job.uid

    def lives(self, seconds: int) -> None:
        """Time goes by in steps of half a minute."""
        for _ in range(seconds // 30):
            self.province.time += timedelta(seconds=30)
            self.site.tick()
            self.site.step()
            self.site.tick()
        self.site.step()
        self.province.minute()


def used(uid: str) -> int:
    return sum(each.card_seconds for each in current_usage().filter(job_id=uid))


def test_an_older_backup_under_living_agents_loses_nothing_and_ends_nothing(tmp_path: Path) -> None:
    world = World(tmp_path)
    first = world.submit(cards=2, runs=600)
    world.lives(120)
    assert Job.objects.get(pk=first).state == "running"
    waiting = world.submit(cards=SLOTS, runs=60)  # has no room yet
    world.lives(60)
    assert Job.objects.get(pk=waiting).state == "waiting"
    backup, made_at = transaction.savepoint(), world.province.time

    world.lives(1200)  # both run and are acknowledged, and the agent closes them
    assert (used(first), used(waiting)) == (2 * 600, SLOTS * 60)
    later = world.submit(cards=4, runs=300)
    world.lives(600)
    long = world.submit(cards=2, runs=8000)
    world.lives(120)
    assert used(later) == 4 * 300
    assert world.site.state.batch_queue.count_unacknowledged() == (0, 0)

    transaction.savepoint_rollback(backup)
    Restoration.objects.create(backup_made_at=made_at, restored_at=world.province.time)
    assert (used(first), Job.objects.filter(pk=later).exists()) == (0, False)
    world.lives(600)

    assert Job.objects.get(pk=first).state == "done"
    assert used(first) == 2 * 600  # sent again, and metered once
    flags = MeterFlag.objects.filter(line__contains=later)
    assert flags.count() == 1  # the platform knows no such job: its line is kept whole
    assert "平台恢复自" in flags.get().text
    assert Job.objects.get(pk=waiting).state == "waiting"  # it may have run: and it did
    assert [each.uid for each in world.begun].count(waiting) == 1
    running = next(each for each in world.begun if each.uid == long)
    assert running.end is None  # nobody ended what the platform does not know

    new = world.submit(cards=1, runs=60)
    world.lives(300)
    assert (Job.objects.get(pk=new).state, used(new)) == ("done", 60)  # work that comes now is done as ever

    assert restoration.release(world.province.time) == 1
    world.lives(600)
    assert running.end is not None  # now it is not wanted any more
    assert Job.objects.get(pk=waiting).state == "done"
