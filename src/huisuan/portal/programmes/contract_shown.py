"""What the page of an application shows of its contract, and which acts on it the reader may take."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from huisuan.law.procedure import State
from huisuan.parties.models import Person
from huisuan.parties.viewer import Viewer
from huisuan.programmes.contract_desk.panel import has_alternates, has_panel
from huisuan.programmes.contract_desk.queries import accepts_milestones, contract_to_dict
from huisuan.programmes.contract_desk.site_checks import checks_to_confirm
from huisuan.programmes.contracts.audited import asks_for_audit
from huisuan.programmes.contracts.figures import declared_contract
from huisuan.programmes.models import AcceptanceSeat, Application, SiteCheck
from huisuan.programmes.workflow.permission import is_applicant

_PLANNING = (State.DRAFT, State.SUBMITTED, State.RETURNED)
_ACCEPTING = (State.CONTRACTED, State.COMMITTED, State.PAYING)


@dataclass(frozen=True)
class ContractShown:
    """All of it; `open` is the milestone that is next, None where all are accepted or nothing is signed."""

    found: dict[str, Any]
    open: dict[str, Any] | None
    plans: bool
    draws_up: bool
    reports: bool
    accepts: bool
    amends: bool
    by_panel: bool
    draws: bool
    evaluates: bool
    asks_audit: bool
    confirms: list[SiteCheck]

    @property
    def marks(self) -> str:
        """The score of the evaluation."""
        evaluation = self.found["evaluation"]
        return f"{evaluation['score'] / 100:g}" if evaluation else ""


def read_contract_shown(application: Application, person: Person, now: datetime) -> ContractShown | None:
    """What a reader sees; None where the procedure has no contract."""
    if not declared_contract(application.edition):
        return None
    state = State(application.state)
    mine = is_applicant(person, application) and person.widest_scope != "read"
    accepts = accepts_milestones(person, application, now)
    found = contract_to_dict(application, Viewer.for_person(person), now, accepts=accepts)
    office = accepts and not mine
    waiting = next((one for one in found["milestones"] if not one["accepted"]), None)
    accepting, by_panel = office and state in _ACCEPTING, has_panel(application)
    running = state in (*_ACCEPTING, State.MONITORED)
    return ContractShown(
        found, waiting if running else None, mine and state in _PLANNING and not found["plan"],
        office and state is State.DECIDED and found["contract"] is None, mine and running,
        accepting, accepting and waiting is not None, by_panel,
        accepting and by_panel and waiting is not None and not _has_alternates(application, waiting["milestone"], now),
        office and state is State.MONITORED and found["evaluation"] is None, asks_for_audit(application),
        list(checks_to_confirm(person).filter(milestone__contract__application=application)),
    )  # fmt: skip


def _has_alternates(application: Application, milestone: int, now: datetime) -> bool:
    seats = AcceptanceSeat.objects.filter(milestone__contract__application=application, milestone__number=milestone)
    rows = seats.select_related("expert__person", "milestone__contract__application__party")
    return has_alternates(list(rows.prefetch_related("votes__set_aside").order_by("position")), now)
