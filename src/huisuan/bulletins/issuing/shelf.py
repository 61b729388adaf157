"""Where the files of issued bulletins and the templates of offices lie, each by its digest."""

from __future__ import annotations

from huisuan.base.content_store import ContentStore
from huisuan.base.paths import home


def bulletins_shelf() -> ContentStore:
    """The shelf `bulletins` of the platform's folder."""
    return ContentStore(home() / "bulletins")
