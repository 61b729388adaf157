"""An object that nobody holds any more goes to the first claim that waits for it, one claim at a time.

Who names an object, frees one or grants something for one holds a lock on its code meanwhile: else a claim that comes
while the holder goes would wait for nobody.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.db import IntegrityError, connection, transaction
from django.db.models import Q

from huisuan.programmes.models import OVER_STATES, ClaimObject, ProcedureEdition

#: the constraint by which one claim at a time holds an object
ONE_HOLDS = "one_living_claim_holds_an_object"


@dataclass(frozen=True, order=True)
class ObjectCode:
    """What the claims on a ground name alike, for whichever year."""

    policy: str
    ground: str
    kind: str
    series: str
    code: str

    @classmethod
    def of(cls, one: ClaimObject) -> ObjectCode:
        """That of an object as a claim names it."""
        return cls(one.policy, one.ground, one.kind, one.series, one.code)

    @property
    def same(self) -> Q:
        """Every claim's object of this code."""
        return Q(policy=self.policy, ground=self.ground, kind=self.kind, series=self.series, code=self.code)


def contested_kinds(policy: str) -> frozenset[str]:
    """The kinds of objects that two may name under some procedure of a policy: only for those does anybody wait."""
    rows = ProcedureEdition.objects.filter(policy=policy).values_list("content__objects", flat=True)
    return frozenset(each["kind"] for objects in rows for each in objects or () if each.get("contested"))


def lock_codes(codes: Iterable[ObjectCode]) -> list[ObjectCode]:
    """Lock codes until the transaction ends, always in the same order, so that no two wait for each other."""
    found = sorted(set(codes))
    with connection.cursor() as cursor:
        for one in found:
            said = f"claim object {one.policy} {one.ground} {one.kind} {one.series} {one.code}"
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [said])
    return found


def pass_on_codes(codes: Iterable[ObjectCode]) -> None:
    """Of each code what nobody holds goes to who waits for it, in the order of arrival; the codes are locked."""
    for one in lock_codes(codes):
        behind = ClaimObject.objects.filter(one.same, waits=True, dropped_by=None)
        for waiting in behind.exclude(application__state__in=OVER_STATES).order_by("pk"):
            years = Q(year__in=(0, waiting.year)) if waiting.year else Q()
            held = ClaimObject.objects.filter(one.same, years, living=True)
            if not held.exclude(application=waiting.application_id).exists():
                _hold(waiting)


def _hold(one: ClaimObject) -> None:
    """The object is held from now on, unless somebody new was quicker: then it goes on waiting behind that claim."""
    try:
        with transaction.atomic():
            ClaimObject.objects.filter(pk=one.pk).update(waits=False)
    except IntegrityError as error:
        if ONE_HOLDS not in str(error):
            raise
