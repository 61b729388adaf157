"""The platform's end of the agent's one endpoint: take in what was seen, place what waits, say what is wanted.

Every part may come twice, late or out of order: output is taken at its place in bytes, usage by its number in the
agent's chain, and a state is believed only under the job's present lease.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from huisuan.compute.agent_gateway import clock_skew as clocks
from huisuan.compute.agent_gateway.desired_state import glance, log_ends, told
from huisuan.compute.agent_gateway.node_inventory import take_nodes
from huisuan.compute.agent_gateway.serving_agent import Hold, hold, serving
from huisuan.compute.agent_gateway.workdir_pieces import pieces
from huisuan.compute.dispatch.scheduling_cycle import place_waiting
from huisuan.compute.jobs import lifecycle
from huisuan.compute.keys import platform_key
from huisuan.compute.metering.agent_usage.receive import receive_batches
from huisuan.compute.metering.checks.clock import clock_refusal, limit_seconds
from huisuan.compute.metering.seals.queries import list_unsigned_seals, record_countersignature
from huisuan.compute.models import AT_CENTRE, AgentKey, Centre, Job, JobLog, SiteAgent
from huisuan.protocol import agent as wire

CUT_BYTES = 1024  # room for the agent's own remark that it cut the output


def sync(seen: wire.SyncRequest, key: AgentKey, now: datetime) -> wire.SyncReply:
    """One exchange with the agent of that key, whose signature was checked.

    Raises:
        Unwelcome: the request is a replay of an earlier one.
    """
    centre = key.centre
    if seen.probe:
        return _probed(key, seen, now)
    if why := clock_refusal(seen.sent_at, now):
        with transaction.atomic():
            clocks.refuse(key, seen, why, now)
        return _refused(Hold(False, why), now)
    with transaction.atomic():
        held = hold(key, seen, now)
        if not held.serves:
            return _refused(held, now)
        if key.clock_wrong_at is not None:
            clocks.right_again(key, now)
        offsets = _take_logs(centre, seen.logs)  # before the ends that come with the last of them
        taken = _take_jobs(centre, seen, now)
        answers = receive_batches(centre, key, seen.batches, seen.version, seen.sent_at, now)
        for word in seen.seals:
            record_countersignature(centre, key, word, now)
        if seen.nodes is not None:
            take_nodes(centre, seen.nodes, now)
        if seen.nodes is not None or seen.nodes_same:
            SiteAgent.objects.filter(centre=centre).update(nodes_at=now)
    look = glance(centre)
    if look.work_waits and place_waiting(now):
        look = glance(centre)
    news = told(centre, seen.held, taken.left, look.wanted)
    return wire.SyncReply(
        centre=centre.code,
        now=now,
        lease_seconds=lifecycle.LEASE_SECONDS,
        clock_seconds=limit_seconds(),
        platform_key=platform_key.public(),
        desired=news.desired,
        added=news.added or [],
        held=look.wanted,
        acknowledged=[(each.uid, each.lease) for each in seen.observed],
        settled=sorted(taken.settled),
        log_offsets=offsets,
        last_batch=_last_batch(key, answers),
        batches=answers,
        seals=list_unsigned_seals(centre) if look.seal_waits else [],
        behind=look.behind,
        pieces=pieces(centre, seen.wants),
    )


def _probed(key: AgentKey, seen: wire.SyncRequest, now: datetime) -> wire.SyncReply:
    """For `huisuan agent doctor`, beside an agent that may be running: takes hold of nothing."""
    return wire.SyncReply(
        centre=key.centre.code, message=clock_refusal(seen.sent_at, now), now=now,
        lease_seconds=lifecycle.LEASE_SECONDS, clock_seconds=limit_seconds(), serving=serving(key.centre),
        last_batch=key.last_batch,
    )  # fmt: skip


def _refused(held: Hold, now: datetime) -> wire.SyncReply:
    return wire.SyncReply(
        centre=None, message=held.message, stop=held.stop, now=now, lease_seconds=lifecycle.LEASE_SECONDS,
        clock_seconds=limit_seconds(), platform_key=platform_key.public(),
    )  # fmt: skip


def _take_jobs(centre: Centre, seen: wire.SyncRequest, now: datetime) -> lifecycle.Taken:
    """How runs stand: what that changed, and the jobs spoken of that are over or unknown."""
    taken = lifecycle.observe(centre, seen.observed, now) if seen.observed else lifecycle.Taken()
    quiet = {each.uid for each in seen.logs} - {each.uid for each in seen.observed}
    if quiet:
        here = Job.objects.filter(pk__in=quiet, centre=centre, state__in=AT_CENTRE).values_list("pk", flat=True)
        taken.settled |= quiet - set(here)
    return taken


def _last_batch(key: AgentKey, answers: Sequence[wire.BatchAnswer]) -> int:
    return max([key.last_batch, *(each.number for each in answers if not each.refused)])


# --- output


def _take_logs(centre: Centre, sent: Sequence[wire.SentLog]) -> dict[str, int]:
    """Keep what is new of the pieces; gives how many bytes of each job's output are here."""
    if not sent:
        return {}
    runs = dict(Job.objects.filter(pk__in={each.uid for each in sent}, centre=centre).values_list("pk", "run"))
    ends = log_ends(runs)
    fresh = []
    for piece in sent:
        if piece.uid not in runs:
            continue
        end, most = ends[piece.uid], wire.LOG_LIMIT * (runs[piece.uid] + 1) + CUT_BYTES
        content = piece.content[end - piece.offset :] if piece.offset <= end else b""
        if content and end + len(content) <= most:
            fresh.append(JobLog(job_id=piece.uid, offset=end, content=content))
            ends[piece.uid] = end + len(content)
    JobLog.objects.bulk_create(fresh)
    return ends
