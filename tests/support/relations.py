"""Relations between parties for tests, known since the day from which they hold unless a test says otherwise."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from huisuan.parties.models import Party, Relation


def relate(owner: Party, owned: Party, **fields: Any) -> Relation:
    """One party controls another since 2024 (or whatever the fields say)."""
    first = fields.get("valid_from", date(2024, 1, 1))
    plain = {"control": True, "valid_from": first, "known_from": first, "source": "test", "by": "test",
             "at": datetime(2024, 1, 1, tzinfo=UTC)}  # fmt: skip
    return Relation.objects.create(owner=owner, owned=owned, **(plain | fields))
