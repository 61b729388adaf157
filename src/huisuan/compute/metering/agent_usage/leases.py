"""Which runs a centre was ever given, and what of a usage line can be checked against that."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import connection

from huisuan.base.months import SHANGHAI
from huisuan.compute.accelerators import Card
from huisuan.compute.metering.agent_usage.lease import Lease, Leases
from huisuan.compute.models import FINAL_STATES, Accelerator, Centre, Restoration

#: A placement is written down with its reasons; a job knows its last one by itself. A run is over when the platform
#: heard of its end, or placed the job anew.
LEASES = """
SELECT j.uid, coalesce(d.lease, j.lease), coalesce(d.run, j.run),
    floor(extract(epoch FROM coalesce(d.at, j.placed_at)))::bigint, ceil(extract(epoch FROM over.at))::bigint,
    coalesce(d.accelerator_id, j.accelerator_id),
    j.cards, CASE WHEN d.lease IS NULL OR d.lease = j.lease THEN j.partition ELSE '' END,
    j.submitted_by, j.party_id, p.uscc, j.array_index, extract(epoch FROM j.submitted_at)::bigint, a.model
FROM compute_job j JOIN parties_party p ON p.id = j.party_id
LEFT JOIN compute_placementdecision d ON d.job_id = j.uid AND d.centre_id = %(centre)s
LEFT JOIN LATERAL (
    SELECT min(at) AS at FROM (
        SELECT e.at FROM compute_jobevent e WHERE e.job_id = j.uid AND e.lease = coalesce(d.lease, j.lease)
          AND (e.state = ANY(%(final)s) OR e.run > coalesce(d.run, j.run))
        UNION ALL SELECT n.at FROM compute_placementdecision n
        WHERE n.job_id = j.uid AND n.lease > coalesce(d.lease, j.lease)
    ) AS ends
) AS over ON true
JOIN compute_accelerator a ON a.id = coalesce(d.accelerator_id, j.accelerator_id)
WHERE j.uid = ANY(%(uids)s) AND (d.id IS NOT NULL
    OR j.centre_id = %(centre)s AND j.accelerator_id IS NOT NULL AND j.placed_at IS NOT NULL)
"""
_FINAL = [str(state) for state in FINAL_STATES]
_KNOWN = "SELECT uid FROM compute_job WHERE uid = ANY(%s)"


def load_leases(centre: Centre, uids: Iterable[str]) -> Leases:
    """What the platform knows of these jobs, however many they are, by one question."""
    asked = list(set(uids))
    with connection.cursor() as cursor:
        cursor.execute(LEASES, {"centre": centre.pk, "uids": asked, "final": _FINAL})
        here = {(row[0], row[1]): Lease(*row) for row in cursor.fetchall()}
        placed = {uid for uid, _ in here}
        strange = [uid for uid in asked if uid not in placed]
        cursor.execute(_KNOWN, [strange])
        known = {uid for (uid,) in cursor.fetchall()}
    after_backup = _restoration_note() if strange else ""
    elsewhere = {
        uid: f"作业 {uid} 从未调度到智算中心 {centre.code}" if uid in known else f"平台没有作业 {uid}{after_backup}"
        for uid in strange
    }
    names = {
        (partition.accelerator_id, name.lower())
        for partition in centre.partitions.all()
        for name in partition.local_names
    }
    cards = {row[0]: Card(*row) for row in Accelerator.objects.values_list("id", "model", "vendor")}
    return Leases(here, elsewhere, cards, frozenset(names))


def _restoration_note() -> str:
    """What to say of a job that the platform does not know, where it may have come after a backup."""
    last = Restoration.objects.first()
    if last is None:
        return ""
    made = last.backup_made_at.astimezone(SHANGHAI)
    return f"（平台恢复自 {made:%Y-%m-%d %H:%M:%S} 的备份，其后提交的作业没有记录；原行留存，待人核对后答复）"
