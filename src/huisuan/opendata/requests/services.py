"""Asking for data, answering, and setting the term: each one transaction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import transaction

from huisuan.base.errors import Conflict, InvalidRequest, NotAllowed, NotFound
from huisuan.base.months import SHANGHAI
from huisuan.messages.notify import notify
from huisuan.messages.recipients import people_of_city, person_of_firm, working_group
from huisuan.opendata.catalogue.queries import get_entry
from huisuan.opendata.models import AnswerOutcome, AnswerTerm, DataRequest, RequestAnswer
from huisuan.opendata.models.requests import MOST_ANSWER_DAYS
from huisuan.opendata.requests.queries import term_on
from huisuan.opendata.vocabulary import ACCESS_WORDS, Access, find_word, fold
from huisuan.parties.models import Person, Region, Role

_ANSWERERS = (Role.CITY, Role.PROVINCE)
_LONGEST_PLAN = timedelta(days=366)  # a plan beyond it answers nothing
_PROVINCE = "0000"  # what the code of a province ends with


@dataclass(frozen=True)
class AskedData:
    """What is asked for, what for, and of which department of which region (six digits)."""

    title: str
    purpose: str
    department: str
    region: str


@dataclass(frozen=True)
class GivenAnswer:
    """Exactly one of: the code of an `entry`; an `access` class with `ground` and `text`; a day `plan` with `text`."""

    entry: str = ""
    access: str = ""
    ground: str = ""
    text: str = ""
    plan: date | None = None


@transaction.atomic
def request_data(asked: AskedData, person: Person, now: datetime) -> DataRequest:
    """Ask a department to list something; the term of today says until when it is to be answered.

    Raises:
        InvalidRequest: a text is missing or too long, or no such region.
        NotAllowed: whoever asks stands for no firm.
        Conflict: the firm's same request of that department still waits.
    """
    if person.role != Role.USER or person.party_id is None:
        raise NotAllowed("数据需求由在册的企业、高校、院所提出", code="data_request.for_users")
    limits = (("需要的数据", asked.title, 120), ("用途", asked.purpose, 1000), ("部门", asked.department, 120))
    title, purpose, department = (_text(name, value, most) for name, value, most in limits)
    region = Region.objects.filter(code=asked.region).first()
    if region is None:
        raise InvalidRequest(
            f"没有行政区划 {asked.region[:20]}；写六位代码，如 340100（合肥市）", code="data_request.region_unknown"
        )
    # two clicks of one firm wait for each other here; the second then finds the first
    party = type(person.party).objects.select_for_update().get(pk=person.party_id)  # type: ignore[union-attr]
    same = DataRequest.objects.filter(party=party, region=region, department=department).exclude(
        answers__outcome__in=[AnswerOutcome.LISTED, AnswerOutcome.CLASSED]
    )
    twin = next((each for each in same if fold(each.title) == fold(title)), None)
    if twin is not None:
        raise Conflict(f"同样的需求 {twin.pk} 还没有答复完：请等答复", code="data_request.asked_already")
    today = now.astimezone(SHANGHAI).date()
    term = term_on(today)
    made = DataRequest.objects.create(
        title=title, purpose=purpose, department=department, region=region, party=party, asked_by=person,
        asked_on=today, asked_at=now, working_days=term.working_days if term else None,
    )  # fmt: skip
    notify(
        "data_request_made", {"title": title, "number": str(made.pk), "department": department},
        to=[working_group() if region.pk.endswith(_PROVINCE) else people_of_city(region.pk)],
        key=f"data_request/{made.pk}", now=now, link=f"/opendata/requests/{made.pk}",
    )  # fmt: skip
    return made


@transaction.atomic
def answer_request(number: int, given: GivenAnswer, person: Person, now: datetime) -> RequestAnswer:
    """Answer a request, or say after a plan what became of it. Whoever asked is told.

    Raises:
        NotFound: no such request, or no such entry.
        NotAllowed: the person is neither of the province nor of the city that was asked.
        Conflict: it has its last answer.
        InvalidRequest: not exactly one kind of answer, or a part of it is missing.
    """
    asked = DataRequest.objects.select_for_update(of=("self",)).filter(pk=number).first()
    if asked is None or (person.role == Role.CITY and person.city_id != asked.region_id):
        raise NotFound(f"没有编号为 {number} 的数据需求", code="data_request.unknown")
    if person.role not in _ANSWERERS:
        raise NotAllowed("数据需求由所在的市或省专班答复", code="data_request.not_yours_to_answer")
    before = list(asked.answers.all())
    if before and before[-1].outcome != AnswerOutcome.PLANNED:
        raise Conflict(f"数据需求 {number} 已有最后的答复", code="data_request.answered_already")
    made = _compose(given, now.astimezone(SHANGHAI).date())
    made.request, made.number, made.by, made.at = asked, len(before) + 1, person, now
    made.save(force_insert=True)
    notify(
        "data_request_answered", {"title": asked.title, "number": str(asked.pk)},
        to=[person_of_firm(asked.party_id, asked.asked_by.username)], key=f"data_request/{asked.pk}/{made.number}",
        now=now, link=f"/opendata/requests/{asked.pk}",
    )  # fmt: skip
    return made


def _compose(given: GivenAnswer, today: date) -> RequestAnswer:
    """The one answer of the three that was given, checked."""
    if [bool(given.entry), bool(given.access), given.plan is not None].count(True) != 1:
        raise InvalidRequest(
            "答复须是三者之一：目录代码；开放属性，连同依据和理由；计划，连同列入的日期",
            code="data_request.one_answer",
        )
    if given.entry:
        text = _text("说明", given.text, 500) if given.text else ""
        return RequestAnswer(outcome="listed", entry=get_entry(given.entry).entry, text=text, answered_on=today)
    if given.plan is not None:
        if given.plan <= today:
            raise InvalidRequest(f"计划的日期 {given.plan} 须在今天之后", code="data_request.plan_is_past")
        if given.plan > today + _LONGEST_PLAN:
            raise InvalidRequest(
                f"计划的日期 {given.plan} 在一年以后：计划至多一年；更久的请答复不予开放或有条件开放，并写依据",
                code="data_request.plan_too_far",
            )
        return RequestAnswer(
            outcome="planned", planned_on=given.plan, text=_text("计划", given.text, 500), answered_on=today
        )
    access = find_word(ACCESS_WORDS, given.access)
    if access not in (Access.CONDITIONAL, Access.CLOSED):
        raise InvalidRequest(
            f"开放属性“{given.access[:20]}”不能作为答复：用 conditional（有条件开放）或 closed（不予开放）；"
            "无条件开放的请先列入清单，再以目录代码答复",
            code="data_request.class_unknown",
        )
    return RequestAnswer(
        outcome="classed", access=access, ground=_text("法律依据", given.ground, 300),
        text=_text("条件或理由", given.text, 500), answered_on=today,
    )  # fmt: skip


def set_answer_term(days: int, valid_from: date, authority: str, by: str, now: datetime) -> AnswerTerm:
    """Set within how many working days requests from a day on are answered; earlier requests keep their term.

    Raises:
        InvalidRequest: out of bounds, a day that is past, or no document.
    """
    if not 1 <= days <= MOST_ANSWER_DAYS:
        raise InvalidRequest(f"答复期限 {days}：须为 1 至 {MOST_ANSWER_DAYS} 个工作日", code="data_request.term_bounds")
    if valid_from < now.astimezone(SHANGHAI).date():
        raise InvalidRequest(f"期限自 {valid_from} 起：不能早于今天", code="data_request.term_is_past")
    return AnswerTerm.objects.create(
        working_days=days, valid_from=valid_from, authority=_text("依据的文件", authority, 300), by=by[:120], at=now
    )


def _text(name: str, value: str, most: int) -> str:
    clean = " ".join(value.split())
    if not clean or len(clean) > most or not clean.isprintable():
        raise InvalidRequest(f"{name}：须为 1 至 {most} 个字", code="data_request.text_wrong")
    return clean
