"""Who may move money: posts that commit or pay, each for the programmes and the orders of its own office."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime

from django.db.models import QuerySet

from huisuan.base.errors import NotAllowed
from huisuan.base.months import SHANGHAI
from huisuan.law.policy import load_installed, load_policy
from huisuan.law.procedure import DUTY_WORDS, Duty, ProgrammeSpec
from huisuan.parties.models import Person
from huisuan.programmes.models import Application, Award, ProcedureEdge
from huisuan.programmes.offices import posts_in_force
from huisuan.programmes.workflow.permission import Permissions
from huisuan.treasury.models import AppropriationLine, PaymentOrder


def require_money_post(person: Person, duty: Duty, now: datetime, *, among: Collection[str] | None = None) -> set[str]:
    """The offices in which a person holds a post for a duty of money today; `among`: only these will do.

    Raises:
        NotAllowed: none in an office that commits or pays under some programme, or none among these; a program.
    """
    held = posts_in_force(person, now.astimezone(SHANGHAI).date()).filter(duty=duty)
    offices = set() if person.machine or not person.is_active else {post.office.name for post in held}
    stored = set(ProcedureEdge.objects.filter(duty=duty, office__in=offices).values_list("office", flat=True))
    offices &= stored or _declared_offices(duty)  # nobody may have applied yet under a programme that pays
    if not offices:
        raise NotAllowed(f"须由财政部门当天在任的{DUTY_WORDS[duty][0]}岗位办理", code="award.no_money_post_in_force")
    if among is not None and not offices.intersection(among):
        raise NotAllowed(
            f"须由{'、'.join(sorted(among))}当天在任的{DUTY_WORDS[duty][0]}岗位办理",
            code="award.money_of_another_office",
        )
    return offices


def committing_offices(policy: str, sentence: str) -> set[str]:
    """The offices that commit the money of a sentence; where its programmes commit nothing, those of the policy.

    Raises:
        LawError: no such policy.
    """
    programmes = load_policy(policy).programmes
    of_sentence = _with_duty((spec for spec in programmes if spec.sentence == sentence), Duty.COMMIT)
    return of_sentence or _with_duty(programmes, Duty.COMMIT)


def require_line_post(line: AppropriationLine, person: Person, now: datetime) -> None:
    """Refuse whoever does not commit for the office whose line it is.

    Raises:
        NotAllowed: no post to commit in force today in an office that commits under the line's sentence.
    """
    require_money_post(person, Duty.COMMIT, now, among=committing_offices(line.policy, line.sentence))


def orders_of(offices: Iterable[str]) -> QuerySet[PaymentOrder]:
    """The payment orders of what these offices pay."""
    edges = ProcedureEdge.objects.filter(duty=Duty.PAY, office__in=list(offices))
    awards = Award.objects.filter(application__edition__edges__in=edges)
    return PaymentOrder.objects.filter(instalment__commitment__award__in=awards.values("key"))


def barred_applications(orders: QuerySet[PaymentOrder], person: Person, now: datetime) -> dict[str, str]:
    """The applications that these orders pay and that the person may not pay, and why: a tie, another duty, a post."""
    awards = Award.objects.filter(key__in=orders.values("instalment__commitment__award"))
    applications = list(
        Application.objects.filter(pk__in=awards.values("application"))
        .select_related("edition", "party")
        .order_by("pk")
    )
    permissions = Permissions.load(person, "pay", "", applications, now)
    asked = ((one.number, permissions.ask_duty(one)) for one in applications)
    return {number: str(refusal) for number, refusal in asked if refusal is not None}


def require_own_orders(orders: QuerySet[PaymentOrder], person: Person, now: datetime) -> None:
    """Refuse whoever may not pay all of these.

    Raises:
        NotAllowed: which applications, and why.
    """
    if barred := barred_applications(orders, person, now):
        first = "；".join(list(barred.values())[:5])
        raise NotAllowed(
            f"其中 {len(barred)} 件的支付令不由您办理，没有记账；请由该单位其他支付人员办理：{first}",
            code="award.orders_of_others",
        )


def _declared_offices(duty: Duty) -> set[str]:
    """The offices that have a duty of money in some programme of the policies here."""
    laws, _ = load_installed()
    return {office for law in laws for office in _with_duty(law.programmes, duty)}


def _with_duty(programmes: Iterable[ProgrammeSpec], duty: Duty) -> set[str]:
    return {taken.office for spec in programmes for taken in spec.steps if taken.duty is duty}
