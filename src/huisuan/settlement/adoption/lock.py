"""One settlement or adoption at a time."""

from __future__ import annotations

from django.db import connection

ONE_AT_A_TIME = 0x4855_4953  # key of the advisory lock


def one_at_a_time() -> None:
    """Wait until no other settlement runs and nobody adopts settings, and keep it so until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [ONE_AT_A_TIME])
