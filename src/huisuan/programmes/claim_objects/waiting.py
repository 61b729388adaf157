"""Objects that two applicants name: the later claim waits behind the earlier one, and takes over once that is over."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from django.db.models import Q, QuerySet, prefetch_related_objects

from huisuan.base.errors import Conflict, Refused
from huisuan.law.forms import InvalidCell, parse_cell
from huisuan.law.model import LawError
from huisuan.law.policy import load_policy
from huisuan.programmes.claim_objects.alike import contested_with
from huisuan.programmes.claim_objects.codes import object_words
from huisuan.programmes.claim_objects.passing import ObjectCode, contested_kinds, lock_codes, pass_on_codes
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
    shares = _Shares.load([one for one in applications if one.pk in may_share])
    waiting: dict[int, list[str]] = {}
    for one in waiting_objects(applications):
        if not shares.fit(one):
            waiting.setdefault(one.application_id, []).append(object_words(one.kind, one.code))
    found: dict[int, Refused] = {}
    for claim in applications:
        if claim.pk in waiting:
            found[claim.pk] = Conflict(
                f"{claim.number}：{'、'.join(waiting[claim.pk])} 由另一单位在先的申报写明，还在办理：先定由谁主导，"
                "不成立的一件不予批准或退回删去，此件才能往下办；按份额分享的，各件的份额合计不超过 100%",
                code="claim_object.waits",
            )
        elif beyond := shares.beyond(claim):
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
    return _Shares.load([claim]).beyond(claim)


@dataclass(frozen=True)
class _Shares:
    """Objects that some claims name beside others, and what each of those claims says last: in a few queries."""

    held: Mapping[int, list[ClaimObject]]  # by claim what it holds and others name, too
    others: Mapping[int, list[Application]]  # by object the other claims that name it
    said: Mapping[int, ApplicationSubmission]  # by claim

    @classmethod
    def load(cls, applications: Sequence[Application]) -> _Shares:
        """Of some claims; their editions are read once for all."""
        held: dict[int, dict[int, ClaimObject]] = {}
        others: dict[int, list[Application]] = {}
        pairs = contested_with(applications) if applications else []
        prefetch_related_objects([*applications, *(one.application for pair in pairs for one in pair)], "edition")
        for own, other in pairs:
            others.setdefault(own.pk, []).append(other.application)
            if not own.waits:
                held.setdefault(own.application_id, {})[own.pk] = own
        claims = {one.pk: one for one in (*applications, *(one for each in others.values() for one in each))}
        said = _latest_submissions(claims) if pairs else {}
        return cls({pk: list(each.values()) for pk, each in held.items()}, others, said)

    def beyond(self, claim: Application) -> list[str]:
        """What a claim holds and shares, where the portions are more than the whole, in words."""
        found = []
        for one in self.held.get(claim.pk, ()):
            fact = _shared_by(one)
            if fact is None:
                continue
            own_portion = self._portion(claim, fact)
            others = sum(self._portion(other, fact) or 0 for other in self.others[one.pk])
            if others + (1 if own_portion is None else own_portion) > 1:
                found.append(object_words(one.kind, one.code))
        return found

    def fit(self, one: ClaimObject) -> bool:
        """Whether an object may be granted to several, and the portions of all who claim it are no more than it."""
        fact = _shared_by(one)
        if fact is None:
            return False
        portions = [self._portion(claim, fact) for claim in (one.application, *self.others.get(one.pk, ()))]
        return None not in portions and sum(filter(None, portions)) <= 1

    def _portion(self, claim: Application, fact: str) -> Fraction | None:
        """The portion that a claim says last; None where it says none, or nothing that can be read."""
        made = self.said.get(claim.pk)
        try:
            rule = load_policy(claim.edition.policy).rule(claim.edition.rule_key)
            spec = next(spec for spec in rule.facts if spec.name == fact)
            said = parse_cell(spec, made.facts.get(fact, ""), by_people=True) if made is not None else None
        except (LawError, InvalidCell):
            return None
        return Fraction(said) if isinstance(said, (int, Fraction)) else None


def _latest_submissions(claims: Iterable[int]) -> dict[int, ApplicationSubmission]:
    made = ApplicationSubmission.objects.filter(application__in=claims).order_by("application_id", "-version")
    return {last.application_id: last for last in made.distinct("application_id")}


def _shared_by(one: ClaimObject) -> str | None:
    """The fact by which claims share an object, where it may be granted to several; None: it may not."""
    edition = one.application.edition
    shared = next((each.get("shared") for each in edition.content.get("objects", []) if each["kind"] == one.kind), None)
    law = load_policy(edition.policy)
    held = law.adopted(law.valid_to, date.max).get(shared["by"]) if shared else None
    return str(shared["portion"]) if shared and held is not None and held.value == "share" else None


def lock_their_objects(applications: Sequence[Application], _asked: AskedStep) -> Mapping[int, Refused]:
    """Refuses nothing: what the claims may free is locked before their state moves, in the order in which all lock."""
    lock_codes(map(ObjectCode.of, _contested_objects(ClaimObject.objects.filter(application__in=applications))))
    return {}


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
