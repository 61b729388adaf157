"""Django's handle on the room."""

from __future__ import annotations

from django.apps import AppConfig


class Bulletins(AppConfig):
    """Drafts, reviews and issues."""

    name = "huisuan.bulletins"
    label = "bulletins"
