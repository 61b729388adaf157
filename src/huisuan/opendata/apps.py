"""Django's handle on the room."""

from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class OpenData(AppConfig):
    """The list of open data."""

    name = "huisuan.opendata"
    label = "opendata"

    def ready(self) -> None:
        """Keep the arrows of the gate in the database as the table here has them, after migrations."""
        post_migrate.connect(_store_arrows, sender=self)


def _store_arrows(**_: Any) -> None:
    from huisuan.opendata.gate_arrows import ARROWS
    from huisuan.opendata.models import GateArrow

    GateArrow.objects.bulk_create(
        (GateArrow(action=one[0], from_state=one[1], to_state=one[2], duty=one[3]) for one in ARROWS),
        ignore_conflicts=True,
    )
