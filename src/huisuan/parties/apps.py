"""Django's handle on the room."""

from __future__ import annotations

from django.apps import AppConfig
from django.contrib.auth.signals import user_logged_in
from django.db.models.signals import post_migrate

from huisuan.parties.identity.sessions import note_session_start
from huisuan.parties.regions import load_regions


class Parties(AppConfig):
    """Parties, people, relations."""

    name = "huisuan.parties"

    def ready(self) -> None:
        """Load the list of regions after migrations; note when a session begins."""
        post_migrate.connect(load_regions, sender=self)
        user_logged_in.connect(note_session_start, dispatch_uid="huisuan.parties.identity.sessions")
