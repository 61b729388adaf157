"""Clocks that are set wrong in the middle of everything: told at once, nothing metered by them, nothing lost."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from huisuan.compute.models import AgentKey, Job, JobState, MeterBatch, MeterFlag
from support.federation import Site, shorter_pauses
from support.kill_histories import SEEDS, History, check_bills

pytestmark = pytest.mark.django_db
WRONG = [-400 * 86_400, -5 * 3600, -700, 700, 5 * 3600, 400 * 86_400]  # seconds


def agents_clock(site: Site, off: int) -> None:
    """Set the clock of the machine on which the agent runs; the scheduler's goes on as it did."""
    site.agent_skew = timedelta(seconds=off)


@pytest.mark.parametrize("seed", SEEDS[:2])
def test_an_agents_clock_set_wrong_again_and_again_loses_no_card_second_and_invents_none(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shorter_pauses(monkeypatch)
    history = History(seed, tmp_path)
    wrongs = 0
    for number in range(6):
        history.submit(number)
    for _ in range(40):
        for site in history.sites:
            if history.chance.random() < 0.3:
                off = history.chance.choice([*WRONG, 0, 0])
                wrongs += off != 0
                agents_clock(site, off)
            if history.chance.random() < 0.1:
                site.kill()
        history.round([5, 60, 300, 1500])
    for site in history.sites:
        agents_clock(site, 0)
    for _ in range(60):
        if history.rests:
            break
        history.round([1, 60, 3000], calm=True)
    assert history.rests
    assert wrongs > 5
    raised = MeterFlag.objects.filter(kind="clock")
    assert raised.exists()
    assert {flag.answered_by for flag in raised} == {"平台"}
    assert not MeterFlag.objects.exclude(kind="clock").exists()
    MeterFlag.objects.all().delete()
    check_bills(history)
    for site in history.sites:
        site.kill()


def test_a_centre_whose_clock_is_wrong_is_told_and_served_again_when_it_is_right(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shorter_pauses(monkeypatch)
    history = History(1, tmp_path)
    site = history.sites[0]
    site.step()
    agents_clock(site, 3600)
    history.submit(1)
    for other in history.sites[1:]:
        agents_clock(other, -3600)
    for _ in range(4):
        history.round([60])
    assert history.begun == []  # where nobody can say when, nothing begins
    assert AgentKey.objects.filter(clock_wrong_at__isnull=False).count() == 2
    assert "本机时钟比平台快 3," in site.said[-1]
    for each in history.sites:
        agents_clock(each, 0)
    for _ in range(60):
        if history.rests:
            break
        history.round([60, 1500], calm=True)
    assert Job.objects.get().state in (JobState.DONE, JobState.FAILED)
    assert not AgentKey.objects.filter(clock_wrong_at__isnull=False).exists()
    assert all(abs(batch.sent_at - batch.received_at) < timedelta(seconds=300) for batch in MeterBatch.objects.all())
    for each in history.sites:
        each.kill()
