"""Which runs a centre was ever given, and what of a usage line can be checked against that."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from django.db import connection

from huisuan.base.months import SHANGHAI
from huisuan.compute.accelerators import FAMILIES, Card, is_of_family, name_words
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
FINAL = [str(each) for each in FINAL_STATES]
KNOWN = "SELECT uid FROM compute_job WHERE uid = ANY(%s)"


@dataclass(frozen=True, slots=True)
class Lease:
    """One placement of a job at the centre, with what stays the same for all its records; times in UTC seconds.

    `placed` and `until` by the platform's clock; `until` None: the run is not over, as far as the platform knows.
    """

    uid: str
    lease: int
    run: int
    placed: int
    until: int | None
    accelerator: int
    cards: int
    partition: str
    user: str
    party_id: int
    party: str
    array_index: int | None
    submitted: int
    model: str


@dataclass(frozen=True)
class Leases:
    """The leases of the jobs that some lines speak of, by uid and number; and the cards, by id."""

    here: dict[tuple[str, int], Lease]
    elsewhere: dict[str, str]  # uid -> why it has none here
    cards: dict[int, Card]
    local_names: frozenset[tuple[int, str]]  # accelerator, name: what the centre's scheduler calls it
    may: dict[tuple[str, int], bool] = field(default_factory=dict)  # answers of `may_mean`

    def of(self, uid: str, lease: int) -> Lease | str:
        """The lease, or why there is none."""
        return self.here.get((uid, lease)) or self.elsewhere.get(uid) or f"作业 {uid} 没有第 {lease} 次调度到本中心"

    def may_mean(self, local: str, accelerator: int) -> bool:
        """Whether a scheduler's name for a card can stand for this model: given to it here, its own, or a bare gpu."""
        known = self.may.get((local, accelerator))
        if known is None:
            known = self.may[local, accelerator] = self._may_mean(local.lower(), self.cards[accelerator])
        return known

    def _may_mean(self, name: str, card: Card) -> bool:
        if not name or (card.id, name) in self.local_names:
            return True
        if name in FAMILIES:
            return is_of_family(card, name)
        return "".join(name_words(name)) == "".join(name_words(card.model)) or card.answers_to(name)


def load_leases(centre: Centre, uids: Iterable[str]) -> Leases:
    """What the platform knows of these jobs, however many they are, by one question."""
    asked = list(set(uids))
    with connection.cursor() as cursor:
        cursor.execute(LEASES, {"centre": centre.pk, "uids": asked, "final": FINAL})
        here = {(row[0], row[1]): Lease(*row) for row in cursor.fetchall()}
        placed = {uid for uid, _ in here}
        strange = [uid for uid in asked if uid not in placed]
        cursor.execute(KNOWN, [strange])
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
