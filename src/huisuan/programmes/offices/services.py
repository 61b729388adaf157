"""Making offices from the policies; giving posts and ending them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime

from django.db import transaction
from django.db.models import Q, QuerySet

from huisuan.base.errors import Conflict, InvalidRequest, NotAllowed, NotFound
from huisuan.base.months import SHANGHAI
from huisuan.law.model import LawError
from huisuan.law.policy import Policy, list_policies, load_policy
from huisuan.law.procedure import DUTY_WORDS, EACH_CITY, Duty, names_each_city, office_in_city
from huisuan.parties.models import Person, Region, Role
from huisuan.programmes.models import OFFICIAL_DUTIES, Office, Post

_A_PROVINCE = "0000"
_GIVERS = (Role.PROVINCE, Role.OPERATOR)
_NEVER_OFFICIALS = (Role.AUDITOR, Role.OPERATOR)  # who audits does not act, and who manages people gives posts


def store_offices(policies: Iterable[Policy]) -> None:
    """The offices that take a step of some programme or keep a register; those known before stay as they are."""
    named = set()
    for policy in policies:
        named |= {taken.office for programme in policy.programmes for taken in programme.steps if taken.office}
        named |= {register.office for register in policy.registers}
    named = acting_offices(named) - EACH_CITY
    Office.objects.bulk_create([Office(name=name) for name in sorted(named)], ignore_conflicts=True)


def acting_offices(named: Iterable[str]) -> set[str]:
    """Some offices as procedures name them, with that of every city of the province where one is that of each city."""
    found = set(named)
    if names_each_city(found):
        cities = [place for place in Region.objects.all() if is_city(place)]
        found |= {office_in_city(name, city.name_zh) for name in found & EACH_CITY for city in cities}
    return found


def offices_in(city: Region | None, office: str) -> set[str]:
    """Which offices act where a procedure names one: for what concerns a city its own government, else that of any."""
    if office in EACH_CITY and city is not None and is_city(city):
        return {office_in_city(office, city.name_zh)}
    return acting_offices([office]) - EACH_CITY


def city_governments() -> dict[str, str]:
    """The government of each city of the province, by the code of the city."""
    cities = [place for place in Region.objects.all() if is_city(place)]
    return {city.code: office_in_city(name, city.name_zh) for name in EACH_CITY for city in cities}


def is_city(place: Region) -> bool:
    """Whether a place is a city of the province: not the province itself, nor another one."""
    return place.in_anhui and not place.code.endswith(_A_PROVINCE)


def store_every_office() -> None:
    """The offices of every policy here that can be read."""
    readable = []
    for name in list_policies():
        try:
            readable.append(load_policy(name))
        except LawError:  # its own page says what is wrong with it
            continue
    store_offices(readable)


@transaction.atomic
def give_post(
    person: Person,
    office: str,
    duty: str,
    from_day: date,
    given_by: Person,
    now: datetime,
    *,
    until_day: date | None = None,
    stands_in_for: Post | None = None,
) -> Post:
    """Give a person a duty in an office, from a day until a day (both count).

    Raises:
        NotFound: no text names that office.
        InvalidRequest: no such duty; the office of each city, without saying which; it ends before it begins; a
            stand-in without an end, for another duty or oneself.
        NotAllowed: to oneself; to a program, an auditor or an operator; by whoever gives no posts.
    """
    if duty not in OFFICIAL_DUTIES:
        known = "、".join(f"{name}（{DUTY_WORDS[Duty(name)][0]}）" for name in OFFICIAL_DUTIES)
        raise InvalidRequest(f"没有职责 {duty}；可用 {known}", code="post.duty_unknown")
    found = _find_office(office)
    _check_people(person, given_by)
    if until_day is not None and until_day < from_day:
        raise InvalidRequest(f"岗位止于 {until_day}，早于起始的 {from_day}", code="post.ends_before_it_begins")
    if stands_in_for is not None:
        _check_stand_in(stands_in_for, person, found, duty, until_day)
    return Post.objects.create(
        person=person, office=found, duty=duty, from_day=from_day, until_day=until_day, stands_in_for=stands_in_for,
        given_by=given_by, given_at=now,
    )  # fmt: skip


def _find_office(name: str) -> Office:
    if name in EACH_CITY:
        raise InvalidRequest(
            f"“{name}”是各市各自的人民政府：请写明哪个市，如 {office_in_city(name, '合肥市')}",
            code="office.of_each_city",
        )
    found = Office.objects.filter(name=name).first()
    if found is None:  # a policy may have come since offices were last made
        store_every_office()
        found = Office.objects.filter(name=name).first()
    if found is None:
        raise NotFound(
            f"没有单位“{name}”：单位出自政策文本的责任单位、配合单位，见 huisuan post offices", code="office.unknown"
        )
    return found


def _check_people(person: Person, given_by: Person) -> None:
    if given_by.pk == person.pk:
        raise NotAllowed("岗位须由另一人给予", code="post.to_oneself")
    if person.machine or given_by.machine:
        raise NotAllowed("程序账号不能担任或给予岗位", code="post.needs_a_person")
    if given_by.role not in _GIVERS or not given_by.is_active:
        raise NotAllowed("岗位由省专班人员或平台管理员给予和结束", code="post.giver_role")
    if person.role in _NEVER_OFFICIALS or not person.is_active:
        raise NotAllowed(
            f"{person.name}不能担任岗位：审计和平台管理员不办理申报，停用的账号也不能", code="post.holder_role"
        )


def _check_stand_in(held: Post, person: Person, office: Office, duty: str, until_day: date | None) -> None:
    if until_day is None:
        raise InvalidRequest("代理须写明止于哪天", code="post.stand_in_without_end")
    if (held.office_id, held.duty) != (office.pk, duty):
        raise InvalidRequest("代理的单位和职责须与被代理的岗位相同", code="post.stand_in_differs")
    if held.person_id == person.pk:
        raise InvalidRequest("代理须是另一人", code="post.stand_in_oneself")


@transaction.atomic
def end_post(post: Post, last_day: date, ended_by: Person, now: datetime) -> Post:
    """End a post after a day; the day before today at the earliest, as what was done until now stands.

    Raises:
        Conflict: it was ended before.
        InvalidRequest: the day lies further back, or after its last day.
        NotAllowed: by whoever gives no posts and does not hold it.
    """
    held = Post.objects.select_for_update().get(pk=post.pk)
    if ended_by.machine or not ended_by.is_active or (ended_by.role not in _GIVERS and ended_by.pk != held.person_id):
        raise NotAllowed("岗位由省专班人员或平台管理员给予和结束，本人也可辞去", code="post.giver_role")
    if held.ended_on is not None:
        raise Conflict(f"此岗位已于 {held.ended_on} 结束", code="post.ended_before")
    if (now.astimezone(SHANGHAI).date() - last_day).days > 1:
        raise InvalidRequest("岗位的最后一天至早是昨天：之前的行为已经成立", code="post.ends_in_the_past")
    if held.until_day is not None and last_day > held.until_day:
        raise InvalidRequest(f"岗位本就止于 {held.until_day}：延长请另给一个", code="post.ends_later_than_given")
    held.ended_on, held.ended_by, held.ended_at = last_day, ended_by, now
    held.save(update_fields=["ended_on", "ended_by", "ended_at"])
    return held


def posts_in_force(person: Person, day: date) -> QuerySet[Post]:
    """The posts that a person holds on a day, Asia/Shanghai."""
    return every_post_in_force(day).filter(person=person)


def every_post_in_force(day: date) -> QuerySet[Post]:
    """The posts that anybody holds on a day, Asia/Shanghai."""
    return (
        Post.objects.filter(from_day__lte=day)
        .filter(Q(until_day__isnull=True) | Q(until_day__gte=day))
        .filter(Q(ended_on__isnull=True) | Q(ended_on__gte=day))
        .select_related("office")
    )
