"""Django's handle on the room."""

from __future__ import annotations

from django.apps import AppConfig


class Treasury(AppConfig):
    """The ledger."""

    name = "huisuan.treasury"
    label = "treasury"
