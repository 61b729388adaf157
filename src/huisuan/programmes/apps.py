"""Django's handle on the room."""

from __future__ import annotations

from django.apps import AppConfig


class Programmes(AppConfig):
    """Drafts of applications and their evidence."""

    name = "huisuan.programmes"
