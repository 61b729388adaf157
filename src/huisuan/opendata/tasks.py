"""What the background worker does for open data."""

from __future__ import annotations

from datetime import UTC, datetime

from procrastinate.contrib.django import app


@app.task(name="opendata.scan_file", queue="opendata", lock="opendata.scan")
def scan_upload(request: int) -> None:
    """Carry out the request for a scan of that number."""
    from huisuan.opendata.gate.scan_work import run_scan

    run_scan(request, datetime.now(UTC))


@app.periodic(cron="* * * * *")
@app.task(name="opendata.rebuild_corpora", queueing_lock="opendata.rebuild_corpora", queue="opendata")
def rebuild_corpora(timestamp: int) -> None:
    """Every minute: corpora of which a source is out no more are built anew."""
    from huisuan.opendata.corpora.building import rebuild_stale

    rebuild_stale(datetime.now(UTC))
