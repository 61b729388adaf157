"""The copy of a released file that a grant's firm gets: the same rows, each with the mark of the grant."""

from __future__ import annotations

import csv
import io
from datetime import datetime

from huisuan.base.content_store import ContentStore
from huisuan.base.paths import home
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
