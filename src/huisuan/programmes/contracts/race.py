"""The race of runners for one task: who goes on past a milestone and who falls out, by score, as the procedure says.

At the milestone of the race every runner of the task has a result. Who is below the mark, or ranks behind the places
that remain (an equal score is shared: both go on), falls out once what its accepted milestones earned is paid. That it
keeps; the rest of its money goes back to the line.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from huisuan.base.errors import Conflict, Refused
from huisuan.base.money import yuan
from huisuan.law.procedure import State
from huisuan.programmes.awards.closing import paid_so_far
from huisuan.programmes.awards.owed import Owed
from huisuan.programmes.awards.recovering import order_under_way, release_open, supersede
from huisuan.programmes.awards.standing import commitments_of, standing_awards, treasury_act
from huisuan.programmes.contracts.figures import contract_figures, declared_contract
from huisuan.programmes.models import Application, ApplicationStep, Contract, Milestone, MilestoneResult
from huisuan.programmes.step_conditions import AskedStep

#: whoever is in these is no runner any more
OUT_OF_RACE = (State.REFUSED.value, State.WITHDRAWN.value, State.IN_RECOVERY.value)
_HUNDRED = 100


@dataclass(frozen=True)
class Runner:
    """A runner of a task: its score at the milestone of the race (hundredths; None: no result yet), and its rank."""

    application: Application
    score: int | None
    rank: int | None
    falls_out: bool
    eliminated: bool

    def to_dict(self) -> dict[str, Any]:
        """As JSON carries it."""
        return {
            "number": self.application.number, "party": str(self.application.party or self.application.city_id),
            "score": self.score, "rank": self.rank, "falls_out": self.falls_out, "eliminated": self.eliminated,
        }  # fmt: skip


def has_race(application: Application) -> bool:
    """Whether runners race under its procedure."""
    return "race" in declared_contract(application.edition)


def runners_of(application: Application) -> list[Runner]:
    """Everybody who races for the same task of its call, the best first; none falls out before all are scored.

    From then on the ranks are final, whatever results follow and whoever is revoked.
    """
    contract = Contract.objects.filter(application=application).first()
    if contract is None or not has_race(application):
        return []
    figures = contract_figures(application.edition, contract.at, "race")
    counted, ended = _who_counts(_entrants(application, contract, figures))
    scores = {each.application.pk: each.score_at(ended) for each in counted}
    given = sorted((score for score in scores.values() if score is not None), reverse=True)
    found = []
    for each in counted:
        score = scores[each.application.pk]
        rank = None if score is None or ended is None else given.index(score) + 1
        behind = rank is not None and score is not None and (
            rank > figures["remain"] or score < figures["mark"] * _HUNDRED
        )  # fmt: skip
        eliminated = each.application.steps.filter(action="eliminate").exists()
        found.append(Runner(each.application, score, rank, behind, eliminated))
    return sorted(found, key=lambda each: (each.rank or len(counted) + 1, each.application.pk))


@dataclass(frozen=True)
class _Entrant:
    """Who was granted the task: when, its results at the milestone of the race, and when it was out of all of it."""

    application: Application
    decided_at: datetime
    results: tuple[tuple[datetime, int], ...]
    out_at: datetime | None

    def score_at(self, ended: datetime | None) -> int | None:
        """The last score given until the race ended; while it runs, the last one."""
        return next((score for at, score in reversed(self.results) if ended is None or at <= ended), None)


def _entrants(application: Application, contract: Contract, figures: Mapping[str, int]) -> list[_Entrant]:
    """Everybody who races for a task: under contract, or decided with a place left to come under one."""
    same = Application.objects.filter(call=application.call_id, edition=application.edition_id)
    rows = list(same.filter(contract__task=contract.task).select_related("party", "edition").order_by("pk"))
    if sum(1 for row in rows if row.state not in OUT_OF_RACE) < figures["runners"]:
        coming = same.filter(state=State.DECIDED.value, contract__isnull=True).select_related("party", "edition")
        rows += [row for row in coming.order_by("pk") if task_of(row) == contract.task]
    decided = dict(
        ApplicationStep.objects.filter(application__in=rows, action="decide").values_list("application", "at")
    )
    given: dict[int, list[tuple[datetime, int]]] = defaultdict(list)
    results = MilestoneResult.objects.filter(
        milestone__contract__application__in=rows, milestone__number=figures["at"]
    ).order_by("number")  # fmt: skip
    for pk, at, score in results.values_list("milestone__contract__application", "at", "score"):
        given[pk].append((at, score))
    return [
        _Entrant(
            row, decided.get(row.pk, row.begun_at), tuple(given[row.pk]),
            row.state_since if row.state in OUT_OF_RACE else None,
        )
        for row in rows
    ]  # fmt: skip


def _who_counts(entrants: Sequence[_Entrant]) -> tuple[list[_Entrant], datetime | None]:
    """Who is ranked, and since when for good: once all have a result. None: somebody has none yet.

    Who was granted the task later races no more; who is revoked later keeps its place, who was before has none.
    """
    racing: list[_Entrant] = []
    for each in sorted(entrants, key=lambda one: one.decided_at):
        ended = _ended(racing)[1]
        if ended is not None and ended < each.decided_at:
            break
        racing.append(each)
    return _ended(racing)


def _ended(racing: Sequence[_Entrant]) -> tuple[list[_Entrant], datetime | None]:
    counted = [each for each in racing if each.out_at is None]
    if not counted or not all(each.results for each in counted):
        return counted, None
    ended = max(each.results[0][0] for each in counted)
    gone = [(each.out_at, each) for each in racing if each.out_at is not None and each.results]
    for out_at, each in sorted(gone, key=lambda pair: pair[0], reverse=True):
        if ended < out_at:
            counted.append(each)
            ended = max(ended, each.results[0][0])
    return counted, ended


def task_of(application: Application) -> str:
    """The task of the call that it was handed in for last; empty: the call has none."""
    said = application.submissions.last()
    return said.task if said else ""


def _own(application: Application) -> Runner | None:
    return next((each for each in runners_of(application) if each.application.pk == application.pk), None)


def refuse_who_falls_out(application: Application, milestone: Milestone, now: datetime) -> None:
    """Past the milestone of the race nothing is accepted of who falls out, or before all runners are scored.

    Raises:
        Conflict: it has fallen out, or others have no result yet.
    """
    if not has_race(application):
        return
    figures = contract_figures(application.edition, milestone.contract.at, "race")
    if milestone.number <= figures["at"]:
        return
    own = _own(application)
    if own is None or own.rank is None:
        raise Conflict(
            f"{application.number}：同一任务的承担单位在第 {figures['at']} 个节点还没有都验收",
            code="contract.race_not_run",
        )
    if own.falls_out:
        raise Conflict(
            f"{application.number}：已在赛马中落后（第 {own.rank} 名），须予淘汰", code="contract.fallen_out"
        )


def fall_out(applications: Sequence[Application], asked: AskedStep) -> Mapping[int, Refused]:
    """Who is eliminated has fallen out by the rule of the race, and what it earned is paid."""
    committed, refused = commitments_of(applications), dict[int, Refused]()
    earned = _earned(applications)
    for one in applications:
        own, so_far = _own(one), paid_so_far(committed.get(one.pk, []))
        if own is None or not own.falls_out:
            why = "不在赛马中" if own is None else f"第 {own.rank} 名，未落后" if own.rank else "同一任务还没有都评分"
            refused[one.pk] = Conflict(f"{one.number}：{why}，不能淘汰", code="contract.not_fallen_out")
        elif so_far.ordered_fen:
            refused[one.pk] = order_under_way(one.number, so_far.ordered_fen)
        elif so_far.kept_fen < earned[one.pk]:
            refused[one.pk] = Conflict(
                f"{one.number}：已验收 {yuan(earned[one.pk])} 元，已付 {yuan(so_far.kept_fen)} 元：付清才能淘汰",
                code="contract.earned_not_paid",
            )
    return refused


def _earned(applications: Sequence[Application]) -> dict[int, int]:
    """What the accepted milestones of each are worth, in fen; no more than what is granted now."""
    awards, found = standing_awards(applications), {one.pk: 0 for one in applications}
    rows = MilestoneResult.objects.filter(accepted=True, milestone__contract__application__in=applications)
    for pk, fen in rows.values_list("milestone__contract__application", "milestone__amount_fen"):
        found[pk] += fen
    return {pk: min(fen, awards[pk].amount_fen if pk in awards else 0) for pk, fen in found.items()}


def free_what_is_left(steps: Sequence[ApplicationStep]) -> None:
    """The award is what was paid from here on; what was set aside besides is free on its line again."""
    applications = [step.application for step in steps]
    committed, awards = commitments_of(applications), standing_awards(applications)
    for step in steps:
        award = awards.get(step.application_id)
        if award is None:
            continue
        commitments = committed.get(step.application_id, [])
        kept = paid_so_far(commitments).kept_fen
        made = supersede(
            award, Owed(kept, award.entitlement), step, f"赛马淘汰，已付 {yuan(kept)} 元不退：{step.reason}"
        )
        release_open(commitments, treasury_act(step.person, step.at), f"{made.key} {step.reason}")
