"""Objects that two applicants name: the later claim waits behind the earlier one, and takes over once that is over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from fractions import Fraction

from django.db.models import Q, QuerySet

from huisuan.base.errors import Conflict, Refused
from huisuan.law.forms import InvalidCell, parse_cell
from huisuan.law.model import LawError
from huisuan.law.policy import load_policy
from huisuan.programmes.claim_objects.alike import contested_with
from huisuan.programmes.claim_objects.codes import object_words
from huisuan.programmes.claim_objects.passing import ObjectCode, contested_kinds, pass_on_codes
from huisuan.programmes.models import Application, ApplicationStep, ApplicationSubmission, ClaimObject
from huisuan.programmes.step_conditions import AskedStep


def waiting_objects(applications: Sequence[Application]) -> QuerySet[ClaimObject]:
    """What some applications name and an earlier claim holds."""
    found = ClaimObject.objects.filter(application__in=applications, waits=True, dropped_by=None)
    return found.select_related("application__edition")


def hold_their_objects(applications: Sequence[Application], _asked: AskedStep) -> Mapping[int, Refused]:
    """Nothing is granted for what another claim named first and still holds, unless both share it; and of what several
    share no more than the whole, whoever of them comes to it.
    """
    contested = _contested_objects(ClaimObject.objects.filter(application__in=applications, dropped_by=None))
    pass_on_codes(map(ObjectCode.of, contested))
    may_share = {one.application_id for one in contested}
    waiting: dict[int, list[str]] = {}
    for one in waiting_objects(applications):
        if not _is_shared_whole(one):
            waiting.setdefault(one.application_id, []).append(object_words(one.kind, one.code))
    found: dict[int, Refused] = {}
    for claim in applications:
        if claim.pk in waiting:
            found[claim.pk] = Conflict(
                f"{claim.number}：{'、'.join(waiting[claim.pk])} 由另一单位在先的申报写明，还在办理：先定由谁主导，"
                "不成立的一件不予批准或退回删去，此件才能往下办；按份额分享的，各件的份额合计不超过 100%",
                code="claim_object.waits",
            )
        elif claim.pk in may_share and (beyond := shared_beyond(claim)):
            found[claim.pk] = Conflict(
                f"{claim.number}：{'、'.join(beyond)} 另有单位的申报写明，各件的份额合计超过 100%：先核定各自的份额，"
                "写多的退回改正，不成立的不予批准，此件才能往下办",
                code="claim_object.shares_beyond",
            )
    return found


def shared_beyond(claim: Application) -> list[str]:
    """What a claim holds and shares with others, where all portions together are more than the whole, in words.

    One that says no portion is given the whole; of others' claims those count that say one.
    """
    pairs, found = contested_with([claim]), []
    for one in {own.pk: own for own, _other in pairs if not own.waits}.values():
        fact = _shared_by(one)
        if fact is None:
            continue
        own_portion = _portion(claim, fact)
        others = sum(_portion(other.application, fact) or 0 for own, other in pairs if own.pk == one.pk)
        if others + (1 if own_portion is None else own_portion) > 1:
            found.append(object_words(one.kind, one.code))
    return found


def _shared_by(one: ClaimObject) -> str | None:
    """The fact by which claims share an object, where it may be granted to several; None: it may not."""
    edition = one.application.edition
    shared = next((each.get("shared") for each in edition.content.get("objects", []) if each["kind"] == one.kind), None)
    law = load_policy(edition.policy)
    held = law.adopted(law.valid_to, date.max).get(shared["by"]) if shared else None
    return str(shared["portion"]) if shared and held is not None and held.value == "share" else None


def _is_shared_whole(one: ClaimObject) -> bool:
    """Whether an object may be granted to several, and the portions of all who claim it come to no more than it."""
    fact = _shared_by(one)
    if fact is None:
        return False
    claims = [one.application, *(other.application for own, other in contested_with([one.application]) if own == one)]
    portions = [_portion(claim, fact) for claim in claims]
    return None not in portions and sum(filter(None, portions)) <= 1


def _portion(claim: Application, fact: str) -> Fraction | None:
    """The portion that a claim says last; None where it says none, or nothing that can be read."""
    made = ApplicationSubmission.objects.filter(application=claim).order_by("-version").first()
    try:
        rule = load_policy(claim.edition.policy).rule(claim.edition.rule_key)
        spec = next(spec for spec in rule.facts if spec.name == fact)
        said = parse_cell(spec, made.facts.get(fact, ""), by_people=True) if made is not None else None
    except (LawError, InvalidCell):
        return None
    return Fraction(said) if isinstance(said, (int, Fraction)) else None


def pass_on_objects(steps: Sequence[ApplicationStep]) -> None:
    """What claims no longer hold goes to the first that waits for it, one after another, by their order of arrival."""
    freed = ClaimObject.objects.filter(application__in=[step.application_id for step in steps], living=False)
    pass_on_codes(map(ObjectCode.of, _contested_objects(freed)))


def _contested_objects(objects: QuerySet[ClaimObject]) -> list[ClaimObject]:
    """Those of a kind that two may name."""
    any_policy = Q(pk__in=())
    for policy in objects.order_by().values_list("policy", flat=True).distinct():
        any_policy |= Q(policy=policy, kind__in=contested_kinds(policy))
    return list(objects.filter(any_policy))
