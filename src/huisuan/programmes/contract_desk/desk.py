"""Who may act on a contract: the post that signs contracts, or the applicant."""

from __future__ import annotations

from datetime import datetime

from huisuan.base.errors import Conflict, InvalidRequest, NotAllowed
from huisuan.base.text_length import check_length
from huisuan.parties.models import Person
from huisuan.programmes.contracts.figures import declared_contract
from huisuan.programmes.models import Application, Contract, DutyHeld, Milestone, ProcedureEdge
from huisuan.programmes.workflow.permission import Permissions, is_applicant, unknown_application

_LONGEST = 1000


def lock_application(number: str) -> Application:
    """An application, locked until the transaction ends.

    Raises:
        NotFound: none of that number.
    """
    held = Application.objects.select_for_update(of=("self",), no_key=True)
    found = held.select_related("edition", "party", "city", "call").filter(number=number).first()
    if found is None:
        raise unknown_application(number)
    return found


def take_up(number: str, person: Person, now: datetime, action: str = "contract") -> Application:
    """The application, locked, for whoever has the duty of an action of it that day; the duty is theirs from here on.

    Raises:
        NotFound: no such application, as far as the person may know.
        NotAllowed: no post in force, tied to the applicant, another duty in this application, or a program.
        InvalidRequest: its procedure has no contract.
    """
    if person.machine or not person.is_active:
        raise NotAllowed("只有在用的个人账号可以办理：程序请用本人的令牌", code="application.needs_a_person")
    found = lock_application(number)
    permissions = Permissions.load(person, action, "", [found], now)
    if refusal := permissions.ask_duty(found):
        raise refusal
    if not declared_contract(found.edition):
        raise InvalidRequest(f"{number}：它的程序没有合同和节点", code="contract.not_in_procedure")
    duty = next(edge.duty for (edition, _), edge in permissions.edges.items() if edition == found.edition_id)
    DutyHeld.objects.get_or_create(application=found, person=person, defaults={"duty": duty})
    return found


def signing_duty(application: Application) -> str:
    """The duty by which its contract is signed; empty: its procedure signs none."""
    found = ProcedureEdge.objects.filter(edition=application.edition_id, action="contract")
    return found.values_list("duty", flat=True).first() or ""


def as_applicant(number: str, person: Person, *, lock: bool = True) -> Application:
    """The application of the person's own organisation.

    Raises:
        NotFound: none, as far as the person may know.
        NotAllowed: a member who only reads, or a program.
        InvalidRequest: its procedure has no contract.
    """
    found = lock_application(number) if lock else Application.objects.filter(number=number).first()
    if found is None or not is_applicant(person, found):
        raise unknown_application(number)
    if person.machine or person.widest_scope == "read":
        raise NotAllowed(f"{number}：由申报单位的人员办理（只读成员除外）", code="application.applicant_only")
    if not declared_contract(found.edition):
        raise InvalidRequest(f"{number}：它的程序没有合同和节点", code="contract.not_in_procedure")
    return found


def contract_of(application: Application) -> Contract:
    """Its contract.

    Raises:
        Conflict: none was drawn up.
    """
    found = Contract.objects.filter(application=application).select_related("application__edition").first()
    if found is None:
        raise Conflict(f"{application.number}：还没有合同", code="contract.none")
    return found


def lock_milestones(contract: Contract) -> list[Milestone]:
    """The milestones of a contract, by number, locked until the transaction ends: nobody votes on one meanwhile.

    After the application, as everywhere: experts lock the milestone alone.
    """
    return list(Milestone.objects.select_for_update(no_key=True).filter(contract=contract).order_by("number"))


def milestone_of(application: Application, number: int) -> Milestone:
    """A milestone of its contract.

    Raises:
        Conflict: none was drawn up, or it has no such milestone.
    """
    contract = contract_of(application)
    found = contract.milestones.filter(number=number).first()
    if found is None:
        raise Conflict(f"{application.number}：合同没有第 {number} 个节点", code="contract.milestone_unknown")
    return found


def said_text(text: str, what: str, most: int = _LONGEST) -> str:
    """What somebody wrote, of some length.

    Raises:
        InvalidRequest: nothing, or too long.
    """
    kept = check_length(text.strip(), most, what)
    if not kept:
        raise InvalidRequest(f"{what}不能为空", code="contract.text_missing")
    return kept
