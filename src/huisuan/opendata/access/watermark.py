"""The copy of a released file that a grant's firm gets: the same rows or lines, with the mark of the grant."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from huisuan.base.content_store import ContentStore
from huisuan.base.paths import ensure_folder, home
from huisuan.opendata.access.marking import MARK_COLUMN, write_marked
from huisuan.opendata.access.released import ReadableRelease, release_to_dict
from huisuan.opendata.gate.stores import checked_path, released_shelf
from huisuan.opendata.models import DataGrant, GateRelease, GrantCopy

_PIECE = 1024 * 1024  # bytes


def granted_shelf() -> ContentStore:
    """Copies that bear the mark of a grant; whether they may be read, the database says."""
    return ContentStore(home() / "opendata" / "granted")


def grant_mark(grant: DataGrant) -> str:
    """What stands in each row of a copy."""
    return f"授权{grant.pk}/{grant.party.uscc}"


def marked_copy(release: GateRelease, grant: DataGrant, now: datetime) -> GrantCopy:
    """The copy of a release for a grant; made once.

    Raises:
        Unavailable: the released file is gone or changed.
    """
    made = GrantCopy.objects.filter(grant=grant, release=release).first()
    if made is not None and granted_shelf().path_of(made.sha256).is_file():
        return made
    source = checked_path(released_shelf(), release.sha256)
    sha256, size = store_marked(release.product.format, source, grant_mark(grant))
    made, _ = GrantCopy.objects.get_or_create(
        grant=grant, release=release, defaults={"sha256": sha256, "size": size, "at": now}
    )
    return made


def store_marked(form: str, source: Path, mark: str, column: str = MARK_COLUMN) -> tuple[str, int]:
    """Put the marked copy of a file on the shelf, whatever its size: its SHA-256 and its bytes."""
    shelf = ensure_folder(granted_shelf().folder)
    with tempfile.TemporaryDirectory(prefix=".marked.", dir=shelf) as folder:
        draft = Path(folder) / "copy"
        write_marked(form, source, draft, mark, column)
        return granted_shelf().store_pieces(_pieces(draft)), draft.stat().st_size


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            yield piece


def copies_made(reads: Iterable[ReadableRelease]) -> dict[int, GrantCopy]:
    """By release: the copies of these for their grants, as far as they were made."""
    wanted = {read.release.pk: read.grant.pk for read in reads if read.grant is not None}
    found = GrantCopy.objects.filter(release__in=wanted, grant__in=set(wanted.values()))
    return {copy.release_id: copy for copy in found if wanted[copy.release_id] == copy.grant_id}


def reads_to_dicts(reads: Sequence[ReadableRelease]) -> list[dict[str, Any]]:
    """Releases as JSON carries them to who reads them; a copy that is not made yet has no digest and no size."""
    copies, found = copies_made(reads), []
    for read in reads:
        copy = copies.get(read.release.pk)
        own = {} if read.grant is None else {"sha256": copy and copy.sha256, "size": copy and copy.size}
        found.append({**release_to_dict(read.release), **own})
    return found
