# ruff: noqa: S608 (our own SQL; values are parameters)
"""The centres' use by day and model, kept up with their ledgers: what their pages and their capacity are read from.

Days are cut as `metering.slicing` cuts months: by the cumulative rule, so that the days of a month add up to the month.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from django.db import connection, transaction

from huisuan.compute.models import Centre, UsageTally

SHANGHAI_OFFSET_S = 8 * 3600  # seconds of Shanghai before UTC
_DAY = 86_400
_EPOCH = date(1970, 1, 1)
REFRESH_LIMIT = 20_000  # records that someone who looks may wait for; more is left to the worker

# Records that correct others are few, and kept apart: a planner that knows nothing of a fresh table yet went through
# all of it once for each record that came.
#: the days, since 1970, of records that came to some centres, and of those that they correct
TOUCHED_DAYS = f"""
WITH asked AS (SELECT * FROM unnest(%s::int[], %s::bigint[], %s::bigint[]) AS q (centre_id, after, last)),
came AS (
    SELECT u.centre_id, u.started_at, u.ended_at, u.supersedes
    FROM asked JOIN compute_usagerecord u ON u.centre_id = asked.centre_id AND sequence > after AND sequence <= last
), corrects AS MATERIALIZED (
    SELECT centre_id, supersedes FROM came WHERE supersedes IS NOT NULL
), stretch AS (
    SELECT centre_id, started_at, ended_at FROM came UNION ALL
    SELECT u.centre_id, u.started_at, u.ended_at FROM corrects JOIN compute_usagerecord u
        ON u.centre_id = corrects.centre_id AND u.sequence = corrects.supersedes
)
SELECT DISTINCT centre_id, day FROM stretch CROSS JOIN LATERAL generate_series(
    (extract(epoch FROM started_at)::bigint + {SHANGHAI_OFFSET_S}) / {_DAY},
    (greatest(extract(epoch FROM ended_at)::bigint - 1, extract(epoch FROM started_at)::bigint) + {SHANGHAI_OFFSET_S})
        / {_DAY}
) AS day ORDER BY day
"""
#: At one moment the ends come before the beginnings: slices of one run meet without counting twice. Of the cards held
#: at once the last second of a record does not count (metering.overuse says why).
TOTAL_DAY = """
WITH held AS (
    SELECT centre_id AS centre, model, cards, greatest(s, %(begins)s) AS begins,
        greatest(least(e - 1, %(ends)s), s, %(begins)s) AS ends,
        cards * (held * (least(e, %(ends)s) - s) / (e - s) - held * (greatest(s, %(begins)s) - s) / (e - s)) AS used
    FROM (
        SELECT centre_id, accelerator_id AS model, cards,
            extract(epoch FROM started_at)::bigint AS s, extract(epoch FROM ended_at)::bigint AS e,
            extract(epoch FROM ended_at - started_at)::bigint - suspended_seconds AS held
        FROM compute_usagerecord u
        WHERE centre_id = ANY(%(centres)s) AND ended_at > started_at
          AND started_at < to_timestamp(%(ends)s) AND ended_at > to_timestamp(%(begins)s) AND NOT EXISTS (
            SELECT 1 FROM compute_usagerecord n WHERE n.centre_id = u.centre_id AND n.supersedes = u.sequence)
    ) AS u
), step AS (
    SELECT centre, model, begins AS at, CASE WHEN begins < ends THEN cards ELSE 0 END AS cards FROM held
    UNION ALL SELECT centre, model, ends, -cards FROM held WHERE begins < ends
), running AS (
    SELECT centre, step.model, at, tflops_fp16 AS tflops,
        sum(cards) OVER (PARTITION BY centre, step.model ORDER BY at, cards ROWS UNBOUNDED PRECEDING) AS of_model,
        sum(cards) OVER whole AS of_all, sum(cards * tflops_fp16) OVER whole AS tflops_of_all
    FROM step JOIN compute_accelerator card ON card.id = step.model
    WINDOW whole AS (PARTITION BY centre ORDER BY at, cards ROWS UNBOUNDED PRECEDING)
), most AS (
    (SELECT DISTINCT ON (centre, model) centre, model, of_model AS cards, of_model * tflops AS tflops, at
     FROM running ORDER BY centre, model, of_model DESC, at)
    UNION ALL
    (SELECT DISTINCT ON (centre) centre, NULL, of_all, tflops_of_all, at
     FROM running ORDER BY centre, tflops_of_all DESC, at)
), total AS (
    SELECT centre, model, sum(used)::bigint AS used FROM held GROUP BY GROUPING SETS ((centre, model), (centre))
)
INSERT INTO compute_usageday (
    centre_id, day, accelerator_id, card_seconds, most_cards, most_tflops, most_at, sequence)
