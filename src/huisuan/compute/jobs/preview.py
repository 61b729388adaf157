"""Where a job could run and at what price, before it is submitted and while it waits; and why it is where it is."""

from __future__ import annotations

from datetime import datetime
from fractions import Fraction

from huisuan.base.months import SHANGHAI
from huisuan.compute.budgets.messages import why_budget
from huisuan.compute.budgets.room import BudgetClaim, BudgetRoom, load_room
from huisuan.compute.dispatch.net_price import PartySubsidy, Subsidies
from huisuan.compute.dispatch.snapshot import evaluate_now, placement_request
from huisuan.compute.jobs.queries import one
from huisuan.compute.jobs.services import unsaved_job
from huisuan.compute.jobspec.core.request_rules import checked
from huisuan.compute.models import Job, JobState
from huisuan.compute.placement.evaluate import PoolEvaluation
from huisuan.compute.placement.messages import rejection_text, why_never
from huisuan.compute.placement.types import ScoredPool, epoch
from huisuan.compute.placement.weights import weights_on
from huisuan.parties.viewer import Viewer
from huisuan.protocol.placement import Decision, PlaceBarred, PlaceOption, Preview, ReadRequest, SubsidyShare, Why
from huisuan.protocol.resources import JobRequest

_SHOWN = 20  # of each kind


def preview(asked: JobRequest, viewer: Viewer, now: datetime) -> Preview:
    """What would become of this job if it were submitted now.

    Raises:
        Refused: it has not the form of a job, or names something unknown.
    """
    job = unsaved_job(asked, viewer, now)
    return _preview(job, now).model_copy(update={"request": _read(job, checked(asked).array)})


def _read(job: Job, array: list[int]) -> ReadRequest:
    return ReadRequest(
        name=job.name, source_format=job.source_format, cards=job.cards, nodes=job.nodes,
        cards_per_node=job.cards // job.nodes, takes_slots=job.takes_slots, models=job.card_models, vendor=job.vendor,
        min_memory_gib=job.min_memory_gib, min_tflops_fp16=str(job.min_tflops_fp16),
        time_limit_seconds=job.time_limit_seconds, retries=job.retries, jobs=max(len(array), 1), array=array,
    )  # fmt: skip


def why(uid: str, viewer: Viewer, now: datetime) -> Why:
    """Why a job is where it is.

    Raises:
        Job.DoesNotExist: there is none that the viewer may see.
    """
    job = one(viewer, uid)
    return Why(
        uid=job.uid,
        state=JobState(job.state).value,
        reasons=job.reasons,
        decisions=[
            Decision(
                at=decision.at, run=decision.run, lease=decision.lease, centre=decision.centre.code,
                model=decision.accelerator.model,
                weights=decision.weights, parts=decision.parts, reasons=decision.reasons,
                runners_up=decision.runners_up,
            )
            for decision in job.decisions.select_related("centre", "accelerator")
        ],
        waiting=_preview(job, now) if job.state in (JobState.WAITING, JobState.SUBMITTED) else None,
    )  # fmt: skip


def _preview(job: Job, now: datetime) -> Preview:
    day = now.astimezone(SHANGHAI).date()
    room = load_room(now, [job.party_id])
    request = placement_request(job, now, room)
    evaluation = evaluate_now(request, job.party, now)
    back = Subsidies(day).of([job.party])[job.party.uscc]
    subsidy = back.elsewhere
    return Preview(
        possible=evaluation.possible,
        now=[_option(pool, job, back, now) for pool in evaluation.now[:_SHOWN]],
        later=[_option(pool, job, back, now) for pool in evaluation.later[:_SHOWN]],
        barred=[
            PlaceBarred(
                centre=pool.centre, model=pool.model, code=rejection.value,
                text=rejection_text(rejection, request.needs, pool),
            )
            for pool, rejection in evaluation.rejected
        ],
        reasons=_why_not(job, evaluation, room),
        subsidy=SubsidyShare(
            share=str(subsidy.share), policy=subsidy.policy, sentence=subsidy.sentence, status=subsidy.status,
            why=subsidy.why,
        ),
        weights=weights_on(day).name,
        expected_seconds=request.predicted_s,
    )  # fmt: skip


def _why_not(job: Job, evaluation: PoolEvaluation, room: BudgetRoom) -> list[str]:
    """Why the job could never run, or only once there is room in a budget."""
    if not evaluation.possible:
        return [why_never(evaluation.needs, evaluation.rejected).text]
    claim = BudgetClaim(job.party_id, job.project_id, job.cards * job.time_limit_seconds)
    shortage = room.shortage(claim, evaluation.possible_pools) if room.limits(job.party_id, job.project_id) else None
    return [] if shortage is None else [why_budget(shortage)]


def _option(scored: ScoredPool, job: Job, subsidy: PartySubsidy, now: datetime) -> PlaceOption:
    price = scored.pool.fen_per_card_hour
    cost = None if price is None else Fraction(price * job.cards * job.time_limit_seconds, 3600)
    back = None if cost is None else cost * subsidy.share_at(scored.pool.centre)
    return PlaceOption(
        centre=scored.pool.centre,
        model=scored.pool.model,
        starts_in_seconds=max(scored.starts_s - epoch(now), 0),
        fen_per_card_hour=price,
        net_fen_per_card_hour=None if scored.net_fen is None else str(scored.net_fen),
        cost_fen=None if cost is None else -(-cost.numerator // cost.denominator),
        subsidy_fen=None if back is None else back.numerator // back.denominator,
        parts=dict(scored.parts),
    )
