"""The ledger of accesses under a grant: each row seals the one before, so that none is changed or left out unseen."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q

from huisuan.base.hashing import text_sha256
from huisuan.compute.metering.audit.folder import canonical
from huisuan.opendata.access.released import ReadableRelease
from huisuan.opendata.models import AccessWay, DataAccess, DataGrant, GateRelease
from huisuan.parties.models import Person
from huisuan.parties.viewer import Viewer

FOLDED_WITHIN = timedelta(minutes=10)
IN_RANGES = "分段"  # a download by ranges; the first of them stands behind


@transaction.atomic
def record_access(
    grant: DataGrant, release: GateRelease, username: str, way: AccessWay, now: datetime, detail: str = ""
) -> DataAccess:
    """Write down that somebody reads a release under a grant: before anything of it goes out."""
    DataGrant.objects.select_for_update(of=("self",)).get(pk=grant.pk)  # rows come one after another
    last = DataAccess.objects.filter(grant=grant).order_by("number").last()
    person = Person.objects.get(username=username)
    row = DataAccess(
        grant=grant, number=last.number + 1 if last else 1, release=release, person=person, way=way,
        detail=detail[:120], at=now, previous=last.sealed if last else "",
    )  # fmt: skip
    said = {"release__sha256": release.sha256, "person__username": person.username, "release_id": release.pk}
    row.sealed = _seal(grant.pk, {**vars(row), **said})
    row.save(force_insert=True)
    return row


@transaction.atomic
def record_download(
    grant: DataGrant,
    release: GateRelease,
    username: str,
    way: AccessWay,
    now: datetime,
    wanted: str = "",
    name: str = "",
) -> DataAccess:
    """Write down a download; further ranges of it, asked for by the same person within minutes, are that one.

    `wanted` is the range that is sent, "" the whole file: that is always an access of its own. `name` says what was
    loaded where it is not the released file itself.
    """
    if not wanted:
        return record_access(grant, release, username, way, now, name)
    ranges = f"{name} {IN_RANGES}".strip()
    begun = DataAccess.objects.filter(grant=grant, release=release, way=way, at__gte=now - FOLDED_WITHIN)
    begun = begun.filter(Q(detail=name) | Q(detail__startswith=ranges), person__username=username).order_by("-number")
    if (last := begun.first()) is None:
        DataGrant.objects.select_for_update(of=("self",)).get(pk=grant.pk)  # several ranges may begin at once
        last = begun.first()
    return last or record_access(grant, release, username, way, now, f"{ranges} {wanted}")


def note_access(read: ReadableRelease, viewer: Viewer | None, way: AccessWay, now: datetime, detail: str = "") -> None:
    """Write down an access where it is under a grant."""
    if read.grant is not None and viewer is not None:
        record_access(read.grant, read.release, viewer.name, way, now, detail)


def access_to_dict(row: DataAccess) -> dict[str, Any]:
    """A row of the ledger as JSON carries it, with what seals it."""
    return {
        "number": row.number, "at": row.at.isoformat(), "person": row.person.username, "way": row.way,
        "release": row.release_id, "detail": row.detail, "sealed": row.sealed,
    }  # fmt: skip


def broken_at(grant: DataGrant) -> int | None:
    """The number of the first row that does not follow from the one before; None: the ledger is whole."""
    previous = ""
    rows = grant.accesses.order_by("number").values_list("sealed", *_SEALED)
    for place, (sealed, *said) in enumerate(rows.iterator(), start=1):
        row = dict(zip(_SEALED, said, strict=True))
        if row["number"] != place or row["previous"] != previous or sealed != _seal(grant.pk, row):
            return place
        previous = sealed
    return None


#: what a row's seal is made of, as the database names it
_SEALED = ("number", "release_id", "release__sha256", "person__username", "way", "detail", "at", "previous")


def _seal(grant: int, row: Mapping[str, Any]) -> str:
    return text_sha256(
        canonical(
            {
                "grant": grant, "number": row["number"], "release": row["release_id"],
                "sha256": row["release__sha256"], "person": row["person__username"], "way": str(row["way"]),
                "detail": row["detail"], "at": row["at"].isoformat(), "previous": row["previous"],
            }
        )
    )  # fmt: skip
