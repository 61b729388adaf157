"""Django's handle on the room."""

from __future__ import annotations

from django.apps import AppConfig


class Messages(AppConfig):
    """Messages to people; `messages` itself is the label of Django's own flash messages."""

    name = "huisuan.messages"
    label = "inbox"
