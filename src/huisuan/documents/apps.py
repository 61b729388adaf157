"""Django's handle on the room."""

from __future__ import annotations

from django.apps import AppConfig


class Documents(AppConfig):
    """Official documents."""

    name = "huisuan.documents"
    label = "documents"
