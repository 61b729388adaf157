"""What some applications claim for, beside every other claim for the same or nearly the same: many at once, in SQL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from django.db import connection

from huisuan.programmes.claim_objects.codes import SHORTEST_END, ends_alike
from huisuan.programmes.models import OVER_STATES, Application, ClaimObject

#: what an application of those asked about names, and what another one names
ObjectPair: TypeAlias = tuple[ClaimObject, ClaimObject]

_PAIRS = """
    SELECT own.id, other.id
    FROM programmes_claimobject own
    JOIN programmes_claimobject other ON other.kind = own.kind AND other.application_id <> own.application_id
    {join}
    WHERE own.application_id = ANY(%(applications)s) AND {where}
    ORDER BY own.application_id, own.kind, own.code, other.id
"""
_ELSEWHERE = _PAIRS.format(
    join="AND other.code = own.code",
    where="""own.living AND other.living AND (own.series = '' OR other.series IN ('', own.series))
        AND (own.year = 0 OR other.year IN (0, own.year))
        AND (other.policy, other.ground) <> (own.policy, own.ground)""",
)
_SAME_GROUND = "AND (other.policy, other.ground, other.series) = (own.policy, own.ground, own.series)"
_CONTESTED = _PAIRS.format(
    join=_SAME_GROUND
    + " AND other.code = own.code JOIN programmes_application claim ON claim.id = other.application_id",
    where="""own.dropped_by_id IS NULL AND other.dropped_by_id IS NULL AND (other.living OR other.waits)
        AND claim.state <> ALL(%(over)s) AND (own.waits OR other.waits)
        AND (0 IN (own.year, other.year) OR own.year = other.year)""",
)
_ALIVE = "own.living AND other.living AND own.kind <> 'entitlement'"
#: claims on the ground whose code is the end of its own, or its own of theirs: the
#: longer may be theirs (found by its end, which an index holds the wrong way round) or ours (cut at each sign)
_AT_THEIR_END = """ AND reverse(other.code) COLLATE "C" > reverse(own.code)
    AND reverse(other.code) COLLATE "C" < reverse(own.code) || chr(1114111)
    AND length(own.code) >= %(shortest)s"""
_THEIRS_LONGER = _PAIRS.format(join=_SAME_GROUND + _AT_THEIR_END, where=_ALIVE)
_AT_OUR_END = """ AND other.code = ANY(ARRAY(
    SELECT right(own.code, n) FROM generate_series(%(shortest)s, length(own.code) - 1) n))"""
_OURS_LONGER = _PAIRS.format(join=_SAME_GROUND + _AT_OUR_END, where=_ALIVE)


@dataclass(frozen=True)
class SharedObjects:
    """What some applications name, beside what other living claims hold of it."""

    elsewhere: list[ObjectPair]
    alike: list[ObjectPair]
    contested: list[ObjectPair]


def shared_objects(applications: Sequence[Application]) -> SharedObjects:
    """All of it in one look: see the functions below."""
    found = _pairs(applications, (_ELSEWHERE, _THEIRS_LONGER, _OURS_LONGER, _CONTESTED))
    alike = [(own, other) for own, other in (*found[1], *found[2]) if ends_alike(own.code, other.code)]
    return SharedObjects(found[0], alike, found[3])


def held_elsewhere(applications: Sequence[Application]) -> list[ObjectPair]:
    """What they claim for, and the other living claims for it: on another ground, under another policy.

    A code of no city's series may be any city's. What two claims hold for different years is no overlap.
    """
    return _pairs(applications, (_ELSEWHERE,))[0]


def contested_with(applications: Sequence[Application]) -> list[ObjectPair]:
    """What they name, with each other claim on the ground that names it: one holds it, the others wait."""
    return _pairs(applications, (_CONTESTED,))[0]


def _pairs(applications: Sequence[Application], queries: Sequence[str]) -> list[list[ObjectPair]]:
    """By query its pairs, in the order of what the applications name."""
    whole = " UNION ALL ".join(f"(SELECT {at}, pair.* FROM ({query}) pair)" for at, query in enumerate(queries))  # noqa: S608 (fixed texts)
    with connection.cursor() as cursor:
        cursor.execute(
            whole,
            {"applications": [one.pk for one in applications], "shortest": SHORTEST_END, "over": list(OVER_STATES)},
        )
        rows = [(int(at), int(own), int(other)) for at, own, other in cursor.fetchall()]
    wanted = {pk for _, *pair in rows for pk in pair}
    objects = ClaimObject.objects.select_related("application").in_bulk(wanted) if wanted else {}
    return [[(objects[own], objects[other]) for kind, own, other in rows if kind == at] for at in range(len(queries))]
