"""What the background worker does for settlement."""

from __future__ import annotations

from datetime import UTC, datetime

from procrastinate.contrib.django import app


@app.task(name="settlement.settle_year", queue="settlement", lock="settlement")
def settle_year(request: int) -> None:
    """Carry out the settlement request of that number."""
    from huisuan.settlement.runs.requests import run_request

    run_request(request, datetime.now(UTC))
