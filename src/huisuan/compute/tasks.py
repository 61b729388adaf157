"""What the worker does for this room in the background: what no message may ever come for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from django.db import transaction
from django.db.models import Max
from procrastinate.contrib.django import app

from huisuan.base.months import SHANGHAI
from huisuan.compute.agent_gateway.node_inventory import record_daily_capacity
from huisuan.compute.budgets.alerts import watch_budgets
from huisuan.compute.centres.online import AGENT_SILENT
from huisuan.compute.dispatch.runtime_estimates import fit_runtime_model
from huisuan.compute.dispatch.scheduling_cycle import place_waiting
from huisuan.compute.jobs import lifecycle
from huisuan.compute.jobs.files.held_answers import forget_requests
from huisuan.compute.jobs.held_cancels import send_due_cancels
from huisuan.compute.jobs.price_changes import withdraw_after_price_rises
from huisuan.compute.jobs.webhooks import delivery as notify
from huisuan.compute.jobs.webhooks.ended_messages import tell_ended_arrays
from huisuan.compute.jobs.workdirs.services import forget_uploads
from huisuan.compute.keys import platform_key
from huisuan.compute.maintenance.met_jobs import withdraw_from_maintenance
from huisuan.compute.metering.imports.requests import forget_import_files, run_import
from huisuan.compute.metering.seals import register
from huisuan.compute.metering.seals.register import due_month
from huisuan.compute.metering.seals.requests import run_seal_request
from huisuan.compute.metering.seals.seal_messages import tell_due
from huisuan.compute.metering.seals.seal_month import next_month_to_seal
from huisuan.compute.metering.usage.daily_totals import update_all_daily_totals
from huisuan.compute.models import Centre, Job, JobState, SiteAgent
from huisuan.messages.delivery import deliver_due
from huisuan.messages.routing import route_messages
from huisuan.messages.services import forget_old_messages

SILENT = timedelta(minutes=2)


class Steadiness:
    """Since when the platform itself has been heard: after it was away, every centre looks silent."""

    def __init__(self) -> None:
        self.since: datetime | None = None

    def look(self, now: datetime, last_heard: datetime | None) -> bool:
        """Whether agents have been heard for long enough that the silence of one means something."""
        if last_heard is None or last_heard < now - AGENT_SILENT:
            self.since = None
        elif self.since is None:
            self.since = now
        return self.since is not None and now - self.since >= lifecycle.MOVED_AFTER


_steadiness = Steadiness()  # of this worker: a new one waits before it believes that a centre is gone


@app.periodic(cron="* * * * *")
@app.task(name="compute.look_after_jobs")
def look_after_jobs(timestamp: int) -> None:
    """Every minute: what a lost message or a silent centre would leave lying goes on."""
    now = datetime.fromtimestamp(timestamp, UTC)
    look_after(now, _steadiness)


def look_after(now: datetime, steadiness: Steadiness) -> dict[str, int]:
    """Let go, or cancel, what waits for other jobs; move work away from silent centres; note silence; place anew."""
    heard: datetime | None = SiteAgent.objects.aggregate(last=Max("last_seen_at"))["last"]
    with transaction.atomic():
        done = {"followed": lifecycle.follow(now), "moved": 0}
        if steadiness.look(now, heard):
            done["moved"] = lifecycle.move_from_silent(now)
        done["withdrawn"] = withdraw_from_maintenance(now)
        done["noted"] = note_silence(now)
    done["withdrawn"] += withdraw_after_price_rises(now)
    done["placed"] = place_waiting(now)
    tell_ended_arrays(now)
    return done


def note_silence(now: datetime) -> int:
    """Write on each job at a silent centre since when; once for each silence. Returns how many jobs."""
    jobs = Job.objects.select_for_update(of=("self",)).filter(
        state__in=[JobState.PLACED, JobState.QUEUED, JobState.RUNNING], centre__agent__last_seen_at__lt=now - SILENT
    )
    noted = []
    for job in jobs.select_related("centre__agent").order_by("pk"):
        assert job.centre is not None  # the filter asks for its agent
        since = job.centre.agent.last_seen_at.astimezone(SHANGHAI)
        reason = f"站点代理自 {since:%Y-%m-%d %H:%M:%S} 起没有回音，以上状态可能已经过时"
        if reason not in job.reasons:
            job.reasons = [*job.reasons, reason]
            noted.append(job)
    Job.objects.bulk_update(noted, ["reasons"], batch_size=500)
    return len(noted)


@app.periodic(cron="7 * * * *")
@app.task(name="compute.note_capacities")
def note_capacities(timestamp: int) -> None:
    """Every hour: what the agents see counts for the day, though nothing changed in it."""
    now = datetime.fromtimestamp(timestamp, UTC)
    seen = SiteAgent.objects.filter(last_seen_at__gt=now - AGENT_SILENT).values_list("centre_id", flat=True)
    record_daily_capacity(list(seen), now)


@app.periodic(cron="13 * * * *")
@app.task(name="compute.learn_durations", queueing_lock="compute.learn_durations")
def learn_durations(timestamp: int) -> None:
    """Every hour: what the jobs that ended tell of how long jobs run."""
    fit_runtime_model(datetime.fromtimestamp(timestamp, UTC))


@app.periodic(cron="3-59/5 * * * *")
@app.task(name="compute.tally_usage", queueing_lock="compute.tally_usage")
def tally_usage(timestamp: int) -> None:
    """Every five minutes: what the meter took in is counted by days, so that whoever looks need not wait for it."""
    update_all_daily_totals()


@app.periodic(cron="* * * * *")
@app.task(name="compute.watch_budgets", queueing_lock="compute.watch_budgets")
def look_at_budgets(timestamp: int) -> None:
    """Every minute: what is metered is charged, what is over is no longer reserved, what is reached is alerted."""
    watch_budgets(datetime.fromtimestamp(timestamp, UTC))


@app.periodic(cron="17 4 * * *")
@app.task(name="compute.publish_register", queueing_lock="compute.publish_register")
def publish_register(timestamp: int) -> None:
    """Every night: the register's entry of a month, once the month has been over for some days."""
    now = datetime.fromtimestamp(timestamp, UTC)
    if (due := due_month(now)) is not None:
        register.publish_register(due, now)


