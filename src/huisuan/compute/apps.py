"""Django's handle on the room."""

from __future__ import annotations

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class Compute(AppConfig):
    """Centres, jobs, usage."""

    name = "huisuan.compute"

    def ready(self) -> None:
        """Load the catalogue of accelerators after migrations."""
        from huisuan.compute.accelerators.registry import load_accelerators

        post_migrate.connect(load_accelerators, sender=self)
