"""What is released and readable now, and by whom. Every way out of the platform asks here, for each piece it hands out.

Open data is everyone's. Conditional data is for who holds a grant in force, and for its provider: people of the city
that it is of, and of the province. What was taken back, superseded, or whose entry was closed since is gone: 410.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet

from huisuan.base.errors import Gone, NotAllowed, NotFound
from huisuan.base.months import SHANGHAI
from huisuan.compute.keys.platform_key import public
from huisuan.opendata.access.grants import grants_in_force
from huisuan.opendata.gate.statements import release_paper
from huisuan.opendata.gate_arrows import GateState
from huisuan.opendata.models import CatalogueVersion, DataGrant, GateRelease
from huisuan.opendata.vocabulary import Access
from huisuan.parties.models import Role
from huisuan.parties.viewer import Viewer

RELEASE_FORMS = {
    "csv": "text/csv; charset=utf-8", "parquet": "application/vnd.apache.parquet",
    "jsonl": "application/x-ndjson; charset=utf-8", "txt": "text/plain; charset=utf-8", "pdf": "application/pdf",
}  # fmt: skip
_ENDS = (GateState.SUSPENDED, GateState.SUPERSEDED, GateState.WITHDRAWN)
_RELATED = ("file__entry__latest__region", "product__remake", "scan")


def released_now(code: str = "") -> QuerySet[GateRelease]:
    """Every product that is out now, whoever may have it; of one entry, or of all. Newest file first, CSV first."""
    found = GateRelease.objects.out()
    found = found.exclude(file__entry__latest__access=Access.CLOSED)
    found = found.filter(file__entry__code=code.upper()) if code else found
    return found.select_related(*_RELATED).order_by("-file_id", "product__format")


def readable_by(viewer: Viewer | None, now: datetime, code: str = "") -> QuerySet[GateRelease]:
    """Those of them that somebody may read now; None: whoever is not signed in."""
    return released_now(code).filter(_may_read(viewer, now))


def public_files(entries: Collection[int], now: datetime) -> dict[int, list[GateRelease]]:
    """By entry the releases that everyone may read, newest file first: one query."""
    found: dict[int, list[GateRelease]] = {}
    for release in readable_by(None, now).filter(file__entry__in=entries):
        found.setdefault(release.file.entry_id, []).append(release)
    return found


def _may_read(viewer: Viewer | None, now: datetime) -> Q:
    mine = Q(file__entry__latest__access=Access.OPEN)
    if viewer is None:
        return mine
    if viewer.role == Role.PROVINCE:
        return Q()
    if viewer.role == Role.CITY:
        return mine | Q(file__entry__latest__region_id=viewer.city)
    if viewer.role == Role.USER and viewer.party_id is not None:
        return mine | Q(file__entry__in=grants_in_force(viewer.party_id, now).values("entry"))
    return mine


@dataclass(frozen=True)
class ReadableRelease:
    """A release that somebody may read, and the grant by which; None: it is open, or theirs as its provider."""

    release: GateRelease
    grant: DataGrant | None


def readable(release: GateRelease, viewer: Viewer | None, now: datetime) -> ReadableRelease:
    """A release that is out, with the grant under which somebody reads it.

    Raises:
        NotAllowed: it is conditional, and whoever asks neither provides it nor holds a grant in force.
        Gone: the grant that they held was revoked.
    """
    found = list_readable([release], viewer, now)
    if not found:
        if (revoked := _revoked(release, viewer)) is not None:
            raise revoked
        raise NotAllowed(
            f"{standing(release).title}是有条件开放的数据：须有对它的授权，见它的目录页", code="opendata.grant_needed"
        )
    return found[0]


def _revoked(release: GateRelease, viewer: Viewer | None) -> Gone | None:
    """That the last grant of somebody's firm was revoked, with the day and the office."""
    if viewer is None or viewer.role != Role.USER or viewer.party_id is None:
        return None
    held = DataGrant.objects.filter(party_id=viewer.party_id, entry=release.file.entry_id, accepted_at__isnull=False)
    grant = held.select_related("revoked_by__city").order_by("-pk").first()
    if grant is None or grant.revoked_at is None:
        return None
    day = grant.revoked_at.astimezone(SHANGHAI).date().isoformat()
    return Gone(f"第 {grant.pk} 号授权已收回：{day}，{_revoker(grant)}", code="grant.revoked")


def _revoker(grant: DataGrant) -> str:
    """The office that revoked it; of one whose ground ended by itself, that the platform did."""
    if grant.revoked_by is None:
        return "平台自动收回"
    return "省专班" if grant.revoked_by.city is None else grant.revoked_by.city.name_zh


def list_readable(releases: Iterable[GateRelease], viewer: Viewer | None, now: datetime) -> list[ReadableRelease]:
    """Those of the releases that somebody may read, each with its grant; grants are asked for once, for all."""
    rows = list(releases)
    grants: dict[int, DataGrant] = {}
    if viewer is not None and viewer.role == Role.USER and viewer.party_id is not None:
        entries = {row.file.entry_id for row in rows if standing(row).access != Access.OPEN}
        held = grants_in_force(viewer.party_id, now).filter(entry__in=entries).select_related("party").order_by("-pk")
        grants = {grant.entry_id: grant for grant in held} if entries else {}
    found = []
    for row in rows:
        grant = grants.get(row.file.entry_id)
        if standing(row).access == Access.OPEN or _provides(row, viewer):
            found.append(ReadableRelease(row, None))
        elif grant is not None:
            found.append(ReadableRelease(row, grant))
    return found