@app.task(name="metering.seal_months", queue="settlement", lock="metering.seal_months")
def seal_months(request: int) -> None:
    """Seal the months of the seal request of that number."""
    run_seal_request(request, lambda: datetime.now(UTC))


@app.task(name="metering.import_usage", queue="settlement", lock="metering.import_usage")
def import_usage_file(request: int) -> None:
    """Import the uploaded usage file of that number."""
    run_import(request, lambda: datetime.now(UTC))


@app.periodic(cron="37 3 * * *")
@app.task(name="compute.forget_uploads")
def forget_old_uploads(timestamp: int) -> None:
    """Every night: working directories that no job has needed for a month, usage files that nobody imports any more."""
    forget_uploads(datetime.fromtimestamp(timestamp, UTC))
    forget_import_files(datetime.fromtimestamp(timestamp, UTC))


@app.periodic(cron="* * * * * */30")
@app.task(name="compute.forget_file_requests", queueing_lock="compute.forget_file_requests")
def forget_file_requests(timestamp: int) -> None:
    """Every half minute: what was asked of centres about files, and nobody came for."""
    forget_requests(datetime.now(UTC))


@app.periodic(cron="* * * * * */10")
@app.task(name="compute.tell_webhooks", queueing_lock="compute.tell_webhooks")
def tell_webhooks(timestamp: int) -> None:
    """Every ten seconds: the webhooks that wait to hear of a job's steps."""
    notify.tell_webhooks(datetime.now(UTC))


@app.periodic(cron="* * * * * */10")
@app.task(name="compute.deliver_messages", queueing_lock="compute.deliver_messages")
def deliver_messages(timestamp: int) -> None:
    """Every ten seconds: mails and webhooks to people. It stands here, for the platform's key signs the webhooks."""
    now = datetime.now(UTC)
    while route_messages(now):
        pass
    deliver_due(now, platform_key.sign)


@app.periodic(cron="* * * * * */5")
@app.task(name="compute.send_held_cancels", queueing_lock="compute.send_held_cancels")
def send_held_cancels(timestamp: int) -> None:
    """Every five seconds: cancels that were held long enough."""
    send_due_cancels(datetime.now(UTC))


@app.periodic(cron="30 0 * * *")
@app.task(name="compute.tell_due_seals", queueing_lock="compute.tell_due_seals")
def tell_due_seals(timestamp: int) -> None:
    """Every morning: the centres of which a month that is over waits to be sealed; each month is told once."""
    now = datetime.fromtimestamp(timestamp, UTC)
    for centre in Centre.objects.order_by("pk"):
        month = next_month_to_seal(centre)
        if month is not None and month.ends <= timestamp:
            tell_due(centre, month, now)


@app.periodic(cron="47 3 * * *")
@app.task(name="compute.forget_messages", queueing_lock="compute.forget_messages")
def forget_messages(timestamp: int) -> None:
    """Every night: messages of more than a year ago."""
    forget_old_messages(datetime.fromtimestamp(timestamp, UTC))
