"""What the background worker does for settlement."""

from __future__ import annotations

from datetime import UTC, datetime

from procrastinate.contrib.django import app


@app.task(queue="settlement", lock="settlement", queueing_lock="settlement")
def settle_year(policy: str, year: int, by: str) -> int:
    """Settle a year; gives the number of the run."""
    from huisuan.settlement.services import settle

    return settle(policy, year, now=datetime.now(UTC), by=by).run.pk
