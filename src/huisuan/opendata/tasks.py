"""What the background worker does for open data."""

from __future__ import annotations

from datetime import UTC, datetime

from procrastinate.contrib.django import app


@app.periodic(cron="23 * * * *")
@app.task(name="opendata.scan_what_is_out", queue="opendata", lock="opendata.out", queueing_lock="opendata.out")
def scan_what_is_out(timestamp: int) -> None:
    """Ask that what is out be scanned by the rules of the running code, where older ones scanned it last."""
    from huisuan.opendata.gate.rescanning import scan_what_is_out as ask

    ask(datetime.now(UTC))


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
