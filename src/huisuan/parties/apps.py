"""Django's handle on the room."""

from __future__ import annotations

from django.apps import AppConfig
from django.db.models.signals import post_migrate

from huisuan.parties.catalogue import load_regions


class Parties(AppConfig):
    """Parties, people, relations."""

    name = "huisuan.parties"

    def ready(self) -> None:
        """Load the list of regions after migrations."""
        post_migrate.connect(load_regions, sender=self)
