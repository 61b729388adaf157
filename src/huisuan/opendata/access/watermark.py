"""The copy of a released file that a grant's firm gets: the same rows, each with the mark of the grant."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from huisuan.base.content_store import ContentStore
from huisuan.base.paths import home
from huisuan.opendata.access.released import ReadableRelease, release_to_dict
from huisuan.opendata.gate.stores import load_content, released_shelf
from huisuan.opendata.models import DataGrant, GateRelease, GrantCopy

MARK_COLUMN = "授权标记"


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
    write = _marked_csv if release.product.format == "csv" else _marked_parquet
    content = write(load_content(released_shelf(), release.sha256), grant_mark(grant))
    sha256 = granted_shelf().store(content)
    made, _ = GrantCopy.objects.get_or_create(
        grant=grant, release=release, defaults={"sha256": sha256, "size": len(content), "at": now}
    )
    return made


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


def _marked_csv(content: bytes, mark: str) -> bytes:
    rows = csv.reader(io.StringIO(content.decode()))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    for number, row in enumerate(rows):
        writer.writerow([*row, mark if number else MARK_COLUMN])
    return text.getvalue().encode()


def _marked_parquet(content: bytes, mark: str) -> bytes:
    import pyarrow
    from pyarrow import parquet

    table = parquet.read_table(io.BytesIO(content))
    table = table.append_column(MARK_COLUMN, pyarrow.array([mark] * table.num_rows, pyarrow.string()))
    table = table.replace_schema_metadata({"huisuan.grant": mark})
    buffer = io.BytesIO()
    parquet.write_table(table, buffer)
    return buffer.getvalue()