def _provides(release: GateRelease, viewer: Viewer | None) -> bool:
    """Whether somebody is of the city that it is of, or of the province."""
    if viewer is None:
        return False
    return viewer.role == Role.PROVINCE or (viewer.role == Role.CITY and viewer.city == standing(release).region_id)


def get_release(number: int, viewer: Viewer | None, now: datetime) -> ReadableRelease:
    """A release that somebody may read now.

    Raises:
        NotFound: there never was one of that number.
        Gone: it was taken back, superseded, its entry was closed since, or the grant they held was revoked.
        NotAllowed: it is conditional, and whoever asks holds no grant in force.
    """
    found = GateRelease.objects.filter(pk=number).select_related(*_RELATED).first()
    if found is None:
        raise NotFound("没有这份已放行的文件", code="gate.not_out")
    if gone := why_gone(found):
        raise gone
    return readable(found, viewer, now)


def get_newest_table(code: str, viewer: Viewer | None, now: datetime) -> ReadableRelease:
    """The newest table of an entry, as somebody may read it.

    Raises:
        NotFound: nothing was ever released of it.
        Gone, NotAllowed: see `get_release`.
    """
    tables = GateRelease.objects.filter(file__entry__code=code.upper(), product__format="parquet")
    newest = released_now(code).filter(product__format="parquet").first() or tables.order_by("-pk").first()
    if newest is None:
        raise NotFound(f"{code[:40]} 没有能查询的数据：还没有放行", code="query.nothing_to_read")
    return get_release(newest.pk, viewer, now)


def why_gone(release: GateRelease) -> Gone | None:
    """Why a release is out no more, with the day and the office; None: it is out."""
    version = standing(release)
    if version.access != Access.CLOSED and release.is_out:
        return None
    closed = release.file.state == GateState.RELEASED and version.access == Access.CLOSED
    since, done = (version.at, "改为不予开放") if closed else _file_gone(release)
    day = since.astimezone(SHANGHAI).date().isoformat()
    return Gone(
        f"{version.title}（第 {release.pk} 份）{done}：{day}，{version.department}", code="opendata.gone"
    )  # fmt: skip


def last_gone(code: str) -> Gone | None:
    """Why the newest release of an entry is out no more; None: it is out, or there never was one."""
    newest = (
        GateRelease.objects.filter(file__entry__code=code.upper()).select_related(*_RELATED).order_by("-pk").first()
    )
    return why_gone(newest) if newest is not None else None


def _file_gone(release: GateRelease) -> tuple[datetime, str]:
    """Since when, and by what. Outside nobody learns how far a file is that is judged again: it stays suspended."""
    state = GateState(release.file.state)
    if state == GateState.RELEASED:
        state = GateState.SUPERSEDED  # by what was made of the same file later
    elif state not in _ENDS:
        last = release.file.steps.filter(to_state=GateState.SUSPENDED).last()
        return (last.at if last else release.file.state_since), GateState.SUSPENDED.label
    return release.file.state_since, state.label


def is_out(number: int, viewer: Viewer | None, now: datetime) -> bool:
    """Whether a release may still be read: asked again and again while it is sent."""
    return readable_by(viewer, now).filter(pk=number).exists()


def standing(release: GateRelease) -> CatalogueVersion:
    """What the list says now of the entry of a release."""
    version = release.file.entry.latest
    if version is None:  # an entry is listed with its first version, in one transaction
        raise NotFound("没有这份已放行的文件", code="gate.not_out")
    return version


def download_name(release: GateRelease) -> str:
    """What a release is called where it is saved."""
    return f"{release.file.entry.code}.{release.product.format}"


def release_to_dict(release: GateRelease) -> dict[str, Any]:
    """A release as JSON carries it; nothing here is of what lies inside."""
    return {
        "number": release.pk, "entry": release.file.entry.code, "file": release.file_id,
        "title": standing(release).title, "access": standing(release).access, "format": release.product.format,
        "media_type": RELEASE_FORMS[release.product.format], "size": release.product.size, "sha256": release.sha256,
        "rows": release.product.remake.rows, "released_at": release.at.isoformat(),
        "licence": standing(release).licence, "name": download_name(release),
    }  # fmt: skip


def statement_paper(release: GateRelease) -> str:
    """The signed statement of a release, as `huisuan data verify` reads it."""
    return release_paper(release.statement, release.signature, public())


def scan_paper(release: GateRelease) -> str:
    """The signed statement of the scan of what was released."""
    return release_paper(release.scan.statement, release.scan.signature, public())


def list_columns(release: GateRelease) -> list[str]:
    """The columns of a release, in their order: what its recipe kept."""
    recipe = release.product.remake.recipe
    columns = json.loads(recipe) if isinstance(recipe, str) else recipe
    return [each["heading"] for each in columns["columns"] if each["kept"]]  # a document has none
