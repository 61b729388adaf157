"""More cards in use at once than a centre has: found by one sweep in the database, metered all the same, flagged.

A record covers whole seconds, its beginning rounded down and its end up: one that begins in the second in which another
ended may have followed it. So the last second of each does not count here.
"""

from __future__ import annotations

from datetime import datetime

from django.db import connection

from huisuan.base.months import SHANGHAI
from huisuan.compute.metering.checks.anomaly import Anomaly, FlagKind
from huisuan.compute.models import Centre

SPAN = """
SELECT array_agg(DISTINCT accelerator_id), min(started_at), max(ended_at) FROM compute_usagerecord
WHERE centre_id = %(centre)s AND sequence >= %(sequence)s AND ended_at > started_at
"""
#: For each model and day (Shanghai) on which a fresh record is part of it: the first moment of the highest peak. The
#: span comes as values, so that the planner knows how little of the table it is.
_OVER = """
WITH near AS (
    SELECT u.accelerator_id, u.cards, u.started_at, u.ended_at, u.sequence
    FROM compute_usagerecord u
    WHERE u.centre_id = %(centre)s AND u.accelerator_id = ANY(%(models)s)
      AND u.ended_at > %(first)s AND u.started_at < %(last)s
      AND u.ended_at > u.started_at + interval '1 second' AND NOT EXISTS (
        SELECT 1 FROM compute_usagerecord s WHERE s.centre_id = u.centre_id AND s.supersedes = u.sequence
    )
), edge AS (
    SELECT accelerator_id, started_at AS at, cards AS change, sequence FROM near
    UNION ALL SELECT accelerator_id, ended_at - interval '1 second', -cards, 0 FROM near
), level AS (
    SELECT accelerator_id, at, sequence, sum(change) OVER (
        PARTITION BY accelerator_id ORDER BY at, change ROWS UNBOUNDED PRECEDING
    ) AS held FROM edge
), owned AS (
    SELECT accelerator_id, sum(nodes * cards_per_node) AS cards FROM compute_partition
    WHERE centre_id = %(centre)s GROUP BY accelerator_id
), over AS (
    SELECT DISTINCT ON (level.accelerator_id, (at AT TIME ZONE 'Asia/Shanghai')::date)
        level.accelerator_id, at, held, coalesce(owned.cards, 0) AS cards, sequence
    FROM level LEFT JOIN owned USING (accelerator_id)
    WHERE sequence > 0 AND held > coalesce(owned.cards, 0) AND at < %(last)s
    ORDER BY level.accelerator_id, (at AT TIME ZONE 'Asia/Shanghai')::date, held DESC, at
)
SELECT model, at, held::bigint, cards::bigint, sequence FROM over
JOIN compute_accelerator a ON a.id = over.accelerator_id ORDER BY at, model
"""


def find_overuse(centre: Centre, first: int) -> list[Anomaly]:
    """What the records from sequence `first` on make too much: one anomaly a model and day, about its highest peak."""
    with connection.cursor() as cursor:
        cursor.execute(SPAN, {"centre": centre.pk, "sequence": first})
        models, starts, ends = cursor.fetchone()
        if not models:
            return []
        cursor.execute(_OVER, {"centre": centre.pk, "models": models, "first": starts, "last": ends})
        return [_anomaly(*row) for row in cursor.fetchall()]


def _anomaly(model: str, at: datetime, held: int, cards: int, sequence: int) -> Anomaly:
    local = at.astimezone(SHANGHAI)
    text = (
        f"{local:%Y-%m-%d %H:%M:%S} {model} 同时使用 {held:,} 卡，中心登记 {cards:,} 卡；记录照计，请核对卡数或分区登记"
    )
    return Anomaly(FlagKind.OVER_CAPACITY, f"{model} {local:%Y-%m-%d}", text, sequence=sequence, size=held)
