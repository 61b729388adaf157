"""Django's handle on the room."""

from __future__ import annotations

from django.apps import AppConfig


class OpenData(AppConfig):
    """The list of open data."""

    name = "huisuan.opendata"
    label = "opendata"
