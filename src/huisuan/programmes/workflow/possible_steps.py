"""What may be done on an application now: the steps that a person may take, and whom it waits for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from huisuan.base.errors import Refused
from huisuan.law.procedure import ACTION_WORDS, Duty
from huisuan.parties.models import Person
from huisuan.programmes.models import Application, ProcedureEdge
from huisuan.programmes.workflow.permission import Permissions, PermittedStep

#: refusals that tell an official about themselves; that somebody has no post there goes without saying
_ABOUT_THE_PERSON = frozenset({"application.tied_to_applicant", "application.second_duty"})


@dataclass(frozen=True)
class PossibleSteps:
    """The steps that lead out of where an application is.

    `mine` the person may take, but for what other rooms have to say of a step; those that go on come before those that
    go back and need a reason. `refusals` say why not others that the person's posts are for; `waits_for` are all steps
    that somebody has to take.
    """

    mine: tuple[ProcedureEdge, ...]
    refusals: tuple[Refused, ...]
    waits_for: tuple[ProcedureEdge, ...]


def list_possible_steps(application: Application, person: Person, now: datetime) -> PossibleSteps:
    """What a person may do on an application now."""
    edges = tuple(application.edition.edges.filter(from_state=application.state))
    if not edges:
        return PossibleSteps((), (), ())
    if person.machine or not person.is_active:
        return PossibleSteps((), (), _waited_for(edges))
    loaded = Permissions.load(person, edges[0].action, "", [application], now)
    mine: list[ProcedureEdge] = []
    refusals: dict[str, Refused] = {}
    for edge in edges:
        key = (application.edition_id, application.state)
        answer = replace(loaded, action=edge.action, edges={key: edge}).ask(application)
        if isinstance(answer, PermittedStep):
            mine.append(edge)
        elif isinstance(answer, Refused) and answer.code in _ABOUT_THE_PERSON and edge.duty != Duty.APPLY:
            refusals.setdefault(answer.code, answer)
    mine.sort(key=lambda edge: ACTION_WORDS[edge.action].needs_reason)
    return PossibleSteps(tuple(mine), tuple(refusals.values()), _waited_for(edges))


def _waited_for(edges: tuple[ProcedureEdge, ...]) -> tuple[ProcedureEdge, ...]:
    return tuple(edge for edge in edges if not ACTION_WORDS[edge.action].on_occasion)
