"""The platform's end of the agent's one endpoint: take in what was seen, place what waits, say what is wanted.

Every part may come twice, late or out of order: output is taken at its place in bytes, usage once a run, and
a state never goes back from the end.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction

from huisuan.client import agent_wire as wire
from huisuan.compute.agent_usage import take_usage
from huisuan.compute.dispatch import AGENT_SILENT, place_waiting
from huisuan.compute.job_queries import log_end
from huisuan.compute.models import FINAL_STATES, Centre, Job, JobLog, JobState, SiteAgent
from huisuan.parties.access import Viewer

NOTED_EVERY = timedelta(seconds=5)
STATES = {
    "completed": JobState.DONE,
    "failed": JobState.FAILED,
    "timeout": JobState.FAILED,
    "cancelled": JobState.CANCELLED,
    "lost": JobState.LOST,
}


def sync(seen: wire.SyncRequest, viewer: Viewer, now: datetime) -> wire.SyncReply:
    """One exchange with an agent."""
    with transaction.atomic():
        centre, message = _centre(seen, viewer, now)
        if centre is None:
            return wire.SyncReply(centre=None, message=message)
        named = {one.uid for one in seen.observed} | {one.uid for one in seen.logs}
        jobs = {job.uid: job for job in Job.objects.select_for_update().filter(centre=centre, uid__in=named)}
        usage = take_usage(centre, seen.usage, seen.version, now)
        offsets = {piece.uid: _take_log(piece) for piece in seen.logs if piece.uid in jobs}
        for one in seen.observed:
            if one.uid in jobs:
                _take_state(jobs[one.uid], one, now)
        settled = [uid for uid in sorted(named) if uid not in jobs or jobs[uid].state in FINAL_STATES]
    place_waiting(now)
    return wire.SyncReply(
        centre=centre.code, desired=_desired(centre), settled=settled, log_offsets=offsets, usage=usage
    )


def _centre(seen: wire.SyncRequest, viewer: Viewer, now: datetime) -> tuple[Centre | None, str]:
    """The centre that this agent serves, or why none: one agent a centre, and a centre's own token only its own."""
    allowed = Centre.objects.filter(viewer.centres(), engine=seen.engine)
    if seen.centre:
        allowed = allowed.filter(code=seen.centre)
    found = sorted(allowed.select_related("agent"), key=lambda one: (_agent_name(one) != seen.agent, one.code))
    for centre in found:
        if _hold(centre, seen, now):
            return centre, ""
    if found:
        return None, "、".join(f"{one.code} 已由 {one.agent.host} 上的站点代理服务" for one in found)
    which = f"智算中心 {seen.centre}" if seen.centre else "智算中心"
    return None, f"没有执行引擎为 {seen.engine} 的{which}可服务：请用 huisuan centre add --engine {seen.engine} 加入"


def _agent_name(centre: Centre) -> str:
    agent = getattr(centre, "agent", None)
    return agent.name if agent else ""


def _hold(centre: Centre, seen: wire.SyncRequest, now: datetime) -> bool:
    """Whether this agent holds the centre: it did, nobody does, or who did has been silent for long."""
    held, _ = SiteAgent.objects.select_for_update().get_or_create(
        centre=centre,
        defaults={"name": seen.agent, "host": seen.host, "version": seen.version, "last_seen_at": now},
    )
    if held.name != seen.agent and held.last_seen_at > now - AGENT_SILENT:
        return False
    if held.name != seen.agent or held.last_seen_at < now - NOTED_EVERY:
        held.name, held.host, held.version, held.last_seen_at = seen.agent, seen.host, seen.version, now
        held.save()
    return True


def _take_log(piece: wire.SentLog) -> int:
    """Keep what is new of a piece; returns how many bytes of the job's output are here."""
    end = log_end(piece.uid)
    content = piece.content[end - piece.offset :] if piece.offset <= end else b""
    if not content or end > wire.LOG_LIMIT:
        return end
    JobLog.objects.create(job_id=piece.uid, offset=end, content=content)
    return end + len(content)


def _take_state(job: Job, seen: wire.Observed, now: datetime) -> None:
    """Move a job on; a state that is behind the job's own changes nothing."""
    if job.state in FINAL_STATES or seen.state == "starting":
        return
    if not seen.final:
        if job.state != JobState.RUNNING or (job.started_at is None and seen.started_at):
            job.state, job.started_at = JobState.RUNNING, seen.started_at
            job.save(update_fields=["state", "started_at"])
        return
    job.state = STATES[seen.state]
    job.started_at, job.ended_at, job.exit_code = seen.started_at, seen.ended_at or now, seen.exit_code
    why = seen.reason or ("由提交方取消" if job.cancel_requested_at and seen.state == "cancelled" else "")
    job.reasons = [*job.reasons, why] if why else job.reasons
    job.save(update_fields=["state", "started_at", "ended_at", "exit_code", "reasons"])


def _desired(centre: Centre) -> list[wire.DesiredJob]:
    jobs = Job.objects.filter(centre=centre, state__in=[JobState.PLACED, JobState.RUNNING])
    return [
        wire.DesiredJob(
            uid=job.uid,
            command=job.command,
            environment=job.environment,
            cards=job.cards,
            time_limit_seconds=job.time_limit_seconds,
            state=JobState(job.state).value,
            cancel=job.cancel_requested_at is not None,
        )
        for job in jobs.order_by("placed_at", "uid")
    ]
