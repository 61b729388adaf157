"""Objects that two applicants name: the later claim waits behind the earlier one, and takes over once that is over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from fractions import Fraction

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from huisuan.base.errors import Conflict, Refused
from huisuan.law.forms import InvalidCell, parse_cell
from huisuan.law.model import LawError
from huisuan.law.policy import load_policy
from huisuan.law.procedure import State
from huisuan.programmes.claim_objects.alike import contested_with
from huisuan.programmes.claim_objects.codes import object_words
from huisuan.programmes.claim_objects.records import holders
from huisuan.programmes.models import Application, ApplicationStep, ApplicationSubmission, ClaimObject
from huisuan.programmes.step_conditions import AskedStep

_OVER = (State.REFUSED.value, State.WITHDRAWN.value)


def waiting_objects(applications: Sequence[Application]) -> QuerySet[ClaimObject]:
    """What some applications name and an earlier claim holds."""
    found = ClaimObject.objects.filter(application__in=applications, waits=True, dropped_by=None)
    return found.select_related("application__edition")


def hold_their_objects(applications: Sequence[Application], _asked: AskedStep) -> Mapping[int, Refused]:
    """Nothing is granted for what another claim named first and still holds, unless both share it."""
    waiting: dict[int, list[str]] = {}
    for one in waiting_objects(applications):
        if not _is_shared_whole(one):
            waiting.setdefault(one.application_id, []).append(object_words(one.kind, one.code))
    return {
        one.pk: Conflict(
            f"{one.number}：{'、'.join(waiting[one.pk])} 由另一单位在先的申报写明，还在办理：先定由谁主导，"
            "不成立的一件不予批准或退回删去，此件才能往下办；按份额分享的，各件的份额合计不超过 100%",
            code="claim_object.waits",
        )
        for one in applications
        if one.pk in waiting
    }


def _is_shared_whole(one: ClaimObject) -> bool:
    """Whether an object may be granted to several, and the portions of all who claim it come to no more than it."""
    edition = one.application.edition
    shared = next((each.get("shared") for each in edition.content.get("objects", []) if each["kind"] == one.kind), None)
    law = load_policy(edition.policy)
    held = law.adopted(law.valid_to, date.max).get(shared["by"]) if shared else None
    if shared is None or held is None or held.value != "share":
        return False
    claims = [one.application, *(other.application for own, other in contested_with([one.application]) if own == one)]
    portions = [_portion(claim, shared["portion"]) for claim in claims]
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
    for one in freed.order_by("pk"):
        alike = ClaimObject.objects.filter(
            policy=one.policy, ground=one.ground, kind=one.kind, series=one.series, code=one.code,
        )  # fmt: skip
        behind = alike.filter(waits=True, dropped_by=None).exclude(application__state__in=_OVER)
        for next_one in behind.exclude(pk=one.pk).order_by("pk"):
            named = (next_one.kind, next_one.series, next_one.year, next_one.code)
            if not holders(one.policy, one.ground, [named], besides=next_one.application_id):
                _hold(next_one)


def _hold(one: ClaimObject) -> None:
    """The object is held from now on, unless somebody new was quicker: then it goes on waiting behind that claim."""
    try:
        with transaction.atomic():
            ClaimObject.objects.filter(pk=one.pk).update(waits=False)
    except IntegrityError:
        return
