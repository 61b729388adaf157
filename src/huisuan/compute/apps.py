"""Django's handle on the room."""

from __future__ import annotations

from django.apps import AppConfig
from django.db.models.signals import post_migrate

from huisuan.compute.accelerators.catalogue import load_accelerators


class Compute(AppConfig):
    """Centres, jobs, usage."""

    name = "huisuan.compute"

    def ready(self) -> None:
        """Load the catalogue of accelerators after migrations."""
        post_migrate.connect(load_accelerators, sender=self)
