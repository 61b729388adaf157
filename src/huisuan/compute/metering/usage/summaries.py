# ruff: noqa: S608 (names of columns come from our own lists; values are parameters)
"""Usage records as people and programs ask for them: lists, and sums by month, party, centre, model."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import connection
from django.db.models import QuerySet

from huisuan.base.errors import InvalidRequest, NotFound
from huisuan.base.months import SHANGHAI
from huisuan.compute.metering.usage.records import current_usage
from huisuan.compute.models import Centre, UsageRecord
from huisuan.parties.viewer import Viewer

_CHUNK = 5000
_FIELDS = (
    "centre__code", "sequence", "supersedes", "cluster", "job_id", "run", "array_index", "user", "account",
    "party__uscc", "partition", "accelerator__model", "requested_cards", "cards", "card_seconds", "started_at",
    "ended_at", "suspended_seconds", "state", "source_file_id", "source_line",
)  # fmt: skip
_NAMES = {
    "centre__code": "centre",
    "party__uscc": "party",
    "accelerator__model": "model",
    "started_at": "start",
    "ended_at": "end",
}
SUMMED_BY = {
    "party": "party",
    "month": "month",
    "centre": "centre",
    "model": "model",
    "user": '"user"',
    "account": "account",
    "state": "state",
}


@dataclass(frozen=True)
class UsageFilter:
    """Which records are asked for; None: any. `month` is "2024-01" (Asia/Shanghai), `after` is "centre/sequence"."""

    centre: str | None = None
    party: str | None = None
    user: str | None = None
    job: str | None = None
    month: str | None = None
    unclaimed: bool = False
    after: str | None = None


def month_bounds(text: str) -> tuple[datetime, datetime]:
    """The first moments of a month and of the next, at Asia/Shanghai.

    Raises:
        InvalidRequest: not a month.
    """
    try:
        first = date.fromisoformat(f"{text}-01")
        if not 1970 <= first.year < 9999:
            raise ValueError("beyond what a record can hold")
    except ValueError:
        raise InvalidRequest(f'月份 "{text}" 写法不对；请写成 2024-01', code="month.malformed") from None
    following = date(first.year + first.month // 12, first.month % 12 + 1, 1)
    starts, ends = (datetime(day.year, day.month, 1, tzinfo=SHANGHAI) for day in (first, following))
    return starts, ends


def list_usage_records(asked: UsageFilter, viewer: Viewer | None = None) -> QuerySet[UsageRecord]:
    """Current records as asked for, those that the viewer may see, by centre's code and sequence.

    Raises:
        NotFound: an unknown centre.
        InvalidRequest: a month or an `after` that is not one.
    """
    records = current_usage()
    if viewer is not None:
        records = records.filter(viewer.usage())
    if asked.centre is not None:
        if not Centre.objects.filter(code=asked.centre).exists():
            raise NotFound(
                f'没有代码为 "{asked.centre}" 的智算中心；用 huisuan centre list 查看', code="centre.unknown"
            )
        records = records.filter(centre__code=asked.centre)
    if asked.unclaimed:
        records = records.filter(party__isnull=True)
    for path, value in (("party__uscc", asked.party), ("user", asked.user), ("job_id", asked.job)):
        if value is not None:
            records = records.filter(**{path: value})
    if asked.month is not None:
        starts, ends = month_bounds(asked.month)
        records = records.filter(started_at__lt=ends, ended_at__gte=starts).exclude(
            ended_at=starts, started_at__lt=starts
        )
    if asked.after is not None:
        code, _, sequence = asked.after.rpartition("/")
        if not code or not sequence.isdecimal():
            raise InvalidRequest(
                f'after "{asked.after}" 写法不对；应为上一页最后一条的 中心/序号，如 hefei-1/500',
                code="usage.after_malformed",
            )
        records = records.filter(centre__code__gte=code).exclude(centre__code=code, sequence__lte=int(sequence))
    return records.order_by("centre__code", "sequence")


def usage_rows(records: QuerySet[UsageRecord], limit: int | None = None) -> Iterator[dict[str, Any]]:
    """Records as JSON shows them, read from the database piece by piece."""
    values = records.values_list(*_FIELDS)
    names = [_NAMES.get(field, field) for field in _FIELDS]
    for row in values[:limit].iterator(_CHUNK) if limit is not None else values.iterator(_CHUNK):
        yield dict(zip(names, row, strict=True))


def summarise_usage(by: list[str], asked: UsageFilter, viewer: Viewer | None = None) -> list[dict[str, Any]]:
    """Card-seconds and records by any of party, month, centre, model, user, account, state.

    A record that crosses a month counts in each month with its slice (see `metering.slicing`), exactly.

    Raises:
        InvalidRequest: nothing to sum by, or something unknown.
        NotFound: an unknown centre.
    """
    unknown = [name for name in by if name not in SUMMED_BY]
    if not by or unknown:
        raise InvalidRequest(
            f"--by {','.join(unknown) or '（空）'} 不可用；可用：{'、'.join(SUMMED_BY)}", code="usage.group_unknown"
        )
    by = list(dict.fromkeys(by))
    keys = ", ".join(SUMMED_BY[name] for name in by)
    records, parameters = _source(asked, viewer)
    cut = _BY_MONTH if "month" in by or asked.month else _WHOLE
    wanted = "WHERE month = %s" if asked.month else ""
    query = f"""
        WITH u AS ({records}), piece AS ({cut})
        SELECT {keys}, sum(card_seconds)::bigint, count(*)::bigint FROM piece {wanted} GROUP BY {keys} ORDER BY {keys}
    """
    with connection.cursor() as cursor:
        cursor.execute(query, [*parameters, *([asked.month] if asked.month else [])])
        rows = cursor.fetchall()
    return [dict(zip([*by, "card_seconds", "records"], row, strict=True)) for row in rows]


def _source(asked: UsageFilter, viewer: Viewer | None) -> tuple[str, tuple[Any, ...]]:
    """SQL of the records with the names that the sums use."""
    records = list_usage_records(asked, viewer).order_by()
    names = ("centre__code", "party__uscc", "accelerator__model", "user", "account", "state", "cards", "card_seconds")
    times = ("started_at", "ended_at", "suspended_seconds")
    sql, parameters = records.values_list(*names, *times).query.sql_with_params()
    columns = 'centre, party, model, "user", account, state, cards, card_seconds, started_at, ended_at, suspended'
    return f"SELECT * FROM ({sql}) AS q ({columns})", parameters


_WHOLE = "SELECT *, NULL::text AS month FROM u"

# the cumulative rule of metering.slicing: what lies before a cut is held * (cut - started) div (ended - started)
_BY_MONTH = """
    SELECT centre, party, model, "user", account, state, to_char(first, 'YYYY-MM') AS month,
        CASE WHEN one THEN card_seconds ELSE cards * (
            CASE WHEN cut_to >= e THEN held ELSE held * (cut_to - s) / (e - s) END
            - CASE WHEN cut_from <= s THEN 0 ELSE held * (cut_from - s) / (e - s) END
        ) END AS card_seconds
    FROM (
        SELECT *, extract(epoch FROM started_at)::bigint AS s, extract(epoch FROM ended_at)::bigint AS e,
            extract(epoch FROM ended_at)::bigint - extract(epoch FROM started_at)::bigint - suspended AS held,
            date_trunc('month', started_at AT TIME ZONE 'Asia/Shanghai') AS opens,
            date_trunc('month', greatest(started_at, ended_at - interval '1 second') AT TIME ZONE 'Asia/Shanghai')
                AS closes
        FROM u
    ) AS spans
    CROSS JOIN LATERAL (
        SELECT first, opens = closes AS one,
            extract(epoch FROM first AT TIME ZONE 'Asia/Shanghai')::bigint AS cut_from,
            extract(epoch FROM (first + interval '1 month') AT TIME ZONE 'Asia/Shanghai')::bigint AS cut_to
        FROM generate_series(opens, closes, interval '1 month') AS first
    ) AS months
"""
