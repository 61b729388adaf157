# ruff: noqa: S608 (our own SQL; values are parameters)
"""The use of each party by day, project and user, kept up with the ledgers: what budgets and statements add up.

Records are only added, so each is counted once, when it comes: a correction adds itself and takes away what it
supersedes. Days are cut by the cumulative rule of `metering.usage.slicing`, so that a month's days add up to what a
bill of the month counts, wherever prices change.
"""

from __future__ import annotations

from django.db import connection, transaction
from django.db.models import F, Sum
from django.db.models.functions import Coalesce

from huisuan.base.errors import Unavailable
from huisuan.compute.metering.usage.daily_totals import REFRESH_LIMIT, SHANGHAI_OFFSET_S
from huisuan.compute.models import Centre, PartyUseTally

_DAY = 86_400

#: a record of the platform's own job has its uid and its party; any other is its scheduler's user's
_COUNT = f"""
WITH asked AS (SELECT * FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[]) AS q (centre_id, after, last)),
came AS (
    SELECT u.*, 1 AS sign FROM asked JOIN compute_usagerecord u
        ON u.centre_id = asked.centre_id AND u.sequence > asked.after AND u.sequence <= asked.last
    UNION ALL
    SELECT o.*, -1 AS sign FROM asked
        JOIN compute_usagerecord n
            ON n.centre_id = asked.centre_id AND n.sequence > asked.after AND n.sequence <= asked.last
        JOIN compute_usagerecord o ON o.centre_id = n.centre_id AND o.sequence = n.supersedes
), span AS (
    SELECT came.party_id, job.project_id, coalesce(job.submitted_by, came."user") AS "user", came.centre_id,
        came.accelerator_id, sign * came.cards AS cards,
        extract(epoch FROM came.started_at)::bigint AS s, extract(epoch FROM came.ended_at)::bigint AS e,
        extract(epoch FROM came.ended_at - came.started_at)::bigint - came.suspended_seconds AS held
    FROM came LEFT JOIN compute_job job ON job.uid = came.job_id AND job.party_id = came.party_id
    WHERE came.party_id IS NOT NULL AND came.ended_at > came.started_at
), piece AS (
    SELECT party_id, project_id, "user", centre_id, accelerator_id, d AS day,
        cards * (held * (least(e, (d + 1) * {_DAY} - {SHANGHAI_OFFSET_S}) - s) / (e - s)
               - held * (greatest(s, d * {_DAY} - {SHANGHAI_OFFSET_S}) - s) / (e - s)) AS used
    FROM span CROSS JOIN LATERAL
        generate_series((s + {SHANGHAI_OFFSET_S}) / {_DAY}, (e - 1 + {SHANGHAI_OFFSET_S}) / {_DAY}) AS d
)
INSERT INTO compute_partyuseday AS t (party_id, project_id, "user", centre_id, accelerator_id, day, card_seconds)
SELECT party_id, project_id, "user", centre_id, accelerator_id, '1970-01-01'::date + day::int, sum(used)::bigint
FROM piece GROUP BY 1, 2, 3, 4, 5, day HAVING sum(used) <> 0
ORDER BY 1, 6, 2, 3, 4, 5
ON CONFLICT (party_id, day, project_id, "user", centre_id, accelerator_id)
DO UPDATE SET card_seconds = t.card_seconds + EXCLUDED.card_seconds
"""


def count_before_reading() -> None:
    """Count what has come, for somebody who looks and may not wait long.

    Raises:
        Unavailable: so much is not counted yet that it is left to the worker; what was read now would be too little.
    """
    if behind := count_if_few():
        raise Unavailable(
            f"还有 {behind:,} 条用量记录没有计入，平台正在计数：请过几分钟再试", code="use.not_counted_yet"
        )


def count_if_few() -> int:
    """Count what has come unless it is much, which is left to the worker; how many records are not counted then."""
    left = Sum(F("last_sequence") - Coalesce("party_tally__sequence", 0))
    behind: int = Centre.objects.aggregate(left=left)["left"] or 0
    if behind > REFRESH_LIMIT:
        return behind
    if behind:
        count_party_use()
    return 0


@transaction.atomic
def count_party_use() -> int:
    """Count the records that have come since the last time; at how many centres something had.

    One counts at a time; a second waits for the first, and then counts what came since.
    """
    behind = [
        (centre, counted or 0, last)
        for centre, last, counted in Centre.objects.values_list("pk", "last_sequence", "party_tally__sequence")
        if last > (counted or 0)
    ]
    if not behind:
        return 0
    centres = [centre for centre, _, _ in behind]
    PartyUseTally.objects.bulk_create([PartyUseTally(centre_id=each) for each in centres], ignore_conflicts=True)
    tallies = list(PartyUseTally.objects.select_for_update().filter(centre__in=centres).order_by("pk"))
    last = dict(Centre.objects.filter(pk__in=centres).values_list("pk", "last_sequence"))
    asked = [(each.centre_id, each.sequence, last[each.centre_id]) for each in tallies]
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, [list(column) for column in zip(*asked, strict=True)])
    for tally in tallies:
        tally.sequence = last[tally.centre_id]
    PartyUseTally.objects.bulk_update(tallies, ["sequence"])
    return len(tallies)
