"""Moving an application to the procedure as its programme declares it now: an act of its own, on record, with a reason.

What was done stands, what follows goes by the newer procedure. The office that decides moves it, under that duty.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from huisuan.base.errors import Conflict, InvalidRequest, NotAllowed, Refused
from huisuan.base.text_length import check_length
from huisuan.law.model import LawError
from huisuan.law.policy import load_policy
from huisuan.law.procedure import (
    ACTION_WORDS,
    CLOSING_STATES,
    DUTY_WORDS,
    STATE_WORDS,
    Duty,
    State,
    names_each_city,
    procedure_digest,
)
from huisuan.parties.models import Person, Region, Role
from huisuan.programmes.models import CHOSEN_STATES, Application, DutyHeld, EditionMove, ProcedureEdge, ProcedureEdition
from huisuan.programmes.workflow.begin import city_edition, content_in_city, store_edition
from huisuan.programmes.workflow.permission import Permissions, unknown_application
from huisuan.programmes.workflow.step_messages import tell_of_move

_LONGEST_REASON = 1000
#: the acts that decide, as procedures have them: by a decision, or by an entry in a register
_DECIDING = ("decide", "record")
_IN_PUBLIC = frozenset({State.IN_PUBLICITY.value, State.SUSPENDED.value})


@transaction.atomic
def move_to_present(number: str, reason: str, person: Person, now: datetime) -> EditionMove:
    """Move an application to its programme's present procedure; the applicant is told.

    Raises:
        NotFound: no such application, as far as the person may know.
        NotAllowed: no post that day to decide on it, tied to the applicant, another duty in it, or a program.
        InvalidRequest: no reason.
        Conflict: it is under the present one; over, in public or under review; its state is none of the present
            procedure; or a duty would be another one there.
    """
    if person.machine or not person.is_active:
        raise NotAllowed("只有在用的个人账号可以办理：程序请用本人的令牌", code="application.needs_a_person")
    locked = Application.objects.select_for_update(of=("self",), no_key=True).filter(number=number)
    application = locked.select_related("party", "city", "edition").first()
    if application is None:
        raise unknown_application(number)
    permissions = _permissions(application, person, now)
    if refusal := permissions.ask_duty(application):
        raise refusal
    said = check_length(reason.strip(), _LONGEST_REASON, "理由")
    if not said:
        raise InvalidRequest(f"{number}：改按现行程序须写理由", code="move.reason_missing")
    if refusal := why_not_now(application):
        raise refusal
    present = _present_edition(application)
    _check_goes_on(application, present)
    edge = next(edge for (edition, _), edge in permissions.edges.items() if edition == application.edition_id)
    post = permissions.post_for(application, edge)
    assert post is not None  # ask_duty found one
    DutyHeld.objects.get_or_create(application=application, person=person, defaults={"duty": edge.duty})
    made = EditionMove.objects.create(
        application=application, from_edition=application.edition, to_edition=present,
        after_step=application.steps_taken, duty=edge.duty, person=person, post=post,
        at=max(now, application.state_since), reason=said,
    )  # fmt: skip
    tell_of_move(made)
    return made


def may_move(application: Application, person: Person, now: datetime) -> bool:
    """Whether a page offers the move: to whoever may, where the present procedure is another one."""
    if person.machine or not person.is_active or person.role == Role.USER:
        return False
    if present_digest(application) in ("", application.edition.digest) or why_not_now(application) is not None:
        return False
    return _permissions(application, person, now).ask_duty(application) is None


def present_digest(application: Application) -> str:
    """The digest of the procedure as the programme of an application declares it now; empty where it declares none."""
    try:
        spec = load_policy(application.edition.policy).programme(application.edition.key)
    except LawError:
        return ""
    return procedure_digest(content_in_city(spec.to_dict(), _city_of(application)))


def why_not_now(application: Application) -> Refused | None:
    """Why an application keeps its procedure for the time being, or for good, whatever the present one is."""
    number, state = application.number, State(application.state)
    if state in CLOSING_STATES:
        return Conflict(f"{number}：已办结，不再改按现行程序", code="move.over")
    if state.value in _IN_PUBLIC:
        return Conflict(f"{number}：公示期间不改程序：公示结束、异议答复后再办", code="move.in_public")
    if application.state not in CHOSEN_STATES and application.seats.exists():
        return Conflict(f"{number}：已抽取评审专家，评审按通知发布时的程序办完", code="move.under_review")
    return None


def _permissions(application: Application, person: Person, now: datetime) -> Permissions:
    has = set(application.edition.edges.values_list("action", flat=True))
    return Permissions.load(person, next((one for one in _DECIDING if one in has), "decide"), "", [application], now)


def _present_edition(application: Application) -> ProcedureEdition:
    """The present procedure, stored; in the city of the applicant where it names each."""
    number, key = application.number, application.edition.key
    try:
        present = store_edition(load_policy(application.edition.policy), key)
    except LawError:
        raise Conflict(f"{number}：政策已不声明程序 {key}，按原程序办完", code="move.programme_gone") from None
    if names_each_city(taken["office"] for taken in present.content["steps"]):
        present = city_edition(present, _city_of(application))
    if present.pk == application.edition_id:
        raise Conflict(f"{number}：已按现行程序办理", code="move.present_already")
    return present


def _check_goes_on(application: Application, present: ProcedureEdition) -> None:
    """Refuse what the database would: a state that the present procedure leaves not, a duty that is another there."""
    edges = list(ProcedureEdge.objects.filter(edition=present))
    if all(edge.from_state != application.state for edge in edges):
        state = STATE_WORDS[State(application.state)].official
        raise Conflict(
            f"{application.number}：现为{state}，现行程序没有这个状态：按原程序办到现行程序也有的状态再改",
            code="move.state_unknown_there",
        )
    duties: dict[str, set[str]] = {}
    for edge in edges:
        duties.setdefault(edge.action, set()).add(edge.duty)
    for step in application.steps.select_related("person"):
        if step.duty not in (there := duties.get(step.action, {step.duty})):
            other = "、".join(DUTY_WORDS[Duty(duty)][0] for duty in sorted(there))
            raise Conflict(
                f"{application.number}：“{ACTION_WORDS[step.action].zh}”由{step.person.name}以"
                f"{DUTY_WORDS[Duty(step.duty)][0]}的职责办过，现行程序里属于{other}：改了就不能保证职责分离，按原程序办完",
                code="move.duty_differs",
            )
    _check_money_apart(application, edges)


def _check_money_apart(application: Application, edges: list[ProcedureEdge]) -> None:
    """An office that decided does not commit the money there, nor the other way round."""
    taken = application.steps.filter(post__isnull=False).values_list("duty", "post__office__name")
    for duty, other in ((Duty.DECIDE, Duty.COMMIT), (Duty.COMMIT, Duty.DECIDE)):
        done = {office for held, office in taken if held == duty}
        if both := sorted(done & {edge.office for edge in edges if edge.duty == other}):
            raise Conflict(
                f"{application.number}：{both[0]}已办{DUTY_WORDS[duty][0]}，现行程序又由它{DUTY_WORDS[other][0]}："
                "两者须是不同的单位，按原程序办完",
                code="move.money_not_apart",
            )


def _city_of(application: Application) -> Region:
    found = application.party.region if application.party else application.city
    assert found is not None  # one of the two, by a constraint
    return found
