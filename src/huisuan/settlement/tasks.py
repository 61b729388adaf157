"""What the background worker does for settlement."""

from __future__ import annotations

from datetime import UTC, datetime

from procrastinate.contrib.django import app


@app.task(name="settlement.settle_year", queue="settlement", lock="settlement")
def settle_year(request: int) -> None:
    """Carry out the settlement request of that number."""
    from huisuan.settlement.runs.requests import run_request

    run_request(request, datetime.now(UTC))


@app.task(name="settlement.compare_year", queue="settlement", lock="settlement.compare")
def compare_year(request: int) -> None:
    """Carry out the comparison request of that number."""
    from huisuan.settlement.impact.requests import run_comparison_request

    run_comparison_request(request, datetime.now(UTC))


@app.task(name="settlement.budget_scenario", queue="settlement", lock="settlement.budget")
def budget_scenario(request: int) -> None:
    """Carry out the budget request of that number."""
    from huisuan.settlement.scenarios.requests import run_budget_request

    run_budget_request(request, datetime.now(UTC))


@app.task(name="settlement.enter_register_file", queue="settlement", lock="settlement.register")
def enter_register_file(request: int) -> None:
    """Carry out the request of that number to enter a file into the register."""
    from huisuan.settlement.impact.register_requests import run_register_file

    run_register_file(request, datetime.now(UTC))


@app.periodic(cron="53 3 * * *")
@app.task(name="settlement.forget_register_files", queueing_lock="settlement.forget_register_files")
def forget_old_register_files(timestamp: int) -> None:
    """Every night: the content of register files that can no longer be accepted, and requests of a month ago."""
    from huisuan.settlement.impact.register_requests import forget_register_files

    forget_register_files(datetime.fromtimestamp(timestamp, UTC))
