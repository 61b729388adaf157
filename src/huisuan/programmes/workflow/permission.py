"""Whether a person may take a step: the procedure, the post in force that day, ties, one duty in one application."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from huisuan.base.errors import Conflict, InvalidRequest, NotAllowed, NotFound, Refused
from huisuan.base.months import SHANGHAI
from huisuan.law.procedure import ACTION_WORDS, DUTY_WORDS, EACH_CITY, STATE_WORDS, Duty, State
from huisuan.parties.models import Person, Role
from huisuan.programmes.models import Application, ApplicationStep, DutyHeld, Post, ProcedureEdge
from huisuan.programmes.offices import offices_in, posts_in_force
from huisuan.programmes.workflow.ties import find_ties


@dataclass(frozen=True)
class PermittedStep:
    """A step that may be taken: the edge, and the post under which (none: as the applicant)."""

    application: Application
    edge: ProcedureEdge
    post: Post | None


@dataclass(frozen=True)
class Permissions:
    """All that decides about one action of one person on some applications, read at once."""

    person: Person
    action: str
    key: str
    edges: Mapping[tuple[int, str], ProcedureEdge]  # by edition and state
    offices: Mapping[int, frozenset[str]]  # by edition, those that take any of its steps
    posts: Sequence[Post]
    duties: Mapping[int, str]  # by application
    ties: Mapping[int, str]
    earlier: Mapping[int, ApplicationStep]  # with the same key

    @classmethod
    def load(
        cls, person: Person, action: str, key: str, applications: Sequence[Application], now: datetime
    ) -> Permissions:
        """Read it, for the day of `now` at Asia/Shanghai."""
        day = now.astimezone(SHANGHAI).date()
        every = list(ProcedureEdge.objects.filter(edition__in={one.edition_id for one in applications}))
        edges = [edge for edge in every if edge.action == action]
        held = DutyHeld.objects.filter(application__in=applications, person=person)
        earlier = (
            ApplicationStep.objects.filter(application__in=applications, key=key).select_related("application")
            if key
            else ApplicationStep.objects.none()
        )
        return cls(
            person, action, key,
            {(edge.edition_id, edge.from_state): edge for edge in edges},
            {pk: frozenset(e.office for e in every if e.edition_id == pk) for pk in {e.edition_id for e in every}},
            list(posts_in_force(person, day)),
            dict(held.values_list("application_id", "duty")),
            find_ties(person, applications, day),
            {step.application_id: step for step in earlier},
        )  # fmt: skip

    def ask(self, application: Application) -> PermittedStep | ApplicationStep | Refused:
        """The step that may be taken, the one that the same key took before, or why not."""
        if not self._may_know(application):
            return unknown_application(application.number)
        if earlier := self.earlier.get(application.pk):
            if (earlier.action, earlier.person_id) == (self.action, self.person.pk):
                return earlier
            return Conflict(f"{application.number}：幂等键 {self.key} 已用于另一动作", code="application.key_used")
        edge = self.edges.get((application.edition_id, application.state))
        if edge is None:
            return self._not_from_here(application)
        if edge.duty == Duty.APPLY:
            return self._as_applicant(application, edge)
        return self._as_official(application, edge)

    def _may_know(self, application: Application) -> bool:
        if self.person.role in (Role.PROVINCE, Role.AUDITOR) or is_applicant(self.person, application):
            return True
        named = self.offices.get(application.edition_id, frozenset())
        concerned = {office for name in named for office in acting_for(application, name)}
        return any(post.office.name in concerned for post in self.posts)

    def _not_from_here(self, application: Application) -> Refused:
        words = ACTION_WORDS[self.action].zh
        states = [
            STATE_WORDS[State(state)].official for edition, state in self.edges if edition == application.edition_id
        ]
        if not states:
            return InvalidRequest(
                f"{application.number}：它的程序没有“{words}”这一步", code="application.action_not_in_procedure"
            )
        now_in = STATE_WORDS[State(application.state)].official
        return Conflict(
            f"{application.number}：现为{now_in}，不能{words}；须为{'、'.join(states)}",
            code="application.not_in_this_state",
        )

    def _as_applicant(self, application: Application, edge: ProcedureEdge) -> PermittedStep | Refused:
        if not is_applicant(self.person, application) or self.person.widest_scope == "read":
            return NotAllowed(
                f"{application.number}：“{ACTION_WORDS[self.action].zh}”由申报单位的人员办理（只读成员除外）",
                code="application.applicant_only",
            )
        return self._one_duty(application, edge) or PermittedStep(application, edge, None)

    def _as_official(self, application: Application, edge: ProcedureEdge) -> PermittedStep | Refused:
        post = self.post_for(application, edge)
        if post is None:
            acting = acting_for(application, edge.office)
            office = acting.pop() if len(acting) == 1 else edge.office
            return NotAllowed(
                f"{application.number}：“{ACTION_WORDS[self.action].zh}”须由{office}当天在任的"
                f"{DUTY_WORDS[Duty(edge.duty)][0]}岗位办理",
                code="application.no_post_in_force",
            )
        if tie := self.ties.get(application.pk):
            return NotAllowed(f"{application.number}：{tie}，须回避", code="application.tied_to_applicant")
        return self._one_duty(application, edge) or PermittedStep(application, edge, post)

    def post_for(self, application: Application, edge: ProcedureEdge) -> Post | None:
        """The person's post under which an edge is taken."""
        acting = acting_for(application, edge.office)
        return next((held for held in self.posts if held.duty == edge.duty and held.office.name in acting), None)

    def ask_duty(self, application: Application) -> Refused | None:
        """Why the person may not do, in whatever state, what belongs to the duty of this action: pay again, correct."""
        if not self._may_know(application):
            return unknown_application(application.number)
        edge = next((edge for (edition, _), edge in self.edges.items() if edition == application.edition_id), None)
        if edge is None:
            return self._not_from_here(application)
        found = self._as_official(application, edge)
        return found if isinstance(found, Refused) else None

    def _one_duty(self, application: Application, edge: ProcedureEdge) -> Refused | None:
        held = self.duties.get(application.pk, edge.duty)
        if held == edge.duty:
            return None
        return NotAllowed(
            f"{application.number}：{self.person.name}在此件中已承担{DUTY_WORDS[Duty(held)][0]}，不能再{DUTY_WORDS[Duty(edge.duty)][0]}",
            code="application.second_duty",
        )


def acting_for(application: Application, office: str) -> set[str]:
    """Which offices act on an application where its procedure names one: for every city's, that of its own city."""
    if office not in EACH_CITY:
        return {office}
    party = application.party
    return offices_in(party.region if party else application.city, office)


def is_applicant(person: Person, application: Application) -> bool:
    """Whether the person belongs to the party, or the city, that applies."""
    if application.city_id is not None:
        return person.role == Role.CITY and person.city_id == application.city_id
    return person.role == Role.USER and person.party_id == application.party_id


def unknown_application(number: str) -> NotFound:
    """The refusal for an application that is not there, or not for this person."""
    return NotFound(f"没有申报 {number}", code="application.unknown")
