"""What the background worker does for programmes."""

from __future__ import annotations

from datetime import UTC, datetime

from procrastinate.contrib.django import app


@app.periodic(cron="23 4 * * *")
@app.task(name="programmes.look_back", queueing_lock="programmes.look_back")
def look_back_at_ties(timestamp: int) -> None:
    """Every night: ties and relations that were entered late raise flags on what was done before they were known."""
    from huisuan.programmes.flags.late_ties import look_back

    look_back(datetime.fromtimestamp(timestamp, UTC))


@app.periodic(cron="41 4 * * *")
@app.task(name="programmes.erase_objectors", queueing_lock="programmes.erase_objectors")
def erase_objectors_in_time(timestamp: int) -> None:
    """Every night: who objected is erased once the days that are set have passed since the answer."""
    from huisuan.programmes.notices.erasing import erase_objectors

    erase_objectors(datetime.fromtimestamp(timestamp, UTC))
