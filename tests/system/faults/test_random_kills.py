"""Platform and agents killed at random places, two hundred times: nothing lost, nothing twice.

Each seed is a small history: some hours of two centres and their jobs, agents and platform killed between any two
statements, requests and replies lost, a centre cut off for long, the platform away, jobs cancelled. Then the accidents
end, and when everything has come to rest the books are compared: what the schedulers really ran, what the platform
says, what it bills.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from support.federation import shorter_pauses
from support.kill_histories import KILLS, SEEDS, check_bills, check_starts, check_stories, lived

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("seed", SEEDS)
def test_whoever_is_killed_wherever_no_job_and_no_card_second_is_lost_or_doubled(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shorter_pauses(monkeypatch)
    history = lived(seed, tmp_path)
    try:
        assert history.kills >= KILLS
        assert history.begun
        check_starts(history)
        check_bills(history)
        check_stories(history)
    finally:
        for site in history.sites:
            site.kill()
