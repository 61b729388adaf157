"""Cases that the law leaves to be decided one by one (一事一议): with reasons, after the text's offices were heard.

The opinion of the office that decides is its decision.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from huisuan.base.errors import Conflict, InvalidRequest, Refused
from huisuan.law.model import LawError, RuleKind
from huisuan.law.policy import load_policy
from huisuan.law.procedure import EACH_CITY, Duty, office_in_city, offices_named
from huisuan.parties.models import Region
from huisuan.programmes.amounts.sources import computed_amounts, kind_of_edition, kinds_of
from huisuan.programmes.models import Application, OfficeOpinion, ProcedureEdition
from huisuan.programmes.offices import is_city
from huisuan.programmes.step_conditions import AskedStep


def hears_offices(application: Application) -> bool:
    """Whether a decision hears the text's offices: the law leaves it to them, or its procedure says so."""
    return _hears(application.edition)


def _hears(edition: ProcedureEdition) -> bool:
    return bool(edition.content.get("opinions")) or kind_of_edition(edition) is RuleKind.DISCRETION


def editions_heard_by(offices: Collection[str]) -> list[int]:
    """The procedures (keys) on whose cases one of some offices gives its opinion, as far as the text names it."""
    return [one.pk for one in ProcedureEdition.objects.all() if _hears(one) and _names_any(one, set(offices))]


def _names_any(edition: ProcedureEdition, offices: set[str]) -> bool:
    try:
        named = offices_named(load_policy(edition.policy).text, edition.content["sentence"])
    except LawError:  # a policy that is here no longer: nobody is asked
        return False
    return not offices.isdisjoint(named)


def offices_to_hear(application: Application) -> tuple[str, ...]:
    """The offices that the text names for its sentence, but those that decide; none where nobody is heard."""
    city = application.city or (application.party.region if application.party else None)
    return offices_heard(application.edition, city)


def offices_heard(edition: ProcedureEdition, city: Region | None) -> tuple[str, ...]:
    """The same under a procedure, for an applicant of a city: of the cities its own is heard, of no city none."""
    if not _hears(edition):
        return ()
    content = edition.content
    deciding = {taken["office"] for taken in content["steps"] if taken["duty"] == Duty.DECIDE}
    named = offices_named(load_policy(edition.policy).text, content["sentence"])
    there = (_in_its_city(office, city) for office in named)
    return tuple(office for office in there if office and office not in deciding)


def _in_its_city(office: str, city: Region | None) -> str:
    if office not in EACH_CITY:
        return office
    return office_in_city(office, city.name_zh) if city and is_city(city) else ""


def say_how_much_and_why(applications: Sequence[Application], asked: AskedStep) -> Mapping[int, Refused]:
    """What is decided case by case stands in public with the amount that is proposed, and the reasons for it."""
    kinds = kinds_of(applications)
    cases = [one for one in applications if kinds[one.edition_id] is RuleKind.DISCRETION]
    computed = computed_amounts(cases)
    refused: dict[int, Refused] = {}
    for one in cases:
        said = asked.said_of(one.number)
        amount = computed.get(one.pk) or said.get("amount_fen")
        if not amount or not str(said.get("reason") or asked.reason).strip():
            refused[one.pk] = InvalidRequest(
                f"{one.number}：一事一议的公示须写明拟支持的金额和理由（公示台，或 huisuan notice publish "
                "--amount、--reason）",
                code="notice.case_without_amount",
            )
    return refused


def are_heard(applications: Sequence[Application], asked: AskedStep) -> Mapping[int, Refused]:
    """What is decided case by case, or directed, says why, after every office that the text names was heard."""
    heard_in = {pk for pk, one in {one.edition_id: one.edition for one in applications}.items() if _hears(one)}
    cases = {one.pk: offices_to_hear(one) for one in applications if one.edition_id in heard_in}
    given: dict[int, set[str]] = {}
    for pk, office in OfficeOpinion.objects.filter(application__in=cases).values_list("application", "office__name"):
        given.setdefault(pk, set()).add(office)
    refused: dict[int, Refused] = {}
    for one in applications:
        city = one.city or (one.party.region if one.party else None)
        heard = {_in_its_city(office, city) for office in given.get(one.pk, ())}  # once all cities were one office
        missing = [office for office in cases.get(one.pk, ()) if office not in heard]
        if missing:
            refused[one.pk] = Conflict(
                f"{one.number}：须先有政策所列单位的意见，还缺{'、'.join(missing)}",
                code="award.opinions_missing",
            )
        elif one.pk in cases and not asked.reason.strip():
            refused[one.pk] = InvalidRequest(f"{one.number}：批准须写理由（--reason）", code="award.reason_missing")
    return refused