SELECT centre, '1970-01-01'::date + %(day)s::int, most.model, used, cards, tflops, to_timestamp(at), 0
FROM most JOIN total USING (centre) WHERE total.model IS NOT DISTINCT FROM most.model
"""
#: what records that came to some centres add to the current use that nobody has claimed: more, and less where one with
#: a party takes the place of one without
UNCLAIMED_CHANGE = """
WITH asked AS (SELECT * FROM unnest(%s::int[], %s::bigint[], %s::bigint[]) AS q (centre_id, after, last)),
came AS (
    SELECT u.centre_id, u.supersedes, u.party_id, u.card_seconds
    FROM asked JOIN compute_usagerecord u ON u.centre_id = asked.centre_id AND sequence > after AND sequence <= last
), corrects AS MATERIALIZED (
    SELECT centre_id, supersedes FROM came WHERE supersedes IS NOT NULL
)
SELECT centre_id, sum(records)::bigint, sum(card_seconds)::bigint FROM (
    SELECT centre_id, 1 AS records, card_seconds FROM came WHERE party_id IS NULL
    UNION ALL
    SELECT u.centre_id, -1, -u.card_seconds FROM corrects JOIN compute_usagerecord u
        ON u.centre_id = corrects.centre_id AND u.sequence = corrects.supersedes WHERE u.party_id IS NULL
) AS change GROUP BY centre_id
"""
MARK_DAYS = """
UPDATE compute_usageday SET sequence = %s WHERE centre_id = %s AND day = ANY(%s)
"""
DELETE_DAY = """
DELETE FROM compute_usageday WHERE centre_id = ANY(%(centres)s) AND day = '1970-01-01'::date + %(day)s::int
"""


def update_daily_totals(centre: Centre, at_most: int | None = None) -> int:
    """Count what has come since the last time; how many records are still not counted.

    With `at_most` nothing is done where more than so many wait: that is for the worker. Nothing is done either while
    another counts.
    """
    left = count_untotalled(centre)
    if not left or (at_most is not None and left > at_most):
        return left
    _count([centre.pk])
    return count_untotalled(centre)


def updated_tally(centre: Centre, at_most: int) -> tuple[UsageTally | None, int]:
    """A centre's tally after counting what has come, at most so many records; how many are still not counted.

    Where nothing has come, the database is asked no more than for the tally, where the centre was read without it.
    """
    tally: UsageTally | None = getattr(centre, "tally", None)
    if centre.last_sequence == (tally.sequence if tally else 0):
        return tally, 0
    left = update_daily_totals(centre, at_most)
    return UsageTally.objects.filter(centre=centre).first(), left


def count_untotalled(centre: Centre) -> int:
    """How many records of a centre are not counted yet."""
    return _untotalled_by_centre().get(centre.pk, 0)


def update_all_daily_totals() -> int:
    """Count what has come at every centre; at how many something had."""
    behind = _untotalled_by_centre()
    many = [[centre] for centre, left in behind.items() if left > REFRESH_LIMIT]
    few = [centre for centre, left in behind.items() if left <= REFRESH_LIMIT]
    for together in (*many, few):  # a day's records are read once for all of them
        if together:
            _count(together)
    return len(behind)


def _untotalled_by_centre() -> dict[int, int]:
    """By centre the records that are not counted yet, where there are any."""
    rows = Centre.objects.values_list("pk", "last_sequence", "tally__sequence")
    return {centre: left for centre, last, counted in rows if (left := last - (counted or 0)) > 0}


@transaction.atomic
def _count(centres: Sequence[int]) -> None:
    UsageTally.objects.bulk_create([UsageTally(centre_id=centre) for centre in centres], ignore_conflicts=True)
    tallies = list(UsageTally.objects.select_for_update(skip_locked=True).filter(centre__in=centres).order_by("pk"))
    last = dict(Centre.objects.filter(tally__in=tallies).values_list("pk", "last_sequence"))
    touched: dict[int, list[int]] = defaultdict(list)  # day since 1970 -> centres
    days: dict[int, list[date]] = defaultdict(list)  # centre -> days
    with connection.cursor() as cursor:
        asked = [(tally.centre_id, tally.sequence, last[tally.centre_id]) for tally in tallies]
        came = [list(column) for column in zip(*asked, strict=True)] or [[], [], []]
        cursor.execute(UNCLAIMED_CHANGE, came)
        unclaimed = {centre: change for centre, *change in cursor.fetchall()}
        cursor.execute(TOUCHED_DAYS, came)
        for centre, day in cursor.fetchall():
            touched[day].append(centre)
            days[centre].append(_EPOCH + timedelta(days=day))
        for day, there in touched.items():
            span: dict[str, Any] = {
                "centres": there,
                "day": day,
                "begins": day * _DAY - SHANGHAI_OFFSET_S,
                "ends": (day + 1) * _DAY - SHANGHAI_OFFSET_S,
            }
            cursor.execute(DELETE_DAY, span)
            cursor.execute(TOTAL_DAY, span)
        for centre, changed in days.items():
            cursor.execute(MARK_DAYS, [last[centre], centre, changed])
    for tally in tallies:
        records, seconds = unclaimed.get(tally.centre_id, (0, 0))
        tally.sequence = last[tally.centre_id]
        tally.unclaimed_records += records
        tally.unclaimed_card_seconds += seconds
    UsageTally.objects.bulk_update(tallies, ["sequence", "unclaimed_records", "unclaimed_card_seconds"])
