"""The nodes that an agent sees, as the platform keeps them: what is there now, and the most and least of each day."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import connection

from huisuan.base.months import SHANGHAI
from huisuan.compute.accelerators import Unmetered
from huisuan.compute.accelerators.registry import load_card_names
from huisuan.compute.models import Accelerator, Centre, CentreNode
from huisuan.protocol.agent import SeenNode

SIGHTING = """
    INSERT INTO compute_capacitysighting (centre_id, day, accelerator_id, most, least_up)
    SELECT centre_id, %s, accelerator_id, sum(cards), coalesce(sum(cards) FILTER (WHERE state = 'up'), 0)
    FROM compute_centrenode WHERE centre_id = ANY(%s) AND accelerator_id IS NOT NULL GROUP BY centre_id, accelerator_id
    ON CONFLICT (centre_id, day, accelerator_id) DO UPDATE SET
        most = greatest(compute_capacitysighting.most, excluded.most),
        least_up = least(compute_capacitysighting.least_up, excluded.least_up)
"""


def replace_nodes(centre: Centre, nodes: Sequence[SeenNode], now: datetime) -> None:
    """Replace the centre's nodes and record the day's capacity. Must run in a transaction."""
    kinds = {(node.local_card, node.partition) for node in nodes}
    cards = _accelerators(centre, kinds)
    rows = {
        (node.name, node.partition, node.local_card): CentreNode(
            centre=centre, name=node.name, partition=node.partition, local_card=node.local_card,
            accelerator_id=cards[node.local_card, node.partition], cards=node.cards, used=node.used,
            state=node.state, seen_at=now,
        )
        for node in nodes
    }  # fmt: skip
    CentreNode.objects.bulk_create(
        rows.values(), batch_size=2000, update_conflicts=True,
        unique_fields=["centre", "name", "partition", "local_card"],
        update_fields=["accelerator", "cards", "used", "state", "seen_at"],
    )  # fmt: skip
    CentreNode.objects.filter(centre=centre).exclude(seen_at=now).delete()
    record_daily_capacity([centre.pk], now)


def record_daily_capacity(centres: Sequence[int], now: datetime) -> None:
    """Note on the day (Shanghai) how many cards of each model the agents of these centres see."""
    with connection.cursor() as cursor:
        cursor.execute(SIGHTING, [now.astimezone(SHANGHAI).date(), list(centres)])


def _accelerators(centre: Centre, kinds: set[tuple[str, str]]) -> dict[tuple[str, str], int | None]:
    """The accelerator behind each scheduler's name; None where it means none, or several."""
    models = {accelerator.model.lower(): accelerator.pk for accelerator in Accelerator.objects.all()}
    names = load_card_names(centre)
    found: dict[tuple[str, str], int | None] = {}
    for local, partition in kinds:
        try:
            found[local, partition] = models.get(local.lower()) or names.named(local, partition).id
        except Unmetered:
            found[local, partition] = None
    return found
