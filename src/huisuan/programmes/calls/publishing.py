"""Who publishes a call: a post in an office of the programme; where that is one per city, in the city of the call.

What a city opens is its own: the call carries the procedure in that city, and is amended, extended and taken to its
decision sheet there. A call of before carries that of all cities; it belongs to the city of whoever opened it, by the
person's own city or the post held that day. Where neither says one city, no government amends it or freezes its sheet
until the city of that person is on record: what one city announced is not another's to change.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from huisuan.base.errors import InvalidRequest, NotAllowed
from huisuan.base.months import SHANGHAI
from huisuan.law.policy import Policy
from huisuan.law.procedure import DUTY_WORDS, EACH_CITY, Duty, ProgrammeSpec, names_each_city
from huisuan.parties.models import Person, Region
from huisuan.programmes.models import Call, ProcedureEdition
from huisuan.programmes.offices import city_governments, is_city, offices_in, posts_in_force, store_offices
from huisuan.programmes.workflow.begin import city_edition, store_edition


def edition_to_open(spec: ProgrammeSpec, policy: Policy, by: Person, now: datetime) -> ProcedureEdition:
    """The procedure under which a person opens a call: where an office is one per city, that in the person's city.

    Raises:
        NotAllowed: no post to publish in force that day, or a program.
        InvalidRequest: posts in several cities' offices, and none in the person's own.
    """
    store_offices([policy])
    duty, named = _publishing(spec)
    if not may_publish(spec, by, now):
        raise _no_post(duty, named)
    edition = store_edition(policy, spec.key)
    if not names_each_city(named) or _held(by, duty, named, now):
        return edition
    cities = [place for place in Region.objects.all() if is_city(place)]
    there = [city for city in cities if _held(by, duty, _in_city(city, named), now)]
    own = [city for city in there if city.pk == by.city_id] or there
    if len(own) > 1:
        raise InvalidRequest(
            f"您在{'、'.join(city.name_zh for city in own)}都有岗位：通知是一个市的，请由只在该市任职的人发布",
            code="call.of_which_city",
        )
    return city_edition(edition, own[0])


def may_publish(spec: ProgrammeSpec, by: Person, now: datetime) -> bool:
    """Whether a person holds a post, that day, under which calls of a programme are opened; any city's."""
    duty, named = _publishing(spec)
    return _held(by, duty, _in_city(None, named), now)


def require_amender(call: Call, policy: Policy, by: Person, now: datetime) -> None:
    """Refuse who has no post to publish, that day, in the office whose call it is.

    Raises:
        NotAllowed: no such post in force, or a program.
    """
    spec = policy.programme(call.edition.key)
    store_offices([policy])
    if not may_amend(call, spec, by, now):
        duty, named = _publishing(spec)
        kept = kept_by(call, named)
        if kept.of_no_city:
            raise of_no_city(call, "call.no_post_in_force")
        raise _no_post(duty, kept.offices)


def may_amend(call: Call, spec: ProgrammeSpec, by: Person, now: datetime) -> bool:
    """Whether a person holds a post, that day, under which a call is amended and extended."""
    duty, named = _publishing(spec)
    return _held(by, duty, kept_by(call, named).offices, now)


def city_of_call(call: Call) -> Region | None:
    """The city to which a call belongs: whose procedure it carries, else whose person opened it; None: of no city.

    Whose that person was is said by the account, else by the posts held in one city's government on that day.
    """
    code = call.edition.content.get("city")
    if code:
        return Region.objects.get(code=code)
    if call.opened_by.city is not None:
        return call.opened_by.city
    governments = {office: city for city, office in city_governments().items()}
    posts = posts_in_force(call.opened_by, call.opened_at.astimezone(SHANGHAI).date())
    held = set(posts.filter(office__name__in=governments).values_list("office__name", flat=True))
    return Region.objects.get(code=governments[held.pop()]) if len(held) == 1 else None


def of_no_city(call: Call, code: str) -> NotAllowed:
    """The refusal where nobody can tell whose a call is."""
    return NotAllowed(
        f"{call.number} 由各市共用，发布人 {call.opened_by.username} 不属于哪一个市、当天也不在一个市任职：认不出由"
        "哪个市更正、延期和冻结决策表，请先由平台管理员登记该人所在的市",
        code=code,
    )


@dataclass(frozen=True)
class CallKeepers:
    """The offices whose a call is; `of_no_city`: the government that would act cannot be told."""

    offices: tuple[str, ...]
    of_no_city: bool


def kept_by(call: Call, named: Iterable[str]) -> CallKeepers:
    """Which of the offices that a procedure names act for a call."""
    city, offices = city_of_call(call), sorted(named)
    unknown = (city is None or not is_city(city)) and names_each_city(offices)
    acting = _in_city(city, [name for name in offices if not (unknown and name in EACH_CITY)])
    return CallKeepers(tuple(sorted(acting)), of_no_city=unknown)


def amended_by(call: Call) -> CallKeepers:
    """The offices that amend and extend a call, by the procedure that it carries."""
    steps = call.edition.content["steps"]
    duty = Duty.PUBLISH if any(taken["duty"] == Duty.PUBLISH for taken in steps) else Duty.REGISTER
    return kept_by(call, {taken["office"] for taken in steps if taken["duty"] == duty})


def _publishing(spec: ProgrammeSpec) -> tuple[Duty, set[str]]:
    """The duty to publish, and whose it is; where nothing stands in public, because nothing is approved, to register.

    Whoever keeps the register asks for it then.
    """
    duty = Duty.PUBLISH if any(taken.duty is Duty.PUBLISH for taken in spec.steps) else Duty.REGISTER
    return duty, {taken.office for taken in spec.steps if taken.duty is duty}


def _in_city(city: Region | None, named: Iterable[str]) -> set[str]:
    return {office for name in named for office in offices_in(city, name)}


def _held(by: Person, duty: Duty, offices: Iterable[str], now: datetime) -> bool:
    held = posts_in_force(by, now.astimezone(SHANGHAI).date()).filter(duty=duty, office__name__in=offices)
    return not by.machine and by.is_active and held.exists()


def _no_post(duty: Duty, offices: Iterable[str]) -> NotAllowed:
    return NotAllowed(
        f"申报通知由{'、'.join(sorted(offices))}当天在任的{DUTY_WORDS[duty][0]}岗位发布", code="call.no_post_in_force"
    )
