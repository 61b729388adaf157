"""One settlement or adoption at a time."""

from __future__ import annotations

from django.db import connection

SETTLEMENT_LOCK = 0x4855_4953  # key of the advisory lock


def lock_settlement() -> None:
    """Wait until no other settlement runs and nobody adopts settings, and keep it so until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [SETTLEMENT_LOCK])
