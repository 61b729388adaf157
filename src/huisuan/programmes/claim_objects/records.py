"""Storing what a submission claims for: what it names now, what it has left out, and who holds it already."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q

from huisuan.base.errors import Conflict
from huisuan.law.policy import Policy, PolicyRule, ground_of
from huisuan.law.procedure import OWN_SERIES, Held, ObjectKind
from huisuan.parties.models import Person
from huisuan.parties.viewer import Viewer
from huisuan.programmes.claim_objects.codes import PREFIXED, asked_objects, object_words
from huisuan.programmes.claim_objects.passing import ONE_HOLDS, ObjectCode, contested_kinds, pass_on_codes
from huisuan.programmes.models import CHOSEN_STATES, Application, ApplicationSubmission, ClaimObject


@dataclass(frozen=True)
class ClaimGround:
    """On what an application claims: objects are held once by policy and ground.

    Of rules that pay for the same by a name ("city-subsidy") each is a ground of its own: which of them pays beside
    which is for the stacking to say, and a flag shows it.
    """

    policy: str
    ground: str

    @classmethod
    def of(cls, policy: Policy, key: str) -> ClaimGround:
        """That of a rule; a programme without one claims its own sentence."""
        ground = ground_of(PolicyRule(policy, policy.claim_rule(key)))
        return cls(policy.name, ground if "/" in ground else f"{ground}/{policy.claim_rule(key).key}")


def record_objects(
    application: Application,
    ground: ClaimGround,
    named: Sequence[Mapping[str, str]],
    person: Person,
    submission: ApplicationSubmission | None = None,
) -> None:
    """Hold what a submission names; what the version before named and this one does not is free again.

    Raises:
        Conflict: another living claim on the ground holds one that may not be contested; it is named as far as the
            person may see it.
    """
    wanted = {(each["kind"], each["code"]): each["typed"] for each in named}
    _settle_contested(application, ground, wanted)
    held = {(one.kind, one.code): one for one in application.claim_objects.filter(dropped_by=None)}
    gone = [one.pk for key, one in held.items() if key not in wanted]
    if gone:
        ClaimObject.objects.filter(pk__in=gone).update(dropped_by=submission)
    new = [
        ClaimObject(
            application=application, submission=submission, policy=ground.policy, ground=ground.ground, kind=kind,
            series=series_of(application, kind), year=year_of(application, kind), code=code, typed=wanted[kind, code],
        )
        for kind, code in sorted(wanted.keys() - held.keys())
    ]  # fmt: skip
    for again in (True, False):
        for one in new:
            one.part = _next_part(one, application)
        _wait_or_refuse(new, person)
        try:
            with transaction.atomic():
                ClaimObject.objects.bulk_create(new)
        except IntegrityError as error:  # somebody was quicker
            if not again or ONE_HOLDS not in str(error):
                raise
        else:
            return


def _settle_contested(application: Application, ground: ClaimGround, wanted: Iterable[tuple[str, str]]) -> None:
    """Lock what the submission names or leaves out, where others may wait for it; who waits for nobody holds first."""
    contested = contested_kinds(ground.policy)
    codes = [ObjectCode.of(one) for one in application.claim_objects.filter(kind__in=contested)]
    codes += [
        ObjectCode(ground.policy, ground.ground, kind, series_of(application, kind), code)
        for kind, code in wanted
        if kind in contested
    ]
    pass_on_codes(codes)


def leaves_room(held: ClaimObject, city_id: str | None) -> bool:
    """Whether a city may claim again for what it holds for a year: some was granted, new vouchers are a further part.

    What it gets is computed beside what was granted; a voucher is still named once.
    """
    one = held.application
    return bool(held.year and city_id and one.city_id == city_id and one.state in CHOSEN_STATES)


def _next_part(new: ClaimObject, application: Application) -> int:
    if not new.year or application.city_id is None:
        return 0
    named = [(new.kind, new.series, new.year, new.code)]
    found = holders(new.policy, new.ground, named, besides=application.pk)
    free = all(leaves_room(one, application.city_id) for one in found)
    return max((one.part + 1 for one in found), default=0) if free else 0


def series_of(application: Application, kind: str) -> str:
    """Whose numbers the codes of a kind are: a city's own; else one series for all."""
    return application.city_id or "" if ObjectKind(kind) in OWN_SERIES else ""


def year_of(application: Application, kind: str) -> int:
    """The year for which an application holds its objects of a kind; 0: whatever the year."""
    return years_held(application.edition.content, application.year).get(kind, 0)


def years_held(procedure: Mapping[str, Any], year: int) -> dict[str, int]:
    """By kind the year for which a claim for `year` holds it under a stored procedure; 0: whatever the year."""
    return {spec.kind.value: year if spec.held is Held.PER_YEAR else 0 for spec in asked_objects(procedure)}


def holders(
    policy: str, ground: str, named: Iterable[tuple[str, str, int, str]], *, besides: int | None = None
) -> list[ClaimObject]:
    """The living claims on a ground that hold any of some objects (kind, series, year, code).

    What is held whatever the year (0) is held for each.
    """
    codes = Q(pk__in=())
    for kind, series, year, code in named:
        years = Q(year__in=(0, year)) if year else Q()
        codes |= Q(kind=kind, series=series, code=code) & years
    found = ClaimObject.objects.filter(codes, living=True, policy=policy, ground=ground)
    return list(found.exclude(application=besides).select_related("application").order_by("kind", "code"))


def holder_words(held: ClaimObject, person: Person) -> str:
    """The application that holds an object, by its number where the person may see it."""
    viewer = Viewer.for_person(person)
    own = viewer.parties("party") | Q(city__isnull=False, city=viewer.city)
    seen = Application.objects.filter(own, pk=held.application_id).exists()
    return f"申报 {held.application.number}" if seen else "另一单位的申报"


def _wait_or_refuse(new: Sequence[ClaimObject], person: Person) -> None:
    """What another claim holds waits where the procedure lets it be contested, else it is refused.

    Raises:
        Conflict: it may not be contested, or the applicant has named it itself.
    """
    if not new:
        return
    application = new[0].application
    found = holders(new[0].policy, new[0].ground, [_named(one) for one in new], besides=application.pk)
    found = [one for one in found if not leaves_room(one, application.city_id)]
    contested = {spec.kind.value for spec in asked_objects(application.edition.content) if spec.contested}
    taken = [one for one in found if one.kind not in contested or _same_applicant(one.application, application)]
    if taken:
        said = "；".join(f"{object_words(one.kind, one.code)} 已由{holder_words(one, person)}申报" for one in taken)
        if any(ObjectKind(one.kind) in PREFIXED for one in taken):
            raise Conflict(
                f"同一事由下一个申报对象只能有一件在办的申报：{said}。请核对编号；"
                "确是编号相同的另一份合同或发票，请在编号前写明对方的统一社会信用代码",
                code="claim_object.held",
            )
        raise Conflict(
            f"同一事由下一个申报对象只能有一件在办的申报：{said}。请核对编号；确属自己的，请向受理单位说明",
            code="claim_object.held",
        )
    before = {(one.kind, one.code) for one in found}
    for one in new:
        one.waits = (one.kind, one.code) in before


def _named(one: ClaimObject) -> tuple[str, str, int, str]:
    return one.kind, one.series, one.year, one.code


def _same_applicant(one: Application, other: Application) -> bool:
    return (one.party_id, one.city_id) == (other.party_id, other.city_id)
