"""What the server runs: the relay, once Django knows its database."""

from __future__ import annotations

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "huisuan.serving.settings")
django.setup()


def _made() -> object:
    from huisuan.compute.sessions.relay.application import make_relay  # only now: it needs Django set up

    return make_relay()


application = _made()
