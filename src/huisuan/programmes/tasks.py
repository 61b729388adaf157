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


@app.periodic(cron="11 7 * * *")
@app.task(name="programmes.remind_of_reports", queueing_lock="programmes.remind_of_reports")
def remind_of_reports_in_time(timestamp: int) -> None:
    """Every morning: whose report on a milestone is near its last day, or past it, is reminded."""
    from huisuan.programmes.contract_desk.reminding import remind_of_reports

    remind_of_reports(datetime.fromtimestamp(timestamp, UTC))


@app.periodic(cron="3 16 * * *")
@app.task(name="programmes.revoke_groundless_grants", queueing_lock="programmes.revoke_groundless_grants")
def revoke_groundless_grants_in_time(timestamp: int) -> None:
    """Just after midnight in Anhui: grants of data end with the entry of a register that they stand on."""
    from huisuan.programmes.registers.lost_grounds import revoke_groundless_grants

    revoke_groundless_grants(datetime.fromtimestamp(timestamp, UTC))
