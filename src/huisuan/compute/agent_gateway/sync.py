"""The platform's end of the agent's one endpoint: receive what was seen, place what waits, reply with what is wanted.

Every part may come twice, late or out of order: output is stored at its place in bytes, usage by its number in the
agent's chain, and a state is believed only under the job's present lease.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from huisuan.compute.agent_gateway import clock_skew
from huisuan.compute.agent_gateway.desired_state import desired_state_update, load_centre_digest, stored_log_ends
from huisuan.compute.agent_gateway.node_inventory import replace_nodes
from huisuan.compute.agent_gateway.serving_agent import ServingClaim, claim_serving, find_serving_agent
from huisuan.compute.agent_gateway.workdir_pieces import next_pieces
from huisuan.compute.dispatch.scheduling_cycle import place_waiting
from huisuan.compute.jobs import lifecycle
from huisuan.compute.jobs.files.requests import note_outputs, open_questions, take_answers
from huisuan.compute.jobs.relay_address import relay_for_agents
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
        EnrolmentRefused: the request is a replay of an earlier one.
    """
    if seen.probe:
        return _probed(key, seen, now)
    if why := clock_refusal(seen.sent_at, now):
        with transaction.atomic():
            clock_skew.record_wrong_clock(key, seen, why, now)
        return _refused(ServingClaim(False, why), now)
    with transaction.atomic():
        held = claim_serving(key, seen, now)
        if not held.serves:
            return _refused(held, now)
        received = _receive(key, seen, now)
    return _reply(key, seen, received, now)


@dataclass(frozen=True)
class _Received:
    """What became of the parts of a request."""

    log_offsets: dict[str, int]
    taken: lifecycle.Taken
    answers: list[wire.BatchAnswer]
    outputs: list[tuple[str, int]]


def _receive(key: AgentKey, seen: wire.SyncRequest, now: datetime) -> _Received:
    """Store what the agent that serves the centre has seen. Must run in a transaction."""
    centre = key.centre
    if key.clock_wrong_at is not None:
        clock_skew.record_right_clock(key, now)
    offsets = _take_logs(centre, seen.logs)  # before the ends that come with the last of them
    taken = _take_jobs(centre, seen, now)
    answers = receive_batches(centre, key, seen.batches, seen.version, seen.sent_at, now)
    for countersignature in seen.seals:
        record_countersignature(centre, key, countersignature, now)
    take_answers(centre, seen.files, now)
    outputs = note_outputs(centre, seen.outputs, now)
    if seen.nodes is not None:
        replace_nodes(centre, seen.nodes, now)
    if seen.nodes is not None or seen.nodes_same:
        SiteAgent.objects.filter(centre=centre).update(nodes_at=now)
    if seen.health:
        SiteAgent.objects.filter(centre=centre).update(
            health=[check.model_dump() for check in seen.health], health_at=now
        )
    return _Received(offsets, taken, answers, outputs)


def _reply(key: AgentKey, seen: wire.SyncRequest, received: _Received, now: datetime) -> wire.SyncReply:
    """What the platform wants at the centre, after placing the jobs that wait, and what it has received."""
    centre = key.centre
    look = load_centre_digest(centre, now)
    if look.work_waits and place_waiting(now):
        look = load_centre_digest(centre, now)
    news = desired_state_update(centre, seen.held, received.taken.left, look.wanted)
    return wire.SyncReply(
        centre=centre.code,
        now=now,
        lease_seconds=lifecycle.LEASE_SECONDS,
        clock_seconds=limit_seconds(),
        platform_key=platform_key.public(),
        desired=news.desired,
        added=news.added or [],
        held=look.wanted,
        acknowledged=[(observation.uid, observation.lease) for observation in seen.observed],
        settled=sorted(received.taken.settled),
        log_offsets=received.log_offsets,
        last_batch=_last_batch(key, received.answers),
        batches=received.answers,
        seals=list_unsigned_seals(centre) if look.seal_waits else [],
        behind=look.behind,
        pieces=next_pieces(centre, seen.wants),
        relay=relay_for_agents(),
        questions=open_questions(centre, now) if look.files_asked else [],
        outputs_noted=received.outputs,
        health_wanted=look.health_wanted,
    )


def _probed(key: AgentKey, seen: wire.SyncRequest, now: datetime) -> wire.SyncReply:
    """For `huisuan agent doctor`, beside an agent that may be running: takes hold of nothing."""
    return wire.SyncReply(
        centre=key.centre.code, message=clock_refusal(seen.sent_at, now), now=now,
        lease_seconds=lifecycle.LEASE_SECONDS, clock_seconds=limit_seconds(), serving=find_serving_agent(key.centre),
        last_batch=key.last_batch,
    )  # fmt: skip


def _refused(held: ServingClaim, now: datetime) -> wire.SyncReply:
    return wire.SyncReply(
        centre=None, message=held.message, stop=held.stop, now=now, lease_seconds=lifecycle.LEASE_SECONDS,
        clock_seconds=limit_seconds(), platform_key=platform_key.public(),
    )  # fmt: skip


def _take_jobs(centre: Centre, seen: wire.SyncRequest, now: datetime) -> lifecycle.Taken:
    """How runs stand: what that changed, and the jobs spoken of that are over or unknown."""
    taken = lifecycle.observe(centre, seen.observed, now) if seen.observed else lifecycle.Taken()
    quiet = {log.uid for log in seen.logs} - {observation.uid for observation in seen.observed}
    if quiet:
        here = Job.objects.filter(pk__in=quiet, centre=centre, state__in=AT_CENTRE).values_list("pk", flat=True)
        taken.settled |= quiet - set(here)
    return taken


def _last_batch(key: AgentKey, answers: Sequence[wire.BatchAnswer]) -> int:
    return max([key.last_batch, *(answer.number for answer in answers if not answer.refused)])


# --- output


def _take_logs(centre: Centre, sent: Sequence[wire.SentLog]) -> dict[str, int]:
    """Keep what is new of the pieces; gives how many bytes of each job's output are here."""
    if not sent:
        return {}
    runs = dict(Job.objects.filter(pk__in={piece.uid for piece in sent}, centre=centre).values_list("pk", "run"))
    ends = stored_log_ends(runs)
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
