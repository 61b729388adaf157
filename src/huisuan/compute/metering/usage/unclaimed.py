"""Usage of accounts that no party has claimed."""

from __future__ import annotations

from typing import Any

from django.db.models import (
    Count,
    Sum,
)

from huisuan.base.errors import NotFound
from huisuan.compute.metering.usage.records import current_usage
from huisuan.compute.models import Centre


def list_unclaimed_usage(code: str | None = None) -> list[dict[str, Any]]:
    """Users and accounts whose current records belong to no party yet, the largest use first."""
    records = current_usage().filter(party__isnull=True)
    if code is not None:
        if not Centre.objects.filter(code=code).exists():
            raise NotFound(f'没有代码为 "{code}" 的智算中心；用 huisuan centre list 查看', code="centre.unknown")
        records = records.filter(centre__code=code)
    rows = (
        records.order_by()
        .values("centre__code", "user", "account")
        .annotate(records=Count("sequence"), total=Sum("card_seconds"))
        .order_by("-total", "centre__code", "user", "account")
    )
    return [
        {
            "centre": row["centre__code"],
            "user": row["user"],
            "account": row["account"],
            "records": row["records"],
            "card_seconds": row["total"],
        }
        for row in rows
    ]
